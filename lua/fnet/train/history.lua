--- History: what a training has left behind, a record an epoch; printed as a table.

local expect = require "fnet.base.expect"
local in_columns = require "fnet.base.columns"

--- What fnet.fit gives: a list of records, one an epoch (epoch, samples, seconds, loss, each metric, valid_loss,
-- ...), which prints as a table.
---@class fnet.History
---@field epochs integer how many were planned
---@field columns string[] the figures that are printed
---@field interrupted table? after Ctrl-C: { epoch, step, loss }
---@field stopped string? why it ended early
---@field best integer? the best epoch, with early stopping
---@field restored boolean? whether the weights are those of the best epoch
local History = {}
History.__index = History

local MOST = 24 -- rows that are printed

local function text_of(name, value)
  if value == nil then return "-" end
  if value ~= value then return "nan" end -- its sign says nothing
  if name == "epoch" then return ("%d"):format(value) end
  if name:find "accuracy$" then return ("%.2f%%"):format(100 * value) end
  if name == "seconds" then return ("%.2f"):format(value) end
  if name == "lr" then return ("%.3g"):format(value) end
  return ("%.4f"):format(value)
end

--- The figures of an epoch in one line: "epoch 2/5  loss 0.3776  accuracy 86.45%  0.13 s".
---@param record table
---@return string
function History:line(record)
  expect.method("line", self)
  local parts = { ("epoch %d/%d"):format(record.epoch, self.epochs) }
  for _, name in ipairs(self.columns) do
    if name ~= "seconds" then parts[#parts + 1] = name .. " " .. text_of(name, record[name]) end
  end
  parts[#parts + 1] = ("%.2f s"):format(record.seconds)
  return table.concat(parts, "  ")
end

--- Why the training ended before its last epoch, in a sentence; nil where it did not.
---@return string?
function History:ending()
  expect.method("ending", self)
  local cut = self.interrupted
  if cut then return ("interrupted in epoch %d, after step %d"):format(cut.epoch, cut.step) end
  return self.stopped
end

-- The loss and the metrics of all epochs, one a line, and how it ended.
function History:__tostring()
  local names = { "epoch", table.unpack(self.columns) }
  local rows = {}
  local function add(cell)
    local cells = {}
    for i, name in ipairs(names) do cells[i] = cell(name) end
    rows[#rows + 1] = cells
  end
  add(function(name) return name end)
  for i, record in ipairs(self) do
    if #self > MOST and i == MOST // 2 + 1 then add(function() return "..." end) end
    if #self <= MOST or i <= MOST // 2 or i > #self - MOST // 2 then
      add(function(name) return text_of(name, record[name]) end)
    end
  end
  local lines = in_columns(rows, 8, "  ")
  lines[#lines + 1] = self:ending()
  if self.restored then lines[#lines + 1] = ("the weights are those after epoch %d"):format(self.best) end
  return table.concat(lines, "\n")
end

--- An empty history.
---@param epochs integer how many are planned
---@param columns string[] names of the figures, in the order in which they are printed
---@return fnet.History
return function(epochs, columns) return setmetatable({ epochs = epochs, columns = columns }, History) end
