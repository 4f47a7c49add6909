-- A forecast of a series of numbers: an LSTM (Hochreiter and Schmidhuber, 1997) reads 24 of them and says the next.
--   fnet examples/recipes/forecast.lua

local fnet = require "fnet"
local nn, data, optim = fnet.nn, fnet.data, fnet.optim

-- A series with a day, a week and chance, as the use of electricity has.
fnet.seed(1)
local series, chance = {}, fnet.randn { 1500 }
for hour = 1, 1500 do
  local day, week = math.sin(2 * math.pi * hour / 24), math.sin(2 * math.pi * hour / 168)
  series[hour] = day * (1 + 0.5 * week) + 0.1 * chance[hour]
end
series = fnet.tensor(series)

-- Windows of 24 numbers, and the number after each.
local windows = {}
for first = 1, 1500 - 24 do windows[first] = series:slice(1, first, first + 23) end
local all = data.Dataset { x = fnet.stack(windows):unsqueeze(3), y = series:slice(1, 25):unsqueeze(2) }
local train, test = all:slice(1, 1200), all:slice(1201, #all) -- the end of the series is the test

local model = nn.Sequential { nn.LSTM(1, 16, { last = true }), nn.Dense(16, 1) }
fnet.fit(model, {
  train = train, epochs = 8, loss = nn.mse, optim = optim.Adam(model:parameters(), { lr = 0.01 }), clip = 1,
})
local function error_of(said) return nn.mse(said, test.y):sqrt():item() end
print(("error of the forecast: %.2f"):format(error_of(fnet.predict(model, test.x))))
print(("as one hour ago: %.2f"):format(error_of(test.x:select(2, 24))))
print(("as one day ago: %.2f"):format(error_of(test.x:select(2, 1))))
print "chance alone: 0.10"

-- prints:
-- error of the forecast: 0.12
-- as one hour ago: 0.23
-- as one day ago: 0.25
-- chance alone: 0.10
