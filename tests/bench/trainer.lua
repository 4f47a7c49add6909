--- Trains a network for some steps, in one process or in several that share its shards, and prints, as a line, the
-- number of processes, the median of the seconds of a step, the seconds that a tenth of them stay below, and the
-- weights' sha256.

local figures = require "tests.bench.figures"
local fnet = require "fnet"
local networks = require "tests.bench.networks"

local options = fnet.options(arg, "Measures the steps of a training, from the project's directory.", {
  { "network", "lesson", "one of " .. table.concat(networks.names, ", ") },
  { "batch", 512, "pictures a step, of all processes together", low = 1 },
  { "shards", 0, "parts of a batch; 0: it is not cut", low = 0 },
  { "steps", 50, "how many are measured", low = 1 },
})

local train = fnet.data.fashion_mnist()
local seconds, sha256 = networks.steps(options.network, train, { batch = options.batch, steps = options.steps,
  shards = options.shards > 0 and options.shards or nil })
local number, count = fnet.processes()
if number == 1 then
  print(("%d %.9f %.9f %s"):format(count, figures.median(seconds), figures.quantile(seconds, 0.1), sha256))
end
