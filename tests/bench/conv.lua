--- Convolutions of 3 x 3 against the multiply-add limit: the output y, and the gradients dx and dw.

local core = require "fnet.core"
local fnet = require "fnet"
local machine = require "tests.bench.machine"

local conv = {}

local BATCH = 32
-- Channels in and out, side of the pictures. The bars are for large pictures; a first layer needs no dx.
local CASES = { { 32, 32, 28 }, { 64, 64, 28 }, { 64, 64, 14 }, { 128, 128, 7 }, { 1, 32, 28, first = true } }
local SECONDS = 0.01 -- of one measurement, at least

-- Operations a second, two a multiply-add; what lies beyond an edge counts as if it were in the picture.
local function rate(case, run)
  local clock = fnet.clock
  local started = clock()
  for _ = 1, case.calls do run():release() end
  return case.work * case.calls / (clock() - started)
end

local function new_case(inputs, units, side)
  local x, w = fnet.rand { BATCH, side, side, inputs }, fnet.rand { 3, 3, inputs, units }
  local bias, dy = fnet.rand { units }, fnet.rand { BATCH, side, side, units }
  local case = { calls = 1, work = 2 * BATCH * side ^ 2 * 9 * inputs * units }
  case.passes = {
    { "y", function() return core.conv2d(x, w, bias, nil, 1, 1, 1, 1, 1, 1, 1) end },
    { "dw", function() return core.conv2d_weight(x, dy, 3, 3, 1, 1, 1, 1, 1, 1, 1) end },
    { "dx", function() return core.conv2d_input(dy, w, side, side, 1, 1, 1, 1, 1, 1, 1) end },
  }
  return case
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, isas: string[]} isas: fastest first
function conv.measure(figures, options)
  local isa, available = options.isas[1], fnet.threads()
  fnet.isa(isa)
  for _, threads in ipairs { 1, available > 1 and 2 or nil } do
    fnet.threads(threads)
    for _, sizes in ipairs(CASES) do
      local case = new_case(table.unpack(sizes))
      for number, pass in ipairs(case.passes) do
        if number < 3 or not sizes.first then
          rate(case, pass[2]) -- takes the memory
          case.calls = 1
          case.calls = math.max(1, math.ceil(SECONDS * rate(case, pass[2]) / case.work))
          local rates, limits = {}, {}
          for run = 1, options.runs do
            limits[run], rates[run] = machine.multiply_adds(isa, threads) / 1e9, rate(case, pass[2]) / 1e9
          end
          figures:add { section = "convolutions of 3 x 3, against the multiply-adds",
            name = ("%d to %d, %d x %d, %s"):format(sizes[1], sizes[2], sizes[3], sizes[3], pass[1]),
            unit = "GFLOP/s", values = rates, limits = limits, isa = isa, threads = threads,
            bar = not sizes.first and sizes[3] == 28 and 0.6 or nil, at_least = true }
        end
      end
    end
  end
  fnet.threads(available)
end

return conv
