--- Stretches: an array whose rows are stretches of one long series: windows of equal length, or sequences of
-- different lengths, which a batch pads to its longest. A data set takes one where it takes a tensor.
-- Invariant: the series is there once, whatever overlaps; only the rows of a batch are copied.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local say = require "fnet.base.say"

local PIECE = 4 << 20 -- elements of the series that are hashed at a time

---@class data.Stretches
---@field dtype fnet.ElementType of the tensors that `rows` gives
---@field shape integer[] # [count, longest, ...]
---@field rank integer
---@field series tensor # [steps, ...]; where stretches are padded, its first step is the padding
---@field starts tensor float64 [count]: the step before the first of each
---@field lengths tensor|false float64 [count]; false where all have shape[2] steps
local Stretches = { opened = true } -- as is.opened asks: rows come when they are asked for

-- A row or a method of tensors is asked for: the array has none, and nil would be taken for one further on.
function Stretches.__index(_, key)
  local value = Stretches[key]
  if value == nil then
    core.raise("stretches of a series have no '%s'; array:rows(indices) gives some as a tensor, and a data set " ..
      "those of each batch", tostring(key))
  end
  return value
end

function Stretches:__len() return self.shape[1] end

function Stretches:__tostring() return say.value(self) .. " in stretches of a series" end

-- The places in the series of some stretches' steps, [rows, longest of them]; 1, the padding, behind their ends.
local function places(self, indices)
  local rows = #indices
  local starts, longest, lengths = core.gather(self.starts, indices), self.shape[2], nil
  if self.lengths then
    lengths = core.gather(self.lengths, indices)
    longest = rows > 0 and math.tointeger(lengths:max():item()) or 0
  end
  if longest == 0 or rows == 0 then return core.full({ rows, longest }, 1, "int32") end
  local steps = core.arange(1, longest, 1, "float64"):reshape { 1, longest }
  local found = starts:reshape { rows, 1 } + steps
  if lengths then found = (found - 1) * steps:le(lengths:reshape { rows, 1 }) + 1 end
  return found:to "int32"
end

--- Some of the rows, as a tensor: [rows, longest of these, ...].
---@param indices tensor int32 [rows], from 1
---@return tensor rows
function Stretches:rows(indices)
  expect.method("rows", self)
  expect.that(core.is_tensor(indices) and indices.rank == 1 and indices.dtype == "int32", "rows",
    "the numbers of rows, int32 [count]", indices)
  return core.no_grad(function() return core.gather(self.series, places(self, indices), 1, "rows") end)
end

--- The same series with some of its stretches only.
---@param indices tensor int32 [rows], from 1
---@return data.Stretches
function Stretches:part(indices)
  expect.method("part", self)
  local other = {}
  for key, value in pairs(self) do other[key] = value end
  other.starts = core.gather(self.starts, indices)
  other.lengths = self.lengths and core.gather(self.lengths, indices)
  other.shape = { #indices, table.unpack(self.shape, 2) }
  return setmetatable(other, Stretches)
end

-- What they are made of, for core.sha256.
function Stretches:pieces()
  local parts, next_part = { self.starts, self.lengths or core.full({ 1 }, self.shape[2], "float64") }, 0
  local last, step = 0, math.max(1, PIECE // math.max(1, self.series:count() // math.max(1, #self.series)))
  return function()
    next_part = next_part + 1
    if parts[next_part] then return parts[next_part] end
    local first = last + 1
    last = math.min(first + step - 1, #self.series)
    return first <= last and self.series:slice(1, first, last):contiguous() or nil
  end
end

--- Stretches of a series.
---@param series tensor # [steps, ...], contiguous
---@param starts tensor float64 [count], the step before the first of each
---@param lengths tensor|integer float64 [count], or the same for all
---@return data.Stretches
return function(series, starts, lengths)
  local of_each = core.is_tensor(lengths) and lengths
  local longest = lengths
  if of_each then longest = #lengths > 0 and math.tointeger(lengths:max():item()) or 0 end
  local shape = { #starts, longest, table.unpack(series.shape, 2) }
  return setmetatable({ series = series, starts = starts, lengths = of_each, dtype = series.dtype, shape = shape,
    rank = #shape }, Stretches)
end
