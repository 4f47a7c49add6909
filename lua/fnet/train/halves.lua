--- Halves: the vectors of all processes, added along the tree of pairs. Two processes that meet hand each other one
-- half of what they have, and add the half that they get; then each meets another one with what it has added. So
-- each element passes a link twice at most, there and back, however many processes there are. Invariant: its sum is
-- that of the tree, first 1 and 2, 3 and 4, then these sums; which process computes it changes no bit.

local core = require "fnet.core"
local processes = require "fnet.base.processes"

local copy, slice = core.methods.copy, core.methods.slice

--- Called in all processes, whose number is a power of two.
---@param vector tensor this process's, of as many floats as those of the others, and of one for each process at
--- least; becomes the sum
---@param spare tensor one like it, for what comes in
return function(vector, spare)
  local place, first, last, meetings, distance = processes.number - 1, 1, #vector, {}, 1
  while distance < processes.count do
    local is_left, middle = place & distance == 0, (first + last) // 2
    local left, right = slice(vector, 1, first, middle), slice(vector, 1, middle + 1, last)
    local meeting = { other = (place ~ distance) + 1, kept = is_left and left or right,
      given = is_left and right or left }
    if is_left then last = middle else first = middle + 1 end
    local arrived = slice(spare, 1, first, last)
    processes.exchange(meeting.other, meeting.given, arrived)
    if is_left then
      core.add_shard(left, arrived)
    else
      core.add_shard(arrived, right)
      copy(right, arrived)
    end
    meetings[#meetings + 1] = meeting
    distance = 2 * distance
  end
  for i = #meetings, 1, -1 do processes.exchange(meetings[i].other, meetings[i].kept, meetings[i].given) end
end
