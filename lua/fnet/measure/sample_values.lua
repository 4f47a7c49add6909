--- The values of a sample, for samples that are no pictures. Invariant: a column is called as the data set calls
-- it, and a category by its name.

local decimal = require "fnet.base.decimal"
local core = require "fnet.core"
local naming = require "fnet.base.naming"

--- The values, and what they are called.
---@param dataset data.Dataset
---@param index integer of the sample
---@return string[] texts
---@return string[] names as many; "x1" and so on where the data set has none, "row1" and so on of samples by name
return function(dataset, index)
  local sample = dataset:sample(index)
  local texts, names = {}, {}
  local inputs = type(sample) == "table" and sample or { sample }
  for i, key in ipairs(naming.keys(inputs)) do
    local input = inputs[key]
    for k, value in ipairs(core.is_tensor(input) and input:flatten():totable() or { input }) do
      local column = i == 1 and (dataset.columns or {})[k] or {}
      local category = (column.categories or {})[value]
      texts[#texts + 1] = category and core.visible(category) or value ~= value and "nan"
        or decimal.text("%.4g", value)
      names[#texts] = column.name and core.visible(column.name)
        or type(key) == "string" and core.visible(key) .. k or "x" .. #texts
    end
  end
  return texts, names
end
