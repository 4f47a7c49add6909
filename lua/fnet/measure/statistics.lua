--- Statistics of a handful of runs: mean and standard deviation, Welch's t-test, Holm's correction. Plain numbers
-- in, plain numbers out; everything is in double precision.

local statistics = {}

--- The mean and the standard deviation of a sample (divided by the count less 1; nil for fewer than 2).
---@param list number[] at least one
---@return number mean
---@return number? deviation
function statistics.describe(list)
  local sum, square = 0, 0
  for _, value in ipairs(list) do sum = sum + value end
  local mean = sum / #list
  for _, value in ipairs(list) do square = square + (value - mean) ^ 2 end
  return mean, #list > 1 and math.sqrt(square / (#list - 1)) or nil
end

-- log(gamma(x)) for x > 0: Stirling's series (DLMF 5.11.1) after the recurrence has made x large enough for it.
local function log_gamma(x)
  local shift = 0
  while x < 10 do
    shift = shift - math.log(x)
    x = x + 1
  end
  local r = 1 / (x * x)
  local series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / x
  return shift + (x - 0.5) * math.log(x) - x + 0.5 * math.log(2 * math.pi) + series
end

-- The continued fraction of the incomplete beta function (DLMF 8.17.22), by the modified method of Lentz (Press and
-- others, Numerical Recipes, 6.4).
local function beta_fraction(x, a, b)
  local function away_from_0(value) return math.abs(value) < 1e-300 and 1e-300 or value end
  local c, d = 1, 1 / away_from_0(1 - (a + b) * x / (a + 1))
  local result = d
  for m = 1, 1000 do
    local even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d, c = 1 / away_from_0(1 + even * d), away_from_0(1 + even / c)
    result = result * d * c
    local odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d, c = 1 / away_from_0(1 + odd * d), away_from_0(1 + odd / c)
    result = result * d * c
    if math.abs(d * c - 1) < 1e-15 then break end
  end
  return result
end

--- The regularised incomplete beta function I_x(a, b) (DLMF 8.17.2).
---@param x number 0 to 1
---@param a number above 0
---@param b number above 0
---@return number 0 to 1
function statistics.beta(x, a, b)
  if x <= 0 then return 0 end
  if x >= 1 then return 1 end
  local front = math.exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * math.log(x) + b * math.log(1 - x))
  -- The fraction converges fast below the mean; above it the symmetry I_x(a, b) = 1 - I_(1-x)(b, a) helps.
  if x < (a + 1) / (a + b + 2) then return front * beta_fraction(x, a, b) / a end
  return 1 - front * beta_fraction(1 - x, b, a) / b
end

--- Welch's t-test of equal means, two-sided (Welch, 1947): variances may differ. The samples count as independent.
---@param a number[] at least two
---@param b number[] at least two
---@return number p how likely a difference at least as large would be if the means were equal
---@return number t
---@return number freedom degrees of freedom (Welch and Satterthwaite)
function statistics.welch(a, b)
  local mean_a, deviation_a = statistics.describe(a)
  local mean_b, deviation_b = statistics.describe(b)
  local share_a, share_b = deviation_a ^ 2 / #a, deviation_b ^ 2 / #b
  local variance = share_a + share_b
  if variance == 0 then
    local same = mean_a == mean_b
    return same and 1 or 0, same and 0 or (mean_a < mean_b and -math.huge or math.huge), #a + #b - 2
  end
  local t = (mean_a - mean_b) / math.sqrt(variance)
  local freedom = variance ^ 2 / (share_a ^ 2 / (#a - 1) + share_b ^ 2 / (#b - 1))
  return statistics.beta(freedom / (freedom + t * t), freedom / 2, 0.5), t, freedom
end

--- Holm's correction for several comparisons (Holm, 1979): with the corrected values, the chance of any false alarm
-- among all of them stays below the level that they are compared with.
---@param list number[] p of each comparison
---@return number[] corrected in the same order
function statistics.holm(list)
  local order, corrected, largest = {}, {}, 0
  for i = 1, #list do order[i] = i end
  table.sort(order, function(i, j)
    if list[i] ~= list[j] then return list[i] < list[j] end
    return i < j
  end)
  for rank, i in ipairs(order) do
    largest = math.max(largest, math.min(1, (#list - rank + 1) * list[i]))
    corrected[i] = largest
  end
  return corrected
end

return statistics
