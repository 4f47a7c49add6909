-- How many units? The same network with 1, 2, 4, ... 64 hidden units learns the clothes, each with three seeds,
-- because one run says little: another seed gives another result.
--   fnet examples/units.lua
-- Look at: how much each doubling brings, and how little after a while; what stands behind ± tells which
-- differences are more than chance.
-- Change next: --pictures 20000, because more units want more pictures; --seeds 10 leaves less to chance.

local fnet = require "fnet"
local nn, optim, data, report = fnet.nn, fnet.optim, fnet.data, fnet.report

local options = fnet.options(arg, "Compares numbers of hidden units, several seeds each.", {
  { "pictures", 3000, "pictures to learn from", low = 1, high = 60000 },
  { "seeds", 3, "runs of each number of units", low = 1 },
  { "epochs", 5, "passes over these pictures", low = 1 },
  { "most", 64, "units of the largest network", low = 1, high = 4096 },
  { "seed", 1, "the first seed" },
  { "data", "", "directory of the four IDX files", value = "DIR" },
})

fnet.seed(options.seed)
local train, test = data.fashion_mnist { dir = options.data ~= "" and options.data or nil }
train = train:slice(1, math.min(options.pictures, #train))

local sizes, seeds = {}, {}
for power = 0, math.floor(math.log(options.most, 2)) do sizes[power + 1] = 1 << power end
for i = 1, options.seeds do seeds[i] = options.seed + i - 1 end

local sweep = fnet.sweep {
  units = sizes, seeds = seeds, callback = report.sweep,
  run = function(settings)
    local model = nn.Sequential {
      nn.Flatten(), nn.Dense(784, settings.units), nn.ReLU(), nn.Dense(settings.units, 10), nn.Softmax(),
    }
    fnet.fit(model, { train = train, loss = nn.cross_entropy, optim = optim.Adam, epochs = options.epochs })
    return 100 * nn.accuracy(model, test) -- percent of pictures that it has never seen
  end,
}
print(sweep)

local curve = { x = sizes, y = {}, low = {}, high = {} }
for i, row in ipairs(sweep.rows) do
  local deviation = row.deviation or 0 -- none of a single run
  curve.y[i], curve.low[i], curve.high[i] = row.mean, row.mean - deviation, row.mean + deviation
end
print("\n" .. report.plot({ ["mean ± sd"] = curve }, {
  title = "test accuracy in percent", x_label = "hidden units", log = "x",
}))
