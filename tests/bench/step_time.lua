--- The time of a step that several processes share: a model of what lua/fnet/train/shards.lua, halves.lua beside it
-- and lua/fnet/base/processes.lua do, with a shard for each process. All processes bring the pictures of the whole
-- batch together, and each computes with its part. Then the vectors of gradients are added, of a power of two of
-- processes in halves: on each level of the tree of pairs each hands over half of what it had on the level before
-- and adds as much, then all of that goes back. Of other numbers along the tree: the second of each two hands its
-- vector to the first, which adds it; from process 1 the sum goes down a tree, in which each passes it to two
-- others at the same time. Then what is said of all shards, short texts, goes up that tree and down again. Nothing
-- of it overlaps. Left out: that processes are not equally fast, and links that several share.

local step_time = {}

local RESULT = 150 -- bytes that a process says of its shard

-- Levels of the tree of shards: one joins all with twice as many.
local function levels_of(count)
  local levels, reached = 0, 1
  while reached < count do levels, reached = levels + 1, 2 * reached end
  return levels
end

-- How often a vector passes a link on its longest way down, and how many messages that are: two that leave a
-- process at the same time take twice as long.
local function way_down(count)
  local vectors, messages = { 0 }, { 0 }
  for number = 2, count do
    local parent = number // 2
    vectors[number] = vectors[parent] + (2 * parent < count and 2 or 1)
    messages[number] = messages[parent] + 1
  end
  return math.max(table.unpack(vectors)), messages[count]
end

-- Vectors that pass a link one after the other, additions of whole vectors, and messages.
local function count_parts(count)
  local levels, down, depth = levels_of(count), way_down(count)
  if count == 2 ^ levels then
    local part = 1 - 1 / count
    return 2 * part, part, 4 * levels -- they agree on the lengths first
  end
  return levels + down, levels, levels + depth
end

--- Seconds of a step that messages and additions take.
---@param case {processes: integer, bytes: number, adding: number, latency: number, bandwidth: number} bytes of the
--- vector, seconds to add two of it; seconds that any message takes, bytes a second
---@return number seconds
function step_time.messages(case)
  local vectors, additions, messages = count_parts(case.processes)
  local down, depth = way_down(case.processes)
  local texts = (1 + down) * case.processes * RESULT
  return (vectors * case.bytes + texts) / case.bandwidth + additions * case.adding +
    (messages + 2 * depth) * case.latency
end

--- Seconds of a step.
---@param case table as for `messages`, and alone: number, seconds of one process with the pictures of its part;
--- gathering: number, seconds to bring these together
---@return number seconds
function step_time.whole(case)
  return case.alone + (case.processes - 1) * case.gathering + step_time.messages(case)
end

return step_time
