--- Sequences: samples of different lengths, padded in each batch to the longest of it, and which steps are no
-- padding.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local new_stretches = require "fnet.data.stretches"
local say = require "fnet.base.say"

local MOST = 1 << 31 -- steps of all together: places are int32

local sequences = {}

-- Raises unless all are like the first, but for their lengths.
local function check_list(list)
  expect.that(type(list) == "table" and getmetatable(list) == nil and core.length(list) > 0, "sequences",
    "a list of at least one tensor, each [steps, ...]", list)
  local first, total = list[1], 0
  for i = 1, core.length(list) do
    local t, place = list[i], "sequences: entry " .. i
    expect.that(core.is_tensor(t) and t.rank >= 1, place, "a tensor [steps, ...]", t)
    local alike = t.dtype == first.dtype and t.rank == first.rank
    for axis = 2, alike and t.rank or 0 do alike = alike and t.shape[axis] == first.shape[axis] end
    if not alike then
      core.raise("%s: expected %s as entry 1, but for the number of steps, got %s", place,
        first.dtype .. " " .. say.shape({ table.unpack(first.shape, 2) }, first.rank > 1 and "steps, " or "steps"),
        say.value(t))
    end
    total = total + #t
    if total >= MOST then core.raise("%s: expected fewer than 2^31 steps in all", place) end
  end
end

-- The number that stands behind the end of a sequence.
local function padding(dtype, value)
  if value ~= nil then return expect.number("sequences: pad", value, -math.huge, math.huge) end
  if core.dtypes[dtype].float then return 0 end
  core.raise("sequences: pad: what is to stand behind the end of whole numbers? vocabulary.padding for tokens; " ..
    "for labels a number that the loss ignores, such as 0 with cross_entropy's ignore = 0")
end

--- Samples of different lengths, for a data set whose batches are padded to their longest; and their lengths. A
-- model of two inputs gets both: `data.Dataset { x = { data.sequences(list) }, y = labels }`, `function
-- Model:forward(x, lengths)`. As targets, one label a step, `y = data.sequences(list, { pad = 0 })`.
---@param list tensor[] each [steps, ...], of one type, alike but for the steps; copied
---@param options? table pad: number, behind the ends, 0 for floats; for whole numbers it has to be given; most:
--- integer, steps that are kept of each, from its beginning, all
---@return data.Stretches array of shape [count, longest, ...]; a batch has [count, longest of the batch, ...]
---@return tensor lengths int32 [count]
function sequences.sequences(list, options)
  check_list(list)
  options = expect.options("sequences", options, { "pad", "most" })
  local most = options.most == nil and MOST or expect.count("sequences: most", options.most, 1)
  local first, starts, lengths, steps = list[1], {}, {}, 1
  for i, t in ipairs(list) do
    starts[i], lengths[i] = steps, math.min(#t, most)
    steps = steps + lengths[i]
  end
  local series = core.full({ steps, table.unpack(first.shape, 2) }, padding(first.dtype, options.pad), first.dtype,
    "sequences: pad")
  for i, t in ipairs(list) do
    local length = lengths[i]
    if length > 0 then
      series:slice(1, starts[i] + 1, starts[i] + length):copy(t:detach():slice(1, 1, length))
    end
  end
  return new_stretches(series, core.tensor(starts, "float64"), core.tensor(lengths, "float64")),
    core.tensor(lengths, "int32")
end

--- Which steps of padded sequences are their own: 1 there, 0 in the padding. `(loss * data.mask(lengths)):sum() /
-- lengths:float():sum()` is a mean over the steps that are there.
---@param lengths tensor int32 [count]
---@param steps? integer of the batch, at least the longest; the longest
---@return tensor mask float32 [count, steps]
function sequences.mask(lengths, steps)
  expect.that(is.labels(lengths), "mask", "lengths, int32 [count]", lengths)
  local count = #lengths
  local longest = count > 0 and lengths:max():item() or 0
  if count > 0 and lengths:min():item() < 0 then core.raise "mask: a length is below 0" end
  steps = steps == nil and longest or expect.count("mask: steps", steps, longest)
  if steps == 0 or count == 0 then return core.full({ count, steps }, 0, "float32") end
  local numbers = core.arange(1, steps, 1, "float64"):reshape { 1, steps }
  return numbers:le(lengths:to "float64":reshape { count, 1 }):to "float32"
end

return sequences
