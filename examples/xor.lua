-- XOR, the smallest task that one layer cannot learn: two inputs, and a 1 where exactly one of them is 1.
--   fnet examples/xor.lua
-- Look at: the four answers, near 0 or near 1, and the loss on the way.
-- Change next: --units 1 cannot do it, --units 2 only sometimes: --seed 3 can. --steps 20 stops too early.

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local options = fnet.options(arg, "Learns XOR with one hidden layer.", {
  { "steps", 300, "updates of the weights", low = 0 },
  { "units", 4, "units of the hidden layer", low = 1 },
  { "seed", 1, "start of all random numbers" },
})

fnet.seed(options.seed)
local inputs = fnet.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
local targets = fnet.tensor { { 0 }, { 1 }, { 1 }, { 0 } }

local model = nn.Sequential {
  nn.Dense(2, options.units, { activation = "tanh" }),
  nn.Dense(options.units, 1, { activation = "sigmoid" }),
}
local opt = optim.Adam(model:parameters(), { lr = 0.1 })

for step = 1, options.steps do
  local loss = nn.mse(model(inputs), targets)
  opt:zero_grad()
  loss:backward()
  opt:step()
  if step % 100 == 0 then print(("step %d  loss %.5f"):format(step, loss:item())) end
end

local outputs = fnet.predict(model, inputs)
for i = 1, #inputs do
  print(("%d xor %d = %.3f"):format(inputs[i][1], inputs[i][2], outputs[i][1]))
end
