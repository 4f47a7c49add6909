--- The order of elements: sorted, the first few, quantiles, the different ones.
-- Invariant: NaN comes last, also in descending order; equal elements, and 0 and -0, stay in their order.
-- What is chosen is taken by its places, so that gradients go back to them.

local expect = require "fnet.base.expect"
local axes = require "fnet.tensor.axes"
local core = require "fnet.core"
local functions = require "fnet.tensor.functions"

local methods = core.methods

-- The options of a function that sorts: the axis, and whether the option called `switch` is set.
local function options_of(what, self, options, switch)
  expect.that(options == nil or type(options) == "table", what,
    ("a table of options such as { axis = 1, %s = true }"):format(switch), options)
  options = expect.options(what, options, { "axis", switch }, { switch })
  return axes.one(what, self, options.axis), options[switch] == true
end

--- Sorts along an axis; equal elements stay in their order, NaN comes last. Differentiable.
---@param options? table axis: integer, the last one; descending: false
---@return tensor sorted
---@return tensor places int32, from 1, where each came from: `other:take_along_axis(places, axis)` follows
function methods:sort(options)
  expect.self("sort", self)
  local axis, descending = options_of("sort", self, options, "descending")
  local places = core.order(self, axis, descending, self.shape[axis], "sort")
  return core.take_along(self, places, axis), places
end

--- The places that sort takes elements from: `t:gather(keys:argsort())` is the rows of t in the order of keys.
---@param options? table axis: integer, the last one; descending: false
---@return tensor places int32, from 1
function methods:argsort(options)
  expect.self("argsort", self)
  local axis, descending = options_of("argsort", self, options, "descending")
  return core.order(self, axis, descending, self.shape[axis], "argsort")
end

--- The k largest along an axis, the largest first; of equal ones the first, NaN only where nothing else is left.
-- Differentiable.
---@param k integer 0 to the length of the axis
---@param options? table axis: integer, the last one; smallest: boolean, false, or true for the k smallest, the
--- smallest first
---@return tensor largest
---@return tensor places int32, from 1
function methods:topk(k, options)
  expect.self("topk", self)
  local axis, smallest = options_of("topk", self, options, "smallest")
  expect.count("topk: k", k, 0, self.shape[axis])
  local places = core.order(self, axis, not smallest, k, "topk")
  return core.take_along(self, places, axis), places
end

-- Of rows, the elements that come at first .. first + count - 1.
local function ranks(what, rows, first, count)
  return core.take_along(rows, core.order(rows, rows.rank, false, count, what, first), rows.rank)
end

-- The quantile of rows, worked out in double: between two elements on a straight line, from the nearer one, so that
-- neither end is missed. `sorted` has the elements from rank `first` on, `largest` NaN where one is.
local function quantile_of(sorted, first, n, q, largest)
  local axis = sorted.rank
  local below = math.floor((n - 1) * q)
  local share, at = (n - 1) * q - below, below + 2 - first
  local y = sorted:select(axis, at):double()
  if share > 0 then
    local low, high = y, sorted:select(axis, at + 1):double()
    local apart = high - low
    y = share < 0.5 and low + apart * share or high - apart * (1 - share)
    y = core.where(apart:isfinite(), y, low * (1 - share) + high * share) -- beside an infinity
  end
  return core.where(largest:isnan(), largest, y):to(sorted.dtype == "float64" and "float64" or "float32")
end

-- One quantile after the other: the ranks beside a single one are looked for, for several all are sorted once.
local function quantiles(what, self, list, axis, keep)
  axes.check(what, self, axis, keep)
  local rows, shape = axes.join(self, axis, keep)
  local n = rows.shape[rows.rank]
  if n == 0 then core.raise("%s: %s has no elements to choose from", what, core.kind(self)) end
  local first, count, results = 1, n, {}
  if #list == 1 then
    first = math.floor((n - 1) * list[1]) + 1
    count = math.min(2, n + 1 - first)
  end
  local sorted, largest = ranks(what, rows, first, count), rows:detach():max(rows.rank):double()
  for i, q in ipairs(list) do results[i] = quantile_of(sorted, first, n, q, largest):reshape(shape) end
  return results
end

--- The element in the middle, or the mean of the two there; NaN where one is. float32, or float64 for float64.
-- Differentiable.
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:median(axis, keep)
  expect.self("median", self)
  return quantiles("median", self, { 0.5 }, axis, keep)[1]
end

--- The value below which a share q of the elements lies: of n in order the one at 1 + (n - 1) q, and between two
-- places on a straight line (NumPy's default, number 7 of Hyndman and Fan, 1996); NaN where an element is. float32,
-- or float64 for float64. Differentiable.
---@param q number|number[] 0 to 1; for a list the results stand along a new first axis
---@param axis? integer|integer[] all
---@param keep? boolean true: the axis stays with length 1
---@return tensor
function methods:quantile(q, axis, keep)
  expect.self("quantile", self)
  local list = type(q) == "table" and q or { q }
  expect.that(core.length(list) > 0, "quantile: q", "a number from 0 to 1 or a list of them", q)
  for i = 1, core.length(list) do expect.number("quantile: q", list[i], 0, 1) end
  local results = quantiles("quantile", self, list, axis, keep)
  return type(q) == "table" and functions.constructors.stack(results) or results[1]
end

--- The different elements, in ascending order; 0 and -0 are one, all NaNs are one, the last. Differentiable: of
-- equal elements the first is meant.
---@return tensor values of one axis
---@return tensor places int32, of the shape of self: `values:gather(places)` is self again
---@return tensor counts int32, how often each occurs
function methods:unique()
  expect.self("unique", self)
  local flat = self:flatten():contiguous()
  local places, first, counts = core.groups(flat:detach(), core.order(flat, 1, false, #flat, "unique"))
  return core.gather(flat, first), places:reshape(self.shape), counts
end
