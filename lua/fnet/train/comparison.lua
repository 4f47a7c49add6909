--- Comparison: what a sweep gives, a row for each combination of settings, compared with the first one in words.

local columns = require "fnet.base.columns"
local statistics = require "fnet.measure.statistics"

local LEVEL = 0.05 -- p below it counts as a difference

---@class fnet.Sweep
---@field rows table[] a combination each: settings, figures (a run each, in the order of the seeds), mean,
--- deviation (nil for fewer than two), failures (messages), p (against the first row, corrected; nil for the first)
---@field names string[] of the settings that vary, in the order of the columns
---@field runs integer how many there were
---@field total integer how many were planned
---@field interrupted boolean
---@field notes string[] what else there is to say of the runs, below the table
local Sweep = {}
Sweep.__index = Sweep

--- Fills in what the rows' figures say.
function Sweep:summarise()
  local first, tests, tested = self.rows[1], {}, {}
  for i, row in ipairs(self.rows) do
    if #row.figures > 0 then row.mean, row.deviation = statistics.describe(row.figures) end
    if i > 1 and #row.figures > 1 and #first.figures > 1 then
      tests[#tests + 1] = statistics.welch(row.figures, first.figures)
      tested[#tested + 1] = row
    end
  end
  local corrected = statistics.holm(tests)
  for i, row in ipairs(tested) do row.p = corrected[i] end
end

--- How a row compares with the first, in words.
---@param row table
---@return string "" for the first
function Sweep:compared(row)
  if row == self.rows[1] or not row.mean or not self.rows[1].mean then return "" end
  if not row.p then return "too few runs to compare" end
  local p = row.p < 0.001 and "p < 0.001" or ("p = %.3f"):format(row.p)
  if row.p >= LEVEL then return ("no clear difference (%s)"):format(p) end
  return ("%s than the first row (%s)"):format(row.mean > self.rows[1].mean and "higher" or "lower", p)
end

--- A setting as the table shows it.
---@param value any
---@return string
function Sweep.text(value) return math.type(value) == "float" and ("%.6g"):format(value) or tostring(value) end

-- The table: settings, runs, mean and standard deviation, and the comparison with the first row.
function Sweep:__tostring()
  local cells = { { table.unpack(self.names) } }
  for _, title in ipairs { "runs", "mean ± sd", "compared with the first row" } do table.insert(cells[1], title) end
  local compared, failures = 0, {}
  for _, row in ipairs(self.rows) do
    local line = {}
    for i, name in ipairs(self.names) do line[i] = Sweep.text(row.settings[name]) end
    line[#line + 1] = tostring(#row.figures)
    line[#line + 1] = row.mean and ("%.5g"):format(row.mean) ..
      (row.deviation and (" ± %.2g"):format(row.deviation) or "") or "-"
    line[#line + 1] = self:compared(row) .. (#row.failures > 0 and ("  %d failed"):format(#row.failures) or "")
    compared = compared + (row.p and 1 or 0)
    cells[#cells + 1] = line
    if #row.failures > 0 then failures[#failures + 1] = row.failures[1] end
  end
  local lines = columns(cells, -1, "  ")
  if compared > 0 then
    lines[#lines + 1] = ("p: Welch's t-test, two-sided%s; below %g counts as a difference"):format(
      compared > 1 and (", corrected for %d comparisons (Holm)"):format(compared) or "", LEVEL)
  end
  for _, message in ipairs(failures) do lines[#lines + 1] = "failed: " .. message end
  table.move(self.notes, 1, #self.notes, #lines + 1, lines)
  if self.interrupted then
    lines[#lines + 1] = ("interrupted after %d of %d runs"):format(self.runs, self.total)
  end
  return table.concat(lines, "\n")
end

--- An empty comparison.
---@param names string[] of the settings that vary
---@param combinations table[] the settings of each row
---@param total integer runs that are planned
---@return fnet.Sweep
return function(names, combinations, total)
  local rows = {}
  for i, settings in ipairs(combinations) do rows[i] = { settings = settings, figures = {}, failures = {} } end
  return setmetatable({
    rows = rows, names = names, runs = 0, total = total, interrupted = false, notes = {},
  }, Sweep)
end
