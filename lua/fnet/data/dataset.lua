--- Dataset: samples and their targets, cut into batches.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local generator = require "fnet.base.generator"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local observer = require "fnet.base.observer"
local core = require "fnet.core"
local draw = require "fnet.data.draw"
local folds = require "fnet.data.folds"
local rows_of = require "fnet.data.rows"
local transforms = require "fnet.data.transforms"

local FIELDS = { "x", "y", "scale", "classes", "name", "source", "transform" }

---@class (partial) data.Dataset
---@field x tensor|table # [count, ...], or an array that stays in its file (data.open_npy); uint8 pictures stay as
--- they are and become floats times `scale` batch by batch; where a model has several inputs a list of them, or a
--- table by name. Of a part its own samples, copied when they are asked for
---@field y tensor|table # [count, ...]; labels as int32 from 1, or float targets; a list or names of several
--- targets
---@field scale number 1
---@field classes string[]? names of the classes
---@field name string? such as "fashion_mnist"
---@field source string? where the samples are from
---@field transform data.Transform? what each batch goes through
---@field columns table[]? from read_csv: { name = , categories = } of each column of x
---@field plan table? from read_csv: how its file was read, for another one that is like it
---@field dropped integer? from read_csv: how many records were left out for a missing value
---@field whole { x: tensor|table, y: tensor|table }? of a part: what it is a part of
---@field rows tensor? of a part: int32, which rows of the whole belong to it
local Dataset = {}
for name, method in pairs(folds.methods) do Dataset[name] = method end

-- Raises where there are labels without a name.
local function check_names(y, classes)
  expect.that(classes == nil or type(classes) == "table", "Dataset: classes", "a list of names", classes)
  if classes ~= nil then expect.list("Dataset: classes", classes) end
  if classes == nil or not core.is_tensor(y) or y.rank ~= 1 or #y == 0 or is.float(y) then return end
  local low, high = y:min():item(), y:max():item()
  if low >= 1 and high <= #classes then return end
  core.raise("Dataset: classes: expected a name for each label, got %d, and label %d in row %d%s", #classes,
    low < 1 and low or high, (low < 1 and y:argmin() or y:argmax()):item(),
    low == 0 and "; labels count from 1 in fnet, so add 1 to labels that count from 0" or "")
end

-- The samples and targets of a part itself, as far as they were asked for.
local own = setmetatable({}, { __mode = "k" })

-- The same fields.
local function copy(fields)
  local other = {}
  for key, value in pairs(fields) do other[key] = value end
  return setmetatable(other, Dataset)
end

-- A part: these rows (int32) of the whole.
local function part_of(self, rows)
  local part = copy(self)
  part.whole, part.rows = self.whole or { x = self.x, y = self.y }, rows
  rawset(part, "x", nil)
  rawset(part, "y", nil)
  return part
end

-- The keys of several tensors, checked: those of a list, or names.
local function keys_of(what, values)
  for key in next, values do
    local fits = math.type(key) == "integer" and key >= 1 and key <= #values or type(key) == "string"
    if not fits or #values > 0 and type(key) == "string" then
      core.raise("%s: expected a list of tensors or tensors by name, got the key '%s'%s", what,
        core.visible(tostring(key)), fits and " in a list" or "")
    end
  end
  return naming.keys(values)
end

-- The samples or targets as they are kept, checked: a tensor, or several with equally many rows.
local function checked(what, values)
  local several = is.several(values)
  local kept, rows = {}, nil
  for _, key in ipairs(several and keys_of(what, values) or { 1 }) do
    local t = values
    if several then t = values[key] end
    expect.that(is.array(t) and t.rank >= 1, several and naming.part(what, key) or what,
      "a tensor of at least one axis" .. (is.array(t) and "" or ", or a list of them, or some by name"), t)
    kept[key], rows = t, rows or #t
  end
  for _, t in next, kept do
    if #t ~= rows then
      core.raise("%s: expected tensors with equally many rows, got %s", what, rows_of.text(values))
    end
  end
  return several and kept or values
end

-- Samples as batches are taken from them.
local function contiguous(t) return core.is_tensor(t) and t:contiguous() or t end

-- Targets are wanted as a whole, such as for the check of labels, where they are one number a sample.
local function in_memory(t) return t.rank == 1 and is.opened(t) and t:rows(core.arange(1, #t, 1, "int32")) or t end

-- Takes checked samples and targets of equal count.
local function take(self, what, x, y)
  self.x = rows_of.each(checked(what .. ": x", x), contiguous)
  self.y = rows_of.each(checked(what .. ": y", y), in_memory)
  if rows_of.count(self.x) ~= rows_of.count(self.y) then
    core.raise("%s: expected as many targets as samples, got x of %s and y of %s", what, rows_of.text(x),
      rows_of.text(y))
  end
end

--- A data set from two tensors with equally many rows. A model of several inputs takes them as a list of tensors,
-- `x = { pictures, table }`: its batches are lists, too, which fit, evaluate and predict hand to the model one by
-- one, `model(x[1], x[2])`; or by name, `x = { picture = , row = }`: then the batch comes to the model as it is,
-- `function Model:forward(x)` with x.picture and x.row. Several targets, `y = { labels, heights }` or
-- `y = { label = , height = }`, come to the loss in the same form.
---@param fields table x, y: tensor|table; scale: number, 1; classes: string[], a name for each label; name: string,
--- such as "fashion_mnist"; source: string, where the samples are from; transform: data.AnyTransform|table, what
--- each batch goes through; all but x and y may be left out
---@return data.Dataset
local function new(fields)
  expect.that(type(fields) == "table", "Dataset", "a table { x = ..., y = ... }", fields)
  expect.options("Dataset", fields, FIELDS)
  local self = copy(fields)
  take(self, "Dataset", fields.x, fields.y)
  check_names(self.y, self.classes)
  for _, name in ipairs { "name", "source" } do
    expect.that(self[name] == nil or type(self[name]) == "string", "Dataset: " .. name, "a text", self[name])
  end
  self.scale = self.scale == nil and 1 or expect.number("Dataset: scale", self.scale, 1e-300, 1e300)
  if self.transform ~= nil then self.transform = transforms.transforms(self.transform):check_names(self.x) end
  return self
end

function Dataset:__len() return self.rows and #self.rows or rows_of.count(self.x) end

function Dataset:__tostring()
  local name, whole = core.visible(tostring(self.name or "data set")), self.whole or self
  local dropped = not self.whole and self.dropped or 0
  return ("%s: %d samples of %s, targets %s%s"):format(name, #self, rows_of.text(whole.x, #self),
    rows_of.text(whole.y, #self), dropped > 0 and ("; %d dropped for a missing value"):format(dropped) or "")
end

local function all_rows(self) return self.rows or core.arange(1, #self, 1, "int32") end

-- Rows as a network sees them.
local function pick(t, indices, scale)
  if t.dtype ~= "uint8" then return rows_of.gather(t, indices) end
  if not is.opened(t) then return core.gather_scaled(t, indices, scale) end
  local bytes = t:rows(indices)
  local rows = core.gather_scaled(bytes, core.arange(1, #bytes, 1, "int32"), scale)
  core.methods.release(bytes)
  return rows
end

local function fetch(self, indices, transform)
  local whole = self.whole or self
  local x, y = whole.x, rows_of.each(whole.y, rows_of.gather, indices)
  if not transform then return rows_of.each(x, pick, indices, self.scale), y end
  if not rows_of.in_file(x) then return transform:fetch(x, y, indices, self) end
  local samples = rows_of.each(x, rows_of.gather, indices)
  x, y = transform:fetch(samples, y, nil, self)
  rows_of.each(samples, core.methods.release)
  return x, y
end

--- The samples and the targets of this data set, of a part its own. uint8 pictures stay as they are, and no
-- transform sees them; `set:batches { size = #set }()` gives all samples as a network sees them.
---@return tensor|table x, tensor|table y
function Dataset:tensors()
  expect.method("tensors", self)
  return self.x, self.y
end

--- The same data otherwise: through transforms, with some of the samples only, or with other numbers.
---@param options table transform: data.AnyTransform|table|false, what batches and samples go through:
--- data.random_shift and the like, a list of them, a function of a batch and its targets that returns both, or by
--- the names of several samples what each goes through, { picture = data.random_shift(2) }; false: none. Random
--- ones are for training data alone; random: whether the functions among them choose at random, too (split, folds
--- and fit then know). rows: tensor, the samples' numbers in this data set, int32 [count], in any order. x, y:
--- tensor|table, take their place, with as many rows
---@return data.Dataset
function Dataset:with(options)
  expect.method("with", self)
  options = expect.options("with", options, { "transform", "random", "rows", "x", "y" }, { "random" },
    { "transform" })
  local transform, rows = options.transform, options.rows
  if next(options) == nil then
    core.raise "with: expected one of { transform = ... }, { rows = ... }, { x = ... }, { y = ... }"
  end
  expect.that(rows == nil or core.is_tensor(rows), "with: rows", "an int32 tensor", rows)
  local other = copy(self)
  if options.x ~= nil or options.y ~= nil then
    other.whole, other.rows = nil, nil
    take(other, "with", options.x or self.x, options.y or self.y)
    if #other ~= #self then core.raise("with: expected %d rows, got %s", #self, rows_of.text(other.x)) end
  end
  if rows then other = part_of(other, core.gather(all_rows(other), rows)) end
  if transform == nil then transform = options.random ~= nil and self.transform or nil end
  if transform then
    other.transform = transforms.transforms(transform, options.random):check_names((other.whole or other).x)
  elseif transform == false then other.transform = nil end
  return other
end

--- The i-th sample and its target, as a network sees them.
---@param i integer
---@return tensor|number|table x, tensor|number|table y in the form of x and y
function Dataset:sample(i)
  expect.method("sample", self)
  i = expect.count("sample", i, 1, #self)
  local x, y = fetch(self, all_rows(self):slice(1, i, i):contiguous(), self.transform)
  local function first(t) return t[1] end
  return rows_of.each(x, first), rows_of.each(y, first)
end

--- Two data sets: the first `count` samples after shuffling, and the rest. A random transform, which only the part
-- for training may have, is given to that part after the split.
---@param count number samples, or a fraction between 0 and 1
---@param options? table shuffle: boolean, true; stratified: both parts have the classes in the proportions of the
--- whole, false; generator: fnet.Generator, whose random numbers are taken, fnet's own
---@return data.Dataset first, data.Dataset rest
function Dataset:split(count, options)
  expect.method("split", self)
  options = expect.options("split", options, { "shuffle", "stratified", "generator" }, { "shuffle", "stratified" })
  local source = generator.source("split", options.generator)
  local total = #self
  if type(count) == "number" and count > 0 and count < 1 then count = math.floor(count * total + 0.5) end
  if total < 2 then core.raise("split: expected at least two samples, got %s", tostring(self)) end
  count = expect.count("split: count, or a fraction such as 0.8", count, 1, total - 1)
  if options.stratified and options.shuffle == false then
    core.raise "split: stratified parts are shuffled; leave out shuffle = false"
  end
  if self.transform then self.transform:refuse_random "split" end
  local rows = all_rows(self)
  if options.stratified then rows = core.gather(rows, folds.stratified_order(self, source))
  elseif options.shuffle ~= false then rows = core.gather(rows, source.permutation(total)) end
  return part_of(self, rows:slice(1, 1, count):contiguous()),
    part_of(self, rows:slice(1, count + 1, total):contiguous())
end

--- The samples `first` to `last`.
---@param first integer
---@param last integer
---@return data.Dataset
function Dataset:slice(first, last)
  expect.method("slice", self)
  last = expect.count("slice: last", last, 1, #self)
  first = expect.count("slice: first", first, 1, last)
  return part_of(self, all_rows(self):slice(1, first, last):contiguous())
end

--- For a loop `for x, y in dataset:batches { size = 32, shuffle = true } do`. A batch belongs to one turn of the
-- loop: its memory is used again for the next, and using it later raises an error (x:clone() is yours to keep).
---@param options? table size: integer, samples a batch, 32; shuffle: boolean, false (fnet.seed makes it
--- repeatable); drop_last: leave out a last batch that is smaller, false; generator: fnet.Generator, whose random
--- numbers are drawn, fnet's own; balanced: all classes come equally often, false; weights: tensor|number[], one a
--- sample, how often it comes compared with the others: weight / mean weight times an epoch, rounded down or up at
--- random (systematic sampling). Both draw as many samples as there are, in random order, some repeatedly, some not
--- at all
---@return fun(): tensor|table|nil, tensor|table|nil iterator each in the form of x and y
function Dataset:batches(options)
  expect.method("batches", self)
  options = expect.options("batches", options,
    { "size", "shuffle", "drop_last", "weights", "balanced", "generator" },
    { "shuffle", "drop_last", "balanced" })
  local source = generator.source("batches", options.generator)
  local transform = self.transform
  local total = #self
  local size = options.size == nil and 32 or expect.count("batches: size", options.size, 1)
  if observer.current then
    observer.current.batches(self, size, options.drop_last and total // size or self:batch_count(size))
  end
  local rows = all_rows(self)
  local draws = options.weights ~= nil or options.balanced
  if options.shuffle or draws then
    local order = draws and draw.order(self, options, source) or source.permutation(total)
    rows = self.rows and core.gather(rows, order) or order
  end
  local slice, release = core.methods.slice, core.methods.release
  local at, x, y = 0, nil, nil
  return function()
    if x then
      rows_of.each(x, release)
      rows_of.each(y, release)
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
  local whole = self.whole or self
  local hashed = { ("%s %s %s\n"):format(rows_of.text(whole.x), rows_of.text(whole.y),
    decimal.text("%.17g", self.scale)) }
  for _, values in ipairs { whole.x, whole.y } do
    for _, t in ipairs(rows_of.list(values)) do hashed[#hashed + 1] = is.opened(t) and t:pieces() or t end
  end
  hashed[#hashed + 1] = all_rows(self)
  return core.sha256(table.unpack(hashed))
end

--- Mean and standard deviation (of the whole, not of a sample) of the samples as a network sees them: for each
-- channel of pictures [count, height, width, channels], for each feature of [count, features], else for all values
-- together. What data.normalise takes.
---@return { mean: number[], deviation: number[] }
function Dataset:statistics()
  expect.method("statistics", self)
  local samples = (self.whole or self).x
  expect.that(is.array(samples), "statistics", "samples in one tensor", samples)
  local rank = samples.rank
  for axis = 1, rank do
    if (axis == 1 and #self or samples.shape[axis]) == 0 then
      core.raise("statistics: expected at least one value, got %s", tostring(self))
    end
  end
  local last = (rank == 2 or rank == 4) and samples.shape[rank] or 1
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
      local from_mean = x:double() - mean -- whose squares may be outside float32
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

-- What other libraries call its parts, or words that say how it is done.
local ELSEWHERE = {
  all = "tensors", batch = "batches", data = "x", features = "x",
  filter = "set:with { rows = numbers } has some samples", get = "sample", inputs = "x", label = "y", labels = "y",
  map = "set:with { transform = f } gives each batch to f", samples = "x",
  shuffle = "set:batches { shuffle = true } draws a new order each time", subset = "with",
  take = "slice", target = "y", targets = "y",
}

-- What a data set may lack is nil; a misspelt name is answered with the one that was probably meant.
local optional, known = {}, naming.sorted(Dataset)
for _, name in ipairs { "rows", "whole", "columns", "plan", "dropped", table.unpack(FIELDS) } do
  optional[name], known[#known + 1] = true, name
end

function Dataset:__index(key)
  local method = Dataset[key]
  if method ~= nil then return method end
  local whole = rawget(self, "whole")
  if whole and (key == "x" or key == "y") then
    own[self] = own[self] or {}
    own[self][key] = own[self][key] or rows_of.each(whole[key], rows_of.part, self.rows)
    return own[self][key]
  end
  if type(key) == "number" then
    core.raise("a data set has no part [%s]: set:sample(i) is a sample and its target, set:slice(first, last) " ..
      "some samples, set:batches() goes over all", key)
  end
  local near = not optional[key] and (ELSEWHERE[key] or naming.nearest(key, known))
  if not near then return nil end
  core.raise("a data set has no '%s'; %s", key, near:find " " and near or ("did you mean '%s'?"):format(near))
end

function Dataset:__newindex(key, value)
  if rawget(self, "whole") and (key == "x" or key == "y") then
    core.raise("a part of a data set shares its %s with the whole; part = part:with { %s = ... } has its own",
      key, key)
  end
  expect.key("Dataset", key)
  rawset(self, key, value)
end

return { new = new }
