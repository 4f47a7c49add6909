--- Parts that several sections of a page have: sections, tables, pictures from a sheet, bars, intervals. Invariant:
-- what comes out is HTML; texts that come in are escaped here, but for those that are called html.

local decimal = require "fnet.base.decimal"
local core = require "fnet.core"
local html = require "fnet.files.html"
local place = require("fnet.page.pictures").place

local parts = {}

--- How many strengths the colours of the matrix have.
parts.SHADES = 8

--- A section with its heading.
---@param name string its id, letters
---@param title string
---@param inner string html
---@return { name: string, title: string, html: string }
function parts.section(name, title, inner)
  return { name = name, title = title, html = ('<section id="%s" aria-labelledby="%s-title">\n<h2 id="%s-title">' ..
    "%s</h2>\n%s</section>\n"):format(name, name, name, html.text(title), inner) }
end

--- A sentence below a heading or a drawing.
---@param text string
---@return string html
function parts.note(text) return ('<p class="note">%s</p>\n'):format(html.text(text)) end

--- A number for a coordinate.
---@param value number
---@return string
function parts.coordinate(value) return (decimal.text("%.2f", value):gsub("%.?0+$", "")) end

--- A fraction in percent.
---@param fraction number
---@param digits? integer 2
---@return string
function parts.percent(fraction, digits)
  return decimal.text(("%%.%df"):format(digits or 2), 100 * fraction) .. "%"
end

--- The sheet itself, once in a page and not seen: `parts.picture` shows parts of it.
---@param sheet Sheet
---@return string html
function parts.sheet(sheet)
  local lines = (sheet.count + sheet.columns - 1) // sheet.columns
  return ('<svg class="sheet" width="0" height="0" aria-hidden="true" focusable="false"><defs><image id="%s" ' ..
    'width="%d" height="%d" href="data:image/png;base64,%s"/></defs></svg>\n'):format(sheet.name,
    sheet.columns * sheet.width, lines * sheet.height, core.base64(sheet.png))
end

--- A picture of a sheet.
---@param sheet Sheet
---@param number integer
---@param text string what it shows, for those who do not see it
---@param size string class for its size
---@return string html
function parts.picture(sheet, number, text, size)
  local x, y = place(sheet, number)
  local view = ("%d %d %d %d"):format(x, y, sheet.width, sheet.height)
  return ('<svg class="picture %s" viewBox="%s" role="img" aria-label="%s"><use href="#%s"/></svg>'):format(size,
    view, html.text(text), sheet.name)
end

--- A line of a list of bars.
---@param name string
---@param fraction number
---@param class? string that of the line
---@return string html
function parts.bar(name, fraction, class)
  local attribute = class and (' class="%s"'):format(class) or ""
  return ('<tr%s><th scope="row">%s</th><td><svg class="bar" aria-hidden="true"><rect width="%s%%" ' ..
    'height="100%%"/></svg></td><td class="number">%s</td></tr>\n'):format(attribute, html.text(name),
    parts.coordinate(100 * fraction), parts.percent(fraction, 1))
end

--- A dot in its interval, on a scale.
---@param value number
---@param low number
---@param high number
---@param from number what the left edge stands for
---@param to number what the right edge stands for
---@return string html
function parts.interval(value, low, high, from, to)
  local function x(v) return parts.coordinate(2 + 96 * (to > from and (v - from) / (to - from) or 0.5)) end
  return ('<svg class="interval" aria-hidden="true"><line class="scale" x1="2%%" x2="98%%" y1="50%%" y2="50%%"/>' ..
    '<line x1="%s%%" x2="%s%%" y1="50%%" y2="50%%"/><circle cx="%s%%" cy="50%%" r="3.5"/></svg>'):format(x(low),
    x(high), x(value))
end

local function value_text(value)
  return math.type(value) == "float" and decimal.text("%.17g", value) or tostring(value)
end

--- A table. Cells are texts, or { html = , value = , class = } where they are drawn or sorted by another value.
---@param heads string[] titles of the columns
---@param rows table[][]
---@param options? { class: string?, sorts: boolean? } sorts: by a click on a title
---@return string html
function parts.table(heads, rows, options)
  options = options or {}
  local lines, cells = { ('<div class="wide"><table class="%s">'):format(options.class or "plain") }, {}
  for i, head in ipairs(heads) do
    local text = html.text(head)
    if options.sorts and head ~= "" then text = ('<button type="button" class="sort">%s</button>'):format(text) end
    cells[i] = ('<th scope="col">%s</th>'):format(text)
  end
  lines[#lines + 1] = ("<thead><tr>%s</tr></thead>\n<tbody>"):format(table.concat(cells))
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      local given = type(cell) == "table" and cell or { html = html.text(tostring(cell)) }
      local tag = i == 1 and 'th scope="row"' or "td"
      cells[i] = ("<%s%s%s>%s</%s>"):format(tag, given.class and (' class="%s"'):format(given.class) or "",
        given.value and (' data-value="%s"'):format(html.text(value_text(given.value))) or "", given.html,
        tag:sub(1, 2))
    end
    lines[#lines + 1] = ("<tr>%s</tr>"):format(table.concat(cells, "", 1, #row))
  end
  lines[#lines + 1] = "</tbody></table></div>\n"
  return table.concat(lines, "\n")
end

return parts
