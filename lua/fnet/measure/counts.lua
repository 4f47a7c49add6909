--- Counts: how many numbers of a tensor lie in each of equal bins. Invariant: each number is in one bin, in that of
-- which it is the left edge where it is one, the greatest in the last.

--- Counts.
---@param values tensor of one axis, finite, at least one
---@param low number the least of them
---@param high number the greatest; where that is the least, all are in the first bin
---@param bins integer
---@return integer[]
return function(values, low, high, bins)
  if low < high then return (values:histogram(bins, low, high)):totable() end
  local counts = { #values }
  for bin = 2, bins do counts[bin] = 0 end
  return counts
end
