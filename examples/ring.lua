-- What does ReLU add? Points in the middle are of one class, those in a ring around them of the other. Two networks
-- learn to tell them apart; they differ in one layer: ReLU, which turns negative numbers into 0.
--   fnet examples/ring.lua
-- Look at: the border between dark, "middle", and bright, "ring". Without ReLU it stays a straight line, however
-- long the training; with ReLU it bends until it goes round the middle.
-- Change next: --units 2 cannot close the border, --units 3 only sometimes, with another --seed. Write nn.Tanh()
-- in place of nn.ReLU().

local fnet = require "fnet"
local nn, optim, report = fnet.nn, fnet.optim, fnet.report

local options = fnet.options(arg, "Draws the border between two classes as it is learnt, with and without ReLU.", {
  { "units", 16, "units of the hidden layer", low = 1 },
  { "steps", 200, "updates of the weights", low = 1 },
  { "seed", 1, "start of all random numbers" },
})
fnet.seed(options.seed)

-- 200 points, every second one in the ring: each has a direction, and a distance from the middle.
local points, labels, random = {}, {}, fnet.rand { 200, 2 }:totable()
local middle, ring = { x = {}, y = {}, points = true }, { x = {}, y = {}, points = true } -- for the drawing
for i, numbers in ipairs(random) do
  local is_ring = i % 2 == 0
  local angle, distance = 2 * math.pi * numbers[1], 0.5 * numbers[2] + (is_ring and 0.9 or 0)
  local x, y = distance * math.cos(angle), distance * math.sin(angle)
  points[i], labels[i] = { x, y }, is_ring and 2 or 1
  table.insert(is_ring and ring.x or middle.x, x)
  table.insert(is_ring and ring.y or middle.y, y)
end
points, labels = fnet.tensor(points), fnet.tensor(labels, "int32")
print(report.plot({ middle = middle, ring = ring }, { title = "the points" }))

-- All places of the plane, from -1.5 to 1.5: how likely "ring" is there makes a picture.
local SIZE, places = 32, {}
for row = 1, SIZE do
  for column = 1, SIZE do table.insert(places, { 3 * column / SIZE - 1.5, 1.5 - 3 * row / SIZE }) end
end
places = fnet.tensor(places)

local models = {
  nn.Sequential { nn.Dense(2, options.units), nn.Dense(options.units, 2), nn.Softmax() },
  nn.Sequential { nn.Dense(2, options.units), nn.ReLU(), nn.Dense(options.units, 2), nn.Softmax() },
}
local optimisers, pictures, captions = {}, {}, {}
for i, model in ipairs(models) do optimisers[i] = optim.Adam(model:parameters(), { lr = 0.03 }) end

for step = 0, options.steps do
  for i, model in ipairs(models) do
    if step == 0 or step == options.steps // 8 or step == options.steps then
      local right = 100 * fnet.metrics.accuracy(fnet.predict(model, points), labels)
      table.insert(pictures, fnet.predict(model, places):select(2, 2):reshape { SIZE, SIZE })
      table.insert(captions, ("%s ReLU, step %d: %.0f%% right"):format(i == 1 and "no" or "with", step, right))
    end
    local loss = nn.cross_entropy(model(points), labels)
    optimisers[i]:zero_grad()
    loss:backward()
    optimisers[i]:step()
  end
end
print "\nBright, or @: a network thinks of the ring; dark, or blank: of the middle.\n"
print(report.pictures(pictures, { captions = captions, columns = 2 }))
