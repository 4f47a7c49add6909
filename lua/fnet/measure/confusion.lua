--- Confusion matrix of a classifier: rows are the right classes, columns what the classifier said.

local expect = require "fnet.base.expect"
local columns = require "fnet.base.columns"
local core = require "fnet.core"
local describe = require("fnet.measure.statistics").describe
local said_by = require("fnet.measure.classes").said

---@class metrics.Confusion
---@field counts integer[][] counts[right][said]
---@field classes string[] names
---@field total integer rows counted
---@field correct integer those on the diagonal
---@field accuracy number
---@field precision number[] by class: of those said to be it, the fraction that is; 0 where none was
---@field recall number[] by class: of those that are it, the fraction found; 0 where there are none
---@field f1 number[] by class: the harmonic mean of precision and recall, 0 where both are
---@field support integer[] by class: how many there are
---@field macro { precision: number, recall: number, f1: number } the plain means over the classes that occur, as
--- right ones or as said ones; a class of which there is nothing has no precision to count
local Confusion = {}
Confusion.__index = Confusion

local function ratio(part, whole) return whole > 0 and part / whole or 0 end

--- What it prints, for those who print it otherwise: tables of rows of cells, the first row and the first cell of
-- each of which are heads, with the least widths of their columns, as fnet.base.columns takes both.
---@return { rows: table[], widths: integer[] } counts rows are the right classes, columns what was said
---@return { rows: table[], widths: integer[] } figures precision, recall, F1 and support of each class, and means
---@return string ending the accuracy
function Confusion:tables()
  expect.method("tables", self)
  local counts, widths, digits = { { "right / said" } }, { -12 }, #tostring(#self.classes)
  local figures = { { "", "precision", "recall", "F1", "support" } }
  local function add(label, precision, recall, f1, support)
    figures[#figures + 1] = { label, ("%.4f"):format(precision), ("%.4f"):format(recall), ("%.4f"):format(f1),
      support }
  end
  for c, name in ipairs(self.classes) do
    local label = ("%3d %s"):format(c, core.visible(name))
    counts[1][c + 1], counts[c + 1] = c, { label, table.unpack(self.counts[c]) }
    for _, count in ipairs(self.counts[c]) do digits = math.max(digits, #tostring(count)) end
    add(label, self.precision[c], self.recall[c], self.f1[c], self.support[c])
  end
  add("mean", self.macro.precision, self.macro.recall, self.macro.f1, self.total)
  for c = 1, #self.classes do widths[c + 1] = digits end
  return { rows = counts, widths = widths }, { rows = figures, widths = { -12, 10, 8, 8, 8 } },
    ("accuracy %.2f%% (%d/%d)"):format(100 * self.accuracy, self.correct, self.total)
end

--- A table of the counts, columns numbered as the rows are, and one of precision, recall and F1. report.confusion
-- has it in colour.
---@return string
function Confusion:__tostring()
  local counts, figures, ending = self:tables()
  return ("%s\n\n%s\n%s"):format(table.concat(columns(counts.rows, counts.widths), "\n"),
    table.concat(columns(figures.rows, figures.widths), "\n"), ending)
end

--- Counts and everything that follows from them.
---@param output tensor # [batch, classes]
---@param target tensor labels [batch], from 1
---@param names? string[] of the classes, by default their numbers
---@return metrics.Confusion
return function(output, target, names)
  expect.that(output.rank == 2, "confusion", "outputs [batch, classes]", output)
  core.correct(output, target, "confusion") -- checks the labels
  local classes = output.shape[2]
  if names ~= nil and (type(names) ~= "table" or #names ~= classes) then
    core.raise("confusion: classes: expected %d names, got %s", classes,
      type(names) == "table" and #names or type(names))
  end
  local self = {
    counts = {}, classes = {}, total = #output, correct = 0, precision = {}, recall = {}, f1 = {}, support = {},
    macro = {},
  }
  for c = 1, classes do
    self.classes[c], self.counts[c] = tostring(names and names[c] or c), {}
    for other = 1, classes do self.counts[c][other] = 0 end
  end
  local said = said_by("confusion", output):totable()
  for i, right in ipairs(target:totable()) do
    local row = self.counts[right]
    row[said[i]] = row[said[i]] + 1
  end
  local occurring = { precision = {}, recall = {}, f1 = {} }
  for c = 1, classes do
    local right, of_class, said_so = self.counts[c][c], 0, 0
    for other = 1, classes do
      of_class, said_so = of_class + self.counts[c][other], said_so + self.counts[other][c]
    end
    self.correct, self.support[c] = self.correct + right, of_class
    self.precision[c], self.recall[c] = ratio(right, said_so), ratio(right, of_class)
    self.f1[c] = ratio(2 * right, of_class + said_so)
    for name, list in pairs(of_class + said_so > 0 and occurring or {}) do list[#list + 1] = self[name][c] end
  end
  self.accuracy = ratio(self.correct, self.total)
  for name, list in pairs(occurring) do self.macro[name] = #list > 0 and (describe(list)) or 0 end
  return setmetatable(self, Confusion)
end
