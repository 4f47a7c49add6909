--- Transforms: what happens to a batch of pictures between the data set and the network. Crops, flips,
-- normalising and erasing that follow each other in this order take one pass in C, with the choice of the rows.
-- Invariant: each random choice is a function of the seed, of the number of random calls before the batch, and of
-- the place in the batch; each random transform takes one random call a batch, whatever it chooses.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local mix_up = require "fnet.data.mix_up"
local rows_of = require "fnet.data.rows"

local transforms = {}
local release = core.methods.release

local STAGES_MOST = 16 -- a pass, as src/core/transform.h has it
local ORDER = { crop = 1, flip = 1, normalise = 2, erase = 3 }

-- A step: { kind, what, random, ... } for C, or { apply = function(x, y, dataset) } for Lua. `random` says whether
-- it chooses at random; of a user's function (own, and not is_known) it is nil until the user says so. `name` is
-- that of the samples which a step is for, where there are several.
---@class data.Transform
---@field steps table[]
---@field passes table[] the steps of C that one pass does together, the others each alone
local Transform = {}
Transform.__index = Transform

--- A transform such as `data.random_shift(2)`, or a function of a batch and its targets that gives both.
---@alias data.AnyTransform data.Transform|fun(x: tensor, y: tensor): tensor, tensor

local function is_transform(value) return getmetatable(value) == Transform end

-- ---- passes ----

-- A pass of C: stages { kind, ... }, and the statistics of a normalisation among them.
local function add_to_passes(passes, step)
  local pass = passes[#passes]
  if step.apply then
    passes[#passes + 1] = step
    return
  end
  local order = ORDER[step.kind]
  local fits = pass and not pass.apply and order >= pass.order and #pass.stages < STAGES_MOST
  if not fits or order == ORDER.normalise and pass.mean then
    pass = { stages = {}, order = order }
    passes[#passes + 1] = pass
  end
  pass.order = order
  if step.kind == "normalise" then pass.mean, pass.deviation = step.mean, step.deviation
  else pass.stages[#pass.stages + 1] = step end
end

local function new(...)
  local steps, passes = { ... }, {}
  for _, step in ipairs(steps) do add_to_passes(passes, step) end
  return setmetatable({ steps = steps, passes = passes }, Transform)
end

local function check_pictures(steps, x)
  for _, step in ipairs(steps) do
    if not step.own and is.several(x) then
      core.raise("%s: expected samples in one tensor, got %s; a function takes such apart, and samples with " ..
        "names have transforms by name, { picture = data.random_shift(2) }", step.what, rows_of.text(x))
    end
    if not step.apply and x.dtype == "int32" then
      core.raise("%s: expected samples of uint8 or floats, got %s; with int32 go functions, such as one that " ..
        "takes them for numbers of rows", step.what, say.value(x))
    end
    if step.pictures and x.rank ~= 3 and x.rank ~= 4 then
      core.raise("%s: expected pictures [count, height, width] or [count, height, width, channels], got %s",
        step.what, say.shape(x.shape))
    end
  end
end

-- Rows of x as floats, after one pass; each stage has the random stream of its own.
local function run_pass(pass, x, indices, scale)
  local seed, stream = core.random_state()
  core.random_state(seed, stream + #pass.stages)
  return core.transform(x, indices, scale, pass.stages, seed, stream, pass.mean, pass.deviation)
end

-- The rows as a function gets them: as floats, whole numbers of int32 as they are.
local function plain(x, indices, scale)
  if x.dtype ~= "int32" then return core.transform(x, indices, scale, {}, 0, 0) end
  return indices and core.gather(x, indices) or x:clone()
end

--- The rows of a data set as a batch. What only lives between two passes gives its memory back at once, unless a
-- user's function has seen it.
---@param samples tensor|tensor[] all of them
---@param y tensor|tensor[] the targets of the rows
---@param indices? tensor int32; all rows where nil
---@param dataset table scale, classes
---@return tensor|tensor[] x, tensor|tensor[] y
function Transform:fetch(samples, y, indices, dataset)
  expect.method("fetch", self)
  expect.that(is.array(samples) or is.several(samples), "fetch", "the samples of a data set", samples)
  expect.that(type(dataset) == "table", "fetch: dataset", "a data set", dataset)
  local x
  check_pictures(self.steps, samples)
  local passing = true -- x lives between two passes only
  for _, pass in ipairs(self.passes) do
    local before = x or pass.apply and rows_of.each(samples, plain, indices, dataset.scale)
    if pass.apply then x, y = pass.apply(before, y, dataset)
    elseif before then x = run_pass(pass, before, nil, 1)
    else x = run_pass(pass, samples, indices, dataset.scale) end
    if passing and before and not pass.own then release(before) end
    passing = not pass.own
  end
  return x or rows_of.each(samples, plain, indices, dataset.scale), y
end

--- The steps that do not choose at random, as validation data goes through them. Raises where a function of a
-- user's may or may not be one of them.
---@param what string the function, for the message
---@param trusting? boolean whether functions of which nothing is known count as not random
---@return data.Transform|false fixed false where there are none
---@return string? random the first step that chooses at random
function Transform:without_random(what, trusting)
  expect.method("without_random", self)
  local fixed, random = {}, nil
  for _, step in ipairs(self.steps) do
    if step.random == nil and not trusting then
      core.raise("%s: the data set has a function as a transform; say whether it chooses at random, and is for " ..
        "training alone: set:with { random = true }, or false", what)
    elseif step.random then random = random or step.what
    else fixed[#fixed + 1] = step end
  end
  return #fixed > 0 and new(table.unpack(fixed)), random
end

--- Raises where validation data would go through a random transform.
---@param what string the function, for the message
---@param trusting? boolean as for without_random
function Transform:refuse_random(what, trusting)
  expect.method("refuse_random", self)
  local _, random = self:without_random(what, trusting)
  if not random then return end
  core.raise("%s: the data set has the random transform %s, which is for training alone; give it to that part, " ..
    "after the split: train = train:with { transform = ... }", what, random)
end

-- A copy of several samples, which has one of this name.
local function with_name(x, name)
  local named = is.several(x) and rows_of.each(x, function(t) return t end) or {}
  if named[name] then return named end
  core.raise("transform: the samples have nothing with the name '%s'%s; they are %s", core.visible(name),
    naming.hint(name, naming.sorted(named)), rows_of.text(x))
end

--- Raises where a step is for a name that samples do not have, unless a function before it may give it to them.
---@param samples tensor|table
---@return data.Transform self
function Transform:check_names(samples)
  expect.method("check_names", self)
  for _, step in ipairs(self.steps) do
    if step.own and not step.name then break end
    if step.name then with_name(samples, step.name) end
  end
  return self
end

--- Applies the transforms to a batch.
---@param x tensor # [count, height, width], [count, height, width, channels]; uint8 becomes float32
---@param y tensor targets, one a sample
---@return tensor x, tensor y
function Transform:__call(x, y)
  expect.that(core.is_tensor(x) and x.rank >= 1, "transform", "a batch", x)
  if not core.is_tensor(y) or y.rank < 1 or #y ~= #x then
    core.raise("transform: expected as many targets as samples, got x of %s and y of %s", say.value(x),
      say.value(y))
  end
  return self:fetch(x:contiguous(), y, nil, { scale = 1 })
end

function Transform:__tostring()
  local names = {}
  for i, step in ipairs(self.steps) do names[i] = step.what end
  return table.concat(names, ", ")
end

-- ---- what a user composes ----

-- A function of a user's own, whose results are checked here, where the batch is known.
local function own_step(f)
  local function is_batch(value)
    return is.several(value) or core.is_tensor(value) and value.rank >= 1
  end
  return { what = "function", own = true, apply = function(x, y)
    local new_x, new_y = f(x, y)
    if not is_batch(new_x) or not is_batch(new_y) or rows_of.count(new_x) ~= rows_of.count(new_y) then
      core.raise("transform: expected the function to return a batch and its targets, got %s and %s",
        say.value(new_x), say.value(new_y))
    end
    return new_x, new_y
  end }
end

-- The steps of a transform for the samples that have this name among several.
local function add_named(steps, name, transform)
  for _, inner in ipairs(transform.steps) do
    local single = new(inner)
    local function apply(x, y, dataset)
      local named = with_name(x, name)
      named[name], y = single:fetch(named[name], y, nil, { scale = 1, classes = dataset.classes })
      return named, y
    end
    steps[#steps + 1] = { what = inner.what, own = true, is_known = not inner.own, random = inner.random,
      name = name, apply = apply }
  end
end

--- Transforms one after the other, for `train:with { transform = ... }`; called with a batch and its targets, it
-- returns both transformed.
---@param list table of transforms, or of functions (x, y) that return x, y; or by the names of several samples the
--- transforms of each, { picture = data.random_shift(2), row = ... }
---@param random? boolean whether the functions choose at random; nil: not known
---@return data.Transform
function transforms.transforms(list, random)
  if type(list) == "function" or is_transform(list) then list = { list } end
  expect.that(type(list) == "table", "transforms", "a list of transforms", list)
  expect.list("transforms", list)
  for key in pairs(list) do
    local fits = math.type(key) == "integer" and key >= 1 and key <= #list or type(key) == "string" and #list == 0
    if not fits then
      core.raise("transforms: expected a list of transforms, got one with the key '%s'", tostring(key))
    end
  end
  local steps = {}
  for _, name in ipairs(naming.sorted(list)) do
    add_named(steps, name, transforms.transforms(list[name], random))
  end
  for i, entry in ipairs(list) do
    if type(entry) == "function" then entry = new(own_step(entry)) end
    expect.that(is_transform(entry), ("transforms: entry %d"):format(i),
      "a transform such as data.random_shift(2), or a function", entry)
    for _, step in ipairs(entry.steps) do
      if step.own and not step.is_known and random ~= nil then
        step = { what = step.what, own = true, apply = step.apply, random = random, name = step.name }
      end
      steps[#steps + 1] = step
    end
  end
  return new(table.unpack(steps))
end

--- Moves each picture by up to that many pixels up or down and left or right, each distance equally probable;
-- what comes in from outside is 0.
---@param pixels integer
---@return data.Transform
function transforms.random_shift(pixels)
  return new { kind = "crop", what = "random_shift", random = true, pictures = true,
    padding = expect.count("random_shift: pixels", pixels, 0, 65535) }
end

--- A window at a random place of each picture, to which a border of zeros is added first. With the pictures' own
-- size and a padding it is the crop of He, Zhang, Ren, Sun (2016, section 4.2).
---@param options table height, width: integer, of the window, by default those of the pictures; padding: integer,
--- pixels of border on each side, 0
---@return data.Transform
function transforms.random_crop(options)
  options = expect.options("random_crop", options, { "height", "width", "padding" })
  if next(options) == nil then
    core.raise("random_crop: expected { height = , width = , padding = }, at least one of them")
  end
  local function length(name)
    return options[name] ~= nil and expect.count("random_crop: " .. name, options[name], 1, 65535) or nil
  end
  return new { kind = "crop", what = "random_crop", random = true, pictures = true,
    height = length "height", width = length "width",
    padding = expect.count("random_crop: padding", options.padding == nil and 0 or options.padding, 0, 65535) }
end

--- Mirrors each picture, left to right, with that probability.
---@param probability? number 0.5
---@return data.Transform
function transforms.horizontal_flip(probability)
  return new { kind = "flip", what = "horizontal_flip", random = true, pictures = true,
    probability = expect.number("horizontal_flip: probability", probability == nil and 0.5 or probability, 0, 1) }
end

local function range(what, value, default, low, high)
  if value == nil then value = default end
  expect.that(type(value) == "table" and #value == 2, "random_erasing: " .. what, "{ least, most }", value)
  local least = expect.number(("random_erasing: %s[1]"):format(what), value[1], low, high)
  return least, expect.number(("random_erasing: %s[2]"):format(what), value[2], least, high)
end

--- Sets a rectangle at a random place to 0 (Zhong, Zheng, Kang, Li, Yang, 2020, algorithm 1). After a normalisation
-- 0 is the mean.
---@param options? table probability: 0.5; area: number[], least and most fraction of the picture, { 0.02, 0.4 };
--- aspect: number[], least and most height / width, { 0.3, 3.3 }; both uniform
---@return data.Transform
function transforms.random_erasing(options)
  options = expect.options("random_erasing", options, { "probability", "area", "aspect" })
  local probability = options.probability
  local step = { kind = "erase", what = "random_erasing", random = true, pictures = true,
    probability = expect.number("random_erasing: probability", probability == nil and 0.5 or probability, 0, 1) }
  step.least_area, step.most_area = range("area", options.area, { 0.02, 0.4 }, 0, 1)
  step.least_aspect, step.most_aspect = range("aspect", options.aspect, { 0.3, 3.3 }, 1e-3, 1e3)
  return new(step)
end

local function statistic(what, value, least)
  if type(value) == "number" then value = { value } end
  local fits = type(value) == "table" and #value > 0
  expect.that(fits, "normalise: " .. what, "a number or a list of them", value)
  for i, number in ipairs(value) do expect.number(("normalise: %s[%d]"):format(what, i), number, least, 1e30) end
  return core.tensor(value, "float64")
end

--- (x - mean) / deviation, for each channel (the last axis of pictures [count, height, width, channels]) or
-- feature ([count, features]), or with one mean and deviation for all values.
---@param statistics table mean, deviation: number|number[], a list has one for each channel; Dataset:statistics()
--- gives them
---@return data.Transform
function transforms.normalise(statistics)
  local known = expect.options("normalise", statistics, { "mean", "deviation" })
  local mean = statistic("mean", known.mean, -1e30)
  local deviation = statistic("deviation", known.deviation, 1e-30)
  if #mean ~= #deviation then
    core.raise("normalise: expected as many deviations as means, got %d and %d", #deviation, #mean)
  end
  return new { kind = "normalise", what = "normalise", random = false, mean = mean, deviation = deviation }
end

--- Mixes each sample with another one of its batch, and their targets in the same proportion, drawn for each pair
-- from the beta distribution (alpha, alpha) (Zhang, Cisse, Dauphin, Lopez-Paz, 2018). Labels become distributions
-- [count, classes] of float32, as nn.cross_entropy takes them; float targets are mixed as they are.
---@param alpha? number 0.2; above 0, at most 2; 1: uniform, near 0: hardly any mixing
---@param options? table classes: integer, their number, by default that of the data set's class names
---@return data.Transform
function transforms.mix_up(alpha, options)
  options = expect.options("mix_up", options, { "classes" })
  alpha = expect.number("mix_up: alpha", alpha == nil and 0.2 or alpha, 1e-3, 2)
  local classes = options.classes ~= nil and expect.count("mix_up: classes", options.classes, 1, 1 << 24) or nil
  return new { what = "mix_up", random = true,
    apply = function(x, y, dataset) return mix_up(x, y, alpha, classes, dataset) end }
end

return transforms
