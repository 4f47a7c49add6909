--- Parts of a data set that keep its classes in proportion: stratified split, folds for cross-validation, and the
-- table that shows the balance. They become methods of Dataset.
-- Invariant: the parts have no sample in common and are together the whole.

local expect = require "fnet.base.expect"
local generator = require "fnet.base.generator"
local is = require "fnet.base.is"
local columns = require "fnet.base.columns"
local core = require "fnet.core"
local rows_of = require "fnet.data.rows"

---@class (partial) data.Dataset
local Dataset = {}

-- The positions 1 .. count in an order: shuffled, and, where labels are given, such that any two neighbouring parts
-- have each class in proportion: the samples of each class are spread evenly over the whole.
local function spread(total, source, labels)
  local order = source.permutation(total):totable()
  if not labels then return order end
  local seen, size, place, rank = {}, {}, {}, {}
  for _, label in ipairs(labels) do size[label] = (size[label] or 0) + 1 end
  for i, position in ipairs(order) do
    local label = labels[position]
    seen[label] = (seen[label] or 0) + 1
    place[position], rank[position] = (seen[label] - 0.5) / size[label], i
  end
  table.sort(order, function(a, b)
    if place[a] ~= place[b] then return place[a] < place[b] end
    return rank[a] < rank[b]
  end)
  return order
end

local function part(self, order, first, last)
  local positions = core.tensor(table.move(order, first, last, 1, {}), "int32")
  return self:with { rows = positions }
end

--- The positions of the samples for a stratified split, in the order in which they are to be cut.
---@param source table of random numbers; see base/generator.lua
---@return tensor int32
local function stratified_order(self, source)
  return core.tensor(spread(#self, source, rows_of.labels("split: stratified", self)), "int32")
end

--- Cross-validation, for a loop `for train, valid in set:folds(5) do`: each fold once for validation, the others
-- for training. The samples for validation do not go through random transforms.
---@param count integer of folds, at least 2
---@param options? table stratified: boolean, each fold has the classes in the proportions of the whole; by default
--- true where the targets are labels; generator: fnet.Generator, whose random numbers are taken, fnet's own
---@return fun(): data.Dataset?, data.Dataset? iterator
function Dataset:folds(count, options)
  expect.method("folds", self)
  options = expect.options("folds", options, { "stratified", "generator" }, { "stratified" })
  local source = generator.source("folds", options.generator)
  count = expect.count("folds", count, 2, math.max(2, #self))
  local stratified = options.stratified
  if stratified == nil then stratified = is.labels(self.y) end
  local total, order = #self, spread(#self, source, stratified and rows_of.labels("folds: stratified", self) or nil)
  local number, fixed = 0, self.transform and self.transform:without_random "folds" or false
  return function()
    number = number + 1
    if number > count then return nil end
    local first, last = (number - 1) * total // count + 1, number * total // count
    local rest = table.move(order, 1, first - 1, 1, {})
    table.move(order, last + 1, total, first, rest)
    return part(self, rest, 1, #rest), part(self, order, first, last):with { transform = fixed }
  end
end

--- A list of { label, name, count, fraction }, by label; prints as a table.
---@class data.Balance
---@field total integer samples
---@field smallest integer count of the rarest class that there is
---@field largest integer count of the most frequent class
local Balance = {}

function Balance:__tostring()
  local rows = { { "class", "count", "fraction" } }
  for i, class in ipairs(self) do
    rows[i + 1] = { core.visible(tostring(class.name)), class.count, ("%.2f%%"):format(100 * class.fraction) }
  end
  local lines = columns(rows, { -5, 8, 9 })
  lines[#lines + 1] = ("%d samples; the most frequent class alone is right for %.2f%%"):format(self.total,
    self.total > 0 and 100 * self.largest / self.total or 0)
  return table.concat(lines, "\n")
end

--- How many samples each class has. The result prints as a table; its entries are { label, name, count, fraction }.
---@return data.Balance
function Dataset:balance()
  expect.method("balance", self)
  local labels, counts, kinds = rows_of.labels("balance", self), {}, {}
  for label in ipairs(self.classes or {}) do kinds[label], counts[label] = label, 0 end
  for _, label in ipairs(labels) do
    if not counts[label] then kinds[#kinds + 1], counts[label] = label, 0 end
    counts[label] = counts[label] + 1
  end
  table.sort(kinds)
  local balance = setmetatable({ total = #labels, largest = 0, smallest = #labels }, Balance)
  for i, label in ipairs(kinds) do
    local count = counts[label]
    balance[i] = { label = label, name = self.classes and self.classes[label] or tostring(label), count = count,
      fraction = #labels > 0 and count / #labels or 0 }
    balance.largest = math.max(balance.largest, count)
    if count > 0 then balance.smallest = math.min(balance.smallest, count) end
  end
  return balance
end

return { stratified_order = stratified_order, methods = Dataset }
