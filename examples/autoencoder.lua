-- An autoencoder: a network squeezes each picture of Fashion-MNIST into a few numbers and draws it again from them.
-- It learns from the pictures alone, without labels, with fnet.fit.
--   fnet examples/autoencoder.lua --help

local fnet = require "fnet"
local nn, optim, data, report = fnet.nn, fnet.optim, fnet.data, fnet.report

local options = fnet.options(arg, "Squeezes pictures of clothes into a few numbers and draws them again.", {
  { "epochs", 5, "passes over the training pictures", low = 0 },
  { "batch", 64, "pictures a step", low = 1 },
  { "code", 16, "numbers that a picture is squeezed into", low = 1 },
  { "show", 3, "test pictures that are drawn", low = 0, high = 100 },
  { "seed", 1, "start of all random numbers" },
  { "data", "", "directory of the four IDX files", value = "DIR" },
  { "json", false, "one line of JSON an epoch and for the result" },
})
local function say(...) if not options.json then print(string.format(...)) end end

fnet.seed(options.seed)
local train, test = data.fashion_mnist { dir = options.data ~= "" and options.data or nil }

-- The target of a picture is the picture. Both stay bytes until they are used.
local function with_itself(set) return data.Dataset { x = set.x, y = set.x, scale = set.scale } end
local function loss(output, pictures) return nn.mse(output, pictures:flatten(2):float() * train.scale) end

local model = nn.Sequential {
  nn.Flatten(),
  nn.Dense(784, 128, { init = "he_normal" }), nn.ReLU(),
  nn.Dense(128, options.code),
  nn.Dense(options.code, 128, { init = "he_normal" }), nn.ReLU(),
  nn.Dense(128, 784), nn.Sigmoid(),
}
say("%s\n", model:summary())

fnet.fit(model, {
  train = with_itself(train), loss = loss, optim = optim.Adam, epochs = options.epochs, batch = options.batch,
  callbacks = report.training { json = options.json },
})

local test_loss = fnet.evaluate(model, with_itself(test), { loss = loss }).loss
for i = 1, math.min(options.show, #test) do
  local picture, label = test:sample(i)
  local drawn = fnet.predict(model, picture):reshape { 28, 28 }
  say("%s: the picture, and drawn again from %d numbers\n%s\n", test.classes[label], options.code,
    report.picture(fnet.concat({ picture, drawn }, 2)))
end
say("test loss %.5f (mean squared error a pixel, 0 to 1)\nweights sha256 %s", test_loss, model:sha256())
if options.json then print(report.json { { "test_loss", test_loss }, { "weights_sha256", model:sha256() } }) end
