--- Screen: what the place can show to which a text goes: how wide it is, whether it has colours, and letters beyond
-- ASCII.

local core = require "fnet.core"

local screen = {}

-- The name of the locale that decides on letters, as in POSIX; nil where the environment names none.
local function locale()
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = os.getenv(name)
    if value and value ~= "" then return value end
  end
end

-- UTF-8 where the environment names no locale, too: in containers, where everything shows it.
local function shows_unicode()
  local name = locale()
  if os.getenv "TERM" == "linux" then return false end -- the kernel's own console has few letters
  return not name or name:lower():gsub("%-", ""):find("utf8", 1, true) ~= nil
end

--- What standard output (1) or standard error (2) can show.
---@param descriptor integer 1 or 2
---@return { terminal: boolean, columns: integer, colour: boolean, truecolor: boolean, unicode: boolean }
function screen.of(descriptor)
  local columns = core.terminal(descriptor)
  local colour = columns ~= nil and (os.getenv "NO_COLOR" or "") == ""
  local depth = os.getenv "COLORTERM"
  return {
    terminal = columns ~= nil, -- one that can draw
    columns = columns or 80,
    colour = colour, -- 256 of them
    truecolor = colour and (depth == "truecolor" or depth == "24bit"), -- 16 million
    unicode = shows_unicode(),
  }
end

return screen
