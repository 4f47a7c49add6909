-- fnet in the comparison of steps, or the file from which PyTorch starts.
--   fnet peers_steps.lua write STEP FILE: the inputs and start values of a step, as safetensors
--   fnet peers_steps.lua serve STEP THREADS: prints "ready VERSION", then answers each line that it reads:
--     check WAY  numbers that PyTorch's must be like: samples of the first results, a ; between two tensors
--     time WAY   seconds of a step: with one thread the processor's, which no other program can lengthen much
-- peers_steps_torch.py has several ways of a step; fnet has one, of any name. peers_steps_worker.py understands the
-- same lines.

local fnet = require "fnet"
local steps = require "tests.bench.peers_steps_fnet"
local seconds_a_call = require "tests.bench.peers_clock"

local ENOUGH = 0.2 -- seconds that are measured at once, at least
local CHECKED = 3 -- steps, so that gradients and the optimiser show in the loss

local function make(name, checked)
  fnet.seed(1)
  return assert(steps[name], "no step " .. name)(checked)
end

-- Nine numbers of a tensor from its first to its last element, and the mean of all absolute values.
local function samples(t)
  local flat, list = t:detach():reshape { -1 }, {}
  for k = 0, 8 do list[k + 1] = ("%.9g"):format(flat[1 + (#flat - 1) * k // 8]) end
  list[10] = ("%.9g"):format(flat:abs():mean():item())
  return table.concat(list, " ")
end

local function check(name)
  local step, list = make(name, true), {}
  for i = 1, CHECKED do list[i] = samples(step.run()) end
  if step.watched then list[#list + 1] = samples(step.watched.grad) end
  return table.concat(list, ";")
end

if arg[1] == "write" then
  assert(fnet.write_tensors(arg[3], make(arg[2], true).tensors))
  return
end

local name, threads = arg[2], math.tointeger(tonumber(arg[3]))
assert(threads, "usage: fnet peers_steps.lua serve STEP THREADS")
fnet.threads(threads)
local clock, step = threads == 1 and os.clock or fnet.clock, nil
local answers = {
  check = function() return check(name) end,
  time = function()
    step = step or make(name, false)
    return ("%.9g"):format(seconds_a_call(step.run, ENOUGH, clock))
  end,
}

io.stdout:setvbuf "line"
print(("ready %s, numerics %d, %s"):format(fnet.version, fnet.numerics, fnet.isa()))
for line in io.lines() do print(assert(answers[line:match "^%a+"], "no request " .. line)()) end
