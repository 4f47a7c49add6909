--- Texts that are read: as wide as the terminal, and through a pager where they are longer than its screen. Used by
-- the `fnet` command only.

local core = require "fnet.core"
local try = require "fnet.base.try"

-- Breaks the lines that are longer than the width; what goes on stands two columns further to the right.
local function fit(text, width)
  local lines = {}
  for whole in (text .. "\n"):gmatch "(.-)\n" do
    local line, indent = whole, whole:match "^ *" .. "  "
    while utf8.len(line) and utf8.len(line) > width do
      local last = utf8.offset(line, width + 2) - 1 -- of a line that fits and the blank behind it
      local head = line:sub(1, last):match "^(.*%S) +%S*$"
      if not head or #head <= #indent or #indent > width // 2 then break end
      lines[#lines + 1] = head
      line = indent .. line:sub(#head + 1):match "^ *(.*)$"
    end
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n"), #lines
end

-- The command that shows a text page by page; nil where there is none.
local function pager()
  local chosen = os.getenv "PAGER"
  if chosen then return chosen:find "%S" and chosen end
  return os.execute "command -v less >/dev/null 2>&1" and "less"
end

-- From a file and by os.execute, which leaves Ctrl-C to the pager alone; whether that has worked.
local function show_paged(text)
  local command = pager()
  if not command then return false end
  local named, path = try(os.tmpname)
  local file = named and io.open(path, "w")
  if not file then return false end
  local written = file:write(text, "\n") and true or false
  written = file:close() and written
  local status = written and select(3, os.execute(command .. " <'" .. path .. "'"))
  os.remove(path)
  return written and status ~= 126 and status ~= 127 -- what the shell says where it finds no such command
end

--- Prints a text; returns when it was read.
---@param text string
return function(text)
  local columns, rows = core.terminal(1)
  local fitting, count = fit(text, columns or 80)
  local is_long = rows and count >= rows and core.terminal(0)
  if not (is_long and show_paged(fitting)) then io.write(fitting, "\n") end
end
