--- What the tensor specs share: errors with their position, and tensors as plain Lua values, so that results
-- can be compared with loops that a reader can check.

local assert = require "luassert"
local fnet = require "fnet"
require "fnet.testing"

local support = {}

--- `f`, written on one line, raises the message with the position of that line.
---@param message string
---@param f function
function support.raises(message, f)
  local info = debug.getinfo(f, "S")
  local ok, got = pcall(f)
  if ok then error("no error was raised where this one was expected: " .. message, 2) end
  assert.equal(("%s:%d: %s"):format(info.short_src, info.linedefined, message), got)
end

--- Raises what Ctrl-C raises.
function support.interrupt() require("fnet.core").raise_kind("interrupted", "interrupted") end

--- The nearest float32.
---@param x number
---@return number
function support.single(x)
  return (string.unpack("f", string.pack("f", x)))
end

local function collect(value, list)
  if type(value) ~= "table" then
    list[#list + 1] = value
  else
    for _, inner in ipairs(value) do collect(inner, list) end
  end
  return list
end

--- The elements of a tensor in row-major order.
---@param t tensor
---@return number[]
function support.flat(t) return collect(t:totable(), {}) end

--- Calls visit(index, position) for every index of the shape, in row-major order.
---@param shape integer[]
---@param visit fun(index: integer[], position: integer)
function support.each(shape, visit)
  local index, position = {}, 0
  local function walk(axis)
    if axis > #shape then
      position = position + 1
      visit(index, position)
      return
    end
    for i = 1, shape[axis] do
      index[axis] = i
      walk(axis + 1)
    end
  end
  walk(1)
end

--- The row-major position of an index; an axis of length 1 repeats, and missing leading axes count as such.
---@param shape integer[]
---@param index integer[] as many entries as the shape, or more (those in front are ignored)
---@return integer
function support.position(shape, index)
  local position = 0
  for axis = 1, #shape do
    local i = shape[axis] == 1 and 1 or index[axis + #index - #shape]
    position = position * shape[axis] + i - 1
  end
  return position + 1
end

--- The tensor has this shape, this type (float32 where none is given) and these elements, to the last bit.
---@param shape integer[]
---@param values number[] row-major
---@param t tensor
---@param dtype? string
function support.holds(shape, values, t, dtype)
  assert.same(shape, t.shape)
  assert.equal(dtype or "float32", t.dtype)
  assert.same(values, support.flat(t))
end

--- A tensor of this shape, with these elements.
---@param shape integer[]
---@param values number[] row-major
---@return tensor float64
function support.filled(shape, values) return fnet.tensor(values, "float64"):reshape(shape) end

--- assert.allclose with both tolerances alike.
---@param shape integer[]
---@param values number[]
---@param t tensor
---@param tolerance number
function support.near(shape, values, t, tolerance)
  assert.allclose(support.filled(shape, values), t, tolerance, tolerance)
end

-- What is no index, no length and no axis, and how an error shows it.
support.no_integers = {
  { 1.5, "1.5" }, { 0 / 0, "nan" }, { math.huge, "inf" }, { -math.huge, "-inf" }, { "1", "string" },
  { {}, "table" }, { true, "boolean" }, { print, "function" }, { 1e300, "1e+300" },
}
-- What is no tensor.
support.no_tensors = {
  { 5, "number" }, { "x", "string" }, { {}, "table" }, { io.stdout, "userdata" }, { true, "boolean" },
}

-- The code as a function on a line of its own, which sees fnet, t and x.
function support.calling(library, t, code, x)
  local text = "local fnet, t, x = ... return function() local _ = " .. code .. " end"
  return assert(load(text, "=call"))(library, t, x)
end

--- A line y = 3 x - 2 and a model for it.
---@param count? integer 20
---@return data.Dataset set, nn.Module model
function support.line(count)
  local x = fnet.rand({ count or 20, 1 }, -1, 1)
  return fnet.data.Dataset { x = x, y = x * 3 - 2 }, fnet.nn.Dense(1, 1)
end

--- The options of a small training with `set`, with others on top.
---@param set data.Dataset
---@param more? table
---@return table
function support.line_options(set, more)
  local function optimiser(parameters) return fnet.optim.SGD(parameters, { lr = 0.1 }) end
  local list = { train = set, loss = fnet.nn.mse, optim = optimiser, batch = 5 }
  for key, value in pairs(more or {}) do list[key] = value end
  return list
end

return support
