--- Weights: what the units of a first layer look for, as pictures.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local first_layer = require "fnet.inspect.first_layer"
local letters = require "fnet.chart.letters"
local palette = require "fnet.chart.palette"
local pictures = require "fnet.report.pictures"
local pixels = require "fnet.report.pixels"
local screen = require "fnet.chart.screen"
local is_module = require("fnet.nn.module").is_module

local MOST = 16 -- units that are drawn
local SMALL = 8 -- pictures of fewer columns are enlarged
local MEANING = "shades from blank, the most negative weight, over '=' and '+', about 0, to '@', the most positive"

-- The shape that is asked for, checked: as many numbers as the layer takes.
local function check_shape(layer, shape)
  if shape == nil then return end
  if layer.class_name ~= "Dense" then
    core.raise("weights: shape: %s has the shape of its kernels", layer:name())
  end
  expect.that(type(shape) == "table" and (#shape == 2 or #shape == 3), "weights: shape",
    "the height and width of a picture, such as { 28, 28 }", shape)
  local count = 1
  for i = 1, #shape do count = count * expect.count("weights: shape: length " .. i, shape[i], 1) end
  if count ~= layer.inputs then
    core.raise("weights: shape: expected %d numbers in all for %s, got %d", layer.inputs, layer:name(), count)
  end
end

-- Weights from -1 to 1, by the largest of the picture; colours lie around the middle grey.
local function scaled(picture)
  local largest = picture:abs():max():item()
  local unit = largest > 0 and picture / largest or picture
  if picture.rank == 3 then unit = unit * 0.5 + 0.5 end
  return picture.shape[2] < SMALL and pixels.enlarge(unit, math.ceil(SMALL / picture.shape[2])) or unit
end

-- The pictures of the first units, one a channel where those are no colours.
local function pictures_of(all, most)
  local list, captions, channels = {}, {}, all.shape[4]
  for unit = 1, most do
    local picture = all:select(1, unit)
    for channel = 1, channels == 3 and 1 or channels do
      list[#list + 1] = scaled((channels == 3 and picture or picture:select(3, channel)):contiguous())
      captions[#captions + 1] = (channels == 1 or channels == 3) and "unit " .. unit
        or ("%d, channel %d"):format(unit, channel)
    end
  end
  return list, captions
end

--- The weights of a first layer as pictures, in a grid: what each unit of a Dense layer on flattened pictures, or
-- each kernel of a Conv2D, looks for. Blue is negative and orange positive, each picture scaled by its largest
-- weight, as report.matrix has it; those of three channels are colours around grey. Where there are no colours the
-- last line says what the shades mean.
---@param model nn.Module a Dense or Conv2D layer, or a model, whose first one is taken
---@param options? table shape: integer[], { height, width } of the pictures that a Dense layer takes as rows, or {
--- height, width, 3 }; by default a square, where a Flatten comes before; count: integer, at most so many units,
--- 16; columns: integer, so many pictures side by side
---@return string text without a newline at the end
local function weights(model, options)
  expect.that(is_module(model), "weights", "a model or a layer first", model)
  options = expect.options("weights", options, { "shape", "count", "columns" })
  local most = options.count == nil and MOST or expect.count("weights: count", options.count, 1)
  return core.no_grad(function()
    local layer, all = first_layer(model, nil)
    if not layer then
      core.raise("weights: expected a model with a Dense or a Conv2D layer, got %s", model:name())
    end
    check_shape(layer, options.shape)
    if options.shape then all = select(2, first_layer(model, options.shape)) end
    if not all then
      core.raise("weights: %s takes rows of %d numbers; what picture they are is said by shape = { height, width }",
        layer:name(), layer.inputs)
    end
    local shown = math.min(most, layer.units)
    local list, captions = pictures_of(all, shown)
    local head = shown == layer.units and layer:name() or ("the first %s of %s"):format(
      shown == 1 and "unit" or shown .. " units", layer:name())
    local at = screen.of(1)
    local function folded(text) return table.concat(letters.wrap(text, at.columns), "\n") end
    local drawn = pictures.grid("weights", list, { captions = captions, columns = options.columns },
      function(picture) return picture.rank == 3 and palette.colour or palette.signed end)
    local meaning = not at.colour and list[1].rank == 2 and "\n\n" .. folded(MEANING) or ""
    return ("%s\n\n%s%s"):format(folded(head), drawn, meaning)
  end)
end

return weights
