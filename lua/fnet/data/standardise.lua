--- Standardising columns: mean 0 and deviation 1 by the statistics of the training data alone.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

---@class data.Standardise
---@field mean tensor float64 [features] of x
---@field deviation tensor float64 [features] of x; 1 where a feature is constant
---@field target_mean tensor? float64 [targets]
---@field target_deviation tensor? float64 [targets]
local Standardise = {}
Standardise.__index = Standardise

-- Mean and deviation of each column, of the values that are there (a NaN is a missing one).
local function statistics(t)
  local double = t:to "float64"
  local there = double:eq(double)
  local count = there:sum(1):maximum(1)
  local mean = core.where(there, double, 0):sum(1) / count
  local apart = core.where(there, double - mean, 0)
  local deviation = ((apart * apart):sum(1) / count):sqrt()
  return mean, core.where(deviation:gt(0), deviation, 1)
end

-- Columns of categories stay as they are: their numbers are names.
local function spare_categories(columns, mean, deviation)
  for i, column in ipairs(columns or {}) do
    if column.categories then mean[i], deviation[i] = 0, 1 end
  end
end

local function check_width(what, t, mean)
  local fits = core.is_tensor(t) and t.rank >= 1 and t.shape[t.rank] == #mean
  expect.that(fits, "standardise: " .. what, ("a tensor [..., %d]"):format(#mean), t)
end

local function scale(t, mean, deviation)
  local double = t:to "float64"
  local scaled = (double - mean) / deviation
  return core.where(scaled:eq(scaled), scaled, 0):to "float32"
end

--- Standardises a data set, or the x of one: (x - mean) / deviation, and 0, the mean, for a missing value.
---@param set data.Dataset|tensor a tensor [count, features] or [features]
---@return data.Dataset|tensor
function Standardise:__call(set)
  return core.no_grad(function()
    if core.is_tensor(set) then
      check_width("x", set, self.mean)
      return scale(set, self.mean, self.deviation)
    end
    expect.that(is.dataset(set) and core.is_tensor(set.x), "standardise", "a data set or a tensor", set)
    check_width("x", set.x, self.mean)
    if not self.target_mean then return set:with { x = scale(set.x, self.mean, self.deviation) } end
    check_width("y", set.y, self.target_mean)
    return set:with { x = scale(set.x, self.mean, self.deviation),
      y = scale(set.y, self.target_mean, self.target_deviation) }
  end)
end

--- What a model trained on standardised targets predicts, in the units of the data.
---@param output tensor # [..., targets]
---@return tensor
function Standardise:restore(output)
  expect.method("restore", self)
  if not self.target_mean then
    core.raise "restore: the targets were not standardised; ask for { targets = true }"
  end
  check_width("restore", output, self.target_mean)
  return core.no_grad(function()
    return (output:to "float64" * self.target_deviation + self.target_mean):to "float32"
  end)
end

--- Learns mean and deviation of each feature from the training data; what it returns is called with each data set
-- (or a tensor of samples), and gives it standardised: `local scaled = data.standardise(train)`, then
-- `train, test = scaled(train), scaled(test)`. Missing values (NaN) do not count and become 0, the mean. Columns of
-- category indices stay.
---@param train data.Dataset x: [count, features]
---@param options? table targets: also standardises y, [count, targets] of floats, false
---@return data.Standardise
local function standardise(train, options)
  options = expect.options("standardise", options, { "targets" }, { "targets" })
  if type(train) == "table" and is.opened(train.x) then
    core.raise("standardise: expected samples in memory, these stay in their file; standardise each batch: "
      .. "train:with { transform = data.normalise(train:statistics()) }")
  end
  if type(train) ~= "table" or not core.is_tensor(train.x) or train.x.rank ~= 2 or #train == 0 then
    core.raise("standardise: expected a data set with samples [features], got %s",
      type(train) == "table" and core.is_tensor(train.x) and "samples of " .. say.value(train.x)
      or say.value(train))
  end
  local fits = not options.targets or train.y.rank == 2 and is.float(train.y)
  expect.that(fits, "standardise: targets", "floats [count, targets]", train.y)
  local self = setmetatable({}, Standardise)
  core.no_grad(function()
    self.mean, self.deviation = statistics(train.x)
    spare_categories(train.columns, self.mean, self.deviation)
    if options.targets then
      self.target_mean, self.target_deviation = statistics(train.y)
    end
  end)
  return self
end

return standardise
