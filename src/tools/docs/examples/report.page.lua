-- Stripes that lie or stand: a small network learns them, and the page shows how.

local fnet = require "fnet"
local nn = fnet.nn

fnet.seed(1)
local pictures, labels = fnet.rand { 240, 8, 8 } * 0.6, {}
for i = 1, 240 do
  labels[i] = i % 2 + 1
  local picture, line = pictures[i], i // 2 % 8 + 1
  for k = 1, 8 do
    local row, column = line, k
    if labels[i] == 2 then row, column = k, line end
    picture[row][column] = picture[row][column] + 0.4
  end
end
local set = fnet.data.Dataset { x = pictures, y = fnet.tensor(labels, "int32"), classes = { "lies", "stands" } }
local train, test = set:split(0.75)
local model = nn.Sequential { nn.Flatten(), nn.Dense(64, 12), nn.ReLU(), nn.Dense(12, 2), nn.Softmax() }
local history = fnet.fit(model, {
  train = train, valid = test, loss = nn.cross_entropy, optim = fnet.optim.Adam(model:parameters(), { lr = 0.01 }),
  metrics = { accuracy = fnet.metrics.accuracy }, epochs = 20,
})
assert(fnet.report.page("run.html", { history, model, test, title = "Stripes" }))
