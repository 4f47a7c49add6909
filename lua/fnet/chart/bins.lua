--- Bins: how many values lie in each of equal parts of their range.
-- Invariant: each value that is counted lies in exactly one bin; a bin has its lower edge, and its upper one only
-- where it is the last.

local bins = {}

local FEWEST, USUAL = 5, 40

-- The least and the greatest of the values of all lists that an axis can show, within the ends given; whether all
-- are whole.
local function survey(lists, takes, from, to)
  local low, high, whole, count = math.huge, -math.huge, true, 0
  for _, one in ipairs(lists) do
    local values = one.y
    for i = 1, one.count do
      local value = values[i]
      if takes(value) and value >= from and value <= to then
        if value < low then low = value end
        if value > high then high = value end
        whole, count = whole and value % 1 == 0, count + 1
      end
    end
  end
  return low, high, whole, count
end

-- 1, 2 or 5 times a power of ten, not below a number.
local function round_step(least)
  local power = 10.0 ^ math.max(-323, math.floor(math.log(least, 10)))
  for _, times in ipairs { 1, 2, 5 } do
    if times * power >= least * (1 - 1e-9) then return times * power end
  end
  return 10 * power
end

-- Edges at round values.
local function round_edges(low, high, whole, count)
  local wanted = math.max(FEWEST, math.min(USUAL, math.ceil(math.sqrt(count))))
  local step = round_step(math.max(high / wanted - low / wanted, math.abs(high) * 1e-15, 1e-300))
  if whole then step = high - low <= USUAL and 1 or math.max(1, step) end
  local shift = whole and step == 1 and 0.5 or 0 -- a whole number in the middle of its bar
  local first = math.floor(low / step + shift)
  local edges = {}
  for i = 0, math.floor(high / step + shift) - first + 1 do edges[i + 1] = (first + i - shift) * step end
  return edges
end

-- Edges of so many bins, equal as the axis measures.
local function equal_edges(low, high, count, log)
  if log then low, high = math.log(low, 10), math.log(high, 10) end
  if low == high then
    local wider = math.max(0.5, math.abs(low) * 0.1)
    low, high = low - wider, high + wider
  end
  local edges = {}
  for i = 0, count do
    local edge = low * (1 - i / count) + high * (i / count)
    edges[i + 1] = log and 10.0 ^ edge or edge
  end
  return edges
end

-- The bin of a value, by halving; nil for none.
local function bin_of(edges, value)
  local low, high = 1, #edges
  if value < edges[low] or value > edges[high] then return nil end
  while high - low > 1 do
    local middle = (low + high) // 2
    if value >= edges[middle] then low = middle else high = middle end
  end
  return low
end

--- Counts the values of each list.
---@param lists { y: number[], count: integer }[]
---@param takes fun(value: number): boolean whether the axis has a place for it
---@param log boolean whether it is logarithmic
---@param range { low: number?, high: number? } values beyond are not counted
---@param number? integer of bins; nil: so that edges are round
---@return number[] edges in ascending order; empty where there is no value
---@return integer[][] counts a list for each list
---@return integer[] outside so many values of each list lie beyond the range
function bins.count(lists, takes, log, range, number)
  local from, to = range.low or -math.huge, range.high or math.huge
  local low, high, whole, count = survey(lists, takes, from, to)
  local edges, counts, outside = {}, {}, {}
  if count > 0 then
    if number or log then edges = equal_edges(range.low or low, range.high or high, number or 20, log)
    else edges = round_edges(low, high, whole, count) end
    edges[1], edges[#edges] = math.min(edges[1], low), math.max(edges[#edges], high) -- whatever was rounded
  end
  for k, one in ipairs(lists) do
    local list, beyond = {}, 0
    for i = 1, #edges - 1 do list[i] = 0 end
    for i = 1, one.count do
      local value = one.y[i]
      if takes(value) then
        if value < from or value > to then beyond = beyond + 1
        else
          local bin = bin_of(edges, value)
          list[bin] = list[bin] + 1
        end
      end
    end
    counts[k], outside[k] = list, beyond
  end
  return edges, counts, outside
end

return bins
