--- sweep: the same experiment for each seed and each combination of settings, as one table. Seeds are the outer
-- loop, so that what an interruption leaves can be compared.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local columns = require "fnet.base.columns"
local core = require "fnet.core"
local interruption = require "fnet.base.interruption"
local start_random = require "fnet.base.seed"
local statistics = require "fnet.measure.statistics"

local LEVEL = 0.05 -- p below it counts as a difference
local OPTIONS = { callback = true, run = true, seeds = true } -- any other name is a setting

---@class fnet.Sweep
---@field rows table[] a combination each: settings, figures (a run each, in the order of the seeds), mean,
--- deviation (nil for fewer than two), failures (messages), p (against the first row, corrected; nil for the first)
---@field names string[] of the settings that vary, in the order of the columns
---@field runs integer how many there were
---@field total integer how many were planned
---@field interrupted boolean
local Sweep = {}
Sweep.__index = Sweep

local function seed_list(seeds)
  if seeds == nil then return { 1 } end
  if type(seeds) ~= "table" then
    local list = {}
    for i = 1, expect.count("sweep: seeds", seeds, 1) do list[i] = i end
    return list
  end
  if #seeds == 0 then
    core.raise("sweep: seeds: expected a number of seeds or a list of them, got an empty table")
  end
  for i, seed in ipairs(seeds) do expect.count(("sweep: seeds: number %d"):format(i), seed, math.mininteger) end
  return seeds
end

-- The settings with one more.
local function with(settings, name, value)
  local more = { [name] = value }
  for key, other in pairs(settings) do more[key] = other end
  return more
end

-- The names of the settings and all combinations of their values, the last name's value changing fastest.
local function grid_of(options)
  local names, rows = {}, { {} }
  for _, name in ipairs(naming.sorted(options)) do
    if not OPTIONS[name] then names[#names + 1] = name end
  end
  for _, name in ipairs(names) do
    local values, longer = options[name], {}
    if name == "seed" then
      core.raise("sweep: seed: each run is given its own; list them as seeds = { 1, 2 }, or say how many")
    end
    if type(values) ~= "table" or #values == 0 then
      core.raise("sweep: %s: expected a list of values, such as { 1, 2 }, got %s%s", name, say.value(values),
        naming.hint(name, naming.sorted(OPTIONS)))
    end
    for _, row in ipairs(rows) do
      for _, value in ipairs(values) do longer[#longer + 1] = with(row, name, value) end
    end
    rows = longer
  end
  return names, rows
end

-- One run: the figure, or nil and why there is none.
local function run_once(run, settings, seed)
  start_random(seed)
  local figure = run(with(settings, "seed", seed))
  if core.is_tensor(figure) then figure = figure:item() end
  if type(figure) ~= "number" then
    core.raise("sweep: run must return a number, the figure to compare, got " .. say.value(figure))
  end
  if figure - figure ~= 0 then
    return nil, ("seed %d: the figure is %s"):format(seed, say.number(figure, "%g"))
  end
  return figure
end

local function summarise(self)
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

-- How a row compares with the first, in words.
local function comparison(self, row)
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
    line[#line + 1] = comparison(self, row) .. (#row.failures > 0 and ("  %d failed"):format(#row.failures) or "")
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
  if self.interrupted then
    lines[#lines + 1] = ("interrupted after %d of %d runs"):format(self.runs, self.total)
  end
  return table.concat(lines, "\n")
end

-- All runs. Stops at the first error of the first run, which is one of the script; later ones are noted.
local function run_all(self, options, seeds)
  for _, seed in ipairs(seeds) do
    for _, row in ipairs(self.rows) do
      local ok, figure, message = pcall(run_once, options.run, row.settings, seed)
      if not ok and (interruption.is(figure) or self.runs == 0) then error(figure, 0) end
      if not ok then figure, message = nil, ("seed %d: %s"):format(seed, tostring(figure)) end
      self.runs = self.runs + 1
      table.insert(figure and row.figures or row.failures, figure or message)
      if options.callback then options.callback(self, row, seed, figure) end
    end
  end
end

--- Runs an experiment for each seed and each combination of settings, and compares the rows with the first one:
-- mean and standard deviation, and Welch's t-test with Holm's correction in words. The runs of a row and those of
-- the first count as independent, although they share seeds: that errs on the safe side. Ctrl-C ends the sweep,
-- which then returns what it has; runs that were cut short do not count.
---@param options table run: function(settings) -> number, the figure to compare; settings has a value of each list
--- and the seed, from which the random numbers start before each run; seeds: how many (1 to that), or a list, 1;
--- callback: function(sweep, row, seed, figure) after each run, such as fnet.report.sweep; every other name: a list
--- of values
---@return fnet.Sweep result to be printed. A run that raises or gives no finite number counts as failed; but an
--- error of the very first run is raised
return function(options)
  expect.that(type(options) == "table", "sweep", "a table of options", options)
  local callback = options.callback
  expect.that(is.callable(options.run), "sweep: run", "a function", options.run)
  expect.that(callback == nil or is.callable(callback), "sweep: callback", "a function", callback)
  local seeds = seed_list(options.seeds)
  local names, settings = grid_of(options)
  local rows = {}
  for i, combination in ipairs(settings) do rows[i] = { settings = combination, figures = {}, failures = {} } end
  local total = #rows * #seeds
  local self = setmetatable({ rows = rows, names = names, runs = 0, total = total, interrupted = false }, Sweep)
  interruption.inside = interruption.inside + 1
  local ok, message = pcall(run_all, self, options, seeds)
  interruption.inside = interruption.inside - 1
  if not ok and (not interruption.is(message) or interruption.inside > 0) then error(message, 0) end
  self.interrupted = not ok
  summarise(self)
  return self
end
