--- What the tape does not record, while a model is traced: comparisons, positions, whole numbers, what was
-- detached, what no_grad does.
-- Invariant: functions of tensors are others only until the value that `watch` returns is closed, and compute the
-- same; what they make of the samples then requires gradients, so that the tape goes on from there.

local closing = require "fnet.base.closing"
local core = require "fnet.core"

local OPERATORS = { add = "__add", sub = "__sub", mul = "__mul", div = "__div", pow = "__pow", neg = "__unm" }

local noting = {}

-- Whether a function is one of the core's, which no other one in Lua is made of.
local function is_basic(f) return f ~= nil and debug.getinfo(f, "S").what == "C" end

--- From now until the value that it returns is closed, each result of these functions that depends on the samples
-- is noted where the tape has not recorded it.
---@param names table<string, any> by the names that fnet.core has for the functions
---@param depends fun(t: tensor): boolean
---@return table<tensor, table> notes by result the name and the arguments, as table.pack gives them
---@return table closing
function noting.watch(names, depends)
  local notes, before = {}, {}

  local function note(name, y, ...)
    if not core.is_tensor(y) or core.recorded(y) or notes[y] then return end
    local is_new, is_of_samples = true, false
    for i = 1, select("#", ...) do
      local argument = select(i, ...)
      is_new = is_new and argument ~= y
      is_of_samples = is_of_samples or core.is_tensor(argument) and depends(argument)
    end
    if not is_new or not is_of_samples then return end
    notes[y] = table.pack(name, ...)
    if core.dtypes[y.dtype].float then y.requires_grad = true end
  end

  local function replace(holder, key, name)
    local f = rawget(holder, key)
    before[#before + 1] = { holder, key, f }
    rawset(holder, key, function(...)
      local results = table.pack(f(...))
      note(name, results[1], ...)
      return table.unpack(results, 1, results.n)
    end)
  end

  for name in next, names do
    local method = rawget(core.methods, name)
    if is_basic(method) then replace(core.methods, name, name)
    elseif rawget(core, name) then replace(core, name, name) end
    if OPERATORS[name] then replace(core.metatable, OPERATORS[name], name) end
  end
  return notes, closing(function()
    for _, entry in ipairs(before) do rawset(table.unpack(entry)) end
  end)
end

return noting
