-- Invents the table that examples/tabular.lua learns from: fnet examples/houses.lua > examples/houses.csv
-- The prices, in thousands, follow a formula with noise; a few fields are missing, as they are in life.

local fnet = require "fnet"

local options = fnet.options(arg, "Invents a table of houses, as CSV.", {
  { "count", 600, "houses", low = 1 },
  { "seed", 2026, "start of all random numbers" },
})

fnet.seed(options.seed)
local COUNT = options.count
local DISTRICTS = { { "Harbour", 1.5 }, { "Old Town", 1.8 }, { "Hillside", 1.2 }, { "Mill Lane", 0.9 } }
local uniform, noise = fnet.rand({ COUNT, 5 }), fnet.randn { COUNT, 3 }

print "area,rooms,age,district,price,sold"
for i = 1, COUNT do
  local u, n = uniform[i]:totable(), noise[i]:totable()
  local area = 40 + 160 * u[1] ^ 1.5
  local rooms = math.max(1, math.floor(area / 28 + n[1] * 0.7 + 0.5))
  local age = math.floor(100 * u[2] ^ 2)
  local district = DISTRICTS[math.floor(u[3] * #DISTRICTS) + 1]
  local fair = district[2] * area * 1.6 * (1 - 0.3 * age / 100) + 6 * rooms + 20
  local price = fair * math.exp(0.08 * n[2])
  local fast = price < fair * (1 + 0.03 * n[3])
  print(("%s,%d,%s,%s,%.1f,%s"):format(u[4] < 0.02 and "" or ("%.0f"):format(area), rooms,
    u[5] < 0.02 and "NA" or age, district[1], price, fast and "fast" or "slow"))
end
