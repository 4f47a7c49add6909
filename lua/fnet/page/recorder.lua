--- Recorder: what a training is like after each epoch, for report.page: its figures, and histograms of the
-- parameters, since afterwards a model has its last weights alone.

local expect = require "fnet.base.expect"
local contents = require "fnet.nn.contents"
local count = require "fnet.measure.counts"
local is_module = require("fnet.nn.module").is_module

local recorder = {}

local BINS = 40 -- at most: few numbers have fewer

---@class report.Histogram
---@field low number the smallest number; the bins divide the range to `high` equally
---@field high number the largest number
---@field counts integer[] how many numbers are in each bin
---@field mean number
---@field deviation number the standard deviation

-- What a recorder holds: the table itself has callbacks and nothing else.
local kept = setmetatable({}, { __mode = "k" })

-- The histogram of a tensor; nil where it is empty or holds what is not finite.
local function histogram_of(tensor)
  local values = tensor:detach():reshape { tensor:count() }
  if #values == 0 then return nil end
  local low, high = values:min():item(), values:max():item()
  if low - low ~= 0 or high - high ~= 0 then return nil end
  local bins = math.min(BINS, math.ceil(2 * math.sqrt(#values)))
  local deviation = high > low and values:std():item() or 0 -- of equal numbers it may be their rounding
  return { low = low, high = high, counts = count(values, low, high, bins), mean = values:mean():item(),
    deviation = deviation }
end

--- Histograms of all parameters of a model, as they are now.
---@param model nn.Module
---@param epoch integer the epochs that are behind it
---@return { epoch: integer, parameters: { name: string, histogram: report.Histogram? }[] }
function recorder.look(model, epoch)
  local all, parameters, lead = contents.of(model), {}, {}
  for _, entry in ipairs(all.modules) do lead[entry.value] = entry.name == "" and 0 or #entry.name + 1 end
  for i, entry in ipairs(all.parameters) do
    local name = ("%s: %s"):format(entry.owner:name(), entry.name:sub(lead[entry.owner] + 1))
    parameters[i] = { name = name, histogram = histogram_of(entry.value) }
  end
  return { epoch = epoch, parameters = parameters }
end

--- Callbacks for `fnet.fit` that keep the record of each epoch and a histogram of each parameter, for
-- `report.page`. A loop of your own calls them itself:
-- `recorder.epoch_end { model = model, record = { epoch = 1, loss = loss } }`.
---@param model? nn.Module what it is like before the first epoch; fit tells it
---@return { start: fun(run: table), epoch_end: fun(run: table) } callbacks
function recorder.new(model)
  local seen, callbacks = { looks = {}, records = {} }, {}
  expect.that(model == nil or is_module(model), "recorder", "a model, or nothing", model)
  local function look(at, epoch) seen.looks[#seen.looks + 1] = recorder.look(at, epoch) end
  function callbacks.start(run) -- of another training, perhaps
    expect.that(type(run) == "table" and is_module(run.model), "recorder: start", "a run of fnet.fit", run)
    seen.looks, seen.records = {}, {}
    look(run.model, 0)
  end
  function callbacks.epoch_end(run)
    local fits = type(run) == "table" and is_module(run.model) and type(run.record) == "table"
    expect.that(fits, "recorder: epoch_end",
      "a run of fnet.fit, or { model = model, record = { epoch = 1, loss = number } }", run)
    local epoch = expect.count("recorder: epoch_end: record: epoch", run.record.epoch, 0)
    seen.records[#seen.records + 1] = run.record
    look(run.model, epoch)
  end
  if model then look(model, 0) end
  kept[callbacks] = seen
  return callbacks
end

--- What a recorder has seen; nil for any other value.
---@param value any
---@return { looks: table[], records: table[] }? seen looks as `look` gives them
function recorder.seen_by(value) return kept[value] end

return recorder
