--- What the tape does not record, while a model is traced: comparisons, positions, whole numbers, what was
-- detached, what no_grad does. What is changed in place cannot be noted, and is refused.
-- Invariant: functions of tensors are others only until the value that `watch` returns is closed, and compute the
-- same; what they make of the samples then requires gradients, so that the tape goes on from there.

local closing = require "fnet.base.closing"
local core = require "fnet.core"

local OPERATORS = { add = "__add", sub = "__sub", mul = "__mul", div = "__div", pow = "__pow", neg = "__unm" }
local CHANGES = { "copy", "fill", "set" }

-- The results by tensor: the name of the function and its arguments, as table.pack gives them.
local Noted = {}
Noted.__index = Noted

--- Nothing is noted until the value that it returns is closed.
---@return table closing
function Noted:pause()
  local before = self.paused
  self.paused = true
  return closing(function() self.paused = before end)
end

function Noted:add(name, y, ...)
  if self.paused or not core.is_tensor(y) or core.recorded(y) or self.results[y] then return end
  local is_new, is_of_samples = true, false
  for i = 1, select("#", ...) do
    local argument = select(i, ...)
    is_new = is_new and not rawequal(argument, y)
    is_of_samples = is_of_samples or core.is_tensor(argument) and self.depends(argument)
  end
  if not is_new or not is_of_samples then return end
  self.results[y] = table.pack(name, ...)
  if core.dtypes[y.dtype].float and core.recording() then y.requires_grad = true end
end

function Noted:refuse_change(...)
  for i = 1, self.paused and 0 or select("#", ...) do
    local t = select(i, ...)
    if core.is_tensor(t) and self.depends(t) then
      core.raise("%s: a tensor is changed in place with what depends on the samples, which cannot be exported; "
        .. "fnet.where and fnet.concat make a new one", self.what)
    end
  end
end

-- Whether a function is one of the core's, which no other one in Lua is made of.
local function is_basic(f) return f ~= nil and debug.getinfo(f, "S").what == "C" end

--- From now until the value that it returns is closed, each result of these functions that depends on the samples
-- is noted where the tape has not recorded it.
---@param what string the exporter, for messages
---@param names table<string, any> by the names that fnet.core has for the functions
---@param depends fun(t: tensor): boolean
---@return table noted
---@return table closing
function Noted.watch(what, names, depends)
  local noted = setmetatable({ what = what, depends = depends, results = {}, paused = false }, Noted)
  local before, assign = {}, core.metatable.__newindex

  local function replace(holder, key, by)
    local f = rawget(holder, key)
    before[#before + 1] = { holder, key, f }
    rawset(holder, key, by(f))
  end

  for name in next, names do
    local function with_note(f)
      return function(...)
        local results = table.pack(f(...))
        noted:add(name, results[1], ...)
        return table.unpack(results, 1, results.n)
      end
    end
    local is_method = is_basic(rawget(core.methods, name))
    if is_method or rawget(core, name) then replace(is_method and core.methods or core, name, with_note) end
    if OPERATORS[name] then replace(core.metatable, OPERATORS[name], with_note) end
  end

  local function with_refusal(f)
    return function(t, key, ...)
      if f ~= assign or type(key) == "number" then noted:refuse_change(t, key, ...) end
      return f(t, key, ...)
    end
  end
  for _, name in ipairs(CHANGES) do replace(core.methods, name, with_refusal) end
  replace(core.metatable, "__newindex", with_refusal)

  return noted, closing(function()
    noted.paused = true -- for what has been loaded meanwhile, and keeps a function
    for _, entry in ipairs(before) do rawset(table.unpack(entry)) end
  end)
end

return Noted
