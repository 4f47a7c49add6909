--- Curves of a page: the figures of one training by epoch, or of several: those with the same name are one curve,
-- their mean, with a band of one standard deviation. Figures that belong together, such as loss and valid_loss, are
-- in one panel. Invariant: the order of panels and curves follows from the names alone.

local decimal = require "fnet.base.decimal"
local naming = require "fnet.base.naming"
local json = require "fnet.files.json"
local html = require "fnet.files.html"
local describe = require("fnet.measure.statistics").describe
local chart = require "fnet.chart"
local chart_svg = require "fnet.chart.svg"
local series = require "fnet.chart.series"

local curves = {}

-- What a figure's name begins with where it is of other data than those that are learnt.
local PARTS = { { "", "training" }, { "valid_", "validation" }, { "validation_", "validation" },
  { "val_", "validation" }, { "train_", "training" }, { "test_", "test" } }
-- No figure of what is learnt; seconds differ from run to run, and equal trainings give equal pages.
local LEFT_OUT = { epoch = true, samples = true, seconds = true }
local SIZE = { width = 480, height = 300 } -- of a drawing
local FIRST = { loss = 1, accuracy = 2, lr = 9 } -- places of panels; those of others lie between

---@class Curve
---@field group integer which of the runs' names, from 1
---@field part string "training", "validation" or "test"
---@field x number[] epochs
---@field y (number|table)[] the figure, or its mean; json.null where it is not finite
---@field low (number|table)[]? y less a standard deviation, where there are several runs
---@field high (number|table)[]?

-- The panel and the part of a figure: "valid_loss" is the loss of the validation data.
local function place_of(name)
  local panel, part = name, PARTS[1][2]
  for i = 2, #PARTS do
    local lead = PARTS[i][1]
    if name:sub(1, #lead) == lead and #name > #lead then panel, part = name:sub(#lead + 1), PARTS[i][2] end
  end
  return panel, part
end

-- The names of all figures in some histories, those of a panel side by side.
local function figures_of(runs)
  local names = {}
  for _, run in ipairs(runs) do
    for _, record in ipairs(run.history) do
      for name, value in pairs(record) do
        if type(value) == "number" and not LEFT_OUT[name] then names[name] = true end
      end
    end
  end
  local list = {}
  for i, name in ipairs(naming.sorted(names)) do
    local panel, part = place_of(name)
    list[i] = { name = name, panel = panel, part = part, rank = FIRST[panel] or 5 }
  end
  table.sort(list, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    if a.panel ~= b.panel then return a.panel < b.panel end
    if a.part ~= b.part then return a.part < b.part end
    return a.name < b.name
  end)
  return list
end

-- The runs of each name, in the order of the first ones.
local function groups_of(runs)
  local groups, by_name = {}, {}
  for _, run in ipairs(runs) do
    local name = run.name or ""
    if not by_name[name] then
      by_name[name] = { name = name, runs = {} }
      groups[#groups + 1] = by_name[name]
    end
    table.insert(by_name[name].runs, run)
  end
  return groups
end

local function finite(value) return value - value == 0 and value or json.null end

-- The curve of a figure over the runs of a group; nil where none of them has it.
local function curve_of(group, number, figure)
  local values, epochs = {}, {}
  for _, run in ipairs(group.runs) do
    for i, record in ipairs(run.history) do
      local epoch, value = record.epoch or i, record[figure.name]
      if type(value) == "number" and epoch - epoch == 0 then
        if not values[epoch] then
          values[epoch] = {}
          epochs[#epochs + 1] = epoch
        end
        table.insert(values[epoch], value)
      end
    end
  end
  if #epochs == 0 then return nil end
  table.sort(epochs)
  local curve = { group = number, part = figure.part, x = json.array(epochs), y = json.array {} }
  if #group.runs > 1 then curve.low, curve.high = json.array {}, json.array {} end
  for i, epoch in ipairs(epochs) do
    local mean, deviation = describe(values[epoch])
    curve.y[i] = finite(mean)
    if curve.low then
      curve.low[i], curve.high[i] = finite(mean - (deviation or 0)), finite(mean + (deviation or 0))
    end
  end
  return curve
end

--- The panels of some trainings.
---@param runs { name: string?, seed: integer?, history: table[] }[]
---@return { title: string, curves: Curve[] }[] panels
---@return { name: string, runs: table[] }[] groups
function curves.panels(runs)
  local panels, groups = json.array {}, groups_of(runs)
  for _, figure in ipairs(figures_of(runs)) do
    local panel = panels[#panels]
    if not panel or panel.title ~= figure.panel then
      panel = { title = figure.panel, curves = json.array {} }
      panels[#panels + 1] = panel
    end
    for number, group in ipairs(groups) do panel.curves[#panel.curves + 1] = curve_of(group, number, figure) end
  end
  return panels, groups
end

--- Whether a name has runs of different numbers of epochs.
---@param groups { name: string, runs: table[] }[]
---@return boolean
function curves.some_end_early(groups)
  for _, group in ipairs(groups) do
    for _, run in ipairs(group.runs) do
      if #run.history ~= #group.runs[1].history then return true end
    end
  end
  return false
end

-- The name of a curve among those of its panel.
local function name_of(curve, groups)
  if #groups == 1 then return curve.part end
  local name = groups[curve.group].name
  return curve.part == PARTS[1][2] and name or name .. ", " .. curve.part
end

local function numbers(list)
  local numbers_only = {}
  for i, value in ipairs(list or {}) do numbers_only[i] = value == json.null and 0 / 0 or value end
  return list and numbers_only
end

--- The panels as drawings, for browsers that run no script.
---@param panels { title: string, curves: Curve[] }[]
---@param groups { name: string }[]
---@return string html
function curves.drawings(panels, groups)
  local figures = {}
  for i, panel in ipairs(panels) do
    local given, order = {}, {}
    for k, curve in ipairs(panel.curves) do
      local name = name_of(curve, groups)
      if given[name] then name = ("%s (%d)"):format(name, k) end
      order[k], given[name] = name, { x = curve.x, y = numbers(curve.y), low = numbers(curve.low),
        high = numbers(curve.high) }
    end
    local titles = { title = panel.title, x_label = "epoch" }
    local drawn = chart.new(series.read("page", given, order), titles, SIZE.width)
    figures[i] = "<figure>" .. chart_svg.paint(drawn, SIZE):gsub(' xmlns="[^"]*"', "", 1) .. "</figure>\n"
  end
  return table.concat(figures)
end

--- A figure as text, as an accuracy or otherwise; "" where there is none.
---@param name string
---@param value any
---@return string
function curves.text(name, value)
  if type(value) ~= "number" then return "" end
  if value ~= value then return "nan" end
  if name:find "accuracy$" then return decimal.text("%.2f", 100 * value) .. "%" end
  return decimal.text("%.4g", value)
end

--- A table of all figures, an epoch a line; for several trainings, of each.
---@param runs table[]
---@return string html
function curves.table(runs)
  local figures, lines = figures_of(runs), {}
  local several = #runs > 1
  local cells = { several and '<th scope="col">run</th><th scope="col">seed</th>' or "" }
  cells[2] = '<th scope="col">epoch</th>'
  for _, figure in ipairs(figures) do
    cells[#cells + 1] = ('<th scope="col">%s</th>'):format(html.text(figure.name))
  end
  lines[1] = ("<thead><tr>%s</tr></thead><tbody>"):format(table.concat(cells))
  for number, run in ipairs(runs) do
    for i, record in ipairs(run.history) do
      local row = {}
      if several then
        row[1] = ("<td>%s</td><td>%s</td>"):format(html.text(run.name or tostring(number)), run.seed or "")
      end
      row[#row + 1] = ('<th scope="row">%s</th>'):format(decimal.text("%.10g", record.epoch or i))
      for _, figure in ipairs(figures) do
        row[#row + 1] = ("<td>%s</td>"):format(html.text(curves.text(figure.name, record[figure.name])))
      end
      lines[#lines + 1] = ("<tr>%s</tr>"):format(table.concat(row))
    end
  end
  return ('<table class="figures">\n%s</tbody></table>\n'):format(table.concat(lines, "\n"))
end

--- What the runs of each name ended with: titles of columns, and rows for parts.table.
---@param runs table[]
---@return string[] heads, table[][] rows
function curves.ends(runs)
  local heads, rows, figures = { "run", "runs" }, {}, figures_of(runs)
  for _, figure in ipairs(figures) do heads[#heads + 1] = "last " .. figure.name end
  for number, group in ipairs(groups_of(runs)) do
    local row = { group.name == "" and "run " .. number or group.name,
      { html = tostring(#group.runs), value = #group.runs, class = "number" } }
    for _, figure in ipairs(figures) do
      local values = {}
      for _, run in ipairs(group.runs) do
        local last = run.history[#run.history]
        local value = last and last[figure.name]
        if type(value) == "number" then values[#values + 1] = value end
      end
      local mean, deviation
      if #values > 0 then mean, deviation = describe(values) end
      local text = mean and curves.text(figure.name, mean) or "-"
      if deviation then text = text .. " ± " .. curves.text(figure.name, deviation) end
      local value = mean and decimal.text("%.17g", mean) or ""
      row[#row + 1] = { html = html.text(text), value = value, class = "number" }
    end
    rows[number] = row
  end
  return heads, rows
end

return curves
