--- Containers whose layers do not simply follow each other: Residual, Parallel, Concat.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local expect = require "fnet.base.expect"
local functions = require "fnet.tensor.functions"
local list = require "fnet.nn.list"
local module = require "fnet.nn.module"
local Sequential = require "fnet.nn.sequential"

---@class nn.Residual: nn.Sequential
local Residual = list.class "Residual"
Residual.in_order = true

--- x + layers(x), the layers one after the other (He and others, 2016), which must give the shape of the input:
-- `nn.Residual { nn.Dense(64, 64), nn.ReLU() }`.
---@param layers nn.Module[] at least one
function Residual:init(layers)
  list.take(self, layers, "layer")
  self:settle()
end

--- What follows from the layers; called when they have changed. Raises where two do not fit.
function Residual:settle()
  expect.method("settle", self)
  Sequential.settle(self)
  self.keeps_input, self.gives_list = false, false -- the sum keeps nothing of what it is made from
  local shape = self.inputs and self.shapes[#self]
  if shape and shape[#shape] ~= self.inputs then
    core.raise("Residual: %d inputs cannot be added to the %d that its layers give", self.inputs, shape[#shape])
  end
end

--- x + layers(x). Raises, with the layer's place, where the shapes differ.
---@param x tensor
---@return tensor
function Residual:forward(x)
  if x == nil then expect.method("forward", self) end
  local inner = Sequential.forward(self, x)
  if not core.is_tensor(x) or not core.is_tensor(inner) then
    core.raise("%s: expected two tensors to add, got %s and, from its layers, %s", self:name(), say.value(x),
      say.value(inner))
  end
  if not is.same_shape(inner.shape, x.shape) then
    core.raise("%s: its input %s cannot be added to what its layers give, %s", self:name(), say.shape(x.shape),
      say.shape(inner.shape))
  end
  local y = x + inner
  if self.passes_on and inner ~= x then core.discard(inner, y) end
  return y
end

function Residual:output_shape(input)
  expect.output_shape(self, input)
  return input or Sequential.output_shape(self)
end

---@class nn.Parallel: nn.Module
---@field [integer] nn.Module|table
local Parallel = list.class "Parallel"
Parallel.gives_list = true

-- What branches share: features that come in, which must be unknown or equal.
local function settle_inputs(self)
  local shared
  for i, branch in ipairs(self) do
    local inputs = branch.inputs
    if inputs and shared and inputs ~= shared then
      core.raise("%s: branch %d expects %d inputs, but a branch before it %d", self.class_name, i, inputs, shared)
    end
    shared = shared or inputs
  end
  self.inputs = shared
end

--- The same input through several layers: gives a list of their results, for a function or a layer of your own that
-- takes it apart.
---@param branches nn.Module[] at least one; nn.Sequential { ... } for more than one layer
function Parallel:init(branches)
  list.take(self, branches, "branch")
  self:settle()
end

--- What follows from the branches; called when they have changed. Raises where they do not fit.
function Parallel:settle()
  expect.method("settle", self)
  settle_inputs(self)
end

--- The results of the branches.
---@param x tensor
---@return tensor[]
function Parallel:forward(x)
  if x == nil then expect.method("forward", self) end
  local results = {}
  for i, branch in ipairs(self) do results[i] = module.run(branch, x) end
  return results
end

---@class nn.Concat: nn.Module
---@field [integer] nn.Module|table
local Concat = list.class "Concat"

--- The same input through several layers, whose results are joined along the last axis (channels, features).
---@param branches nn.Module[] at least one; nn.Sequential { ... } for more than one layer
function Concat:init(branches)
  list.take(self, branches, "branch")
  self:settle()
end

--- What follows from the branches; called when they have changed. Raises where they do not fit.
function Concat:settle()
  expect.method("settle", self)
  settle_inputs(self)
  self.passes_on = true
  for _, branch in ipairs(self) do self.passes_on = self.passes_on and branch.passes_on end
end

--- The results of the branches, joined. Raises, with the layer's place, where other axes than the last differ.
---@param x tensor
---@return tensor y [..., the sum of the branches' last lengths]
function Concat:forward(x)
  if x == nil then expect.method("forward", self) end
  local results, first = {}, nil
  for i, branch in ipairs(self) do
    results[i] = module.run(branch, x)
    if not core.is_tensor(results[i]) then
      core.raise("%s: branch %d: expected a tensor from it, got %s", self:name(), i, say.value(results[i]))
    end
    local shape = results[i].shape
    first = first or shape
    if #shape == 0 or not is.same_shape(shape, first, 1) then
      core.raise("%s: branches give %s and %s; all axes but the last must be equal", self:name(), say.shape(first),
        say.shape(shape))
    end
  end
  local y = functions.constructors.concat(results, #first)
  for i, result in ipairs(results) do
    if self.passes_on and result ~= x and y ~= result and not self[i].keeps_input then core.discard(result, y) end
  end
  return y
end

function Concat:output_shape(input)
  expect.output_shape(self, input)
  local joined
  for i, branch in ipairs(self) do
    local shape = branch:output_shape(input)
    if not shape then return nil end
    local is_open = shape.open or joined and joined.open
    if joined and not is_open and not is.same_shape(shape, joined, 1) then
      core.raise("%s: branch %d gives %s, but those before it %s; all axes but the last must be equal",
        self.class_name, i, say.shape(shape, "batch, "), say.shape(joined, "batch, "))
    end
    shape = { table.unpack(shape) }
    if joined then shape[#shape] = shape[#shape] + joined[#joined] end
    joined, shape.open = shape, is_open
  end
  return joined
end

return { Residual = Residual, Parallel = Parallel, Concat = Concat }
