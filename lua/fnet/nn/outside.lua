--- Outside: leaves that gradients reach though no model and no optimiser has them, such as the weights of a layer
-- that a Lambda's function has captured: they would not learn, and nobody would notice. fit, the first step of an
-- optimiser and fnet.check look for them. Of a script's own tensors those are none that a model is given as input.

local nested = require "fnet.base.nested"
local observer = require "fnet.base.observer"
local say = require "fnet.base.say"
local closing = require "fnet.base.closing"
local core = require "fnet.core"

local SHOWN = 3 -- tensors that a message lists
local TIDY = 1000 -- calls that are noted before those are dropped whose results are gone

local outside = {}

-- The tensors that an optimiser was ever given.
local claimed = setmetatable({}, { __mode = "k" })

--- Notes that an optimiser has these.
---@param parameters tensor[]
function outside.claim(parameters)
  for _, parameter in ipairs(parameters) do claimed[parameter] = true end
end

-- The leaves that the tensors depend on, as a set.
local function leaves_of(tensors)
  local set = {}
  for _, tensor in ipairs(tensors) do
    for _, leaf in ipairs(tensor.requires_grad and core.leaves(tensor) or {}) do set[leaf] = true end
  end
  return set
end

-- Those of some leaves that are not in a set.
local function without(leaves, set)
  local list = {}
  for _, leaf in ipairs(leaves) do
    if not set[leaf] then list[#list + 1] = leaf end
  end
  return list
end

-- Those of some leaves that no optimiser and none of the models has, and that are no input; `find_inputs` gives
-- these as a set, and is called where it matters.
local function among(leaves, models, find_inputs)
  leaves = without(leaves, claimed)
  if #leaves == 0 then return leaves end
  local own = {}
  for _, model in ipairs(models) do
    for _, parameter in ipairs(model:parameters()) do own[parameter] = true end
  end
  leaves = without(leaves, own)
  return #leaves == 0 and leaves or without(leaves, find_inputs())
end

---@class Notes an observer's functions that note which modules are called with what
---@field calls table[] { layer, outermost, tensors, inputs, count }: in `tensors`, which keeps none alive, first so
--- many inputs, then the results, `count` in all
local Notes = {}
Notes.__index = Notes

local WEAK = { __mode = "v" }

--- Notes, to be watched with.
---@param functions? table more of an Observer's functions
---@return table functions with `notes`
function outside.watcher(functions)
  local notes = setmetatable({ calls = {}, tidy = TIDY }, Notes)
  local depths = setmetatable({}, { __mode = "k" }) -- by coroutine: one may be left for good inside a forward
  functions = functions or {}
  functions.notes = notes
  functions.run = function(layer, ...)
    if not core.recording() then return layer:forward(...) end -- no gradients go back from what it gives
    local thread = coroutine.running()
    local depth = depths[thread] or 0
    depths[thread] = depth + 1
    local outermost <const>, _ <close> = depth == 0, closing(function() depths[thread] = depth end)
    local results = table.pack(layer:forward(...))
    notes:add(layer, outermost, nested.tensors { ... }, nested.tensors(results))
    return table.unpack(results, 1, results.n)
  end
  return functions
end

-- Notes a call; only one whose result gradients can go back from.
function Notes:add(layer, outermost, inputs, results)
  local graph = false
  for _, result in ipairs(results) do graph = graph or result.requires_grad end
  if not graph then return end
  local tensors = setmetatable(table.move(results, 1, #results, #inputs + 1, { table.unpack(inputs) }), WEAK)
  table.insert(self.calls, { layer = layer, outermost = outermost, tensors = tensors, inputs = #inputs,
    count = #inputs + #results })
  if #self.calls >= self.tidy then self:drop_finished() end
end

-- Those of a call's tensors that are still there, from one number to another.
local function remaining(call, first, last)
  local list = {}
  for i = first, last do list[#list + 1] = call.tensors[i] end
  return list
end

-- Forgets the calls whose results are gone: a loop that evaluates would otherwise be remembered for good.
function Notes:drop_finished()
  local left = {}
  for _, call in ipairs(self.calls) do
    if #remaining(call, call.inputs + 1, call.count) > 0 then left[#left + 1] = call end
  end
  self.calls, self.tidy = left, math.max(TIDY, 2 * #left)
end

--- Forgets all calls.
function Notes:clear() self.calls, self.tidy = {}, TIDY end

-- The leaves that the inputs of a call depend on, and those that its results do.
local function before_and_after(call)
  return leaves_of(remaining(call, 1, call.inputs)), leaves_of(remaining(call, call.inputs + 1, call.count))
end

--- The modules that were called by no other one.
---@return nn.Module[]
function Notes:models()
  local list, met = {}, {}
  for _, call in ipairs(self.calls) do
    if call.outermost and not met[call.layer] then list[#list + 1] = call.layer end
    met[call.layer] = met[call.layer] or call.outermost
  end
  return list
end

--- The leaves that came into those modules from outside.
---@return table<tensor, boolean>
function Notes:inputs()
  local given, own = {}, {}
  for _, call in ipairs(self.calls) do
    if call.outermost then
      local before, after = before_and_after(call)
      for leaf in pairs(before) do given[leaf] = given[leaf] or not own[leaf] end
      for leaf in pairs(after) do own[leaf] = own[leaf] or not before[leaf] end
    end
  end
  return given
end

--- The module in which a leaf comes into the computation: the innermost one that belongs to one of the models.
---@param leaf tensor
---@param models nn.Module[]
---@return nn.Module? module nil where the leaf meets the results of models alone, such as in a loss
function Notes:place(leaf, models)
  local inside = {}
  for _, model in ipairs(models) do
    for _, module in ipairs(model:modules()) do inside[module] = true end
  end
  for _, call in ipairs(self.calls) do -- those inside a call come before it
    if inside[call.layer] then
      local before, after = before_and_after(call)
      if after[leaf] and not before[leaf] then return call.layer end
    end
  end
end

-- What a message calls a leaf: "weight of Dense(3, 3)" where a module that was called has it, else its shape.
function Notes:describe(leaf)
  for _, call in ipairs(self.calls) do
    for _, parameter in ipairs(call.layer:named_parameters()) do
      if parameter.tensor == leaf then return parameter.name .. " of " .. call.layer:name() end
    end
  end
  return say.value(leaf)
end

-- "a tensor, another and 2 more"
local function list_text(words)
  local shown = table.move(words, 1, math.min(#words, SHOWN), 1, {})
  if #words > SHOWN then shown[#shown + 1] = ("%d more"):format(#words - SHOWN) end
  local last = table.remove(shown)
  return #shown > 0 and table.concat(shown, ", ") .. " and " .. last or last
end

-- What a sentence says of leaves, as long as the notes have their calls.
local function locate(notes, leaves, models)
  local strays = {}
  for i, leaf in ipairs(leaves) do
    local module = notes:place(leaf, models)
    strays[i] = { leaf = leaf, name = notes:describe(leaf), place = module and module:name() or "the loss" }
  end
  return strays
end

--- The leaves that gradients of a result would reach outside all that was noted.
---@param result any
---@return table[] strays { leaf, name, place }
function Notes:strays(result)
  if not core.is_tensor(result) then return {} end
  local models = self:models()
  local strays = locate(self, among(core.leaves(result), models, function() return self:inputs() end), models)
  return strays -- no tail call: the result keeps alive what the notes hold weakly
end

--- Those of the strays that no optimiser has meanwhile, and whose gradient no script has looked at.
---@param strays table[]
---@return table[]
function outside.unsettled(strays)
  local left = {}
  for _, stray in ipairs(strays) do
    if not claimed[stray.leaf] and core.unread_gradient(stray.leaf) then left[#left + 1] = stray end
  end
  return left
end

--- What is wrong, and the way out, in a sentence; nil for no strays.
---@param strays table[]
---@return string?
function outside.sentence(strays)
  local places, by_place = {}, {}
  for _, stray in ipairs(strays) do
    local place = stray.place
    if not by_place[place] then
      by_place[place] = {}
      places[#places + 1] = place
    end
    table.insert(by_place[place], stray.name)
  end
  if #places == 0 then return nil end
  for i, place in ipairs(places) do
    places[i] = ("%s is computed with %s"):format(place, list_text(by_place[place]))
  end
  local them = #strays > 1 and "them" or "it"
  return ("%s: gradients reach %s, but no model and no optimiser has %s; make %s part of the model (a field of an "
    .. "nn.module class), give %s to an optimiser, or freeze %s (requires_grad = false)"):format(
    table.concat(places, ", "), them, them, them, them, them)
end

--- What is wrong with the leaves that a computation of a model uses, in a sentence; nil where all are known. It is
--- computed a second time where something is wrong, to find where.
---@param leaves tensor[] of the result
---@param model nn.Module
---@param inputs any what it was given: tensors, and tables of them
---@param compute fun(): any calls the model, and gives what the leaves are those of
---@return string? sentence
function outside.find(leaves, model, inputs, compute)
  local strays = among(leaves, { model }, function() return leaves_of(nested.tensors(inputs)) end)
  if #strays == 0 then return nil end
  local watcher = outside.watcher()
  local _ <close> = observer.watch(watcher)
  watcher.notes.result = compute() -- keeps alive what the notes hold weakly
  return outside.sentence(locate(watcher.notes, strays, { model }))
end

return outside
