--- The time of a step that several processes share: a model of what lua/fnet/train/shards.lua and
-- lua/fnet/base/processes.lua do, with a shard for each process. All processes bring the pictures of the whole
-- batch together, and each computes with its part. Along the tree of shards, the second of each two processes
-- hands its vector of gradients to the first, which adds it to its own. From process 1 the sum goes back down a
-- tree, in which each passes it to two others at the same time. Then what is said of all shards, short texts, goes
-- up that tree and down again. Nothing of it overlaps. Left out: that processes are not equally fast, and links
-- that several share.

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

--- Seconds of a step that messages and additions take.
---@param case {processes: integer, bytes: number, adding: number, latency: number, bandwidth: number} bytes of the
--- vector, seconds to add two of it; seconds that any message takes, bytes a second
---@return number seconds
function step_time.messages(case)
  local count = case.processes
  local up, down, depth = levels_of(count), way_down(count)
  local vector, results = case.bytes / case.bandwidth, count * RESULT / case.bandwidth
  local vectors, texts = (up + down) * vector + up * case.adding, (1 + down) * results
  return vectors + texts + (up + 3 * depth) * case.latency
end

--- Seconds of a step.
---@param case table as for `messages`, and alone: number, seconds of one process with the pictures of its part;
--- gathering: number, seconds to bring these together
---@return number seconds
function step_time.whole(case)
  return case.alone + (case.processes - 1) * case.gathering + step_time.messages(case)
end

return step_time
