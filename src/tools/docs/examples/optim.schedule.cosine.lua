-- From the whole learning rate down to a tenth of it in 20 steps.

local fnet = require "fnet"

local factor = fnet.optim.schedule.cosine { steps = 20, floor = 0.1 }
for step = 1, 20, 3 do
  print(("step %2d  %.2f  %s"):format(step, factor(step), fnet.report.bar(factor(step), 30)))
end
