--- page: one HTML file that shows a run, or several. This file is report.page: which sections there are, and their
-- order; given.lua says what it takes, the files beside it make a section each. Invariant: equal
-- arguments give equal bytes; the page asks for nothing outside itself.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local processes = require "fnet.base.processes"
local html = require "fnet.files.html"
local json = require "fnet.files.json"
local margin = require("fnet.measure.classes").margin
local about = require "fnet.page.about"
local classes = require "fnet.page.classes"
local curves = require "fnet.page.curves"
local drawing = require "fnet.page.model"
local given_by_name = require "fnet.page.given"
local parts = require "fnet.page.parts"
local pictures = require "fnet.page.pictures"
local recorder = require "fnet.page.recorder"
local samples = require "fnet.page.samples"
local say = require "fnet.base.say"
local values = require "fnet.page.values"
local weights = require "fnet.page.weights"
local origin = require "fnet.save.origin"

local CURVES = [[
<div id="curves" class="curves">
%s</div>
<details><summary>The figures as a table</summary>
<div class="wide">%s</div></details>
]]

-- The curves of the trainings.
local function add_curves(page, given)
  local runs = given.runs or given.history and { { history = given.history } }
  if not runs then return end
  local panels, groups = curves.panels(runs)
  if #panels == 0 then
    page:add(parts.section("learning", "How it learnt", parts.note "There is no epoch yet."))
    return
  end
  local names = json.array {}
  for i, group in ipairs(groups) do names[i] = group.name end
  page.data[#page.data + 1] = html.data("curves-data", { panels = panels, groups = names })
  local text = "Move over a curve to read its values; drag to see some epochs only. By keys: arrows move, plus " ..
    "and minus zoom, 0 shows all."
  if #runs > #groups then text = text .. " Bands are one standard deviation over the runs of a name." end
  if curves.some_end_early(groups) then
    text = text .. " Where a run has ended before others of its name, the mean goes on without it."
  end
  local inner = CURVES:format(curves.drawings(panels, groups), curves.table(runs))
  inner = inner .. (given.history and about.ending(given.history) or "")
  page:add(parts.section("learning", "How it learnt", parts.note(text) .. inner))
  if #runs > 1 then
    local heads, rows = curves.ends(runs)
    page:add(parts.section("ends", "What the runs ended with",
      parts.note "Mean and standard deviation of the last epoch. A title sorts the table." ..
      parts.table(heads, rows, { class = "sweep", sorts = true })))
  end
end

-- What the model makes of the data set: of numbers, or of classes.
local function add_test(page, given)
  if not given.test then return end
  if not samples.has_labels(given.test) then
    local section, r2 = values(given.model, given.test)
    if not section then return end
    page:add(section)
    table.insert(page.tiles, 1, { value = decimal.text("%.3f", r2), label = "R² on the test data" })
    return
  end
  local shown, total = classes.look(given.model, given.test, given.pictures, given.mistakes), #given.test
  local accuracy = shown.judged.correct / total
  table.insert(page.tiles, 1, { value = parts.percent(accuracy),
    label = ("test accuracy, ± %s"):format(parts.percent(margin(accuracy, total))) })
  page:add(classes.confusion(shown))
  page:add(classes.accuracies(shown))
  if given.mistakes > 0 then page:add(classes.mistakes(shown)) end
  page.data[#page.data + 1] = html.data("samples-data", classes.data(shown))
  if shown.sheet then page.sheets[#page.sheets + 1] = parts.sheet(shown.sheet) end
end

-- The model itself: its layers, its weights.
local function add_model(page, given)
  local model, test, looks = given.model, given.test, given.recorder and given.recorder.looks
  if model then
    page:add(drawing.section(model, test and samples.shape(test)))
    page.tiles[#page.tiles + 1] = { value = say.count(model:count()), label = "parameters" }
    if not looks then looks = { recorder.look(model, given.history and #given.history or 0) } end
  end
  local sheet, inner = nil, ""
  if model then sheet, inner = weights.pictures(model, test and pictures.shape_of(test)) end
  if sheet then page.sheets[#page.sheets + 1] = parts.sheet(sheet) end
  inner = inner .. (looks and weights.histograms(looks) or "")
  if inner ~= "" then page:add(parts.section("weights", "The weights", inner)) end
end

local BODY = [[
%s<header>
<h1>%s</h1>
%s</header>
<nav aria-label="sections"><ul>
%s</ul></nav>
<main>
%s</main>
]]

local function body_of(page)
  local links, sections = {}, {}
  for i, section in ipairs(page.sections) do
    links[i] = ('<li><a href="#%s">%s</a></li>\n'):format(section.name, html.text(section.title))
    sections[i] = section.html
  end
  return BODY:format(table.concat(page.sheets), html.text(page.title), about.tiles(page.tiles), table.concat(links),
    table.concat(sections)) .. table.concat(page.data)
end

--- Writes one HTML file that shows a run: curves with zoom and values, the confusion matrix with the samples behind
-- its cells, the accuracy of each class, the worst mistakes, the network as a drawing, its weights, a sweep as a
-- table that sorts, settings, versions, the hash of the weights and the script. It needs nothing but a browser,
-- asks for nothing outside itself, and equal arguments give equal bytes. The model stays as it is.
---@param path string
---@param given table what is to be shown, in any order, `{ history, model, test }`, or by name: history: what
--- fnet.fit gives, or a list of records that a loop has made, { { epoch = 1, loss = 0.5, valid_loss = 0.6 }, ... };
--- runs: several of them, { { name = "Adam", seed = 1, history = history }, ... }: those with one name become a
--- mean with a band; model; test: a data set that it has not learnt from, with labels for all that concerns
--- classes, or with a number for each sample; recorder: what report.recorder() gives, for histograms of all epochs,
--- and for the history where there is no other; sweep: what fnet.sweep gives; settings: texts, numbers and booleans
--- by name; title: a text; script: the path of the script, false for none, the running one by default; pictures:
--- how many samples travel with the page, 1000; mistakes: how many are shown, 12
---@return boolean? done true; nil where the environment refused
---@return string? message
---@return integer? code errno
return function(path, given)
  expect.path("page", path)
  given = given_by_name(given)
  local page = { title = given.title, sections = {}, tiles = {}, data = {}, sheets = {} }
  function page:add(section) self.sections[#self.sections + 1] = section end
  local script = origin.script_text("page", given.script)
  local script_name = given.script or given.script == nil and type(arg) == "table" and arg[0]
  page.title = page.title or script and type(script_name) == "string" and script_name:match "[^/]*$" or "A training"
  page.tiles = about.last(given.history or {})
  add_curves(page, given)
  if given.sweep then page:add(about.sweep(given.sweep)) end
  add_test(page, given)
  add_model(page, given)
  local data = given.test and ("%s: %s"):format(given.test.name or "test data", samples.describe(given.test))
  page:add(about.settings(given.settings, given.model, data))
  if script then page:add(about.script(script)) end
  local text = html.page { title = page.title, style = require "fnet.page.style",
    script = require "fnet.page.script" .. require "fnet.page.samples_script", body = body_of(page) }
  return processes.write_file(path, { text })
end
