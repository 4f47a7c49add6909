-- Reinforcement learning with a memory (DQN; Mnih and others, 2015): a network learns what each step on a grid is
-- worth, so that it reaches the goal in the fewest steps, around the pits.
--   fnet examples/recipes/dqn.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local GRID = "....G" .. ".##.." .. "...#." .. ".#..." .. "...#." -- G the goal, # a pit
local SIZE, MOVES = 5, { { -1, 0 }, { 1, 0 }, { 0, -1 }, { 0, 1 } }

-- The place after a move, whether that was the end, and the reward.
local function move(place, action)
  local row, column = (place - 1) // SIZE + 1 + MOVES[action][1], (place - 1) % SIZE + 1 + MOVES[action][2]
  if row < 1 or row > SIZE or column < 1 or column > SIZE then return place, 0, -0.1 end
  local after = (row - 1) * SIZE + column
  local kind = GRID:sub(after, after)
  return after, kind == "." and 0 or 1, kind == "G" and 1 or kind == "#" and -1 or -0.04
end

fnet.seed(1)
local function network()
  return nn.Sequential { nn.Embedding(25, 32), nn.Dense(32, 32, { activation = "tanh" }), nn.Dense(32, 4) }
end
local model, target = network(), network() -- the target keeps still for some steps
local opt = optim.Adam(model:parameters(), { lr = 0.005 })
local function best(place) return fnet.predict(model, fnet.tensor({ place }, "int32")):argmax(2):item() end

local memory, place = {}, 21
for step = 1, 3000 do
  local action = math.random() < math.max(0.1, 1 - step / 1500) and math.random(4) or best(place)
  local after, ended, reward = move(place, action)
  memory[step] = { place, action, reward, after, ended }
  place = (ended == 1 or step % 30 == 0) and math.random(25) or after -- it begins anew where it walks in circles
  if GRID:sub(place, place) ~= "." then place = 21 end
  if step % 50 == 1 then target:load_state(model:state()) end
  if step > 100 then
    local columns = { {}, {}, {}, {}, {} }
    for i = 1, 32 do
      for k, value in ipairs(memory[math.random(#memory)]) do columns[k][i] = value end
    end
    local from, actions = fnet.tensor(columns[1], "int32"), fnet.tensor(columns[2], "int32"):reshape { 32, 1 }
    local later = fnet.no_grad(target, fnet.tensor(columns[4], "int32")):max(2)
    local worth = fnet.tensor(columns[3]) + 0.95 * later * (1 - fnet.tensor(columns[5]))
    local loss = nn.huber(model(from):take_along_axis(actions, 2), worth:reshape { 32, 1 })
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end

local ways, steps, ended = {}, 0, 0
place = 21 -- below, on the left
while ended == 0 and steps < 20 do
  ways[#ways + 1] = ("(%d, %d)"):format((place - 1) // SIZE + 1, (place - 1) % SIZE + 1)
  place, ended = move(place, best(place))
  steps = steps + 1
end
print(("%s in %d steps; the shortest way has 8\n%s"):format(place == 5 and "at the goal" or "lost", steps,
  table.concat(ways, " ")))

-- prints:
-- at the goal in 8 steps; the shortest way has 8
-- (5, 1) (4, 1) (3, 1) (2, 1) (1, 1) (1, 2) (1, 3) (1, 4)
