-- Stripes that lie or stand: draw one on the page, and see what the network takes it for.

local fnet = require "fnet"
local nn = fnet.nn

fnet.seed(1)
local pictures, labels = fnet.rand { 240, 8, 8 } * 0.3, {}
for i = 1, 240 do
  labels[i] = i % 2 + 1
  local picture, line = pictures[i], i // 2 % 8 + 1
  for k = 1, 8 do
    local row, column = line, k
    if labels[i] == 2 then row, column = k, line end
    picture[row][column] = picture[row][column] + 0.7
  end
end
local set = fnet.data.Dataset { x = pictures, y = fnet.tensor(labels, "int32"), classes = { "lies", "stands" } }
local model = nn.Sequential { nn.Flatten(), nn.Dense(64, 12), nn.ReLU(), nn.Dense(12, 2), nn.Softmax() }
fnet.fit(model, {
  train = set, loss = nn.cross_entropy, optim = fnet.optim.Adam(model:parameters(), { lr = 0.01 }), epochs = 30,
})
print("accuracy " .. fnet.report.accuracy(nn.evaluate(model, set)))
assert(model:export_html("stripes.html", { data = set, title = "Stripes" }))
