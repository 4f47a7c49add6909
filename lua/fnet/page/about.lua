--- What a page says of the run itself: the figures at its head, a sweep as a table, settings and versions, and the
-- script.

local core = require "fnet.core"
local decimal = require "fnet.base.decimal"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local html = require "fnet.files.html"
local parts = require "fnet.page.parts"
local curves = require "fnet.page.curves"

local about = {}

--- The figures at the head.
---@param tiles { value: string, label: string }[]
---@return string html
function about.tiles(tiles)
  local list = {}
  for i, tile in ipairs(tiles) do
    list[i] = ("<div><dd>%s</dd><dt>%s</dt></div>\n"):format(html.text(tile.value), html.text(tile.label))
  end
  return #list > 0 and ('<dl class="tiles">\n%s</dl>\n'):format(table.concat(list)) or ""
end

--- The figures of the last epoch, and how many there were.
---@param history table[]
---@return { value: string, label: string }[] tiles
function about.last(history)
  local last, tiles = history[#history], {}
  if not last then return tiles end
  for _, name in ipairs { "loss", "valid_loss", "valid_accuracy" } do
    local text = curves.text(name, last[name])
    if text ~= "" then tiles[#tiles + 1] = { value = text, label = name:gsub("^valid_", "validation ") } end
  end
  tiles[#tiles + 1] = { value = tostring(#history), label = #history == 1 and "epoch" or "epochs" }
  return tiles
end

--- How a training ended, where fnet.fit has said so.
---@param history fnet.History|table[]
---@return string html
function about.ending(history)
  local class = getmetatable(history)
  local text = class and class.__index and is.callable(history.ending) and history:ending()
  local restored = history.restored and ("The weights are those after epoch %d."):format(history.best)
  return (text and parts.note("The training ended before its last epoch: " .. text .. ".") or "") ..
    (restored and parts.note(restored) or "")
end

-- A value of a setting.
local function text_of(value)
  return math.type(value) == "float" and decimal.text("%.10g", value) or tostring(value)
end

--- Settings, and all that equal numbers depend on.
---@param settings? table values by name
---@param model? nn.Module
---@param data? string what the data set is
---@return { name: string, title: string, html: string }
function about.settings(settings, model, data)
  local rows = {}
  for i, name in ipairs(naming.sorted(settings or {})) do rows[i] = { name, text_of(settings[name]) } end
  local versions = {
    { "fnet", core.version }, { "numerics promise", "version " .. core.numerics },
    { "seed", tostring((core.random_state())) },
  }
  if data then table.insert(versions, { "data", data }) end
  if model then table.insert(versions, { "weights sha256", { html = "<code>" .. model:sha256() .. "</code>" } }) end
  -- Neither threads nor instruction set stand here: pages of two machines are compared byte by byte.
  local text = "Equal scripts, seeds and versions of the numerics promise give equal weights; neither the " ..
    "instruction set nor the threads change a bit."
  local inner = parts.table({ "made with", "" }, versions, { class = "names" })
  if #rows > 0 then inner = parts.table({ "setting", "" }, rows, { class = "names" }) .. inner end
  return parts.section("settings", "Settings and versions", ('<div class="pair">\n%s</div>\n%s'):format(inner,
    parts.note(text)))
end

--- The script.
---@param text string
---@return { name: string, title: string, html: string }
function about.script(text)
  local _, lines = text:gsub("\n", "")
  local inner = "<details><summary>%d lines of Lua</summary>\n<pre><code>%s</code></pre></details>\n"
  return parts.section("script", "The script", inner:format(lines, html.text(text, true)))
end

--- A sweep, a row for each combination of settings.
---@param sweep fnet.Sweep
---@return { name: string, title: string, html: string }
function about.sweep(sweep)
  local least, most = math.huge, -math.huge
  for _, row in ipairs(sweep.rows) do
    local deviation = row.deviation or 0
    if row.mean then least, most = math.min(least, row.mean - deviation), math.max(most, row.mean + deviation) end
  end
  local heads, rows, failures = { table.unpack(sweep.names) }, {}, {}
  for _, head in ipairs { "runs", "mean", "sd", "", "compared with the first row" } do heads[#heads + 1] = head end
  for i, row in ipairs(sweep.rows) do
    local cells, deviation = {}, row.deviation or 0
    for k, name in ipairs(sweep.names) do
      local value = row.settings[name]
      cells[k] = { html = html.text(sweep.text(value)), value = type(value) == "number" and text_of(value) or nil }
    end
    local function number(value, format)
      return { html = value and decimal.text(format, value) or "-", class = "number",
        value = value and decimal.text("%.17g", value) or "" }
    end
    cells[#cells + 1] = number(#row.figures, "%d")
    cells[#cells + 1] = number(row.mean, "%.5g")
    cells[#cells + 1] = number(row.deviation, "%.2g")
    cells[#cells + 1] = { class = "chart", html = row.mean and parts.interval(row.mean, row.mean - deviation,
      row.mean + deviation, least, most) or "" }
    cells[#cells + 1] = sweep:compared(row) .. (#row.failures > 0 and ("; %d failed"):format(#row.failures) or "")
    rows[i] = cells
    for _, message in ipairs(row.failures) do failures[#failures + 1] = parts.note("failed: " .. message) end
  end
  local text = "Mean and standard deviation over the runs of each row; the differences to the first row by " ..
    "Welch's t-test, corrected for their number (Holm). A title sorts the table."
  for _, note in ipairs(sweep.notes or {}) do failures[#failures + 1] = parts.note(note) end
  if sweep.interrupted then
    failures[#failures + 1] = parts.note(("Interrupted after %d of %d runs."):format(sweep.runs, sweep.total))
  end
  return parts.section("sweep", "The sweep", parts.note(text) ..
    parts.table(heads, rows, { class = "sweep", sorts = true }) .. table.concat(failures))
end

return about
