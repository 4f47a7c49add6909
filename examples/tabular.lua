-- A table of numbers and names teaches two networks: one predicts a number (regression), one a class.
--   fnet examples/tabular.lua --help
-- examples/houses.csv is invented, by examples/houses.lua: nobody's data, free for any use.

local fnet = require "fnet"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

local beside = (arg[0] or ""):match "^(.*/)[^/]*$" or ""
local options = fnet.options(arg, "Predicts prices of houses, and which sell fast, from a CSV file.", {
  { "epochs", 60, "passes over the training records", low = 1 },
  { "seed", 1, "start of all random numbers" },
  { "file", beside .. "houses.csv", "the table; another one needs other names of columns here", value = "CSV" },
})

-- Reads the table with one column as the target, and standardises it with the statistics of the training part.
local function load(target, others)
  others.target, others.missing = target, "nan"
  local set, message = data.read_csv(options.file, others)
  if not set then
    io.stderr:write(message, "\n")
    os.exit(1, true)
  end
  local labels = set.classes ~= nil
  local train, test = set:split(0.8, { stratified = labels })
  local scaled = data.standardise(train, { targets = not labels })
  return scaled(train), scaled(test), scaled
end

local function train_model(model, loss_of, train)
  local opt = optim.Adam(model:parameters(), { lr = 0.01 })
  for epoch = 1, options.epochs do
    local total = 0
    for x, y in train:batches { size = 32, shuffle = true } do
      local loss = loss_of(model(x), y)
      opt:zero_grad()
      loss:backward()
      opt:step()
      total = total + loss:item() * #y
    end
    if epoch % 20 == 0 then print(("epoch %d  loss %.4f"):format(epoch, total / #train)) end
  end
end

-- The samples and targets of a whole data set.
local function whole(set) return set:batches { size = #set }() end

print "price: a regression"
fnet.seed(options.seed)
local train, test, scaled = load("price", {
  columns = { "area", "rooms", "age", "district" }, one_hot = "district",
})
local model = nn.Sequential { nn.Dense(#train.columns, 32), nn.ReLU(), nn.Dense(32, 1) }
train_model(model, nn.mse, train)

local x, y = whole(test)
local actual = scaled:restore(y)
local predicted = scaled:restore(fnet.predict(model, x))
local error_of_model = (predicted - actual):abs():mean():item()
local error_of_mean = (actual - scaled.target_mean:to "float32"):abs():mean():item()
print(("%d test records: off by %.1f on average; always saying the mean, by %.1f"):format(#test, error_of_model,
  error_of_mean))
for i = 1, 3 do print(("  predicted %6.1f  actual %6.1f"):format(predicted:get(i, 1), actual:get(i, 1))) end

print "\nsold: a classification"
fnet.seed(options.seed)
train, test = load("sold", { one_hot = "district", categorical = "sold" })
print(train:balance())
model = nn.Sequential { nn.Dense(#train.columns, 16), nn.ReLU(), nn.Dense(16, 2), nn.Softmax() }
train_model(model, nn.cross_entropy, train)
local result = nn.evaluate(model, test)
print("test accuracy " .. fnet.report.accuracy(result))
for _, class in ipairs(result.classes) do
  local share = 100 * class.correct / class.total
  print(("  %-5s %5.1f%%  (%d/%d)"):format(class.name, share, class.correct, class.total))
end
