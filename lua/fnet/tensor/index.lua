--- Elements by index and by mask, and in other places: masked_select, scatter_add, flip, roll, pad, tile, tril and
-- their like. Made of other operations, so each is differentiable as often as they are; loaded when first used.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

local methods = core.methods

-- A mask as long as self along each axis.
local function check_mask(name, self, mask)
  expect.tensor(name, mask)
  local shape, lengths = self.shape, mask.shape
  local fits, extra = #lengths <= #shape, #shape - #lengths
  for axis, length in ipairs(lengths) do fits = fits and (length == 1 or length == shape[axis + extra]) end
  if not fits then
    core.raise("%s: expected a mask that fits %s, got %s", name, say.shape(shape), say.shape(lengths))
  end
  return mask:expand(shape)
end

--- The elements where a mask is not 0, row-major, in one axis. Rows by a mask: x:gather(mask:nonzero()).
-- Differentiable.
---@param mask tensor such as x:gt(0); of the shape of self, or repeated to it
---@return tensor of rank 1
function methods:masked_select(mask)
  expect.self("masked_select", self)
  mask = check_mask("masked_select", self, mask)
  return core.gather(self:reshape { self:count() }, mask:nonzero(), 1, "masked_select")
end

--- A value where a mask is not 0, else self. Differentiable; fnet.where takes a tensor for the value.
---@param mask tensor such as x:gt(0); of the shape of self, or repeated to it
---@param value number that the type can hold
---@return tensor of the shape and type of self
function methods:masked_fill(mask, value)
  expect.self("masked_fill", self)
  mask = check_mask("masked_fill", self, mask)
  return core.where(mask, core.full({}, value, self.dtype, "masked_fill"), self):to(self.dtype)
end

local function triangle(name, self, upper, diagonal)
  if self.rank < 2 then core.raise("%s: expected at least two axes, got %s", name, say.shape(self.shape)) end
  if diagonal ~= nil then expect.count(name .. ": diagonal", diagonal, math.mininteger) end
  return core.triangle(self, upper, diagonal or 0, name)
end

--- The lower triangle of the last two axes, else 0: fnet.ones { n, n }:tril() is a causal mask. Differentiable.
---@param diagonal? integer the highest that stays: 0, the main one, by default; positive ones are above it
---@return tensor of the shape and type of self
function methods:tril(diagonal)
  expect.self("tril", self)
  return triangle("tril", self, false, diagonal)
end

--- The upper triangle of the last two axes, else 0. Differentiable.
---@param diagonal? integer the lowest that stays: 0, the main one, by default; positive ones are above it
---@return tensor of the shape and type of self
function methods:triu(diagonal)
  expect.self("triu", self)
  return triangle("triu", self, true, diagonal)
end

--- self with the elements of a source added at indices along an axis. What meets at one place is added in ascending
-- order of the source, from zero, and then to self. Indices of one axis name positions, as those of gather: the
-- source has self's shape with as many positions as there are indices. Indices of more axes name one place for each
-- element, as those of take_along_axis: of the source's shape. Differentiable.
---@param indices tensor int32 or uint8, from 1
---@param source tensor|number of the type of self; a number is added each time
---@param axis? integer 1
---@return tensor of the shape and type of self; int32 for integers, of which a sum outside int32 raises an error
function methods:scatter_add(indices, source, axis)
  local name = "scatter_add"
  expect.self(name, self)
  if type(indices) == "number" then
    core.raise("%s: expected indices, a source and then an axis, got %s first; PyTorch's t:scatter_add(axis, " ..
      "indices, source) is t:scatter_add(indices, source, axis)", name, core.kind(indices))
  end
  expect.tensor(name, indices)
  axis = expect.axis(name, axis or 1, self.rank)
  local by_place, shape, length = indices.rank > 1, self.shape, self.shape[axis]
  if indices.rank ~= (by_place and self.rank or 1) then
    core.raise("%s: expected indices of one axis, or of %d as the tensor has, got %s", name, self.rank,
      say.shape(indices.shape))
  end
  shape[axis] = indices.shape[by_place and axis or 1]
  if by_place and not is.same_shape(indices.shape, shape) then
    core.raise("%s: expected indices of the shape of %s but for axis %d, got %s", name, say.shape(self.shape), axis,
      say.shape(indices.shape))
  end
  if type(source) == "number" then source = core.full(shape, source, self.dtype, name) end
  expect.tensor(name, source)
  if not is.same_shape(source.shape, shape) or source.dtype ~= self.dtype then
    core.raise("%s: expected a source of %s of %s for these indices, got %s", name, say.shape(shape), self.dtype,
      core.kind(source))
  end
  local put = by_place and core.put_along or core.scatter
  if is.float(self) then return self + put(source, indices, axis, length, name) end
  local sums = self:double() + put(source:double(), indices, axis, length, name) -- exact
  local outside = sums:ne(sums:clamp(-2 ^ 31, 2 ^ 31 - 1)):nonzero()
  if #outside > 0 then
    core.raise("%s: %.0f is outside int32, in which whole numbers are added; use t:double():scatter_add(...)", name,
      sums:reshape { -1 }[outside[1]])
  end
  return sums:int()
end

--- The positions along an axis from the last to the first. A copy. Differentiable.
---@param axis integer
---@param ... nil one axis a call: t:flip(1):flip(2)
---@return tensor
function methods:flip(axis, ...)
  expect.self("flip", self)
  if ... ~= nil then core.raise "flip: one axis a call: t:flip(1):flip(2)" end
  return core.flip(self, expect.axis("flip", axis, self.rank))
end

--- The positions along an axis moved by so many places; those beyond the end come in again at the start. A copy.
-- Differentiable.
---@param shift integer towards the end, or where negative towards the start
---@param axis integer
---@return tensor
function methods:roll(shift, axis)
  expect.self("roll", self)
  expect.count("roll: shift", shift, math.mininteger)
  local length = self.shape[expect.axis("roll", axis, self.rank)]
  local first = length > 0 and -shift % length or 0
  return core.concat2(self:slice(axis, first + 1), self:slice(axis, 1, first), axis)
end

-- The two numbers of a width.
local function ends_of(width)
  if type(width) == "table" then return width[1], width[2], #width == 2 end
  return width, width, true
end

--- More positions at the ends of axes, filled with a value. Differentiable.
---@param widths table for each axis how many: a number for both ends, or { before, after }
---@param value? number 0
---@return tensor
function methods:pad(widths, value)
  expect.self("pad", self)
  if type(widths) ~= "table" or #widths ~= self.rank then
    core.raise("pad: expected a width for each axis of %s, such as 1 for both ends or { 0, 2 }, got %s",
      say.shape(self.shape), type(widths) == "table" and #widths .. " of them" or core.kind(widths))
  end
  value = core.full({}, value or 0, self.dtype, "pad: value"):item()
  local result = self
  for axis, width in ipairs(widths) do
    local what = ("pad: axis %d"):format(axis)
    local before, after, both = ends_of(width)
    expect.that(both, what, "a width for both ends, or { before, after }", width)
    before, after = expect.count(what, before, 0, 2 ^ 31), expect.count(what, after, 0, 2 ^ 31)
    local length = self.shape[axis]
    if before + after > 0 then result = result:unslice(axis, before + 1, before + length + after, value) end
  end
  return result == self and self:clone() or result
end

local MOST_REPEATED = 3 -- axes that repeat at a time: with what lies between they are 7

--- The whole tensor side by side, so many times along each axis: NumPy's tile, PyTorch's repeat. A copy;
-- expand repeats axes of length 1 without one. Differentiable.
---@param counts integer[] one an axis
---@return tensor
function methods:tile(counts)
  expect.self("tile", self)
  if type(counts) ~= "table" or #counts ~= self.rank then
    core.raise("tile: expected a table with a count for each axis of %s, got %s", say.shape(self.shape),
      type(counts) == "table" and #counts .. " of them" or core.kind(counts))
  end
  local shape, lengths, size, repeated = self.shape, {}, 1, 0
  for axis, count in ipairs(counts) do
    local length = shape[axis] * (expect.count(("tile: axis %d"):format(axis), count, 0) + 0.0)
    lengths[axis], size = say.number(length, "%.4g"), size * math.max(length, 1)
    if count ~= 1 then repeated = repeated + 1 end
  end
  if size >= 2 ^ 53 then core.raise("tile: a result of [%s] is too large", table.concat(lengths, ", ")) end
  if repeated == 0 then return self:clone() end
  if repeated > MOST_REPEATED then -- first those behind, then those in front
    local front, behind, left = {}, {}, MOST_REPEATED
    for axis = #counts, 1, -1 do
      if counts[axis] ~= 1 then left = left - 1 end
      front[axis], behind[axis] = left < 0 and counts[axis] or 1, left < 0 and 1 or counts[axis]
    end
    return methods.tile(methods.tile(self, behind), front)
  end
  -- Each axis that repeats gets one of length 1 in front; what lies between two of those is one axis.
  local single, expanded = { 1 }, { 1 }
  for axis, count in ipairs(counts) do
    if count ~= 1 then
      single[#single + 1], expanded[#expanded + 1] = 1, count
      single[#single + 1], expanded[#expanded + 1] = 1, 1
    end
    single[#single], expanded[#expanded] = single[#single] * shape[axis], expanded[#expanded] * shape[axis]
    shape[axis] = shape[axis] * count
  end
  return self:reshape(single):expand(expanded):reshape(shape)
end
