--- fnet.optim: optimisers. Each takes the parameters of a model and changes them in place by their gradients.

local check = require "fnet.check"

return check.named("fnet.optim", {
  SGD = require "fnet.optim.sgd",
  Adam = require "fnet.optim.adam",
})
