--- Classes on a page: the confusion matrix, whose cells open the samples behind them, the accuracy of each class,
-- and the worst mistakes.

local html = require "fnet.files.html"
local json = require "fnet.files.json"
local parts = require "fnet.page.parts"
local pictures = require "fnet.page.pictures"
local samples = require "fnet.page.samples"
local interval = require("fnet.measure.classes").interval
local say = require "fnet.base.say"
local values_of = require "fnet.measure.sample_values"

local classes = {}

local MATRIX_MOST = 30 -- classes of a matrix; of more there is a list of what was confused most
local CONFUSIONS_MOST = 50
local BARS_MOST = 12 -- bars of a sample; of more classes the likeliest ones, and one bar for the others
local LIKELIEST = 5
local VALUES_MOST = 24 -- values of a sample that is no picture
local SMALL = 100000 -- probabilities travel as whole numbers of so many parts

---@class Shown
---@field judged Judged
---@field counts integer[][] # [right][said]
---@field rows integer[] the samples that are shown
---@field mistakes integer how many of them, the first ones, are the worst mistakes
---@field probabilities number[][] of each of them
---@field sheet Sheet? their pictures
---@field columns string[] what the values of a sample are called, where samples are no pictures
---@field values string[][] those of each sample then
---@field note string? why there are no pictures

--- Runs a classifier over a data set, and chooses what is shown of it.
---@param network nn.Module
---@param dataset data.Dataset
---@param most integer samples that are shown
---@param mistakes integer the worst mistakes that are shown
---@return Shown
function classes.look(network, dataset, most, mistakes)
  local shape, shown = pictures.shape_of(dataset), { judged = samples.judge(network, dataset) }
  local judged, room = shown.judged, shape and pictures.room(shape) or most
  shown.counts = samples.count(judged)
  local worst = samples.mistakes(judged, math.min(mistakes, most, room))
  shown.rows = samples.choose(judged, worst, math.min(most, room))
  shown.mistakes = #worst
  shown.probabilities = #shown.rows > 0 and samples.distributions(network, dataset, shown.rows) or {}
  if shape and #shown.rows > 0 then
    local sheet, message = pictures.of(dataset, shown.rows)
    shown.sheet, shown.note = sheet, message and "The pictures are not here: " .. message .. "."
  end
  shown.values, shown.columns = {}, {}
  for i, row in ipairs(shape and {} or shown.rows) do
    local texts, names = values_of(dataset, row)
    shown.values[i] = table.move(texts, 1, VALUES_MOST, 1, {})
    shown.columns = table.move(names, 1, VALUES_MOST, 1, {})
  end
  return shown
end

-- The bars of a sample: class and fraction; class 0 stands for the others.
local function bars_of(probabilities)
  local list = {}
  for class, fraction in ipairs(probabilities) do list[class] = { class, fraction } end
  if #list <= BARS_MOST then return list end
  table.sort(list, function(a, b)
    if a[2] ~= b[2] then return a[2] > b[2] end
    return a[1] < b[1]
  end)
  local rest = 1
  for i = 1, LIKELIEST do rest = rest - list[i][2] end
  list = table.move(list, 1, LIKELIEST, 1, {})
  list[LIKELIEST + 1] = { 0, math.max(0, rest) }
  return list
end

--- What the page's script takes of the samples.
---@param shown Shown
---@return table
function classes.data(shown)
  local list = json.array {}
  for i, row in ipairs(shown.rows) do
    local bars = json.array {}
    for k, bar in ipairs(bars_of(shown.probabilities[i])) do
      bars[k] = json.array { bar[1], math.floor(bar[2] * SMALL + 0.5) }
    end
    list[i] = json.array { row, shown.judged.labels[row], shown.judged.said[row],
      math.floor(shown.judged.certain[row] * SMALL + 0.5), bars, json.array(shown.values[i] or {}) }
  end
  local names, sheet = json.array {}, shown.sheet
  for i, name in ipairs(shown.judged.names) do names[i] = name end
  return { names = names, parts = SMALL, list = list, columns = json.array(shown.columns), sheet = sheet and
    { name = sheet.name, width = sheet.width, height = sheet.height, columns = sheet.columns } or json.null }
end

-- How strong the colour of a cell is, as the style counts it: by its share of the row.
local function shade(share, most)
  local strength = math.ceil(parts.SHADES * math.sqrt(share / math.max(most, 1e-9)))
  return math.max(1, math.min(parts.SHADES, strength))
end

-- The largest share that a wrong class has of a row.
local function largest_mistake(counts, support)
  local most = 0
  for right, row in ipairs(counts) do
    for said, count in ipairs(row) do
      if said ~= right then most = math.max(most, count / math.max(1, support[right])) end
    end
  end
  return most
end

local function support_of(counts)
  local support = {}
  for right, row in ipairs(counts) do
    support[right] = 0
    for _, count in ipairs(row) do support[right] = support[right] + count end
  end
  return support
end

local function cell_button(names, right, said, count, support)
  local words = right == said and ("%s of %s %s are right"):format(count, support, names[right])
    or ("%s of %s %s are said to be %s"):format(count, support, names[right], names[said])
  words = html.text(words)
  return ('<button type="button" data-right="%d" data-said="%d" aria-label="%s" title="%s">%s</button>'):format(
    right, said, words, words, say.count(count))
end

local function matrix(shown)
  local names, counts = shown.judged.names, shown.counts
  local support = support_of(counts)
  local most, lines, cells = largest_mistake(counts, support), {}, { "<td></td>" }
  for class, name in ipairs(names) do
    cells[class + 1] = ('<th scope="col" class="said"><span>%s</span></th>'):format(html.text(name))
  end
  lines[1] = ("<thead><tr>%s</tr></thead>\n<tbody>"):format(table.concat(cells))
  for right, row in ipairs(counts) do
    cells = { ('<th scope="row">%s</th>'):format(html.text(names[right])) }
    for said, count in ipairs(row) do
      local share = count / math.max(1, support[right])
      local class = right == said and "right" .. shade(share, 1) or "wrong" .. shade(share, most)
      cells[said + 1] = count == 0 and '<td class="none"></td>' or
        ('<td class="%s">%s</td>'):format(class, cell_button(names, right, said, count, support[right]))
    end
    lines[#lines + 1] = ("<tr>%s</tr>"):format(table.concat(cells))
  end
  return ('<div class="wide"><table class="matrix" id="matrix">\n%s</tbody></table></div>\n'):format(
    table.concat(lines, "\n"))
end

-- What was confused most, where a matrix would be too large.
local function confusions(shown)
  local names, list = shown.judged.names, {}
  local support = support_of(shown.counts)
  for right, row in ipairs(shown.counts) do
    for said, count in ipairs(row) do
      if said ~= right and count > 0 then list[#list + 1] = { right, said, count } end
    end
  end
  table.sort(list, function(a, b)
    if a[3] ~= b[3] then return a[3] > b[3] end
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  local rows = {}
  for i = 1, math.min(#list, CONFUSIONS_MOST) do
    local right, said, count = table.unpack(list[i])
    rows[i] = { names[right], names[said],
      { html = cell_button(names, right, said, count, support[right]), value = count, class = "number" } }
  end
  return ('<div id="matrix">%s</div>'):format(parts.table({ "is", "said to be", "samples" }, rows))
end

--- The confusion matrix.
---@param shown Shown
---@return { name: string, title: string, html: string }
function classes.confusion(shown)
  local small = #shown.judged.names <= MATRIX_MOST
  local text = small and "Each row holds the samples of one class, each column what the network said they are: " ..
    "blue is right, orange is wrong, and the stronger the colour, the more of the row. "
    or "What was taken for something else most often. "
  local opens = #shown.rows > 0 and "Choose a cell to see the samples behind it; arrow keys move between cells."
    or ""
  return parts.section("confusion", "What was taken for what", parts.note(text .. opens) ..
    '<div class="confusion">\n' .. (small and matrix or confusions)(shown) ..
    '<div id="cell" class="cell" role="region" aria-label="samples of the cell"></div>\n</div>\n' ..
    '<p id="opened" class="unseen" role="status"></p>\n' ..
    (shown.note and parts.note(shown.note) or "") .. (shown.judged.broken > 0 and parts.note(
      ("%d samples are in no cell: the output is not finite there, so it says no class."):format(
      shown.judged.broken))
      or ""))
end

--- The accuracy of each class.
---@param shown Shown
---@return { name: string, title: string, html: string }
function classes.accuracies(shown)
  local rows, least, support = {}, 1, support_of(shown.counts)
  local entries = {}
  for class, name in ipairs(shown.judged.names) do
    local total, correct = support[class], shown.counts[class][class]
    if total > 0 then
      local low, high = interval(correct / total, total)
      least = math.min(least, low)
      entries[#entries + 1] = { name, correct, total, low, high }
    end
  end
  local from = math.floor(least * 10) / 10
  for i, entry in ipairs(entries) do
    local name, correct, total, low, high = table.unpack(entry)
    local fraction = correct / total
    rows[i] = {
      name, { html = parts.interval(fraction, low, high, from, 1), class = "chart" },
      { html = parts.percent(fraction, 1), value = fraction, class = "number" },
      { html = ("%s to %s"):format(parts.percent(low, 1), parts.percent(high, 1)), value = low, class = "number" },
      { html = ("%d of %d"):format(correct, total), value = correct, class = "number" },
    }
  end
  local text = ("How many samples of each class are recognised, with the 95%% interval (Wilson); the scale goes " ..
    "from %s to 100%%. A title sorts the table."):format(parts.percent(from, 0))
  return parts.section("accuracy", "How well each class is known", parts.note(text) ..
    parts.table({ "class", "", "accuracy", "95% interval", "right" }, rows, { class = "classes", sorts = true }))
end

-- ": x1 0.5, x2 1"; nothing for pictures.
local function values_text(shown, i)
  local texts = {}
  for k, value in ipairs(shown.values[i] or {}) do texts[k] = shown.columns[k] .. " " .. value end
  return #texts > 0 and html.text(": " .. table.concat(texts, ", ")) or ""
end

local CARD = [[
<li><article aria-label="sample %d">%s<div><h3>%s</h3><p>said to be %s, %s; sample %d%s</p></div>
<table class="bars">%s</table></article></li>
]]

--- The worst mistakes, each with its bars.
---@param shown Shown
---@return { name: string, title: string, html: string }
function classes.mistakes(shown)
  local names, judged, cards = shown.judged.names, shown.judged, {}
  for i = 1, shown.mistakes do
    local row = shown.rows[i]
    local right, said, bars = judged.labels[row], judged.said[row], {}
    for k, bar in ipairs(bars_of(shown.probabilities[i])) do
      bars[k] = parts.bar(bar[1] == 0 and "all others" or names[bar[1]], bar[2],
        bar[1] == right and "is" or bar[1] == said and "says" or nil)
    end
    cards[i] = CARD:format(row, shown.sheet and parts.picture(shown.sheet, i, "sample " .. row, "large") or "",
      html.text(names[right]), html.text(names[said]), parts.percent(judged.certain[row], 1), row,
      values_text(shown, i), table.concat(bars))
  end
  local text = judged.broken > 0 and "Not known, since the output is not finite for some samples." or
    #cards == 0 and "There is none." or
    ("The %d samples of which the network was most certain and wrong, with the probabilities of the classes. " ..
    "The right class is blue, the one that was said is orange."):format(#cards)
  return parts.section("mistakes", "The worst mistakes", parts.note(text) ..
    ('<ul class="cards">\n%s</ul>\n'):format(table.concat(cards)))
end

return classes
