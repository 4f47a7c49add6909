--- Pass: a model over data that it does not learn from, in evaluation mode and without recording gradients. All
-- that measures or predicts goes through here. Invariant: the model is afterwards as it was.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local feed = require "fnet.nn.feed"
local modes = require "fnet.nn.modes"
local rows_of = require "fnet.data.rows"

-- What a data set gives, or the rows of a tensor in the same way.
local function batches(data, size)
  if is.dataset(data) then return data:batches { size = size } end
  local first, count = 1 - size, rows_of.count(data)
  local function piece(t) return t:slice(1, first, math.min(first + size - 1, count)) end
  return function()
    first = first + size
    if first <= count then return rows_of.each(data, piece) end
  end
end

--- Calls a function with what the model gives for each batch.
---@param what string the function, for messages
---@param model nn.Module
---@param data data.Dataset|tensor|tensor[]
---@param size? integer rows at a time, 1000
---@param visit fun(output: any, y?: tensor)
return function(what, model, data, size, visit)
  size = size == nil and 1000 or expect.count(what .. ": size", size, 1)
  local seen = false
  modes.with(model, false, core.no_grad, function()
    for x, y in batches(data, size) do
      seen = true
      visit(feed(model, x), y)
    end
  end)
  if not seen then core.raise("%s: expected at least one sample, got %s", what, tostring(data)) end
end
