--- What a model's file says of the samples that it was trained on, so that others can be brought into the same
-- form: for model:save, and the commands that use a model without its script.

local core = require "fnet.core"
local files = require "fnet.files"
local form = require "fnet.files.form"
local is = require "fnet.base.is"
local json = require "fnet.files.json"
local transforms = require "fnet.data.transforms"

local samples = {}

local AXES_MOST = 7 -- of a sample

local STATISTICS = form.object({ mean = form.list(form.between(-1e30, 1e30), 1),
  deviation = form.list(form.between(1e-30, 1e30), 1) }, { "mean", "deviation" })

-- The same number of both.
local function statistics(value, place)
  STATISTICS(value, place)
  if #value.mean ~= #value.deviation then
    files.fault("%s: has %d means and %d deviations", place, #value.mean, #value.deviation)
  end
end

--- What `describe` gives, as a file has it.
---@type files.Form
samples.form = form.object { shape = form.list(form.whole(0), 0, AXES_MOST), type = form.text,
  range = form.list(form.number, 2, 2), scale = form.number, light = form.boolean,
  normalise = form.list(statistics, 1), function_used = form.boolean }

-- The least and the greatest value of floats; nil where one is not finite, or there is none.
local function range_of(x)
  if not is.float(x) or x:count() == 0 then return nil end
  local low, high = x:min():item(), x:max():item()
  return low - low == 0 and high - high == 0 and { low, high } or nil
end

--- Whether grey pictures have dark ink on light paper, by their borders.
---@param pictures tensor uint8 [count, height, width], at least one
---@return boolean
function samples.is_light(pictures)
  local count, height, width = table.unpack(pictures.shape)
  local sum = pictures:select(2, 1):sum():item() + pictures:select(2, height):sum():item()
    + pictures:select(3, 1):sum():item() + pictures:select(3, width):sum():item()
  return sum / (2 * count * (height + width)) > 127.5
end

--- Whether the samples of a data set are grey pictures of bytes on light paper.
---@param x tensor|userdata # [count, ...]
---@return boolean? true nil where they are something else, or stay in their file
function samples.on_light_paper(x)
  if not core.is_tensor(x) or x.dtype ~= "uint8" or x:count() == 0 then return nil end
  if x.rank == 4 and x.shape[4] == 1 then x = x:select(4, 1) end
  return x.rank == 3 and samples.is_light(x) or nil
end

--- The facts. A transform that chooses at random is left out: it is for training alone.
---@param dataset data.Dataset
---@return table about shape and type of a sample (not where a model has several inputs); range: of floats; scale:
--- of bytes; light: true for grey pictures of bytes on light paper; normalise: list of { mean, deviation };
--- function_used: true where samples go through a fixed function
function samples.describe(dataset)
  local x = (dataset.whole or dataset).x
  local about = { scale = dataset.scale }
  if is.array(x) then
    about.shape, about.type = json.array { table.unpack(x.shape, 2) }, x.dtype
    about.range = core.is_tensor(x) and range_of(x) or nil -- a file is not read once more for it
    about.light = samples.on_light_paper(x)
  end
  for _, step in ipairs(dataset.transform and dataset.transform.steps or {}) do
    if step.kind == "normalise" then
      about.normalise = about.normalise or json.array {}
      table.insert(about.normalise, { mean = step.mean:totable(), deviation = step.deviation:totable() })
    elseif step.own and step.random == false then
      about.function_used = true
    end
  end
  return about
end

--- The range of the floats that the network saw before they were normalised, nil where it is not known; and what
-- bytes of pictures are multiplied by to become such floats, nil where nobody knows.
---@param about table of fnet.load
---@return number[]? range low, high
---@return number? scale
function samples.numbers(about)
  if about.type ~= "float32" and about.type ~= "float64" then -- bytes, or an older file that does not say
    local scale = about.scale or 1
    return { math.min(0, 255 * scale), math.max(0, 255 * scale) }, scale
  end
  local range = about.range
  if not range then return nil, nil end
  if range[1] < 0 or range[2] > 255 then return range, nil end
  return range, range[2] <= 1 and 1 / 255 or 1
end

--- The transform that the facts name, for data sets and batches; nil where there is none.
---@param about table of fnet.load
---@return data.Transform?
function samples.transform(about)
  if not about.normalise then return nil end
  local list = {}
  for i, step in ipairs(about.normalise) do list[i] = transforms.normalise(step) end
  return transforms.transforms(list)
end

return samples
