--- A line on the terminal that is drawn again and again. While it stands, whatever the script writes takes it away
-- first, so the two never share a line: print, warn, io.write and the files' write are wrapped then.
-- Invariant: `undo` is set while the line stands, and only then are they wrapped.

local live = {}

local undo

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

--- Takes the line away where it stands.
function live.erase()
  if not undo then return end
  for _, f in ipairs(undo) do f() end
  undo = nil
  io.stderr:write "\r\27[K"
  io.stderr:flush()
end

--- Draws the line, in place of the one that stands.
---@param text string at most as wide as the terminal
function live.draw(text)
  if undo then
    for _, f in ipairs(undo) do f() end
  end
  io.stderr:write("\r", text, "\27[K")
  io.stderr:flush()
  undo = { wrap(_G, "print"), wrap(_G, "warn"), wrap(io, "write"), wrap(getmetatable(io.stdout).__index, "write") }
end

return live
