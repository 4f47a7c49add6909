--- Samples of a page: what a classifier makes of a data set, and the few samples that are shown of it. Invariant:
-- the choice depends on nothing but the probabilities and the order of the data set.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local check_classifier = require "fnet.measure.classifier"
local classes = require "fnet.measure.classes"
local pass = require "fnet.measure.pass"
local predict = require("fnet.measure.evaluate").predict
local rows_of = require "fnet.data.rows"

local samples = {}

---@class Judged
---@field names string[] of the classes
---@field labels integer[] by sample
---@field said integer[] 0 where an output that is not finite says none
---@field certain number[] the probability of the class that was said
---@field broken integer samples of which no class was said
---@field correct integer samples whose largest output is that of their label

--- What a classifier says of each sample of a data set whose targets are classes.
---@param model nn.Module
---@param dataset data.Dataset
---@return Judged judged raises where the model is no classifier of these labels
function samples.judge(model, dataset)
  local judged = { names = {}, labels = {}, said = {}, certain = {}, broken = 0, correct = 0 }
  local count
  local function append(name, list) table.move(list, 1, #list, #judged[name] + 1, judged[name]) end
  local function visit(output, y)
    if not count then check_classifier("page: test", dataset, output, y) end
    judged.correct = judged.correct + classes.correct(output, y)
    local said, certain = output:argmax(2):totable(), classes.probabilities(output):max(2):totable()
    for i, probability in ipairs(certain) do -- the softmax of an infinity is a NaN, too
      if probability ~= probability then said[i], certain[i], judged.broken = 0, 0, judged.broken + 1 end
    end
    count = output.shape[2]
    append("labels", y:totable())
    append("said", said)
    append("certain", certain)
  end
  pass("page: test", model, dataset, { visit = visit })
  for class = 1, count do
    judged.names[class] = tostring(dataset.classes and dataset.classes[class] or "class " .. class)
  end
  return judged
end

--- Whether the targets of a data set are classes.
---@param dataset data.Dataset
---@return boolean
function samples.has_labels(dataset)
  return is.labels((dataset.whole or dataset).y) and is.callable(dataset.with)
end

--- How often each class was taken for each.
---@param judged Judged
---@return integer[][] counts [right][said]
function samples.count(judged)
  local counts = {}
  for right = 1, #judged.names do
    counts[right] = {}
    for said = 1, #judged.names do counts[right][said] = 0 end
  end
  for i, right in ipairs(judged.labels) do
    local said = judged.said[i]
    if said > 0 then counts[right][said] = counts[right][said] + 1 end
  end
  return counts
end

-- Sorts samples by the probability of what was said, from the least or from the most certain one; equal ones by
-- their order.
local function sort_by_certainty(judged, rows, from_least)
  table.sort(rows, function(a, b)
    local x, y = judged.certain[a], judged.certain[b]
    if x ~= y then return (x < y) == from_least end
    return a < b
  end)
end

--- The worst mistakes: the most certain ones first, then by their order, as metrics.mistakes has them.
---@param judged Judged
---@param most integer
---@return integer[] rows none where some probabilities are not known
function samples.mistakes(judged, most)
  local rows = {}
  for i, right in ipairs(judged.broken == 0 and judged.labels or {}) do
    if judged.said[i] ~= right then rows[#rows + 1] = i end
  end
  sort_by_certainty(judged, rows, false)
  return table.move(rows, 1, math.min(most, #rows), 1, {})
end

-- The samples of each cell of the matrix, in its order: of a wrong class the most certain ones first, of the right
-- one the least certain ones.
local function by_cell(judged)
  local cells, list, count = {}, {}, #judged.names
  for i, right in ipairs(judged.labels) do
    local said = judged.said[i]
    local key = (right - 1) * count + said
    cells[key] = cells[key] or {}
    if said > 0 then table.insert(cells[key], i) end
  end
  for key = 1, count * count do
    local rows = cells[key]
    if rows then
      sort_by_certainty(judged, rows, (key - 1) // count == (key - 1) % count)
      list[#list + 1] = rows
    end
  end
  return list
end

--- The samples to show: those given, and of all cells of the matrix in turn the next, so that rare mistakes are
-- there, too.
---@param judged Judged
---@param first integer[] rows that are shown in any case
---@param most integer
---@return integer[] rows
function samples.choose(judged, first, most)
  local chosen, seen, cells = table.move(first, 1, math.min(#first, most), 1, {}), {}, by_cell(judged)
  for _, row in ipairs(chosen) do seen[row] = true end
  local depth, found = 1, true
  while found and #chosen < most do
    found = false
    for _, rows in ipairs(cells) do
      local row = rows[depth]
      found = found or row ~= nil
      if row and not seen[row] and #chosen < most then chosen[#chosen + 1] = row end
    end
    depth = depth + 1
  end
  return chosen
end

--- The probabilities that a classifier gives for some samples.
---@param model nn.Module
---@param dataset data.Dataset
---@param rows integer[] at least one
---@return number[][] probabilities [sample][class]
function samples.distributions(model, dataset, rows)
  local part = dataset:with { rows = core.tensor(rows, "int32") }
  return classes.probabilities(predict(model, part)):totable()
end

--- The shape of a sample, as the model takes it.
---@param dataset data.Dataset
---@return integer[]? shape nil where samples are lists
function samples.shape(dataset)
  local x = (dataset.whole or dataset).x
  return is.array(x) and { table.unpack(x.shape, 2) } or nil
end

--- What a data set is, in words.
---@param dataset data.Dataset
---@return string
function samples.describe(dataset)
  local x = (dataset.whole or dataset).x
  local shape = samples.shape(dataset)
  return ("%d samples of %s"):format(#dataset, shape and say.shape(shape) or rows_of.text(x))
end

return samples
