--- Lines on the terminal, mostly one, that are drawn again and again. While they stand, whatever the script writes
-- takes them away first, so the two never share one: print, warn, io.write, the files' write and what runs other
-- commands, os.execute, are wrapped then.
-- Invariant: `undo` is set while lines stand, and only then are these wrapped; `lengths` are those of the lines.

local core = require "fnet.core"
local letters = require "fnet.chart.letters"
local width = require "fnet.base.width"

local live = {}

local undo
local lengths = {}
local over -- what stands over the lines

local function before(f)
  return function(...)
    live.erase()
    return f(...)
  end
end

-- Puts a function of a table behind the erasing; gives what takes it back, unless a script has changed it since.
local function wrap(list, name)
  local original = list[name]
  local wrapped = before(original)
  rawset(list, name, wrapped)
  return function()
    if rawget(list, name) == wrapped then rawset(list, name, original) end
  end
end

-- What leads to the beginning of the first line, and how many rows of the terminal the lines take: one that has
-- become narrower has broken them.
local function back(columns)
  local rows = 0
  for _, length in ipairs(lengths) do rows = rows + math.max(1, math.ceil(length / columns)) end
  return "\r" .. ("\27[A"):rep(rows - 1), rows
end

local function unwrap()
  for _, f in ipairs(undo or {}) do f() end
  undo = nil
end

--- Takes the lines away where they stand.
function live.erase()
  if not undo then return end
  unwrap()
  local home, rows = back(core.terminal(2) or math.huge)
  io.stderr:write(home .. (rows > 1 and "\27[J" or "\27[K")) -- one text: each is a call of the system
  io.stderr:flush()
  lengths = {}
end

--- Sets what stands over all lines that are drawn from now on.
---@param lines_of? fun(columns: integer): string[] nil: nothing
function live.over(lines_of) over = lines_of end

-- A line that fits, and its length. One with colours that does not fit loses them.
local function fitted(line, room)
  local length = letters.width(line)
  if length <= room then return line, length end
  local head = width.parted(line:gsub("\27%[[%d;]*m", ""), room)
  return head, width.of(head)
end

--- Draws the lines, in place of those that stand.
---@param lines string[] cut where they are longer than the terminal
---@param columns integer of the terminal
function live.draw(lines, columns)
  unwrap()
  local home, rows = back(columns)
  if over then
    local all = over(columns)
    lines = table.move(lines, 1, #lines, #all + 1, table.move(all, 1, #all, 1, {}))
  end
  local cut = {}
  lengths = {}
  for i, line in ipairs(lines) do -- in the last column some terminals begin a new line
    cut[i], lengths[i] = fitted(line, columns - 1)
  end
  io.stderr:write(home .. table.concat(cut, "\27[K\n") .. "\27[K" .. (#lines < rows and "\27[J" or ""))
  io.stderr:flush()
  undo = { wrap(_G, "print"), wrap(_G, "warn"), wrap(io, "write"), wrap(os, "execute"),
    wrap(getmetatable(io.stdout).__index, "write") }
end

return live
