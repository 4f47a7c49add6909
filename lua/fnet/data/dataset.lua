--- Dataset: samples and their targets, cut into batches.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"
local core = require "fnet.core"
local folds = require "fnet.data.folds"
local transforms = require "fnet.data.transforms"

local FIELDS = { "x", "y", "scale", "classes", "name", "source", "transform" }

---@class data.Dataset
---@field x tensor [count, ...]; uint8 pictures stay as they are and become floats times `scale` batch by batch
---@field y tensor [count, ...]; labels as int32 from 1, or float targets
---@field scale number 1
---@field classes string[]? names of the classes
---@field transform data.Transform? what each batch goes through
---@field columns table[]? from read_csv: { name = , categories = } of each column of x
---@field rows tensor? int32: which rows of x and y belong to this data set, all where nil
local Dataset = {}
Dataset.__index = Dataset
for name, method in pairs(folds.methods) do Dataset[name] = method end

-- Raises where there are labels without a name.
local function check_names(y, classes)
  expect.that(classes == nil or type(classes) == "table", "Dataset: classes", "a list of names", classes)
  if classes == nil or y.rank ~= 1 or #y == 0 or is.float(y) then return end
  local low, high = y:min():item(), y:max():item()
  if low >= 1 and high <= #classes then return end
  core.raise("Dataset: classes: expected a name for each label, got %d, and label %d in row %d%s", #classes,
    low < 1 and low or high, (low < 1 and y:argmin() or y:argmax()):item(),
    low == 0 and "; labels count from 1 in fnet, so add 1 to labels that count from 0" or "")
end

-- The same fields, other rows (int32, of the underlying tensors; all where nil).
local function with_rows(fields, rows)
  local part = {}
  for key, value in pairs(fields) do part[key] = value end
  part.rows = rows
  return setmetatable(part, Dataset)
end

--- A data set from two tensors with equally many rows.
---@param fields table x, y; scale, classes (a name for each label), name, source, transform are optional
---@return data.Dataset
local function new(fields)
  expect.that(type(fields) == "table", "Dataset", "a table { x = ..., y = ... }", fields)
  expect.options("Dataset", fields, FIELDS)
  for _, key in ipairs { "x", "y" } do
    local t = fields[key]
    expect.that(core.is_tensor(t) and t.rank >= 1, "Dataset: " .. key, "a tensor of at least one axis", t)
  end
  if #fields.x ~= #fields.y then
    core.raise("Dataset: expected as many targets as samples, got x of %s and y of %s", say.value(fields.x),
      say.value(fields.y))
  end
  check_names(fields.y, fields.classes)
  local self = with_rows(fields)
  self.scale = self.scale or 1
  self.x = self.x:contiguous()
  if self.transform ~= nil then self.transform = transforms.transforms(self.transform) end
  return self
end

function Dataset:__len() return self.rows and #self.rows or #self.x end

function Dataset:__tostring()
  local name = self.name or "data set"
  return ("%s: %d samples of %s, targets %s"):format(name, #self, say.value(self.x), say.value(self.y))
end

local function all_rows(self) return self.rows or core.arange(1, #self.x, 1, "int32") end

local function fetch(self, indices, transform)
  if transform then return transform:fetch(self, indices) end
  local x = self.x
  if x.dtype == "uint8" then x = core.gather_scaled(x, indices, self.scale)
  else x = core.gather(x, indices) end
  return x, core.gather(self.y, indices)
end

--- The same data otherwise: through transforms, or with some of the samples only.
---@param options table transform: what batches and samples go through: data.random_shift and the like, a list of
--- them, or a function of a batch and its targets that returns both; false: none. Random ones are for training data
--- alone. rows: the samples' numbers in this data set, int32 [count], in any order
---@return data.Dataset
function Dataset:with(options)
  expect.method("with", self)
  options = expect.options("with", options, { "transform", "rows" })
  local transform, rows = options.transform, options.rows
  if transform == nil and rows == nil then core.raise "with: expected { transform = ... } or { rows = ... }" end
  expect.that(rows == nil or core.is_tensor(rows), "with: rows", "an int32 tensor", rows)
  local part = with_rows(self, rows and core.gather(all_rows(self), rows) or self.rows)
  if transform then part.transform = transforms.transforms(transform)
  elseif transform == false then part.transform = nil end
  return part
end

--- The i-th sample and its target, as a network sees them.
---@param i integer
---@return tensor x, tensor|number y
function Dataset:sample(i)
  expect.method("sample", self)
  i = expect.count("sample", i, 1, #self)
  local x, y = fetch(self, all_rows(self):slice(1, i, i):contiguous(), self.transform)
  return x[1], y[1]
end

--- Two data sets: the first `count` samples after shuffling, and the rest.
---@param count number samples, or a fraction between 0 and 1
---@param options? table shuffle: boolean, true; stratified: both parts have the classes in the proportions of the
--- whole, false
---@return data.Dataset first, data.Dataset rest
function Dataset:split(count, options)
  expect.method("split", self)
  options = expect.options("split", options, { "shuffle", "stratified" }, { "shuffle", "stratified" })
  local total = #self
  if type(count) == "number" and count > 0 and count < 1 then count = math.floor(count * total + 0.5) end
  if total < 2 then core.raise("split: expected at least two samples, got %s", tostring(self)) end
  count = expect.count("split: count, or a fraction such as 0.8", count, 1, total - 1)
  if options.stratified and options.shuffle == false then
    core.raise "split: stratified parts are shuffled; leave out shuffle = false"
  end
  local rows = all_rows(self)
  if options.stratified then rows = core.gather(rows, folds.stratified_order(self))
  elseif options.shuffle ~= false then rows = core.gather(rows, core.permutation(total)) end
  return with_rows(self, rows:slice(1, 1, count):contiguous()),
    with_rows(self, rows:slice(1, count + 1, total):contiguous())
end

--- The samples `first` to `last`.
---@param first integer
---@param last integer
---@return data.Dataset
function Dataset:slice(first, last)
  expect.method("slice", self)
  last = expect.count("slice: last", last, 1, #self)
  first = expect.count("slice: first", first, 1, last)
  return with_rows(self, all_rows(self):slice(1, first, last):contiguous())
end

--- For a loop `for x, y in dataset:batches { size = 32, shuffle = true } do`. A batch belongs to one turn of the
-- loop: its memory is used again for the next, and using it later raises an error (x:clone() is yours to keep).
---@param options? table size: samples a batch, 32; shuffle: boolean, false (fnet.seed makes it repeatable);
--- drop_last: leave out a last batch that is smaller, false
---@return fun(): tensor?, tensor? iterator
function Dataset:batches(options)
  expect.method("batches", self)
  options = expect.options("batches", options, { "size", "shuffle", "drop_last" }, { "shuffle", "drop_last" })
  local transform = self.transform
  local total = #self
  local size = options.size == nil and 32 or expect.count("batches: size", options.size, 1)
  if observer.current then
    observer.current.batches(self, size, options.drop_last and total // size or self:batch_count(size))
  end
  local rows = all_rows(self)
  if options.shuffle then
    local order = core.permutation(total)
    rows = self.rows and core.gather(rows, order) or order
  end
  local slice, release = core.methods.slice, core.methods.release
  local at, x, y = 0, nil, nil
  return function()
    if x then
      release(x)
      release(y)
      x, y = nil, nil
    end
    if at >= total or (options.drop_last and total - at < size) then return nil end
    local last = at + size < total and at + size or total
    x, y = fetch(self, slice(rows, 1, at + 1, last), transform)
    at = last
    return x, y
  end
end

--- SHA-256 of the samples and targets, in order: two data sets with equal digests are the same.
---@return string hexadecimal 64 digits
function Dataset:sha256()
  expect.method("sha256", self)
  local description = ("%s %s %.17g\n"):format(say.value(self.x), say.value(self.y), self.scale)
  return core.sha256(description, self.x, self.y, all_rows(self))
end

--- Mean and standard deviation (of the whole, not of a sample) of the samples as a network sees them: for each
-- channel of pictures [count, height, width, channels], for each feature of [count, features], else for all values
-- together. What data.normalise takes.
---@return { mean: number[], deviation: number[] }
function Dataset:statistics()
  expect.method("statistics", self)
  local rank = self.x.rank
  local last = (rank == 2 or rank == 4) and self.x.shape[rank] or 1
  local function mean_of(f)
    local sum, count = core.full({ last }, 0, "float64"), 0
    for x in self:batches { size = 1024 } do
      local values = f(x:reshape { x:count() // last, last })
      sum, count = sum + values:sum(1):to "float64", count + #values
    end
    return sum / count
  end
  return core.no_grad(function()
    local mean = mean_of(function(x) return x end)
    local square = mean_of(function(x)
      local from_mean = x - mean:to(x.dtype)
      return from_mean * from_mean
    end)
    return { mean = mean:totable(), deviation = square:sqrt():totable() }
  end)
end

--- The number of batches that a loop takes.
---@param size integer
---@return integer
function Dataset:batch_count(size)
  expect.method("batch_count", self)
  return (#self + expect.count("batch_count", size, 1) - 1) // size
end

-- What a data set may lack is nil; a misspelt name is answered with the one that was probably meant.
local optional, known = {}, naming.sorted(Dataset)
for _, name in ipairs { "rows", "columns", "plan", "separator", table.unpack(FIELDS) } do
  optional[name], known[#known + 1] = true, name
end
setmetatable(Dataset, {
  __index = function(_, key)
    local near = not optional[key] and naming.nearest(key, known)
    if near then core.raise("a data set has no '%s'; did you mean '%s'?", key, near) end
  end,
})

return { new = new }
