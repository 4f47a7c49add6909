--- Markdown as HTML: headings, paragraphs, lists, tables, fenced code, comments; in a line code, links, emphasis
-- and <addresses>. What else Markdown knows the chapters do not use.
-- Invariant: all text is escaped, every opened element is closed.

local markdown = {}

--- A text as HTML shows it.
---@param text string
---@return string
function markdown.escape(text)
  return (text:gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end
local escape = markdown.escape

local inline

-- What may begin in a line: a pattern, and a function of its captures that gives HTML.
local spans = {
  { "^`([^`]+)`", function(link, text)
    local href = link(text, "code")
    local code = "<code>" .. escape(text) .. "</code>"
    return href and ('<a href="%s">%s</a>'):format(escape(href), code) or code
  end },
  { "^%[([^%]]+)%]%(([^%)]+)%)", function(link, text, target)
    local href = link(target, "link")
    return href and ('<a href="%s">%s</a>'):format(escape(href), inline(text, link)) or inline(text, link)
  end },
  { "^<(https?://[^>]+)>", function(_, address) return escape(address) end },
  { "^%*%*([^*]+)%*%*", function(link, text) return "<strong>" .. inline(text, link) .. "</strong>" end },
  { "^%*([^*%s][^*]*)%*", function(link, text) return "<em>" .. inline(text, link) .. "</em>" end },
}

--- A line of text.
---@param text string
---@param link fun(target: string, kind: string): string? the address for the target of a link ("link"), or for code
--- ("code"); nil leaves text
---@return string html
function markdown.inline(text, link)
  local out, at = {}, 1
  while at <= #text do
    local last, html
    for _, span in ipairs(spans) do
      local found = { text:find(span[1], at) }
      if found[1] then
        last, html = found[2], span[2](link, table.unpack(found, 3))
        break
      end
    end
    if not last then
      last = (text:find("[`%[<*]", at + 1) or #text + 1) - 1
      html = escape(text:sub(at, last))
    end
    out[#out + 1], at = html, last + 1
  end
  return table.concat(out)
end
inline = markdown.inline

--- What a heading is called in addresses.
---@param text string
---@return string
function markdown.slug(text) return (text:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-")) end

local function cells_of(line)
  local cells = {}
  for cell in line:gsub("^%s*|", ""):gsub("\\|", "\0"):gmatch "(.-)|" do
    cells[#cells + 1] = cell:gsub("\0", "|"):match "^%s*(.-)%s*$"
  end
  return cells
end

-- The reader of one document: its lines, where it is, and what it has made.
local function row(reader, line, element)
  local cells = {}
  for i, cell in ipairs(cells_of(line)) do
    cells[i] = ("<%s>%s</%s>"):format(element, inline(cell, reader.link), element)
  end
  return "<tr>" .. table.concat(cells) .. "</tr>"
end

-- The lines from here on that the pattern does not end, joined.
local function take(reader, stop)
  local list = {}
  repeat
    list[#list + 1] = reader.lines[reader.at]
    reader.at = reader.at + 1
    local line = reader.lines[reader.at]
  until not line or stop(line)
  return list
end

local function ends_paragraph(line)
  return not line:find "%S" or line:find "^#+ " or line:find "^```" or line:find "^|" or line:find "^%- "
    or line:find "^%d+%. " or line:find "^<!%-%-"
end

-- Each kind of block: how its first line looks, and what makes HTML of it, with the reader past its end.
local blocks = {
  { "^%s*$", function(reader) reader.at = reader.at + 1 end },
  { "^<!%-%-", function(reader)
    while not reader.lines[reader.at]:find "%-%->" do reader.at = reader.at + 1 end
    reader.at = reader.at + 1
  end },
  { "^(#+) +(.-)%s*$", function(reader, marks, text)
    reader.at = reader.at + 1
    local id = markdown.slug(text)
    reader.headings[#reader.headings + 1] = { level = #marks, id = id, text = text }
    return ('<h%d id="%s">%s</h%d>'):format(#marks, id, inline(text, reader.link), #marks)
  end },
  { "^```", function(reader)
    local list = take(reader, function(line) return line == "```" end)
    reader.at = reader.at + 1
    return "<pre><code>" .. escape(table.concat(list, "\n", 2)) .. "</code></pre>"
  end },
  { "^|", function(reader)
    local list = take(reader, function(line) return not line:find "^|" end)
    local rows = {}
    for i = 3, #list do rows[i - 2] = row(reader, list[i], "td") end
    local head = list[1]:find "[^|%s]" and "<thead>" .. row(reader, list[1], "th") .. "</thead>" or ""
    return ('<div class="table"><table>%s<tbody>%s</tbody></table></div>'):format(head, table.concat(rows, "\n"))
  end },
  { "^%- ", function(reader) return reader:items("ul", "^%- +") end },
  { "^(%d+)%. ", function(reader, first) -- code between two items ends a list, and the next one counts on
    return (reader:items("ol", "^%d+%. +"):gsub(">", (' start="%s">'):format(first), 1))
  end },
  { "", function(reader)
    return "<p>" .. inline(table.concat(take(reader, ends_paragraph), "\n"), reader.link) .. "</p>"
  end },
}

local Reader = {}
Reader.__index = Reader

-- A list; an item goes on in lines that are indented.
function Reader:items(element, mark)
  local items = {}
  while self.lines[self.at] and self.lines[self.at]:find(mark) do
    local text = table.concat(take(self, function(line) return not line:find "^%s+%S" end), "\n")
    items[#items + 1] = "<li>" .. inline(text:gsub(mark, "", 1):gsub("\n%s+", "\n"), self.link) .. "</li>"
    while self.lines[self.at] == "" and (self.lines[self.at + 1] or ""):find(mark) do self.at = self.at + 1 end
  end
  return ("<%s>%s</%s>"):format(element, table.concat(items, "\n"), element)
end

--- A document.
---@param text string
---@param link fun(target: string, kind: string): string?
---@return string html
---@return { level: integer, id: string, text: string }[] headings
function markdown.html(text, link)
  local reader = setmetatable({ lines = {}, at = 1, link = link, headings = {} }, Reader)
  for line in (text:gsub("\n$", "") .. "\n"):gmatch "(.-)\n" do reader.lines[#reader.lines + 1] = line end
  local out = {}
  while reader.at <= #reader.lines do
    local line = reader.lines[reader.at]
    for _, block in ipairs(blocks) do
      if line:find(block[1]) then
        out[#out + 1] = block[2](reader, line:match(block[1]))
        break
      end
    end
  end
  return table.concat(out, "\n"), reader.headings
end

return markdown
