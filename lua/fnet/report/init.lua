--- report: what scripts show: a progress line, a picture, bars. These functions return text or write to stderr;
-- nothing else in the library writes to the terminal.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local later = require "fnet.base.later"
local say = require "fnet.base.say"
local columns = require "fnet.base.columns"
local progress = require "fnet.base.progress"
local bar = require "fnet.report.bar"
local letters = require "fnet.chart.letters"
local live = require "fnet.report.live"
local runs = require "fnet.report.runs"
local screen = require "fnet.chart.screen"
local core = require "fnet.core"
local json = require "fnet.files.json"
local accuracy_text = require("fnet.measure.classes").accuracy_text

local report = {}

local ROUNDING = 1e-3 -- by which a probability may be beyond 0 or 1
local SHORT = 8 -- columns of a bar among others
local PAUSE, SOON = 0.1, 0.01 -- seconds between two drawings; and where an epoch's line took the last one away

--- A horizontal bar, in eighths of a column; of "#" on a terminal without such letters.
---@param fraction number 0 to 1
---@param width integer columns
---@return string text padded to the width
function report.bar(fraction, width)
  expect.that(type(fraction) == "number", "bar", "a fraction", fraction)
  return bar(fraction, expect.count("bar: width", width, 0, 4096), screen.of(1))
end

--- A live line on stderr where that is a terminal, or on that of a sweep, in one of its processes; nothing
-- elsewhere.
---@param label string what is going on
---@param total integer steps
---@return fun(step: integer, text?: string) update  call it as often as you like
---@return fun() finish  removes the line
function report.progress(label, total)
  expect.that(type(label) == "string", "progress", "a text that says what is going on", label)
  expect.count("progress: total", total, 0)
  local hear = progress.hear
  if not (hear or core.terminal(2)) then return function() end, function() end end
  local shown, started = -1, core.clock()
  local function update(step, text)
    local now = core.clock()
    if now - shown < PAUSE and step < total then return end
    shown = now
    local width = core.terminal(2) or 80
    local room = hear and SHORT or math.min(24, width - 1 - letters.width(label) - 6)
    local rate = step / math.max(now - started, 1e-9)
    local line = ("%s %s %3d%% %s  %.0f s left"):format(label, bar(step / total, math.max(0, room), screen.of(2)),
      100 * step // total, text or "", (total - step) / math.max(rate, 1e-9))
    if hear then hear(line) else live.draw({ line }, width) end
  end
  return update, hear and function() end or live.erase
end

--- Callbacks for `fnet.fit` that show how it goes, on stderr: a line for each epoch, and where that is a terminal,
-- a live line while an epoch runs, with the curves of the loss and the validation above it, which stay at the end.
-- In a sweep each line begins with the settings and the seed of its run.
---@param options? table json: boolean, a line of JSON an epoch on standard output instead of the lines for people,
--- false; in a sweep it has the run as its first entry, `run`; curve: the curves, true
---@return fnet.Callbacks
function report.training(options)
  options = expect.options("training", options, { "json", "curve" }, { "json", "curve" })
  local with_curve = options.curve ~= false and not options.json and not progress.hear
  local as_json = options.json
  local update, finish = nil, function() end
  local function tell(text)
    if not text or as_json then return end
    local name = progress.name and progress.name .. (text:find "\n" and "\n" or "  ") or ""
    io.stderr:write(name .. text .. "\n") -- at once: others write, too
  end
  local callbacks = {}
  function callbacks.start(run)
    tell(run.checkpoint.warning)
    if with_curve and core.terminal(2) then live.over(require("fnet.report.live_curve").of(run)) end
  end
  function callbacks.epoch_end(run)
    finish()
    tell(run.history:line(run.record))
    if not as_json then return end
    local list = { { "epoch", run.epoch } }
    if progress.name then table.insert(list, 1, { "run", progress.name }) end
    for _, name in ipairs(run.history.columns) do list[#list + 1] = { name, run.record[name] } end
    io.stdout:write(report.json(list), "\n")
    io.stdout:flush()
  end
  function callbacks.finish(run)
    finish()
    live.over(nil)
    local width = with_curve and core.terminal(2)
    if width then tell(require("fnet.report.live_curve").last(run, width)) end
    tell(run.history:ending())
  end
  if progress.hear or core.terminal(2) then
    function callbacks.epoch_start(run)
      if not run.steps then return end
      update, finish = report.progress(("epoch %d/%d"):format(run.epoch, run.epochs), run.steps)
    end
    local drawn = -math.huge
    function callbacks.step(run)
      local now = core.clock()
      if not update or now - drawn < (run.step == 1 and SOON or PAUSE) then return end
      drawn = now
      update(run.step, "loss " .. say.figure(run.means:mean_loss()))
    end
  end
  return callbacks
end

--- A callback for `fnet.sweep`: a line for each run, on stderr; where that is a terminal, runs that go on at the
-- same time have a live line each below, with what fnet.fit and fnet.report.progress say of them.
---@param sweep fnet.Sweep
---@param row table
---@param seed integer
---@param figure? number nil where the run failed
---@param problem? string why
function report.sweep(sweep, row, seed, figure, problem)
  local fits = type(sweep) == "table" and type(sweep.names) == "table" and math.type(sweep.runs) == "integer"
    and math.type(sweep.total) == "integer" and is.callable(sweep.text)
  expect.that(fits, "sweep", "a sweep, as fnet.sweep gives it to its callback", sweep)
  for _, name in ipairs(sweep.names) do expect.that(type(name) == "string", "sweep: names", "texts", name) end
  fits = type(row) == "table" and type(row.settings) == "table" and type(row.failures) == "table"
  expect.that(fits, "sweep: row", "one of the sweep's rows", row)
  expect.count("sweep: seed", seed, math.mininteger)
  if figure ~= nil then expect.number("sweep: figure", figure, -math.huge, math.huge) end
  local parts = { ("run %d/%d"):format(sweep.runs, sweep.total) }
  if #sweep.names > 0 then parts[2] = runs.settings(sweep, row) end
  parts[#parts + 1] = figure and ("seed %d: %.5g"):format(seed, figure) or problem
  io.stderr:write(table.concat(parts, "  "), "\n")
end

--- One line a class: its name, a bar, the percentage; the largest is marked. On a narrow terminal bars are shorter,
-- and long names are cut.
---@param names string[]
---@param probabilities tensor # [classes], each from 0 to 1; a NaN has no bar
---@return string text without a newline at the end
function report.distribution(names, probabilities)
  if type(names) ~= "table" or not core.is_tensor(probabilities) or probabilities.rank ~= 1 or
    #names ~= #probabilities or #names == 0 then
    core.raise("distribution: expected a list of names and a tensor with a probability for each, got %s and %s",
      type(names) == "table" and #names .. " names" or core.kind(names), say.value(probabilities))
  end
  local rows, at, longest, values = {}, screen.of(1), 0, probabilities:detach():totable()
  local best = probabilities:argmax():item()
  for i, value in ipairs(values) do
    expect.that(type(names[i]) == "string" or math.type(names[i]), "distribution: name " .. i, "a text", names[i])
    local name, largest = core.visible(names[i]), i == best and value == value -- a NaN is none
    if value < -ROUNDING or value > 1 + ROUNDING then
      core.raise("distribution: expected probabilities from 0 to 1, got %.5g for '%s'; t:softmax() makes such of "
        .. "logits", value, name)
    end
    if at.terminal then name = letters.cut(name, math.max(1, at.columns - SHORT - 13)) end
    rows[i] = { "  " .. name, value, say.number(100 * value, "%.1f%%"), largest and " <" or "" }
    longest = math.max(longest, letters.width(rows[i][1]))
  end
  local width = at.terminal and math.max(SHORT, math.min(30, at.columns - longest - 11)) or 30
  for _, row in ipairs(rows) do row[2] = bar(row[2], width, at) end
  return table.concat(columns(rows, { -1, -width, 6, -1 }), "\n")
end

--- "87.31% ± 0.67 (8731/10000)", from the result of nn.evaluate: the accuracy with its 95% interval.
---@param result table
---@return string
function report.accuracy(result)
  local fits = type(result) == "table" and type(result.accuracy) == "number" and type(result.margin) == "number"
    and math.tointeger(result.correct) and math.tointeger(result.total)
  expect.that(fits, "accuracy", "the result of nn.evaluate(model, dataset)", result)
  return accuracy_text(result)
end

-- Types of values in a flat record.
local PLAIN = { string = true, number = true, boolean = true }

--- A flat record as one line of JSON, keys in the given order.
---@param pairs_list table[] {key, value} with strings, numbers and booleans
---@return string
function report.json(pairs_list)
  expect.that(type(pairs_list) == "table", "json", "a list of { key, value }", pairs_list)
  local parts = {}
  for i, entry in ipairs(expect.list("json", pairs_list)) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" or not PLAIN[type(entry[2])] then
      core.raise("json: entry %d: expected { key, value } with a string, number or boolean, got %s", i,
        type(entry) == "table" and ("{ %s, %s }"):format(say.value(entry[1]), say.value(entry[2])) or
          say.value(entry))
    end
    local value = entry[2]
    local text = type(value) == "string" and json.text(value) or type(value) == "boolean" and tostring(value)
      or math.type(value) == "integer" and tostring(value)
      or (value == value and math.abs(value) ~= math.huge) and decimal.text("%.9g", value) or "null"
    parts[i] = json.text(entry[1]) .. ":" .. text
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local bars = "fnet.report.distribution shows probabilities as bars"

return later.names("fnet.report", report, {
  ["fnet.report.confusion"] = "confusion",
  ["fnet.report.events"] = "events",
  ["fnet.report.matrix"] = "matrix",
  ["fnet.report.mistakes"] = "mistakes",
  ["fnet.page"] = "page",
  ["fnet.report.pictures"] = { "picture", "pictures" },
  ["fnet.report.plot"] = { "plot", "histogram" },
  ["fnet.page.recorder"] = { recorder = "new" },
  ["fnet.report.weights"] = "weights",
}, { -- names of other libraries
  FileWriter = "events", SummaryWriter = "events", TensorBoard = "events",
  hist = "histogram", loglog = 'fnet.report.plot(curves, { log = "xy" })', pyplot = "plot",
  savefig = 'fnet.report.plot(curves, { path = "curve.svg" })',
  scatter = "fnet.report.plot(curves, { points = true })",
  semilogx = 'fnet.report.plot(curves, { log = "x" })', semilogy = 'fnet.report.plot(curves, { log = "y" })',
  bar_chart = bars, barh = bars,
  image = "picture", imshow = "picture", show_image = "picture", images = "pictures", make_grid = "pictures",
  save_image = "fnet.data.write_png writes one",
  heatmap = "matrix", matplotlib = "plot", matshow = "matrix", pcolormesh = "matrix", spy = "matrix",
  ConfusionMatrixDisplay = "confusion", plot_confusion_matrix = "confusion",
  plot_top_losses = "mistakes", top_losses = "mistakes",
})
