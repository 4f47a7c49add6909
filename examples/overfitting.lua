-- Too much learning: a large network sees few pictures so often that it knows them by heart. Its loss on them goes
-- towards nothing; on pictures that it does not learn from, the validation pictures, it becomes worse again.
--   fnet examples/overfitting.lua
-- Look at: where the two curves part, and the epoch at which the one of the validation pictures is lowest.
-- Change next: --pictures 5000, from which there is more to learn: how low does the validation curve come?
-- --units 8 leaves less room for knowing by heart; --dropout 0.5 switches half of the units off, others each time.

local fnet = require "fnet"
local nn, optim, data, report = fnet.nn, fnet.optim, fnet.data, fnet.report

local options = fnet.options(arg, "Shows how the losses on training and on other pictures part.", {
  { "pictures", 500, "pictures to learn from", low = 1, high = 50000 },
  { "units", 256, "units of the hidden layer", low = 1 },
  { "dropout", 0.0, "share of the hidden units that each step does without", low = 0, high = 0.99 },
  { "epochs", 40, "passes over these pictures", low = 1 },
  { "seed", 1, "start of all random numbers" },
  { "data", "", "directory of the four IDX files", value = "DIR" },
})

fnet.seed(options.seed)
local all = data.fashion_mnist { dir = options.data ~= "" and options.data or nil }
local few, rest = all:split(options.pictures)
local valid = rest:slice(1, math.min(2000, #rest)) -- never learnt from

local model = nn.Sequential {
  nn.Flatten(), nn.Dense(784, options.units), nn.ReLU(), nn.Dropout(options.dropout),
  nn.Dense(options.units, 10), nn.Softmax(),
}
local history = fnet.fit(model, {
  train = few, valid = valid, epochs = options.epochs, loss = nn.cross_entropy, optim = optim.Adam,
  callbacks = report.training { curve = false }, -- drawn below, larger
})

print(report.plot({ training = history.loss, validation = history.valid_loss }, {
  title = ("the loss on %d pictures, and on %d others"):format(#few, #valid), x_label = "epoch",
}))
local best = 1
for epoch, loss in ipairs(history.valid_loss) do
  if loss < history.valid_loss[best] then best = epoch end
end
print(("\nthe validation loss was lowest after epoch %d: %.3f, at the end it is %.3f"):format(best,
  history[best].valid_loss, history[#history].valid_loss))
print(("accuracy at the end: %.1f%% of the pictures it learnt from, %.1f%% of the others"):format(
  100 * nn.accuracy(model, few), 100 * nn.accuracy(model, valid)))
