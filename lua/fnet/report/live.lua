--- Lines on the terminal, mostly one, that are drawn again and again. While they stand, whatever the script writes
-- takes them away first, so the two never share one: print, warn, io.write and the files' write are wrapped then.
-- Invariant: `undo` is set while lines stand, `above` of them over the one with the cursor, and only then are they
-- wrapped.

local live = {}

local undo
local above = 0

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

-- What leads to the beginning of the first line.
local function back() return "\r" .. ("\27[A"):rep(above) end

--- Takes the lines away where they stand.
function live.erase()
  if not undo then return end
  for _, f in ipairs(undo) do f() end
  undo = nil
  io.stderr:write(back(), above > 0 and "\27[J" or "\27[K")
  io.stderr:flush()
  above = 0
end

--- Draws the lines, in place of those that stand.
---@param lines string[] cut where they are longer than the terminal
---@param columns integer of the terminal
function live.draw(lines, columns)
  if undo then
    for _, f in ipairs(undo) do f() end
  end
  local room, cut = columns - 1, {} -- in the last column some terminals begin a new line
  for i, line in ipairs(lines) do
    cut[i] = (utf8.len(line) or 0) <= room and line or line:sub(1, (utf8.offset(line, room + 1) or 1) - 1)
  end
  io.stderr:write(back(), table.concat(cut, "\27[K\n"), "\27[K", #lines <= above and "\27[J" or "")
  io.stderr:flush()
  above = #lines - 1
  undo = { wrap(_G, "print"), wrap(_G, "warn"), wrap(io, "write"), wrap(getmetatable(io.stdout).__index, "write") }
end

return live
