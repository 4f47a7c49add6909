-- fnet in the comparison of convolutions: peers_conv.lua THREADS. Prints "ready VERSION", then answers each line
-- that it reads, which names a convolution of 32 pictures and what is wanted of it: y, or the gradient dw or dx.
--   check INPUTS UNITS SIDE KERNEL PASS WAY  numbers that PyTorch's must be like
--   time INPUTS UNITS SIDE KERNEL PASS WAY   seconds
-- Of its ways fnet has one. peers_conv_worker.py is PyTorch's side, from the same numbers.

local core = require "fnet.core"
local fnet = require "fnet"
local seconds_a_call = require "tests.bench.peers_clock"

local PICTURES, ENOUGH = 32, 0.05 -- seconds that are measured at once, at least

-- The same numbers for both, from -0.5 to 0.5.
local function numbers(shape, factor)
  local list, count = {}, 1
  for _, length in ipairs(shape) do count = count * length end
  for i = 0, count - 1 do list[i + 1] = i * factor % 1009 / 1009 - 0.5 end
  return fnet.tensor(list):reshape(shape)
end

local function new_pass(inputs, units, side, kernel, pass)
  local x, w = numbers({ PICTURES, side, side, inputs }, 389), numbers({ kernel, kernel, inputs, units }, 577)
  local dy, pad = numbers({ PICTURES, side, side, units }, 751), kernel // 2
  local runs = {
    y = function() return core.conv2d(x, w, nil, nil, 1, 1, pad, pad, pad, pad, 1) end,
    dw = function() return core.conv2d_weight(x, dy, kernel, kernel, 1, 1, pad, pad, pad, pad, 1) end,
    dx = function() return core.conv2d_input(dy, w, side, side, 1, 1, pad, pad, pad, pad, 1) end,
  }
  return assert(runs[pass], "no pass " .. pass)
end

-- Nine numbers of a tensor from its first to its last element, and the mean of all absolute values.
local function samples(t)
  local flat, list = t:reshape { -1 }, {}
  for k = 0, 8 do list[k + 1] = ("%.9g"):format(flat[1 + (#flat - 1) * k // 8]) end
  list[10] = ("%.9g"):format(flat:abs():mean():item())
  return table.concat(list, " ")
end

local threads = math.tointeger(tonumber(arg[1]))
assert(threads, "usage: fnet peers_conv.lua THREADS")
fnet.threads(threads)
local function whole(text) return (assert(math.tointeger(tonumber(text)), "no number " .. text)) end

local clock, asked, run = threads == 1 and os.clock or fnet.clock, nil, nil

io.stdout:setvbuf "line"
print(("ready %s, numerics %d, %s"):format(fnet.version, fnet.numerics, fnet.isa()))
for line in io.lines() do
  local request, case = line:match "^(%a+) (%d+ %d+ %d+ %d+ %a+)"
  if case ~= asked then
    local inputs, units, side, kernel, pass = case:match "(%d+) (%d+) (%d+) (%d+) (%a+)"
    asked, run = case, new_pass(whole(inputs), whole(units), whole(side), whole(kernel), pass)
  end
  if request == "check" then
    print(samples(run()))
  else
    print(("%.9g"):format(seconds_a_call(function() run():release() end, ENOUGH, clock)))
  end
end
