--- What a page knows of samples: whether they are pictures or rows of numbers, what the network sees of them, and
-- some to step through. For html.lua.
-- Invariant: what a page makes of a byte or a number is what a data set makes of it.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local json = require "fnet.files.json"
local facts = require "fnet.save.samples"

local samples = {}

local COUNT = 100 -- samples to step through, unless it is said otherwise
local FIELDS_MOST = 64 -- numbers that people set one by one
local SIDE_MOST = 1024 -- pixels

--- What is known of the samples.
---@param data any the option: a data set, or what fnet.load says of one; nil
---@return table? about as samples.describe gives it
---@return data.Dataset? set
function samples.about(data)
  if data == nil then return nil end
  local set = is.dataset(data) and data or nil
  expect.that(set or type(data) == "table", "export_html: data",
    "a data set, or what fnet.load says of one, about.data", data)
  if not set then return data end
  expect.that(is.array((set.whole or set).x), "export_html: data", "samples in one tensor",
    (set.whole or set).x)
  return facts.describe(set), set
end

-- Height, width and channels of samples that are pictures; nil for others.
local function picture_of(shape)
  local height, width, channels = table.unpack(shape)
  local fits = #shape == 2 or #shape == 3 and (channels == 1 or channels == 3)
  if not fits or math.max(height, width) > SIDE_MOST then return nil end
  return { height = height, width = width, channels = channels or 1 }
end

-- ---- rows of numbers ----

-- The first and the last number of each column among the samples that the page has, in its own units.
local function ranges_of(x)
  if not x or #x == 0 then return nil, nil end
  return x:min(1):totable(), x:max(1):totable()
end

-- A field for each column; columns of one_hot share one.
local function fields_of(count, set, x)
  local fields, columns, low, high = json.array {}, set and set.columns, ranges_of(x)
  local inputs, at = set and set.plan and set.plan.inputs, 1
  for _, input in ipairs(inputs or {}) do
    if input.kind == "one_hot" then
      fields[#fields + 1] = { name = core.visible(input.name), at = at - 1, one_hot = true,
        categories = json.array { table.unpack(input.categories) } }
      at = at + #input.categories
    else
      at = at + 1
      fields[#fields + 1] = { at = at - 2 }
    end
  end
  if at ~= count + 1 then -- no table from a file
    fields = json.array {}
    for i = 1, count do fields[i] = { at = i - 1 } end
  end
  for _, field in ipairs(fields) do
    local i = field.at + 1
    local column = columns and columns[i] or {}
    if not field.one_hot then
      field.name = core.visible(column.name or count == 1 and "number" or "number " .. i)
      field.categories = column.categories and json.array { table.unpack(column.categories) }
      field.low, field.high = low and low[i], high and high[i]
    end
    for k, name in ipairs(field.categories or {}) do field.categories[k] = core.visible(tostring(name)) end
  end
  return fields
end

-- Rows and results in the units that they had before data.standardise.
local function units_of(standardise, count, outputs)
  if standardise == nil then return nil end
  local fits = type(standardise) == "table" and core.is_tensor(standardise.mean) and #standardise.mean == count
  expect.that(fits, "export_html: standardise", ("what data.standardise gave, for %d columns"):format(count),
    standardise)
  local units = { mean = standardise.mean:totable(), deviation = standardise.deviation:totable() }
  if standardise.target_mean and #standardise.target_mean == outputs then
    units.target_mean = standardise.target_mean:totable()
    units.target_deviation = standardise.target_deviation:totable()
  end
  return units
end

-- ---- samples to step through ----

local function labels_of(y, classes)
  if not is.labels(y) or #y == 0 then return nil end
  if y:min():item() < 1 or y:max():item() > classes then return nil end
  return json.array(y:totable())
end

-- What a regression should give, sample by sample; nil where that is something else.
local function targets_of(y, count)
  return is.float(y) and y:count() == count and json.array(y:detach():reshape { count }:totable()) or nil
end

local function packed(x)
  local sum = x:double():abs():sum():item()
  if sum - sum ~= 0 then
    core.raise "export_html: data: a sample has a value that is not finite; fill missing values before"
  end
  return core.base64(x:contiguous():bytes())
end

-- The numbers for black and for white: bytes times the data set's scale; else the ends of what there is.
local function levels_of(about, x)
  local range, scale = facts.numbers(about)
  if about.type == "int32" and x then
    range, scale = { x:min():item(), x:max():item() }, nil
  end
  if not about.type and not about.scale then return { 0, 1 } end
  if scale and about.type ~= "float32" and about.type ~= "float64" then return { 0, 255 * scale } end
  return range and range[1] < range[2] and { range[1], range[2] } or { 0, 1 }
end

--- What the page knows of samples.
---@param about table? of samples.about
---@param set data.Dataset?
---@param shape integer[] of a sample
---@param outputs integer how many numbers the model gives
---@param classes string[]?
---@param options table samples, standardise
---@return table
function samples.of(about, set, shape, outputs, classes, options)
  about = about or {}
  if about.function_used then
    core.raise "export_html: data: a function of the script changes the samples, which no page can do"
  end
  local picture = picture_of(shape)
  if not picture and (#shape ~= 1 or shape[1] > FIELDS_MOST) then
    core.raise("export_html: samples are %s: a page has pictures [height, width] of up to %d pixels a side to "
      .. "draw, or rows of up to %d numbers to set; input = { height, width } says that a row is a picture",
      say.shape(shape), SIDE_MOST, FIELDS_MOST)
  end
  if picture and options.standardise ~= nil then
    core.raise "export_html: standardise: is for rows of numbers, the samples are pictures"
  end
  local count = options.samples
  if count ~= nil and not set then core.raise "export_html: samples: come from a data set; give data = set" end
  if count ~= nil then count = expect.count("export_html: samples", count, 0, #set)
  else count = set and math.min(#set, COUNT) or 0 end
  local x, y
  if count > 0 then x, y = set:slice(1, count):tensors() end
  local light = about.light
  if is.opened(x) then -- a file is not read as a whole to see what its pictures lie on
    x = x:rows(core.arange(1, #x, 1, "int32"))
    light = facts.on_light_paper(x)
  end
  if x and x.dtype ~= "uint8" then x = x:detach():float()
  elseif x and not picture then x = x:float() * set.scale end
  return {
    picture = picture,
    fields = not picture and fields_of(shape[1], set, x) or nil,
    units = not picture and units_of(options.standardise, shape[1], outputs) or nil,
    levels = json.array(levels_of(about, x)),
    light = light or false,
    normalise = about.normalise or json.array {},
    samples = x and { count = count, type = x.dtype, data = packed(x),
      labels = classes and labels_of(y, outputs), targets = not classes and targets_of(y, count * outputs) or nil }
      or nil,
  }
end

return samples
