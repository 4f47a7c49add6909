--- Elsewhere: how what PyTorch and Keras have and fnet.nn has no name for is written. Read when somebody asks for
-- such a name; those of layers and losses that fnet has are in init.lua.

local ACTIVATION = "a function is one, too: activation = function(x) return x:clamp(-1, 1) end"
local LAMBDA = "fnet.nn.Lambda(function(x) return %s end) does it"
local POOL = "fnet.nn.%s { 2, 1 } takes sequences as pictures one wide, x:unsqueeze(3)"
local UNNEEDED = "there is no need: layers take any batch, and dense ones any axes in front of their own"

return {
  Activation = [[activation = "relu" is an option of layers, and fnet.nn.ReLU() is a layer]],
  AdaptiveAvgPool1d = "GlobalAvgPool", AvgPool1d = POOL:format "AvgPool2D",
  clip_grad_norm_ = "fnet.optim.clip_norm does it",
  DepthwiseConv2D = "fnet.nn.Conv2D(n, n, 3, { groups = n }) does it",
  F = "operations are methods, such as x:relu(), losses are in fnet.nn", GlobalAveragePooling1D = "GlobalAvgPool",
  GlobalMaxPooling1D = LAMBDA:format "x:max(2)", GlobalMaxPooling2D = LAMBDA:format "x:max { 2, 3 }",
  Hardtanh = ACTIVATION, HingeLoss = "hinge", Identity = LAMBDA:format "x", Input = UNNEEDED,
  InstanceNorm = "fnet.nn.GroupNorm(channels, channels) does it", LazyLinear = "Dense",
  Masking = "lengths do it: lstm(x, nil, lengths)", MaxPool1d = POOL:format "MaxPool2D",
  MaxPooling1D = POOL:format "MaxPool2D", MeanAbsoluteError = "mae", MeanSquaredError = "mse", Mish = ACTIVATION,
  Model = "module", Multiply = "a class made by fnet.nn.module computes a * b in its forward",
  Normalization = "data.standardise does it", Permute = LAMBDA:format "x:transpose(2, 3)",
  normalize = "x / x:norm(2, axis, true):maximum(1e-12)", ReLU6 = ACTIVATION,
  Rescaling = "data.Dataset { x = pictures, y = labels, scale = 1 / 255 } does it",
  ScaledDotProductAttention = "MultiHeadAttention", TimeDistributed = UNNEEDED, Transformer = "TransformerLayer",
  TransformerEncoder = "TransformerLayer",
  UpsamplingBilinear2d = [[fnet.nn.Upsample(2, { mode = "bilinear" }) does it]],
  ZeroPad2d = LAMBDA:format "x:pad { 0, 1, 1, 0 }",
}
