--- Weights: what the units of a first layer look for, as pictures.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local contents = require "fnet.nn.contents"
local letters = require "fnet.report.letters"
local palette = require "fnet.report.palette"
local pictures = require "fnet.report.pictures"
local pixels = require "fnet.report.pixels"
local screen = require "fnet.report.screen"
local is_module = require("fnet.nn.module").is_module

local MOST = 16 -- units that are drawn
local SMALL = 8 -- pictures of fewer columns are enlarged

-- The first layer of a model that has weights for pictures; and whether a Flatten comes before it.
local function find(model)
  local flattened = false
  for _, entry in ipairs(contents.of(model).modules) do
    local layer = entry.value
    if layer.class_name == "Flatten" then flattened = true end
    if layer.class_name == "Dense" or layer.class_name == "Conv2D" then return layer, flattened end
  end
  core.raise("weights: expected a model with a Dense or a Conv2D layer, got %s", model:name())
end

-- The shape of the picture that a Dense layer takes as a row: as asked for, or the square of which a Flatten made
-- it.
local function shape_of(layer, flattened, shape)
  if shape ~= nil then
    expect.that(type(shape) == "table" and (#shape == 2 or #shape == 3), "weights: shape",
      "the height and width of a picture, such as { 28, 28 }", shape)
    local count = 1
    for i, length in ipairs(shape) do count = count * expect.count("weights: shape: length " .. i, length, 1) end
    if count ~= layer.inputs then
      core.raise("weights: shape: expected %d numbers in all for %s, got %d", layer.inputs, layer:name(), count)
    end
    if #shape == 3 and shape[3] ~= 1 and shape[3] ~= 3 then
      core.raise("weights: shape: expected 1 or 3 channels, got %d", shape[3])
    end
    return shape
  end
  for _, channels in ipairs { 1, 3 } do
    local side = math.floor(math.sqrt(layer.inputs / channels) + 0.5)
    if flattened and side * side * channels == layer.inputs then return { side, side, channels } end
  end
  core.raise("weights: %s takes rows of %d numbers; what picture they are is said by shape = { height, width }",
    layer:name(), layer.inputs)
end

-- Weights from -1 to 1, by the largest of the picture; colours lie around the middle grey.
local function scaled(picture)
  local largest = picture:abs():max():item()
  local unit = largest > 0 and picture / largest or picture
  if picture.rank == 3 then unit = unit * 0.5 + 0.5 end
  return picture.shape[2] < SMALL and pixels.enlarge(unit, math.ceil(SMALL / picture.shape[2])) or unit
end

-- The pictures of a layer's first units, one a channel where those are no colours.
local function pictures_of(layer, shape, most)
  local list, captions = {}, {}
  local function add(picture, caption)
    if picture.rank == 3 and picture.shape[3] == 1 then picture = picture:squeeze(3) end
    list[#list + 1], captions[#captions + 1] = scaled(picture:contiguous()), caption
  end
  local weight = layer.weight:detach():float()
  for unit = 1, most do
    local kernel = weight:select(weight.rank, unit):contiguous()
    if shape then kernel = kernel:reshape(shape) end
    local channels = kernel.shape[3] or 1
    if channels == 1 or channels == 3 then add(kernel, "unit " .. unit)
    else
      for channel = 1, channels do
        add(kernel:select(3, channel), ("%d, channel %d"):format(unit, channel))
      end
    end
  end
  return list, captions
end

--- The weights of a first layer as pictures, in a grid: what each unit of a Dense layer on flattened pictures, or
-- each kernel of a Conv2D, looks for. Blue is negative and orange positive, each picture scaled by its largest
-- weight, as report.matrix has it; those of three channels are colours around grey.
---@param model nn.Module a Dense or Conv2D layer, or a model, whose first one is taken
---@param options? table shape: { height, width } of the pictures that a Dense layer takes as rows, or { height,
--- width, 3 }; by default a square, where a Flatten comes before; count: at most so many units, 16; columns: so
--- many pictures side by side
---@return string text without a newline at the end
local function weights(model, options)
  expect.that(is_module(model), "weights", "a model or a layer first", model)
  options = expect.options("weights", options, { "shape", "count", "columns" })
  local most = options.count == nil and MOST or expect.count("weights: count", options.count, 1)
  local layer, flattened = find(model)
  if options.shape ~= nil and layer.class_name ~= "Dense" then
    core.raise("weights: shape: %s has the shape of its kernels", layer:name())
  end
  return core.no_grad(function()
    local shape = layer.class_name == "Dense" and shape_of(layer, flattened, options.shape)
    local shown = math.min(most, layer.units)
    local list, captions = pictures_of(layer, shape, shown)
    local head = shown < layer.units and ("the first %s of %s"):format(
      shown == 1 and "unit" or shown .. " units", layer:name()) or layer:name()
    head = table.concat(letters.wrap(head, screen.of(1).columns), "\n")
    return head .. "\n\n" .. pictures.grid("weights", list, { captions = captions, columns = options.columns },
      function(picture) return picture.rank == 3 and palette.colour or palette.signed end)
  end)
end

return weights
