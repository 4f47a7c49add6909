--- Where the values of an exported model lie in one piece of memory, for c.lua.
-- Invariant: two values that are needed at the same time do not overlap, unless one is the other; the sample, value
-- 1, is the caller's and never written to.

local memory = {}

local function product(lengths)
  local count = 1
  for _, length in ipairs(lengths) do count = count * length end
  return count
end

-- How many steps, and results of the model, take each value.
local function count_uses(program)
  local uses = {}
  for value = 1, #program.shapes do uses[value] = 0 end
  for _, step in ipairs(program.steps) do
    for _, value in ipairs(step.values) do uses[value] = uses[value] + 1 end
  end
  for _, value in ipairs(program.results) do uses[value] = uses[value] + 1 end
  return uses
end

-- Gives each of the rooms, which are sorted by the step that fills them, the lowest place that is free as long as
-- it is needed. Returns the size of the whole.
local function place_rooms(rooms)
  local size = 0
  for i, room in ipairs(rooms) do
    local others = {}
    for k = 1, i - 1 do
      if rooms[k].last >= room.first then others[#others + 1] = rooms[k] end
    end
    table.sort(others, function(a, b) return a.offset < b.offset end)
    room.offset = 0
    for _, other in ipairs(others) do
      if room.offset + room.size <= other.offset then break end
      room.offset = math.max(room.offset, other.offset + other.size)
    end
    size = math.max(size, room.offset + room.size)
  end
  return size
end

--- Plans the memory of a program.
---@param program save.Program
---@param manners table<string, string> by kinds of steps: "view", the result is the input; "change", it takes the
--- place of the last value that the step takes, where nobody else needs that; others fill a place of their own
---@return { offset: integer? }[] rooms by value: where it begins, nil for the sample
---@return integer size of the whole, in numbers
---@return table<integer, boolean> copied by step: its last value has to be copied to its result first
function memory.plan(program, manners)
  local sample = { uses = math.huge }
  local room_of, rooms, copied, uses = { sample }, {}, {}, count_uses(program)
  for i, step in ipairs(program.steps) do
    local manner, room = manners[step.kind], nil
    for _, value in ipairs(step.values) do
      room = room_of[value]
      room.uses, room.last = room.uses - 1, i
    end
    if not (manner == "view" or manner == "change" and room.uses == 0) then
      copied[i] = manner == "change"
      room = { size = product(step.output), first = i, last = i, uses = 0 }
      rooms[#rooms + 1] = room
    end
    room.uses, room_of[step.value] = room.uses + uses[step.value], room
  end
  for _, value in ipairs(program.results) do room_of[value].last = math.huge end
  return room_of, place_rooms(rooms), copied
end

return memory
