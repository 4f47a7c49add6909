--- History: what a training has left behind, a record an epoch; printed as a table, and read by columns.

local csv = require "fnet.files.csv"
local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local in_columns = require "fnet.base.columns"
local naming = require "fnet.base.naming"
local processes = require "fnet.base.processes"
local say = require "fnet.base.say"
local width_of = require("fnet.base.width").of
local core = require "fnet.core"

--- What fnet.fit gives: a list of records, one an epoch (epoch, samples, seconds, loss, each metric, valid_loss,
-- ...), which prints as a table. The name of a figure gives its list over the epochs, `history.loss`: numbers, nan
-- where an epoch has none; nil where no epoch has it. A figure that is called like a field or a method below is in
-- the records, and in history:table().
---@class fnet.History
---@field epochs integer how many were planned
---@field columns string[] the figures that are printed
---@field interrupted table? after Ctrl-C: { epoch, step, loss }
---@field stopped string? why it ended early
---@field best integer? the best epoch, with early stopping
---@field restored boolean? whether the weights are those of the best epoch
---@field [integer] table the record of an epoch
---@field [string] number[] the numbers of a figure, epoch by epoch
local History = {}

-- Fields that are nil where there is nothing to say.
local FIELDS = { interrupted = true, stopped = true, best = true, restored = true }
local MOST = 24 -- rows that are printed
local NAN = 0 / 0

-- The numbers of a figure, epoch by epoch.
local function column(history, name)
  local list = {}
  for i, record in ipairs(history) do
    local value = record[name]
    list[i] = type(value) == "number" and value or NAN
  end
  return list
end

-- The names of the figures of the records: as they are printed, then those that callbacks have added, by name.
local function figures(history)
  local names, seen = { "epoch", "samples" }, { epoch = true, samples = true }
  for _, name in ipairs(history.columns) do
    if not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  local added = {}
  for _, record in ipairs(history) do
    for name, value in next, record do
      if type(value) == "number" and not seen[name] then added[name], seen[name] = true, true end
    end
  end
  return table.move(naming.sorted(added), 1, #naming.sorted(added), #names + 1, names)
end

function History:__index(name)
  local method = History[name]
  if method ~= nil or FIELDS[name] or type(name) ~= "string" then return method end
  for _, known in ipairs(figures(self)) do
    if known == name then return column(self, name) end
  end
end

local function text_of(name, value)
  if value == nil then return "-" end
  if value ~= value then return "nan" end -- its sign says nothing
  if name == "epoch" then return ("%d"):format(value) end
  if name:find "accuracy$" then return ("%.2f%%"):format(100 * value) end
  if name == "seconds" then return ("%.2f"):format(value) end
  if name == "lr" then return ("%.3g"):format(value) end
  return say.figure(value)
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

--- What report.plot draws of it: the loss, and the one of the validation, by epoch, for those epochs that have it.
---@return table<string, { x: number[], y: number[] }>
---@return { x_label: string } defaults
function History:curves()
  expect.method("curves", self)
  local curves = {}
  for _, record in ipairs(self) do
    for _, name in ipairs { "loss", "valid_loss" } do
      if record[name] then -- Ctrl-C may have come before the validation
        curves[name] = curves[name] or { x = {}, y = {} }
        table.insert(curves[name].x, record.epoch)
        table.insert(curves[name].y, record[name])
      end
    end
  end
  return curves, { x_label = "epoch" }
end

--- All figures of all epochs: epoch, samples, those that are printed, and what callbacks have put into the records,
-- by name. `fnet.tensor(rows)` makes a tensor of them.
---@return number[][] rows an epoch each, of as many numbers as there are names; nan for what an epoch has not
---@return string[] names of the columns
function History:table()
  expect.method("table", self)
  local names, rows = figures(self), {}
  for i, record in ipairs(self) do
    rows[i] = {}
    for k, name in ipairs(names) do
      local value = record[name]
      rows[i][k] = type(value) == "number" and value or NAN
    end
  end
  return rows, names
end

--- Writes history:table() as a CSV file, with the names in the first line, and every number so that it reads back
-- to itself, whatever the locale; a figure that an epoch has not is an empty field.
---@param path string
---@return boolean? true nil where the file cannot be written
---@return string? message, integer? code
function History:csv(path)
  expect.method("csv", self)
  expect.path("csv", path)
  local names = figures(self)
  local lines = { csv.line(names) }
  for _, record in ipairs(self) do
    local fields = {}
    for k, name in ipairs(names) do
      local value = record[name]
      fields[k] = type(value) == "number" and decimal.exact(value) or ""
    end
    lines[#lines + 1] = csv.line(fields)
  end
  return processes.write_file(path, { table.concat(lines) })
end

-- The rows as lines. Where these would be longer than the terminal, the columns that have no room stand below,
-- beside the first one again.
local function in_blocks(rows)
  local most, lines = core.terminal(1) or math.huge, {}
  local function drawn(columns)
    local parts = {}
    for i, row in ipairs(rows) do
      parts[i] = {}
      for k, number in ipairs(columns) do parts[i][k] = row[number] end
    end
    return in_columns(parts, 8, "  ")
  end
  local taken = { 1 }
  for k = 2, #rows[1] do
    table.insert(taken, k)
    if #taken > 2 and width_of(drawn(taken)[1]) > most then -- each line is as long: cells stand to the right
      table.remove(taken)
      table.move(drawn(taken), 1, #rows, #lines + 1, lines)
      taken = { 1, k }
    end
  end
  return table.move(drawn(taken), 1, #rows, #lines + 1, lines)
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
  local lines = in_blocks(rows)
  lines[#lines + 1] = self:ending()
  if self.restored then lines[#lines + 1] = ("the weights are those after epoch %d"):format(self.best) end
  return table.concat(lines, "\n")
end

--- An empty history.
---@param epochs integer how many are planned
---@param columns string[] names of the figures, in the order in which they are printed
---@return fnet.History
return function(epochs, columns) return setmetatable({ epochs = epochs, columns = columns }, History) end
