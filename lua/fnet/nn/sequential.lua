--- Sequential: layers one after the other.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local list = require "fnet.nn.list"
local module = require "fnet.nn.module"

local discard, run = core.discard, module.run

---@class nn.Sequential: nn.Module
---@field [integer] nn.Module|table
local Sequential = list.class "Sequential"
Sequential.in_order = true -- each layer takes what the one before it gives

-- Raises where a layer's inputs are others than the features of the shape that it gets, of the layer before it or
-- of the samples; a shape that is not known is nil.
local function check_features(layer, shape, before)
  local features = shape and shape[#shape]
  if not (layer.inputs and features) or features == layer.inputs then return end
  local has_rows = layer.weight and layer.weight.rank == 2 -- and got pictures
  core.raise("%s expects %d inputs, but %s %s%s", layer:name(), layer.inputs,
    before and before:name() .. " gives" or "the samples are", say.shape(shape, "batch, "),
    has_rows and #shape == 3 and "; put nn.Flatten() before it" or "")
end

-- Follows the shape of a sample through the layers; raises where two do not fit. The height and width of a picture
-- are "?" as long as nothing tells them. A layer that takes any shape but must give a known number of features
-- (Flatten) is told that number, or by the next layer that names its inputs.
local function check_shapes(self)
  local shape
  rawset(self, "shapes", {}) -- after each layer
  for i, layer in ipairs(self) do
    local before, inputs = self[i - 1], layer.inputs
    if layer.learn_features then layer:learn_features(nil) end -- those of a layer that is gone
    if before and before.gives_list and layer.passes_on then
      core.raise("%s expects a tensor, but %s gives a list; nn.Concat joins the results of its branches",
        layer:name(), before:name())
    end
    check_features(layer, shape, before)
    if inputs and not shape and before and before.learn_features then
      before:learn_features(inputs)
      self.shapes[i - 1] = { inputs }
    end
    shape = layer:output_shape(shape)
    if shape and layer.learn_features then layer:learn_features(shape[#shape]) end
    self.shapes[i] = shape or false
  end
end

--- Layers one after the other: `nn.Sequential { nn.Flatten(), nn.Dense(784, 10), nn.Softmax() }`. Raises where two
-- neighbours do not fit, here, where the model is declared, and where a layer is replaced, added or taken away:
-- `model[3] = nn.Dense(128, 5)`, `table.insert(model, 2, nn.Dropout(0.5))`, `table.remove(model)`.
---@param layers nn.Module[] at least one
function Sequential:init(layers)
  list.take(self, layers, "layer")
  Sequential.settle(self)
end

--- What follows from the layers; called when they have changed. Raises where two do not fit.
function Sequential:settle()
  expect.method("settle", self)
  local layers = list.parts(self)
  if #layers == 0 then core.raise("%s: expected at least one layer to stay", self.class_name) end
  -- Layers that keep no reference to what they take and give let the memory between them be used again.
  self.inputs, self.gives_list = layers[1].inputs, layers[#layers].gives_list
  self.passes_on, self.keeps_input = true, false
  for _, layer in ipairs(layers) do
    self.passes_on = self.passes_on and layer.passes_on
    self.keeps_input = self.keeps_input or layer.keeps_input
  end
  check_shapes(self)
end

--- Calls the layers, each with the result of the one before.
---@param x tensor a batch or one sample
---@return tensor
function Sequential:forward(x)
  if x == nil then expect.method("forward", self) end -- as in model.forward(x)
  local layers, input, was_passed = list.parts(self), x, false
  for i = 1, #layers do
    local layer = layers[i]
    local y = run(layer, x)
    if y == nil then core.raise(layer:name() .. ": its forward gave nil; does it return its result?") end
    local passes_on = layer.passes_on
    if passes_on and was_passed and x ~= input and not layer.keeps_input then discard(x, y) end
    was_passed, x = passes_on, y
  end
  return x
end

function Sequential:output_shape(input)
  expect.output_shape(self, input)
  if not input then return self.shapes[#self] or nil end -- the layers' own numbers count
  local shape = input
  for i, layer in ipairs(self) do
    check_features(layer, shape, self[i - 1])
    shape = layer:output_shape(shape)
  end
  return shape
end

return Sequential
