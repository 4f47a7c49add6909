-- Early stopping: the training ends when the loss of pictures that it does not learn from has not fallen for some
-- epochs, and the model has the weights of the best one.
--   fnet examples/recipes/early_stopping.lua

local fnet = require "fnet"
local nn, data = fnet.nn, fnet.data

fnet.seed(1)
local pictures = data.fashion_mnist()
local train, valid = pictures:slice(1, 400), pictures:slice(401, 600)
local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 128, { activation = "relu" }), nn.Dense(128, 10) }

local history = fnet.fit(model, {
  train = train, valid = valid, epochs = 200, loss = nn.cross_entropy, optim = fnet.optim.Adam,
  early_stopping = { patience = 10 }, -- monitor = "valid_accuracy", goal = "max" would watch the accuracy
})
local now = fnet.evaluate(model, valid, { loss = nn.cross_entropy }).loss
print(history.stopped)
print(("loss of the training pictures: %.3f in the best epoch, %.3f in the last"):format(history.loss[history.best],
  history.loss[#history]))
print(("loss of the others: %.3f in the best epoch, %.3f in the last, %.3f of the model as it is now"):format(
  history.valid_loss[history.best], history.valid_loss[#history], now))

-- prints:
-- stopped after epoch 34: valid_loss has not improved since epoch 24
-- loss of the training pictures: 0.104 in the best epoch, 0.056 in the last
-- loss of the others: 0.567 in the best epoch, 0.644 in the last, 0.567 of the model as it is now
