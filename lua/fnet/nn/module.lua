--- Module: what every layer and model is. A class is made with nn.module(name). Its parameters (tensors whose
-- requires_grad was set, also where they are frozen), its buffers (tensors that belong to its state, but are not
-- trained) and the modules inside are those that its fields hold when it is asked, see contents.lua.

local base = require "fnet.base"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local observer = require "fnet.base.observer"
local core = require "fnet.core"
local contents = require "fnet.nn.contents"
local modes = require "fnet.nn.modes"
local summary = require "fnet.nn.summary"

---@class nn.Module
---@field training boolean true after train(), the start value, false after eval(), fnet.fit and fnet.load
---@field place string? where the module stands in a model, such as "layer 2"; errors begin with it
---@field inputs integer? the features that the layer takes, the last axis, for the check of what stands before it
---@field passes_on boolean its forward keeps neither its input nor its result: between two such layers memory is
--- used again; false
---@field keeps_input boolean its result leads back to its input, as a softmax's to the logits; false
---@field keeps_shape boolean its result has the shape of its input; false
---@field gives_list boolean its forward gives a list of tensors; false
---@field in_order boolean each of its listed parts takes what the one before gives; false
---@field learn_features false|fun(self: nn.Module, count: integer?) is told the features of its result, by its
--- input or by the layer that follows, or that they are not known any more; false
---@field settle false|fun(self: nn.Module) notes what follows from its listed parts, raises where they do not fit;
--- false
---@overload fun(...: any): any
local Module = {
  training = true, passes_on = false, keeps_input = false, keeps_shape = false, gives_list = false,
  in_order = false, learn_features = false, settle = false,
}

--- What nn.module makes: a class, and its objects, which have the fields that the script gives them.
---@class fnet.Class: nn.Module
---@overload fun(...: any): any
---@field [string] any
---@field forward any what the script computes

local ORDER, KNOWN, BUFFERS, PARENT = contents.ORDER, contents.KNOWN, contents.BUFFERS, contents.PARENT
local adopt, is_module = contents.adopt, contents.is_module

-- Keys like those: the arguments that an object was made with; its name in errors, once it is known, and how many
-- adoptions there were then.
local ARGUMENTS, NAME, NAMED_AT = {}, {}, {}
local DEEPEST = 32 -- levels that a name shows, also where modules refer to each other in a circle

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

-- What other libraries set to freeze a layer; here it would be kept and do nothing.
local OF_OTHERS = { requires_grad = true, trainable = true }

-- A field's place in the order is that of its first assignment.
local function know(self, key)
  if self[KNOWN][key] then return end
  self[KNOWN][key] = true
  table.insert(self[ORDER], key)
end

-- Called for fields that the object does not have yet.
local function assign(self, key, value)
  if Module[key] ~= nil and (is_module(value) or core.is_parameter(value)) then
    core.raise("%s: '%s' is a method of every module; give the field another name", self.class_name, key)
  end
  expect.key(self.class_name, key)
  if OF_OTHERS[key] and type(value) == "boolean" then
    core.raise("%s: '%s' of a module would change nothing; freeze() and unfreeze() say whether its parameters "
      .. "are trained", self.class_name, key)
  end
  if key == "training" then return modes.say_one(self, value ~= false) end
  rawset(self, key, value)
  -- An object with a forward of its own may keep what it takes and gives.
  if key == "forward" then rawset(self, "passes_on", false) end
  if value ~= nil then know(self, key) end
  if is_module(value) and not rawget(value, PARENT) then adopt(self, value, tostring(key)) end
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
-- its `forward(...)`; so are layers inside called, `self.dense(x)`, which errors and fnet.check then name. Its
-- parameters are the tensors whose requires_grad was set to true, its parts the modules, that it has in its fields,
-- or in plain tables there, when it is asked. What a class may say of its forward, such as `Class.passes_on =
-- true`, is among the fields of nn.Module.
---@param name string shown when a model is printed
---@return fnet.Class class
local function class(name)
  expect.that(type(name) == "string", "module", "a name for the class, such as nn.module \"Block\"", name)
  local new_class = setmetatable({ is_module = true, class_name = name }, {
    __index = Module,
    kind = function() return ("the class %s; call it: nn.%s(...)"):format(name, name) end, -- for messages
    __call = function(self, ...)
      local object = setmetatable({ [ORDER] = {}, [KNOWN] = {}, [BUFFERS] = {}, [ARGUMENTS] = keep(...) }, self)
      if self.init then object:init(...) end
      check_surplus(self, ...)
      contents.own(object) -- the parts in plain tables learn where they stand
      return object
    end,
  })
  new_class.__index = new_class
  new_class.__newindex = assign
  new_class.__call = run
  -- A model is a table of its layers, a layer a line.
  new_class.__tostring = function(self)
    return #contents.own(self).parts > 0 and self:summary() or self:describe()
  end
  return new_class
end

--- Computes the result. Every class brings its own.
function Module:forward()
  expect.method("forward", self)
  core.raise(self:name() .. ": the class has no forward method")
end

--- The shape of one sample's result, or nil where it is not known; "?" stands for a length that is not known before
-- the first sample, and `open = true` beside the lengths says that axes which are not known may stand before the
-- last one. Raises where the layer does not take samples of that shape.
---@param input? (integer|string)[] the shape of one sample, where it is known
---@return (integer|string)[]?
function Module:output_shape(input)
  expect.output_shape(self, input)
  return self.keeps_shape and input or nil
end

--- The layer and its arguments, such as "Dense(784, 128)"; a container lists its layers, one a line.
---@return string
function Module:describe()
  expect.method("describe", self)
  return self.class_name .. "()"
end

--- What errors call this layer: "layer 2, Dense(784, 128)", after the places of the modules that it is a part of.
---@return string
function Module:name()
  local known = type(self) == "table" and self[NAME] -- the quick way: layers ask for it with each call
  if known and self[NAMED_AT] == contents.adoptions then return known end
  expect.method("name", self)
  local parts, module = { title(self) }, self
  for _ = 1, DEEPEST do
    if not module then break end
    local place = rawget(module, contents.PLACE)
    if place then table.insert(parts, 1, place) end
    module = rawget(module, PARENT)
  end
  local name = table.concat(parts, ", ")
  rawset(self, NAME, name)
  rawset(self, NAMED_AT, contents.adoptions)
  return name
end

--- The arguments that make this module anew, for saving: those that it was made with, unless its class says more.
-- They may be numbers, texts, booleans, other modules and tables of these.
---@return any ...
function Module:config()
  expect.method("config", self)
  local arguments = self[ARGUMENTS] ---@type { n: integer }
  return table.unpack(arguments, 1, arguments.n)
end

-- Whether a value is a tensor, or a plain table of tensors.
local function holds_tensors(value)
  if core.is_tensor(value) then return true end
  if type(value) ~= "table" or getmetatable(value) then return false end
  for _, inner in next, value do
    if not holds_tensors(inner) then return false end
  end
  return true
end

--- Adds a tensor to the module's state that is saved and converted with it, but not trained, as field `name`. New
-- values are copied into it: `self.name:copy(values)`. A plain table of tensors adds those that are in it when the
-- module is asked.
---@param name string
---@param tensor tensor|table
function Module:buffer(name, tensor)
  expect.method("buffer", self)
  if type(name) ~= "string" or rawget(self, name) ~= nil or not holds_tensors(tensor) then
    core.raise("%s: buffer: expected the name of a new field and a tensor, got %s and %s", self.class_name,
      tostring(name), core.kind(tensor))
  end
  rawset(self, name, tensor)
  know(self, name)
  self[BUFFERS][name] = true
end

-- Entries of the contents as scripts see them.
local function named(entries)
  local list = {}
  for i, entry in ipairs(entries) do list[i] = { name = entry.name, tensor = entry.value } end
  return list
end

--- The parameters with their names, such as "2.weight" or "layers.1.weight", in their fixed order, each once: those
-- in the fields of the module and in plain tables there, in the order of their first assignment, then those of the
-- modules inside. Frozen ones are among them.
---@return {name: string, tensor: tensor}[]
function Module:named_parameters()
  expect.method("named_parameters", self)
  return named(contents.of(self).parameters)
end

--- The buffers with their names, such as "2.running_mean", in their fixed order, each once.
---@return {name: string, tensor: tensor}[]
function Module:named_buffers()
  expect.method("named_buffers", self)
  return named(contents.of(self).buffers)
end

--- The parameters in their fixed order, each once, frozen ones too.
---@return tensor[]
function Module:parameters()
  expect.method("parameters", self)
  return contents.parameters(self)
end

--- How many numbers the parameters are, frozen ones too.
---@return integer
function Module:count()
  expect.method("count", self)
  local count = 0
  for _, parameter in ipairs(contents.parameters(self)) do count = count + parameter:count() end
  return count
end

--- SHA-256 of all parameters in order, then of the buffers: two runs with equal lines have equal weights, bit for
-- bit.
---@return string hexadecimal
function Module:sha256()
  expect.method("sha256", self)
  local tensors = {}
  for i, entry in ipairs(contents.state(self)) do tensors[i] = entry.tensor end
  return core.sha256(table.unpack(tensors))
end

--- Drops the gradients of all parameters.
function Module:zero_grad()
  expect.method("zero_grad", self)
  core.zero_grad(contents.parameters(self))
end

--- This module and all inside it, each once, in their fixed order.
---@return nn.Module[]
function Module:modules()
  expect.method("modules", self)
  return contents.modules(self)
end

--- Sets training mode (layers such as dropout behave differently) here and in all modules inside. Frozen batch
-- normalisation keeps to its running statistics all the same.
---@param training? boolean true; false is eval()
---@return nn.Module self
function Module:train(training)
  expect.method("train", self)
  modes.say(self, training ~= false)
  return self
end

--- Sets evaluation mode here and in all modules inside. Said of a part of a model, it is remembered: fnet.fit
-- trains the rest and leaves that part in evaluation mode, until train() is called for it or for the model.
---@return nn.Module self
function Module:eval()
  expect.method("eval", self)
  modes.say(self, false)
  return self
end

-- Whether the parameters of a module and of all inside it get gradients.
local function set_trained(self, trained)
  local parameters = contents.parameters(self)
  for _, parameter in ipairs(parameters) do parameter.requires_grad = trained end
  core.zero_grad(parameters)
  return self
end

--- Keeps the parameters of this module and of all inside it as they are: they get no gradients, and optimisers pass
-- over them. They stay parameters, which are saved, loaded and converted, and stay frozen there. Batch
-- normalisation whose parameters are frozen uses and keeps its running statistics, also in training mode; dropout
-- knows only the mode. A single one is frozen by `model[1].weight.requires_grad = false`.
---@return nn.Module self
function Module:freeze()
  expect.method("freeze", self)
  return set_trained(self, false)
end

--- Trains the parameters of this module and of all inside it again.
---@return nn.Module self
function Module:unfreeze()
  expect.method("unfreeze", self)
  return set_trained(self, true)
end

-- Puts the tensor that replacement(entry) gives, if any, in the place of each parameter and buffer, wherever the
-- model has it.
local function replace(self, replacement)
  local all, replaced = contents.of(self), {}
  for _, entries in ipairs { all.parameters, all.buffers, all.ties } do
    for _, entry in ipairs(entries) do
      local tensor = entry.value
      local other = replaced[tensor] or core.is_tensor(tensor) and replacement(entry)
      if other and not replaced[tensor] and entry.is_parameter then
        other.requires_grad = true -- which is what makes it a parameter
        other.requires_grad = tensor.requires_grad
      end
      replaced[tensor] = other or nil
      if other then rawset(entry.holder, entry.key, other) end
    end
  end
end

--- Converts all parameters and all buffers of floats, such as to "float64" for a gradient check. What is shared
-- stays shared, what is frozen stays frozen. An optimiser has to be made anew: the tensors are others then.
---@param dtype "float32"|"float64"
---@return nn.Module self
function Module:to(dtype)
  expect.method("to", self)
  expect.choice("to", dtype, { "float32", "float64" })
  replace(self, function(entry)
    local tensor = entry.value
    return is.float(tensor) and tensor.dtype ~= dtype and tensor:detach():to(dtype)
  end)
  return self
end

--- A table of layers, output shapes (for a batch) and parameter counts: what `print(model)` shows.
---@return string
function Module:summary()
  expect.method("summary", self)
  if #contents.own(self).parts > 0 then return summary.text(self) end
  return ("%s\nparameters: %d"):format(self:describe(), self:count())
end

return {
  class = class, is_module = is_module, run = run, title = title, replace = replace, assign = assign,
  ARGUMENTS = ARGUMENTS, Module = Module,
}
