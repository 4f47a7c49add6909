--- The figures of a benchmark: medians and spread of several runs, ratios to a limit that was measured beside
-- each run, and bars; shown as a table for people and as one line of JSON each.

local fnet = require "fnet"

---@class bench.Figures
local Figures = {}
Figures.__index = Figures

--- A value of a sorted list, so that `fraction` of the list lies below it; between two, linearly.
---@param values number[] at least one, in any order
---@param fraction number 0 to 1
---@return number
local function quantile(values, fraction)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local place = 1 + (#sorted - 1) * fraction
  local below = math.floor(place)
  local above = math.min(below + 1, #sorted)
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
end

local function median(values) return quantile(values, 0.5) end

--- An empty list of figures.
---@param description table cpu, date, revision
---@return bench.Figures
local function new(description) return setmetatable({ description = description, records = {} }, Figures) end

-- The ratios run by run: value and limit were measured one after the other.
local function ratios_of(entry)
  if not entry.limits then return nil end
  local ratios = {}
  for i, value in ipairs(entry.values) do ratios[i] = value / entry.limits[i] end
  return ratios
end

--- Adds a figure.
---@param entry table name; unit; values: number[], one a run; limits?: number[] in the same unit, one a run;
--- bar?: number, for the ratio where there are limits, unless bar_on_value is set, else for the value;
--- at_least?: the bar is a lower bound; isa?; threads?; section: where the table shows it; in_table: false
--- leaves it out there
function Figures:add(entry)
  local ratios = ratios_of(entry)
  local on_ratio = ratios and not entry.bar_on_value
  local judged = median(on_ratio and ratios or entry.values)
  local met
  if entry.bar and entry.at_least then met = judged >= entry.bar
  elseif entry.bar then met = judged <= entry.bar end
  self.records[#self.records + 1] = {
    section = entry.section, name = entry.name, unit = entry.unit, isa = entry.isa, threads = entry.threads,
    in_table = entry.in_table ~= false, runs = #entry.values,
    median = median(entry.values), low = quantile(entry.values, 0), high = quantile(entry.values, 1),
    limit = entry.limits and median(entry.limits), ratio = ratios and median(ratios),
    ratio_low = ratios and quantile(ratios, 0), ratio_high = ratios and quantile(ratios, 1),
    bar = entry.bar, bar_on = entry.bar and (on_ratio and "ratio" or "median") or nil,
    at_least = entry.bar and (entry.at_least or false), met = met,
  }
end

local function short(x)
  if not x then return "" end
  if math.abs(x) >= 1000 then return ("%.0f"):format(x) end
  return ("%.4g"):format(x)
end

local ROW = "  %-33s %-8s %7s %9s %19s  %-8s %9s %6s %8s  %s"
local HEAD = ROW:format("", "", "threads", "median", "low ... high", "unit", "limit", "ratio", "bar", "")

local function row(record)
  local bar = record.bar and (record.at_least and ">= " or "<= ") .. short(record.bar) or ""
  local verdict = record.met == nil and "" or record.met and "met" or "MISSED"
  local text = ROW:format(record.name, record.isa or "", record.threads or "", short(record.median),
    short(record.low) .. " ... " .. short(record.high), record.unit, short(record.limit),
    record.ratio and ("%.2f"):format(record.ratio) or "", bar, verdict)
  return (text:gsub("%s+$", ""))
end

--- The table for people, a block a section.
---@return string
function Figures:table()
  local sections, lines_of, lines = {}, {}, {}
  for _, record in ipairs(self.records) do
    local section = record.section
    if record.in_table and not lines_of[section] then
      sections[#sections + 1] = section
      lines_of[section] = { "\n" .. section, HEAD }
    end
    if record.in_table then table.insert(lines_of[section], row(record)) end
  end
  for i, section in ipairs(sections) do lines[i] = table.concat(lines_of[section], "\n") end
  return table.concat(lines, "\n")
end

local KEYS = {
  "section", "name", "unit", "median", "low", "high", "runs", "limit", "ratio", "ratio_low",
  "ratio_high", "bar", "bar_on", "at_least", "met", "isa", "threads",
}

--- One line of JSON a figure; what a figure does not have is left out.
---@return string[]
function Figures:json()
  local lines = {}
  for i, record in ipairs(self.records) do
    local list = {}
    for _, key in ipairs(KEYS) do
      if record[key] ~= nil then list[#list + 1] = { key, record[key] } end
    end
    list[#list + 1] = { "version", fnet.version }
    for _, key in ipairs { "revision", "cpu", "date" } do list[#list + 1] = { key, self.description[key] } end
    lines[i] = fnet.report.json(list)
  end
  return lines
end

--- How many bars were met, and how many there are.
---@return integer met, integer bars
function Figures:verdict()
  local met, bars = 0, 0
  for _, record in ipairs(self.records) do
    if record.met ~= nil then bars = bars + 1 end
    if record.met then met = met + 1 end
  end
  return met, bars
end

return { new = new, median = median, quantile = quantile }
