--- Module: what every layer and model is. A class is made with nn.module(name); an object keeps its parameters
-- (tensors that require gradients), its buffers (tensors that belong to its state, but are not trained) and its
-- child modules in the order in which they were assigned, and everything that walks them uses that order.

local base = require "fnet.base"
local expect = require "fnet.base.expect"
local observer = require "fnet.base.observer"
local core = require "fnet.core"
local summary = require "fnet.nn.summary"

---@class nn.Module
---@field training boolean true after train(), the start value, false after eval()
---@field place string? where the module stands in a model, such as "layer 2"; errors begin with it
---@field inputs integer? the features that the layer takes, the last axis, for the check of what stands before it
---@field passes_on boolean its forward keeps neither its input nor its result: between two such layers memory is
--- used again; false
---@field keeps_input boolean its result leads back to its input, as a softmax's to the logits; false
---@field keeps_shape boolean its result has the shape of its input; false
---@field gives_list boolean its forward gives a list of tensors; false
---@field in_order boolean each of its listed parts takes what the one before gives; false
---@field learn_features false|fun(self: nn.Module, count: integer) is told the features of its result, by its input
--- or by the layer that follows; false
local Module = {
  passes_on = false, keeps_input = false, keeps_shape = false, gives_list = false, in_order = false,
  learn_features = false,
}

-- Keys that no name of a user's field can equal: an object's lists of the fields that hold parameters and modules,
-- and of those that hold buffers, in their order; the arguments that it was made with; the module it is a part of;
-- its name in errors, once it is known.
local ORDER, BUFFERS, ARGUMENTS, PARENT, NAME = {}, {}, {}, {}, {}
local DEEPEST = 32 -- levels that a name shows, also where modules refer to each other in a circle

--- True for a layer, a model, any object of a class made with nn.module.
---@param value any
---@return boolean
local function is_module(value)
  return type(value) == "table" and getmetatable(value) ~= nil and getmetatable(value).is_module == true
end

-- What a layer of the library would ignore means something elsewhere, such as the axis in Softmax(2).
local function check_surplus(self, ...)
  local f = self.init or self.forward
  local frame = type(f) == "function" and debug.getinfo(f, "Su")
  if not frame or not base.is_own(frame.source) or self.init and frame.isvararg then return end
  local most = self.init and frame.nparams - 1 or 0
  if select(most + 1, ...) ~= nil then
    core.raise("%s: expected %s, got %d", self.class_name,
      most == 0 and "no arguments" or ("at most %d"):format(most), select("#", ...))
  end
end

-- Results that a layer keeps are none.
local function is_parameter(value)
  return core.is_tensor(value) and value.requires_grad and core.is_leaf(value)
end

-- Calls visit(module, path) for this module and those inside it, each once.
local function walk(self, visit, path, seen)
  if seen[self] then return end
  seen[self] = true
  visit(self, path)
  for _, key in ipairs(self[ORDER]) do
    local value = rawget(self, key)
    if is_module(value) then walk(value, visit, path .. key .. ".", seen) end
  end
end

--- Makes `child` a part of `parent`, for the names in errors.
---@param parent nn.Module
---@param child nn.Module
---@param place string "layer 2"
local function adopt(parent, child, place)
  rawset(child, PARENT, parent)
  rawset(child, "place", place)
  walk(child, function(module) rawset(module, NAME, nil) end, "", {})
end

--- Takes the modules of a list as self[1], self[2], ..., and makes them parts of self. Raises where one is none.
---@param self nn.Module
---@param list nn.Module[] at least one
---@param noun string what a part is called: "layer", "branch"
local function take_list(self, list, noun)
  local what = self.class_name
  if type(list) ~= "table" or is_module(list) or #list == 0 then
    core.raise("%s: expected a table of at least one layer, { nn.Dense(784, 10), ... }", what)
  end
  for i = 1, #list do
    local part = list[i]
    if part == nil then
      core.raise("%s: %s %d is nil: is its name a variable that exists?", what, noun, i)
    elseif not is_module(part) then
      local class_name = type(part) == "table" and rawget(part, "class_name")
      core.raise("%s: %s %d: expected a layer, got %s", what, noun, i,
        class_name and "the class " .. class_name .. "; call it: nn." .. class_name .. "(...)" or core.kind(part))
    end
    self[i] = part
    adopt(self, part, noun .. " " .. i)
  end
  for key in pairs(list) do
    if math.type(key) ~= "integer" or key < 1 or key > #list then
      core.raise("%s: unexpected field '%s'; layers are listed without names or gaps", what, tostring(key))
    end
  end
end

-- New fields only: a field that exists keeps its place in the order.
local function assign(self, key, value)
  if Module[key] ~= nil and (is_module(value) or is_parameter(value)) then
    core.raise("%s: '%s' is a method of every module; give the field another name", self.class_name, key)
  end
  rawset(self, key, value)
  -- An object with a forward of its own may keep what it takes and gives.
  if key == "forward" then rawset(self, "passes_on", false) end
  if is_module(value) or is_parameter(value) then
    local order = rawget(self, ORDER)
    order[#order + 1] = key
    if is_module(value) and not rawget(value, PARENT) then adopt(self, value, tostring(key)) end
  end
end

-- Calls visit(tensor, name, module, key) for the tensors in the fields that one of a module's lists names, ORDER or
-- BUFFERS, here and in the modules inside.
local function each_tensor(self, list, visit)
  walk(self, function(module, path)
    for _, key in ipairs(module[list]) do
      local value = rawget(module, key)
      if core.is_tensor(value) then visit(value, path .. key, module, key) end
    end
  end, "", {})
end

-- One line about a module.
local function title(self) return (self:describe():gsub("\n.*", " ... }")) end

-- The arguments as they are now: a script may use its table of options again.
local function keep(...)
  local arguments = table.pack(...)
  for i = 1, arguments.n do
    local value = arguments[i]
    if type(value) == "table" and not getmetatable(value) then
      arguments[i] = {}
      for key, inner in pairs(value) do arguments[i][key] = inner end
    end
  end
  return arguments
end

-- The keys of the modules right inside, in their order, and how many numbers of its own the module trains.
local function parts_of(self)
  local keys, own = {}, 0
  for _, key in ipairs(self[ORDER]) do
    local value = rawget(self, key)
    if is_module(value) then keys[#keys + 1] = key
    elseif core.is_tensor(value) then own = own + value:count() end
  end
  return keys, own
end

--- Runs a layer: what calling it does, and what containers do with their parts. Errors find the layer on the stack
-- as the first argument of this function.
---@param layer nn.Module
---@param ... any
---@return any ... what its forward gives
local function run(layer, ...)
  local _ <close> = nil -- so that neither is a tail call, which would take the frame off the stack
  if observer.current then return observer.current.run(layer, ...) end
  return layer:forward(...)
end

--- A new class of modules. Calling the class makes an object and calls its `init(...)`; calling the object calls
-- its `forward(...)`; so are layers inside called, `self.dense(x)`, which errors and fnet.check then name. What a
-- class may say of its forward, such as `Class.passes_on = true`, is among the fields of nn.Module.
---@param name string shown when a model is printed
---@return table class
local function class(name)
  expect.that(type(name) == "string", "module", "a name for the class, such as nn.module \"Block\"", name)
  local new_class = setmetatable({ is_module = true, class_name = name }, {
    __index = Module,
    __call = function(self, ...)
      local object = setmetatable({ [ORDER] = {}, [BUFFERS] = {}, [ARGUMENTS] = keep(...), training = true }, self)
      if self.init then object:init(...) end
      check_surplus(self, ...)
      return object
    end,
  })
  new_class.__index = new_class
  new_class.__newindex = assign
  new_class.__call = run
  -- A model is a table of its layers, a layer a line.
  new_class.__tostring = function(self) return #parts_of(self) > 0 and self:summary() or self:describe() end
  return new_class
end

--- Computes the result. Every class brings its own.
function Module:forward()
  core.raise(self:name() .. ": the class has no forward method")
end

--- The shape of one sample's result, or nil where it is not known; "?" stands for a length that is not known before
-- the first sample. Raises where the layer does not take samples of that shape.
---@param input? (integer|string)[] the shape of one sample, where it is known
---@return (integer|string)[]?
function Module:output_shape(input) return self.keeps_shape and input or nil end

--- The layer and its arguments, such as "Dense(784, 128)"; a container lists its layers, one a line.
---@return string
function Module:describe() return self.class_name .. "()" end

--- What errors call this layer: "layer 2, Dense(784, 128)", after the places of the modules that it is a part of.
---@return string
function Module:name()
  local name = self[NAME]
  if name then return name end
  local parts, module = { title(self) }, self
  for _ = 1, DEEPEST do
    if not module then break end
    if module.place then table.insert(parts, 1, module.place) end
    module = rawget(module, PARENT)
  end
  name = table.concat(parts, ", ")
  rawset(self, NAME, name)
  return name
end

--- The arguments that make this module anew, for saving: those that it was made with, unless its class says more.
-- They may be numbers, texts, booleans, other modules and tables of these.
---@return any ...
function Module:config()
  local arguments = self[ARGUMENTS]
  return table.unpack(arguments, 1, arguments.n)
end

--- Adds a tensor to the module's state that is saved and converted with it, but not trained, as field `name`. New
-- values are copied into it: `self.name:copy(values)`.
---@param name string
---@param tensor tensor
function Module:buffer(name, tensor)
  if type(name) ~= "string" or rawget(self, name) ~= nil or not core.is_tensor(tensor) then
    core.raise("%s: buffer: expected the name of a new field and a tensor, got %s and %s", self.class_name,
      tostring(name), core.kind(tensor))
  end
  rawset(self, name, tensor)
  local buffers = rawget(self, BUFFERS)
  buffers[#buffers + 1] = name
end

-- The tensors of a list with names.
local function tensors_of(entries)
  local tensors = {}
  for i, entry in ipairs(entries) do tensors[i] = entry.tensor end
  return tensors
end

--- The parameters with their names, such as "2.weight", in their fixed order, each once.
---@return {name: string, tensor: tensor}[]
function Module:named_parameters()
  expect.method("named_parameters", self)
  local list, seen = {}, {}
  each_tensor(self, ORDER, function(tensor, name)
    if not seen[tensor] then list[#list + 1] = { name = name, tensor = tensor } end
    seen[tensor] = true
  end)
  return list
end

--- The buffers with their names, such as "2.running_mean", in their fixed order.
---@return {name: string, tensor: tensor}[]
function Module:named_buffers()
  local list = {}
  each_tensor(self, BUFFERS, function(tensor, name) list[#list + 1] = { name = name, tensor = tensor } end)
  return list
end

--- The parameters in their fixed order.
---@return tensor[]
function Module:parameters()
  expect.method("parameters", self)
  return tensors_of(self:named_parameters())
end

--- The number of trainable numbers.
---@return integer
function Module:count()
  expect.method("count", self)
  local count = 0
  for _, parameter in ipairs(self:parameters()) do count = count + parameter:count() end
  return count
end

--- SHA-256 of all parameters in order, then of the buffers: two runs with equal lines have equal weights, bit for
-- bit.
---@return string hexadecimal
function Module:sha256()
  expect.method("sha256", self)
  return core.sha256(table.unpack(tensors_of(self:state())))
end

--- Drops the gradients of all parameters.
function Module:zero_grad()
  expect.method("zero_grad", self)
  for _, parameter in ipairs(self:parameters()) do core.zero_grad(parameter) end
end

--- This module and all inside it, each once, in their fixed order.
---@return nn.Module[]
function Module:modules()
  expect.method("modules", self)
  local list = {}
  walk(self, function(module) list[#list + 1] = module end, "", {})
  return list
end

--- Sets training mode (layers such as dropout behave differently) here and in all modules inside.
---@param training? boolean true
---@return nn.Module self
function Module:train(training)
  expect.method("train", self)
  walk(self, function(module) module.training = training ~= false end, "", {})
  return self
end

--- Sets evaluation mode.
---@return nn.Module self
function Module:eval()
  expect.method("eval", self)
  return self:train(false)
end

--- Converts all parameters and buffers, such as to "float64" for a gradient check.
---@param dtype string "float32" or "float64"
---@return nn.Module self
function Module:to(dtype)
  expect.method("to", self)
  expect.choice("to", dtype, { "float32", "float64" })
  each_tensor(self, ORDER, function(parameter, _, module, key)
    if parameter.dtype == dtype then return end
    local converted = parameter:detach():to(dtype)
    converted.requires_grad = true
    rawset(module, key, converted)
  end)
  each_tensor(self, BUFFERS, function(buffer, _, module, key) rawset(module, key, buffer:to(dtype)) end)
  return self
end

--- A table of layers, output shapes (for a batch) and parameter counts: what `print(model)` shows.
---@return string
function Module:summary()
  expect.method("summary", self)
  if #parts_of(self) > 0 then return summary(self, parts_of) end
  return ("%s\nparameters: %d"):format(self:describe(), self:count())
end

return {
  class = class, is_module = is_module, run = run, title = title, take_list = take_list, tensors_of = tensors_of,
  Module = Module,
}
