--- Windows: a time series as a data set, each sample a stretch of it, its target what follows.

local core = require "fnet.core"
local Dataset = require "fnet.data.dataset"
local expect = require "fnet.base.expect"
local new_stretches = require "fnet.data.stretches"

local MOST = 1 << 31 -- steps: places are int32

-- The series with some of its columns.
local function some_columns(series, columns)
  if columns == nil then return series end
  local features = series.shape[2]
  expect.that(series.rank == 2, "windows: columns", "a series of [steps, features]", series)
  expect.that(type(columns) == "table" and #columns > 0, "windows: columns", "a list of numbers of columns",
    columns)
  for i, column in ipairs(columns) do expect.count("windows: columns: entry " .. i, column, 1, features) end
  return core.gather(series, core.tensor(columns, "int32"), 2)
end

-- What follows a window: the step after it, [count, features]; or several, or the window one step later.
local function targets_of(series, starts, length, options)
  series = some_columns(series, options.columns)
  if options.shifted then return new_stretches(series, starts + 1, length) end
  if options.horizon then return new_stretches(series, starts + length, options.horizon) end
  local following = core.gather(series, (starts + (length + 1)):to "int32", 1)
  local is_value = series.rank == 1 and core.dtypes[series.dtype].float
  return is_value and following:reshape { #following, 1 } or following
end

--- A data set of the windows of a time series: x are `length` steps in a row, y is what follows, for a network that
-- is to say it. The series is there once, and windows are copied batch by batch. Neighbouring windows share steps,
-- so a random split would show training data to the validation: cut the series before, `series:slice(1, 1, 800)`
-- and `series:slice(1, 801, 1000)`.
---@param series tensor # [steps] or [steps, ...]: floats, or int32 such as a text's tokens
---@param options table length: integer, steps of a window; every: integer, steps between the starts of two windows,
--- 1; horizon: integer, how many steps that follow are the target, [count, horizon, ...], by default the next one
--- alone, [count, ...], of a series [steps] of floats [count, 1]; shifted: the target is the window one step later,
--- as a model of language learns it, false; columns: integer[], the numbers of those columns that are targets, all
---@return data.Dataset
return function(series, options)
  expect.that(core.is_tensor(series) and series.rank >= 1 and series.dtype ~= "uint8", "windows",
    "a series of floats or int32, [steps, ...], first", series)
  if options == nil then core.raise "windows: expected a table of options, { length = } at least" end
  options = expect.options("windows", options, { "length", "every", "horizon", "shifted", "columns" },
    { "shifted" })
  local length = expect.count("windows: length", options.length, 1, MOST)
  local every = options.every == nil and 1 or expect.count("windows: every", options.every, 1, MOST)
  local horizon = options.horizon == nil and 1 or expect.count("windows: horizon", options.horizon, 1, MOST)
  if options.shifted and options.horizon then
    core.raise "windows: horizon and shifted are two kinds of targets; leave out one"
  end
  local last = #series - length - horizon -- the step before the last window's first
  if last < 0 or #series >= MOST then
    core.raise("windows: expected a series of at least %d steps, %d of a window and %d that follow, got %d",
      length + horizon, length, horizon, #series)
  end
  series = series:detach():contiguous()
  local starts = core.arange(0, last, every, "float64")
  return Dataset.new { x = new_stretches(series, starts, length), y = targets_of(series, starts, length, options) }
end
