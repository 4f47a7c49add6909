--- Sequential: layers one after the other.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local module = require "fnet.nn.module"

local discard, run = core.discard, module.run

---@class nn.Sequential: nn.Module
local Sequential = module.class "Sequential"
Sequential.in_order = true -- each layer takes what the one before it gives

-- Follows the shape of a sample through the layers; raises where two do not fit. The height and width of a picture
-- are "?" as long as nothing tells them. A layer that takes any shape but must give a known number of features
-- (Flatten) is told that number, or by the next layer that names its inputs.
local function check_shapes(self)
  local shape
  self.shapes = {} -- after each layer
  for i, layer in ipairs(self) do
    local before, inputs, features = self[i - 1], layer.inputs, shape and shape[#shape]
    if before and before.gives_list and layer.passes_on then
      core.raise("%s expects a tensor, but %s gives a list; nn.Concat joins the results of its branches",
        layer:name(), before:name())
    end
    if inputs and features and features ~= inputs then
      core.raise("%s expects %d inputs, but %s gives %s", layer:name(), inputs, before:name(),
        say.shape(shape, "batch, "))
    end
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
-- neighbours do not fit, here, where the model is declared.
---@param layers nn.Module[] at least one
function Sequential:init(layers)
  module.take_list(self, layers, "layer")
  -- Layers that keep no reference to what they take and give let the memory between them be used again.
  self.inputs, self.gives_list = self[1].inputs, self[#self].gives_list
  self.passes_on, self.keeps_input = true, false
  for _, layer in ipairs(self) do
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
  local input, was_passed = x, false
  for i = 1, #self do
    local layer = self[i]
    local y = run(layer, x)
    if y == nil then core.raise(layer:name() .. ": its forward gave nil; does it return its result?") end
    local passes_on = layer.passes_on
    if passes_on and was_passed and x ~= input and not layer.keeps_input then discard(x, y) end
    was_passed, x = passes_on, y
  end
  return x
end

function Sequential:output_shape(input)
  if not input then return self.shapes[#self] or nil end -- the layers' own numbers count
  local shape = input
  for _, layer in ipairs(self) do shape = layer:output_shape(shape) end
  return shape
end

-- The layers that are in it now, also where a script put one in the place of another.
function Sequential:config() return { table.unpack(self) } end

function Sequential:describe()
  local lines = { self.class_name .. " {" }
  for _, layer in ipairs(self) do lines[#lines + 1] = "  " .. layer:describe():gsub("\n", "\n  ") .. "," end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n")
end

return Sequential
