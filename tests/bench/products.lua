--- Matrix products: squares against the multiply-add limit, and odd neighbours (one more, one less) against
-- the even size, per operation. What other libraries make of the same products, bench-peers shows.

local fnet = require "fnet"
local machine = require "tests.bench.machine"

local products = {}

local SIZES = { 64, 128, 256, 512, 1024, 2048 }
local SECONDS = 0.01 -- of one measurement, at least, unless one product takes longer

-- Operations a second of the product of two squares.
local function rate(case)
  local a, b, clock = case.a, case.b, fnet.clock
  local started = clock()
  for _ = 1, case.calls do a:matmul(b):release() end
  return 2 * case.size ^ 3 * case.calls / (clock() - started)
end

local function new_case(size)
  local case = { size = size, calls = 1, rates = {} }
  case.a, case.b = fnet.rand { size, size }, fnet.rand { size, size }
  rate(case) -- takes the memory
  case.calls = math.max(1, math.ceil(SECONDS * rate(case) / (2 * size ^ 3)))
  return case
end

local function quotients(a, b)
  local list = {}
  for i, value in ipairs(a) do list[i] = value / b[i] end
  return list
end

local function measure_size(figures, runs, isa, threads, size)
  local limits, cases = {}, {}
  for i, n in ipairs { size, size - 1, size + 1 } do cases[i] = new_case(n) end
  for run = 1, runs do
    limits[run] = machine.multiply_adds(isa, threads) / 1e9
    for _, case in ipairs(cases) do case.rates[run] = rate(case) / 1e9 end
  end
  figures:add { section = "products of squares, against the multiply-adds",
    name = ("%d x %d"):format(size, size), unit = "GFLOP/s", values = cases[1].rates, limits = limits,
    isa = isa, threads = threads }
  for _, odd in ipairs { cases[2], cases[3] } do
    figures:add { section = "products of odd squares, speed against the even size",
      name = ("%d x %d"):format(odd.size, odd.size), unit = "times",
      values = quotients(odd.rates, cases[1].rates), bar = 0.9, at_least = true, isa = isa,
      threads = threads }
  end
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, isas: string[]} isas: fastest first
function products.measure(figures, options)
  local isa, available = options.isas[1], fnet.threads()
  fnet.isa(isa)
  for _, threads in ipairs { 1, available > 1 and 2 or nil } do
    fnet.threads(threads)
    for _, size in ipairs(SIZES) do measure_size(figures, options.runs, isa, threads, size) end
  end
  fnet.threads(available)
end

return products
