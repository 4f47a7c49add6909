-- One unit learns to convert degrees: it sees seven pairs of Celsius and Fahrenheit, never the formula
-- f = 1.8 c + 32. A unit multiplies what comes in by its weight and adds its bias; training moves the two numbers.
--   fnet examples/celsius.lua
-- Look at: the loss, which falls, and the line that comes to lie on the points.
-- Change next: --steps 100 stops too early, where does the line lie then? Make one of the pairs below wrong.

local fnet = require "fnet" -- `local` gives a value a name
local nn, optim = fnet.nn, fnet.optim

local options = fnet.options(arg, "Learns from seven pairs how Celsius becomes Fahrenheit.", {
  { "steps", 500, "updates of weight and bias", low = 0 },
  { "seed", 1, "start of all random numbers" },
})

fnet.seed(options.seed)
local celsius = fnet.tensor { { -40 }, { -10 }, { 0 }, { 8 }, { 15 }, { 22 }, { 38 } }
local fahrenheit = fnet.tensor { { -40 }, { 14 }, { 32 }, { 46.4 }, { 59 }, { 71.6 }, { 100.4 } }

-- One input, one unit: fahrenheit = weight * celsius + bias.
local model = nn.Dense(1, 1)
local opt = optim.Adam(model:parameters(), { lr = 0.3 })

for step = 1, options.steps do
  local loss = nn.mse(model(celsius), fahrenheit) -- how wrong it is: the mean of the squared differences
  opt:zero_grad()
  loss:backward() -- how the loss changes with the weight and with the bias
  opt:step()      -- moves both a little, so that the loss falls
  if step % 100 == 0 then print(("step %d  loss %.4f"):format(step, loss:item())) end
end

print(("learnt: f = %.2f c + %.2f"):format(model.weight:item(), model.bias:item()))

local output = fnet.predict(model, fnet.tensor { 100 })
print(("100 degrees Celsius are %.1f degrees Fahrenheit\n"):format(output:item()))

local ends = fnet.tensor { { -50 }, { 110 } }
print(fnet.report.plot({
  ["the seven pairs"] = { x = celsius:flatten(), y = fahrenheit:flatten(), points = true },
  ["what it has learnt"] = { x = ends:flatten(), y = fnet.predict(model, ends):flatten() },
}, { x_label = "Celsius", y_label = "Fahrenheit" }))
