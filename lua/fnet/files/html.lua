--- HTML: pages that stand alone, in one file. Writers of pages build them from these parts. Invariant: what a page
-- quotes stays text, whatever its letters are; the page asks for nothing outside itself, and runs and applies only
-- the script and the style that it was written with: its policy names their SHA-256 (Content Security Policy 3),
-- and forbids the script to make HTML of a text (Trusted Types). Attributes called `style` or `onclick` would need
-- another policy: there are none.

local core = require "fnet.core"
local json = require "fnet.files.json"

local html = {}

local SIGNS = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- A text as it stands between tags, or between the quotes of an attribute. Control characters, those that turn the
-- direction of writing, and bytes that are no UTF-8 become visible, such as "\x1B".
---@param text string
---@param lines? boolean ends of lines and tabs stay, as in a listing
---@return string
function html.text(text, lines) return (core.visible(text, lines):gsub("[&<>\"']", SIGNS)) end

-- The value with all its texts as html.text has them, but for the signs of HTML.
local function visible(value)
  if type(value) == "string" then return core.visible(value) end
  if type(value) ~= "table" or value == json.null then return value end
  local copy = setmetatable({}, getmetatable(value))
  for key, inner in pairs(value) do copy[visible(key)] = visible(inner) end
  return copy
end

--- A value for the page's script, which reads it with JSON.parse(document.getElementById(name).textContent). Its
-- texts become visible, as those of html.text.
---@param name string its id
---@param value any what json.encode takes
---@return string
function html.data(name, value)
  local text = json.encode(visible(value)):gsub("[<>&]", function(sign) return ("\\u%04x"):format(sign:byte()) end)
  return ('<script type="application/json" id="%s">%s</script>\n'):format(name, text)
end

-- What a policy calls a text that stands in the page.
local function source_of(text)
  local digest = core.sha256(text):gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
  return ("'sha256-%s'"):format(core.base64(digest))
end

-- The policy. Without a script none runs.
local function policy_of(page)
  local lines = { "default-src 'none'", "style-src " .. source_of(page.style), "img-src data:",
    "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'" }
  if page.script then table.insert(lines, 2, "script-src " .. source_of(page.script)) end
  return table.concat(lines, "; ")
end

local FRAME = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>%s</title>
<style>%s</style>
</head>
<body>
%s%s</body>
</html>
]]

--- The whole page.
---@param page { title: string, style: string, body: string, script: string? } title: any text; style: CSS, and
--- script: JavaScript, in which "</" stands nowhere; body: HTML, with what html.data gives
---@return string
function html.page(page)
  local script = page.script and ("<script>%s</script>\n"):format(page.script) or ""
  return FRAME:format(policy_of(page), html.text(page.title), page.style, page.body, script)
end

return html
