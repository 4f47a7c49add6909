--- First layer: the weights of a model's first layer as pictures, one a unit: for the terminal, pages and events.
-- Invariant: what is no picture is said to be none, and why.

local core = require "fnet.core"
local contents = require "fnet.nn.contents"

-- The first layer that learns pictures or rows; whether a Flatten comes before it.
local function find(model)
  local flattened = false
  for _, layer in ipairs(contents.modules(model)) do
    if layer.class_name == "Flatten" then flattened = true end
    if layer.class_name == "Dense" or layer.class_name == "Conv2D" then return layer, flattened end
  end
end

-- The square picture, grey or in colour, of so many numbers.
local function square(count)
  for _, channels in ipairs { 1, 3 } do
    local side = math.floor(math.sqrt(count / channels) + 0.5)
    if side * side * channels == count then return { side, side, channels } end
  end
end

--- The weights as pictures. A convolution has those of its kernels; a dense layer takes a picture as a row of
-- numbers, so its shape is given, or is the square that a Flatten before the layer suggests.
---@param model nn.Module
---@param shape? integer[] { height, width } or { height, width, channels } of the picture that a dense layer takes
---@return nn.Module? layer nil where no layer is Dense or Conv2D
---@return tensor? pictures float32 [units, height, width, channels]; nil where the layer's weights are none of the
--- shape
return function(model, shape)
  local layer, flattened = find(model)
  if not layer then return nil end
  return layer, core.no_grad(function()
    local weight = layer.weight:detach():float()
    local units = weight.shape[weight.rank]
    local rows = weight:reshape({ weight:count() // units, units }):transpose(1, 2):contiguous()
    local own = weight.shape -- of a convolution
    if layer.class_name == "Dense" then own = shape or flattened and square(layer.inputs) end
    if not own or #own < 2 or own[1] * own[2] * (own[3] or 1) ~= rows.shape[2] then return nil end
    return rows:reshape { units, own[1], own[2], own[3] or 1 }
  end)
end
