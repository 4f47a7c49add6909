--- Confusion matrix of a classifier: rows are the right classes, columns what the classifier said.

local check = require "fnet.check"
local core = require "fnet.core"

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
---@field macro { precision: number, recall: number, f1: number } the plain means over the classes
local Confusion = {}
Confusion.__index = Confusion

local function ratio(part, whole) return whole > 0 and part / whole or 0 end

-- Counts and everything that follows from them.
local function new(output, target, names)
  if output.rank ~= 2 then
    core.raise("confusion: expected outputs [batch, classes], got " .. check.describe(output))
  end
  core.correct(output, target) -- checks the labels
  local classes = output.shape[2]
  if names ~= nil and (type(names) ~= "table" or #names ~= classes) then
    core.raise(("confusion: classes: expected %d names, got %s"):format(classes,
      type(names) == "table" and #names or type(names)))
  end
  local self = {
    counts = {}, classes = {}, total = #output, correct = 0, precision = {}, recall = {}, f1 = {}, support = {},
    macro = {},
  }
  for c = 1, classes do
    self.classes[c], self.counts[c] = tostring(names and names[c] or c), {}
    for other = 1, classes do self.counts[c][other] = 0 end
  end
  local said = output:argmax(2):totable()
  for i, right in ipairs(target:totable()) do
    local row = self.counts[right]
    row[said[i]] = row[said[i]] + 1
  end
  for c = 1, classes do
    local right, of_class, said_so = self.counts[c][c], 0, 0
    for other = 1, classes do
      of_class, said_so = of_class + self.counts[c][other], said_so + self.counts[other][c]
    end
    self.correct, self.support[c] = self.correct + right, of_class
    self.precision[c], self.recall[c] = ratio(right, said_so), ratio(right, of_class)
    self.f1[c] = ratio(2 * right, of_class + said_so)
  end
  self.accuracy = ratio(self.correct, self.total)
  for _, name in ipairs { "precision", "recall", "f1" } do
    local sum = 0
    for c = 1, classes do sum = sum + self[name][c] end
    self.macro[name] = sum / classes
  end
  return setmetatable(self, Confusion)
end

-- The text, filled with spaces to a width in characters.
local function pad(text, width, left)
  local fill = (" "):rep(width - (utf8.len(text) or #text))
  return left and text .. fill or fill .. text
end

--- A table of the counts, columns numbered as the rows are, and one of precision, recall and F1.
---@return string
function Confusion:__tostring()
  local widest, digits = 8, #tostring(#self.classes)
  for _, name in ipairs(self.classes) do widest = math.max(widest, utf8.len(name) or #name) end
  for _, row in ipairs(self.counts) do
    for _, count in ipairs(row) do digits = math.max(digits, #tostring(count)) end
  end
  local head, lines = { pad("right / said", widest + 4, true) }, {}
  for c in ipairs(self.classes) do head[#head + 1] = pad(tostring(c), digits) end
  lines[1] = table.concat(head, " ")
  for c, name in ipairs(self.classes) do
    local row = { pad(tostring(c), 3) .. " " .. pad(name, widest, true) }
    for other, count in ipairs(self.counts[c]) do row[other + 1] = pad(tostring(count), digits) end
    lines[#lines + 1] = table.concat(row, " ")
  end
  lines[#lines + 1] = ("\n%s  precision   recall       F1  support"):format(pad("", widest + 4))
  local function figures(label, precision, recall, f1, support)
    lines[#lines + 1] = ("%s  %9.4f %8.4f %8.4f %8d"):format(label, precision, recall, f1, support)
  end
  for c, name in ipairs(self.classes) do
    figures(pad(tostring(c), 3) .. " " .. pad(name, widest, true), self.precision[c], self.recall[c], self.f1[c],
      self.support[c])
  end
  figures(pad("mean", widest + 4, true), self.macro.precision, self.macro.recall, self.macro.f1, self.total)
  lines[#lines + 1] = ("accuracy %.2f%% (%d/%d)"):format(100 * self.accuracy, self.correct, self.total)
  return table.concat(lines, "\n")
end

return { new = new }
