--- The state of a model: its parameters and whatever else its layers keep (running statistics), by name; how it is
-- taken out and put back. Invariant: both copy, so a state stays what it was.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local contents = require "fnet.nn.contents"
local Module = require("fnet.nn.module").Module

local state = {}

local MOST = 6 -- names in a message

-- "'a', 'b' and 'c'", and how many more there are.
local function list_of(names)
  local quoted, count = {}, #names
  for i = 1, math.min(count, MOST) do quoted[i] = ("'%s'"):format(names[i]) end
  if count > MOST then return ("%s and %d more"):format(table.concat(quoted, ", "), count - MOST) end
  if count == 1 then return quoted[1] end
  return table.concat(quoted, ", ", 1, count - 1) .. " and " .. quoted[count]
end

-- The first of the names that a name stands for, where the model has something under several, by `firsts`, or has
-- it inside such a thing; else the name itself.
local function first_name(firsts, name)
  if firsts[name] then return firsts[name] end
  for place in name:gmatch "()%." do
    local first = firsts[name:sub(1, place - 1)]
    if first then return first .. name:sub(place) end
  end
  return name
end

-- What is wrong with a tensor that is there; nil where it fits.
local function misfit(entry, tensor)
  local own = entry.value
  if not core.is_tensor(tensor) then
    return ("has a %s as '%s', expected a tensor"):format(type(tensor), entry.name)
  end
  if not is.same_shape(own.shape, tensor.shape) then
    return ("has '%s' of shape %s, the model expects %s"):format(entry.name, say.shape(tensor.shape),
      say.shape(own.shape))
  end
  if is.float(tensor) and not is.float(own) then
    return ("has '%s' of %s, the model expects %s"):format(entry.name, tensor.dtype, own.dtype)
  end
end

--- Brings a model's tensors together with those of the same names; both names of what is shared will do.
---@param model nn.Module
---@param tensors table<string, tensor>
---@return table[]? pairs { entry of the contents, tensor }; nil where the tensors are not a state of the model
---@return string? problem then: all that is missing, left over or of another shape, "lacks '1.bias', which the
--- model needs; has ..."
function state.match(model, tensors)
  local all = contents.of(model)
  local matched, missing, problems, known, names = {}, {}, {}, {}, {}
  for _, entries in ipairs { all.parameters, all.buffers } do
    for _, entry in ipairs(entries) do known[entry.name], names[#names + 1] = entry, entry.name end
  end
  local given, left, firsts = {}, {}, {}
  for _, tie in ipairs(all.ties) do firsts[tie.name] = tie.first end
  for _, name in ipairs(naming.sorted(tensors)) do
    if known[name] then given[name] = tensors[name] end
  end
  for _, name in ipairs(naming.sorted(tensors)) do
    local first = not known[name] and first_name(firsts, name)
    if first and known[first] and given[first] == nil then given[first] = tensors[name]
    elseif first then left[#left + 1] = name end
  end
  for _, name in ipairs(names) do
    local entry, tensor = known[name], given[name]
    if tensor == nil then missing[#missing + 1] = name
    else problems[#problems + 1] = misfit(entry, tensor) end
    matched[#matched + 1] = { entry, tensor }
  end
  if #missing > 0 then table.insert(problems, 1, ("lacks %s, which the model needs"):format(list_of(missing))) end
  if #left > 0 then
    local near = #left == 1 and naming.nearest(left[1], names)
    problems[#problems + 1] = ("has %s, which the model does not%s"):format(list_of(left),
      near and "; it has '" .. near .. "'" or "")
  end
  if #problems == 0 then return matched end
  if #problems > MOST then problems[MOST + 1] = ("and %d more"):format(#problems - MOST) end
  return nil, table.concat(problems, "; ", 1, math.min(#problems, MOST + 1))
end

--- Copies all that the model has learnt, the parameters, then what else its layers keep, with their names such as
-- "2.weight", in their fixed order; what is shared is there once. The best weights of a training are kept by `if
-- loss < best then best, state = loss, model:state() end`, and put back by `model:load_state(state)`.
---@return { name: string, tensor: tensor }[]
function Module:state()
  expect.method("state", self)
  local list = contents.state(self)
  for _, entry in ipairs(list) do entry.tensor = entry.tensor:detach():clone() end
  return list
end

-- The tensors by name that a list of names and tensors stands for; another table as it is.
local function by_name(given)
  if type(given[1]) ~= "table" then return given end
  local tensors = {}
  for i, entry in ipairs(given) do
    local name = type(entry) == "table" and entry.name
    if type(name) ~= "string" or tensors[name] ~= nil then
      core.raise("load_state: entry %d: expected { name = , tensor = }, each name once, as state() gives them", i)
    end
    tensors[name] = entry.tensor
  end
  return tensors
end

--- Copies tensors into the model. Names and shapes must be those of `state()`, all of them; raises otherwise, with
-- all that is missing and left over, before anything changes.
---@param given { name: string, tensor: tensor }[]|table<string, tensor> what `state()` gave, of this model or
--- another one like it; or tensors by name, as fnet.read_tensors gives them
---@return nn.Module self
function Module:load_state(given)
  expect.method("load_state", self)
  expect.that(type(given) == "table" and not contents.is_module(given), "load_state",
    "what state() gave, or a table of tensors by name", given)
  local matched, problem = state.match(self, by_name(given))
  if not matched then core.raise("load_state: the state " .. problem) end
  core.no_grad(function()
    for _, pair in ipairs(matched) do pair[1].value:copy(pair[2]) end
  end)
  return self
end

return state
