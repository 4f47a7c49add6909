--- optim: optimisers, schedules of their learning rate, limits for gradients, averages of weights. An optimiser
-- takes the parameters of a model and changes them in place by their gradients.

local adam = require "fnet.optim.adam"
local naming = require "fnet.base.naming"
local clip = require "fnet.optim.clip"
local rmsprop = require "fnet.optim.rmsprop"

return naming.strict("fnet.optim", {
  SGD = require "fnet.optim.sgd",
  Adam = adam.Adam,
  AdamW = adam.AdamW,
  RMSprop = rmsprop.RMSprop,
  Adagrad = rmsprop.Adagrad,
  Lion = require "fnet.optim.lion",
  Average = require "fnet.optim.average",
  clip_norm = clip.norm,
  clip_value = clip.value,
  schedule = require "fnet.optim.schedule",
}, { -- names of PyTorch and Keras
  EMA = "Average", clip_grad_norm = "clip_norm", clip_grad_norm_ = "clip_norm", clip_grad_value_ = "clip_value",
  CosineAnnealingLR = "schedule.cosine", CosineDecay = "schedule.cosine", OneCycleLR = "schedule.one_cycle",
  ReduceLROnPlateau = "schedule.plateau", StepLR = "schedule.step", lr_scheduler = "schedule",
})
