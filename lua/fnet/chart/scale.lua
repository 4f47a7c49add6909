--- Scale: an axis, linear or logarithmic: where a value stands on it, and which round values are marked.
-- Invariant: the range is finite and longer than nothing, whatever it was made of, from the smallest number to the
-- largest, so that no position of a value within it is NaN.

local decimal = require "fnet.base.decimal"

---@class Scale
---@field low number its ends, as the axis measures: logarithms to base 10 where it is logarithmic
---@field high number
---@field log boolean
---@field whole boolean? whether only whole numbers are marked
local Scale = {}
Scale.__index = Scale

local scale = {}

local SMALLEST, LARGEST = 5e-324, 0x1.fffffffffffffp1023
local FAR = 1e6 -- lengths of the axis; what is farther away stands there
local DECIMALS, LONGEST = 4, 1e6 -- of numbers that are written out; others have an exponent

-- Half of the length where the whole would be too large for a number.
local function factor_of(low, high) return high - low > LARGEST and 0.5 or 1 end

--- An axis over a range, made wider by a part of it.
---@param low number as the axis measures; higher than `high` where there is no value
---@param high number
---@param log boolean
---@param margin number by which part of the range each end moves outwards
---@param fixed? { low: number?, high: number? } ends that do not move
---@return Scale
function scale.new(low, high, log, margin, fixed)
  fixed = fixed or {}
  if low > high then low, high = 0, 1 end -- nothing is there
  local from, to = fixed.low or low, fixed.high or high
  if from < to then
    local f = factor_of(from, to)
    local wider = (to * f - from * f) * margin
    if not fixed.low then from = from - wider / f end
    if not fixed.high then to = to + wider / f end
  else -- all values are one, or the fixed end is beyond them
    local stays = math.abs(fixed.low or fixed.high or from)
    local wider = log and 0.5 or stays * 0.1
    if wider == 0 then wider = stays == 0 and 1 or stays end
    if fixed.low then to = from + wider
    elseif fixed.high then from = to - wider
    else from, to = from - wider, to + wider end
  end
  from, to = math.max(from, -LARGEST), math.min(to, LARGEST)
  if from == LARGEST then from = LARGEST * 0.9 end -- where there is no number on the other side of a fixed end
  if to == -LARGEST then to = -LARGEST * 0.9 end
  return setmetatable({ low = from, high = to, log = log, factor = factor_of(from, to) }, Scale)
end

--- Where a value stands: 0 at the low end, 1 at the high one.
---@param value number finite; positive on a logarithmic axis
---@return number position
function Scale:at(value)
  local f = self.factor
  if self.log then value = math.log(value, 10) end
  local position = (value * f - self.low * f) / (self.high * f - self.low * f)
  return position < -FAR and -FAR or position > FAR and FAR or position
end

--- Whether the axis has a place for a value.
---@param value number
---@return boolean
function Scale:takes(value) return value - value == 0 and (not self.log or value > 0) end

-- A number of so many decimals, or with an exponent and so many significant digits.
local function text_of(value, decimals, digits)
  if decimals then return decimal.text("%." .. decimals .. "f", value + 0.0) end -- no -0
  if value == 0 then return "0" end
  local mantissa, sign, exponent = decimal.text("%." .. digits .. "e", value):match "^(.-)e([+-])0*(%d+)$"
  if mantissa:find(".", 1, true) then mantissa = mantissa:gsub("0+$", ""):gsub("%.$", "") end
  return mantissa .. "e" .. (sign == "-" and "-" or "") .. exponent
end

-- Multiples of 1, 2 or 5 times a power of ten, at most so many, and not closer than `least`.
local function linear_ticks(low, high, most, least)
  local raw = math.max(high / most - low / most, least)
  local power = math.max(math.floor(math.log(raw, 10)), -323)
  local step
  for _, times in ipairs { 1, 2, 5, 10 } do
    step = math.min(times * 10.0 ^ power, 1e308)
    if step >= raw * (1 - 1e-9) or step == 1e308 then
      if times == 10 then power = power + 1 end
      break
    end
  end
  local largest = math.max(math.abs(low), math.abs(high))
  local decimals = power >= -DECIMALS and largest < LONGEST and math.max(0, -power) or nil
  local digits = math.max(0, math.min(16, math.floor(math.log(largest, 10)) - power))
  local ticks, first = {}, math.ceil(low / step - 1e-9)
  for i = 0, most + 1 do
    local value = (first + i) * step
    if value > math.min(high + step * 1e-9, LARGEST) then break end
    local text = text_of(value, decimals, digits)
    if #ticks == 0 or ticks[#ticks].text ~= text then ticks[#ticks + 1] = { value = value, text = text } end
  end
  return ticks
end

local POWERS = { 2, 3, 5, 10, 20, 50, 100, 200 } -- between two marks

-- Powers of ten, or of these times 1, 2 and 5 where there is room.
local function log_ticks(low, high, most)
  local first, last = math.floor(low), math.floor(high)
  local every = 1
  for _, powers in ipairs(POWERS) do
    if (last - first + 1) / every > most then every = powers end
  end
  local ticks = {}
  local factors = (high - low) * 3 <= most and { 1, 2, 5 } or { 1 }
  for power = math.ceil(first / every) * every, last, every do
    for _, times in ipairs(factors) do
      local value = math.log(times, 10) + power
      if value >= low - 1e-9 and value <= high + 1e-9 then
        local written_out = power >= -DECIMALS and power < 6
        ticks[#ticks + 1] = {
          at = value,
          text = written_out and decimal.text("%." .. math.max(0, -power) .. "f", times * 10.0 ^ power)
            or ("%de%d"):format(times, power),
        }
      end
    end
  end
  return ticks
end

--- The values that are marked.
---@param most integer about how many, at least 1
---@return { at: number, text: string }[] by position, from 0 to 1
function Scale:ticks(most)
  local ticks = self.log and log_ticks(self.low, self.high, most) or {}
  for try = 0, self.log and -1 or 7 do -- one alone would say nothing of the length
    local least = self.whole and try < 4 and 1 or SMALLEST
    ticks = linear_ticks(self.low, self.high, most + try % 4, least)
    if #ticks > 1 then break end
  end
  if self.log and #ticks < 2 and self.high - self.low < 2 then -- not even two powers: round values between them
    ticks = linear_ticks(math.min(10.0 ^ self.low, LARGEST), math.min(10.0 ^ self.high, LARGEST), most, SMALLEST)
    for _, tick in ipairs(ticks) do tick.at = math.log(tick.value, 10) end
  end
  local list, f = {}, self.factor
  for _, tick in ipairs(ticks) do
    local at = ((tick.at or tick.value) * f - self.low * f) / (self.high * f - self.low * f)
    list[#list + 1] = { at = math.max(0, math.min(1, at)), text = tick.text }
  end
  return list
end

return scale
