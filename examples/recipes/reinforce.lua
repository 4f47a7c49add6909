-- Reinforcement learning by the policy's gradient (REINFORCE; Williams, 1992): a network balances a pole on a cart
-- (Barto, Sutton and Anderson, 1983). What was done before a long balance becomes more likely.
--   fnet examples/recipes/reinforce.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local LONGEST = 300

-- The state after a push: place and speed of the cart, angle and speed of the pole; nil where it has fallen.
local function push(state, right)
  local x, v, angle, turn = table.unpack(state)
  local force, sin, cos = right and 10 or -10, math.sin(angle), math.cos(angle)
  local pressure = (force + 0.05 * turn ^ 2 * sin) / 1.1
  local faster = (9.8 * sin - cos * pressure) / (0.5 * (4 / 3 - 0.1 * cos ^ 2 / 1.1))
  local drive = pressure - 0.05 * faster * cos / 1.1
  x, v, angle, turn = x + 0.02 * v, v + 0.02 * drive, angle + 0.02 * turn, turn + 0.02 * faster
  if math.abs(x) < 2.4 and math.abs(angle) < 0.2095 then return { x, v, angle, turn } end
end

fnet.seed(1)
local policy = nn.Sequential { nn.Dense(4, 32), nn.Tanh(), nn.Dense(32, 2) }
local opt = optim.Adam(policy:parameters(), { lr = 0.02 })

-- Balances as long as it can: the states it met, what it did in each, and how long it went on from there.
local function play(states, actions, ahead)
  local state, first = { 0, 0, math.random() * 0.1 - 0.05, 0 }, #states
  while state and #states - first < LONGEST do
    local right = fnet.no_grad(policy, fnet.tensor(state)):softmax()[2]
    states[#states + 1], actions[#actions + 1] = state, math.random() < right and 2 or 1
    state = push(state, actions[#actions] == 2)
  end
  for i = first + 1, #states do ahead[i] = 1 - 0.98 ^ (#states - i + 1) end
  return #states - first
end

for round = 1, 40 do
  local states, actions, ahead, total = {}, {}, {}, 0
  for _ = 1, 8 do total = total + play(states, actions, ahead) end
  local chosen = fnet.tensor(actions, "int32"):reshape { #actions, 1 }
  local gain = fnet.tensor(ahead)
  gain = (gain - gain:mean()) / (gain:std() + 1e-6)
  local loss = -(policy(fnet.tensor(states)):log_softmax():take_along_axis(chosen, 2):squeeze(2) * gain):mean()
  opt:zero_grad()
  loss:backward()
  opt:step()
  if round == 1 then print(total / 8 < 60 and "at first it falls at once" or "it balances from the start") end
end
local total = 0
for _ = 1, 10 do total = total + play({}, {}, {}) end
print(total / 10 > 200 and "in the end it balances" or ("in the end it falls after %g steps"):format(total / 10))

-- prints:
-- at first it falls at once
-- in the end it balances
