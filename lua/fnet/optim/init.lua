--- optim: optimisers, schedules of their learning rate, limits for gradients, averages of weights. An optimiser
-- takes the parameters of a model and changes them in place by their gradients.

local later = require "fnet.base.later"

local OWN = "fnet.optim.class makes one of your own"
local FACTOR = "any function of the step is a schedule: function(step) return 0.999 ^ step end"

return later.names("fnet.optim", {}, {
  ["fnet.optim.sgd"] = "SGD",
  ["fnet.optim.adam"] = { "Adam", "AdamW" },
  ["fnet.optim.rmsprop"] = { "RMSprop", "Adagrad" },
  ["fnet.optim.lion"] = "Lion",
  ["fnet.optim.muon"] = "Muon",
  ["fnet.optim.average"] = "Average",
  ["fnet.optim.groups"] = "groups",
  ["fnet.optim.own"] = "class",
  ["fnet.optim.clip"] = { clip_norm = "norm", clip_value = "value" },
  ["fnet.optim.schedule"] = "schedule",
}, { -- names of PyTorch and Keras
  AveragedModel = "Average", EMA = "Average", SWA = "Average with decay = 1", param_groups = "groups",
  update_bn = "fnet.renew_statistics(model, train)", clip_grad_norm = "clip_norm",
  clip_grad_norm_ = "clip_norm", clip_grad_value_ = "clip_value",
  CosineAnnealingLR = "schedule.cosine", CosineDecay = "schedule.cosine", OneCycleLR = "schedule.one_cycle",
  Adadelta = OWN, Adamax = OWN, ExponentialLR = FACTOR, LambdaLR = FACTOR, LBFGS = OWN,
  LinearLR = "schedule.warm_up", MultiStepLR = FACTOR, NAdam = OWN, RAdam = OWN, WarmupLR = "schedule.warm_up",
  Optimizer = "class", ReduceLROnPlateau = "schedule.plateau",
  StepLR = "schedule.step", lr_scheduler = "schedule",
})
