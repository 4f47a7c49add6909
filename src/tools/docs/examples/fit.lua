-- A line through points: Celsius becomes Fahrenheit.

local fnet = require "fnet"

fnet.seed(1)
local celsius = fnet.tensor { { -40 }, { -10 }, { 0 }, { 8 }, { 15 }, { 22 }, { 38 } }
local set = fnet.data.Dataset { x = celsius, y = celsius * 1.8 + 32 }
local model = fnet.nn.Dense(1, 1)
local adam = fnet.optim.Adam(model:parameters(), { lr = 0.5 })
local history = fnet.fit(model, { train = set, loss = fnet.nn.mse, optim = adam, epochs = 200, batch = 7 })
print(("loss %.4f, then %.4f"):format(history[1].loss, history[200].loss))
print(("100 degrees are %.1f"):format(model(fnet.tensor { 100 }):item()))
