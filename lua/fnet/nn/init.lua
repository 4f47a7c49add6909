--- nn: modules, layers, losses.

local activations = require "fnet.nn.activations"
local expect = require "fnet.base.expect"
local later = require "fnet.base.later"
local naming = require "fnet.base.naming"
local containers = require "fnet.nn.containers"
local norm = require "fnet.nn.norm"
local list = require "fnet.nn.list"
local loss = require "fnet.nn.loss"
local module = require "fnet.nn.module"
local pool2d = require "fnet.nn.pool2d"
local reshape = require "fnet.nn.reshape"
require "fnet.nn.place"

later.methods(module.Module, { clone = "fnet.nn.clone", state = "fnet.nn.state", load_state = "fnet.nn.state" })

local nn = {
  module = module.class,
  --- True for a layer, a model, any object of a class made with nn.module.
  ---@param value any
  ---@return boolean
  is_module = function(value) return module.is_module(expect.value("is_module", value)) end,
  init = require "fnet.nn.init_weights",
  Sequential = require "fnet.nn.sequential",
  List = list.List,
  Dense = require "fnet.nn.dense",
  Conv2D = require "fnet.nn.conv2d",
  MaxPool2D = pool2d.MaxPool2D,
  AvgPool2D = pool2d.AvgPool2D,
  GlobalAvgPool = pool2d.GlobalAvgPool,
  Reshape = reshape.Reshape,
  Flatten = reshape.Flatten,
  Residual = containers.Residual,
  Parallel = containers.Parallel,
  Concat = containers.Concat,
  Lambda = require "fnet.nn.lambda",
  Embedding = require "fnet.nn.embedding",
  Dropout = require "fnet.nn.dropout",
  BatchNorm = norm.BatchNorm,
  LayerNorm = norm.LayerNorm,
  cross_entropy = loss.cross_entropy,
  binary_cross_entropy = loss.binary_cross_entropy,
  mse = loss.mse,
  mae = loss.mae,
  huber = loss.huber,
  kl_divergence = loss.kl_divergence,
}

-- ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Sigmoid, Tanh, Softplus, Softmax, LogSoftmax
for name, class in pairs(activations.classes) do nn[name] = class end

local recurrent = "a sequence of one step does it, fnet.nn.%s(inputs, units), which gives its state back"
local logits = "fnet.nn.binary_cross_entropy takes logits"

return naming.strict("fnet.nn", nn, setmetatable({ -- names of PyTorch and Keras; more layers: ../init.lua
  AdaptiveAvgPool2d = "GlobalAvgPool", Add = "fnet.nn.Residual { ... } adds its input to what its layers give",
  Attention = "MultiHeadAttention", AveragePooling2D = "AvgPool2D", AvgPool2d = "AvgPool2D",
  BatchNorm1d = "BatchNorm", BatchNorm2d = "BatchNorm", BatchNormalization = "BatchNorm",
  BCELoss = logits .. ": leave out the Sigmoid before it", BCEWithLogitsLoss = logits,
  BinaryCrossentropy = "binary_cross_entropy", CategoricalCrossentropy = "cross_entropy",
  Concatenate = "Concat", Conv2d = "Conv2D", CrossEntropyLoss = "cross_entropy",
  GlobalAveragePooling2D = "GlobalAvgPool", GRUCell = recurrent:format "GRU",
  HuberLoss = "huber", L1Loss = "mae",
  LayerNormalization = "LayerNorm", Linear = "Dense", LSTMCell = recurrent:format "LSTM",
  MaxPool2d = "MaxPool2D",
  MaxPooling2D = "MaxPool2D", Module = "module",
  functional = "its functions of one tensor are methods, such as t:relu(), its losses are in fnet.nn",
  ModuleDict = "a plain table with names does it: self.heads = { left = nn.Dense(8, 2), ... }", ModuleList = "List",
  MSELoss = "mse", MultiheadAttention = "MultiHeadAttention", NLLLoss = "cross_entropy",
  Parameter = "a tensor whose requires_grad is set to true is a parameter of the module that has it in a field, " ..
    "or in a plain table there",
  ParameterList = "a plain table in a field of a module does it",
  Conv1d = "Conv1D", ConvTranspose2d = "ConvTranspose2D", Conv2DTranspose = "ConvTranspose2D",
  GroupNormalization = "GroupNorm", InstanceNorm2d = "fnet.nn.GroupNorm(channels, channels) does it",
  RMSNormalization = "RMSNorm", TransformerEncoderLayer = "TransformerLayer",
  TransformerDecoderLayer = "fnet.nn.MultiHeadAttention takes keys and values from elsewhere",
  UpSampling2D = "Upsample", UpsamplingNearest2d = "Upsample",
  Bidirectional = "fnet.nn.RNN, LSTM and GRU take bidirectional = true", RNNCell = recurrent:format "RNN",
  SimpleRNN = "RNN", SmoothL1Loss = "huber", Swish = "SiLU",
  CategoricalHinge = "hinge", CosineEmbeddingLoss = "cosine", CosineSimilarity = "cosine", Hinge = "hinge",
  KLDivLoss = "kl_divergence", KLDivergence = "kl_divergence", MultiMarginLoss = "hinge",
  SparseCategoricalCrossentropy = "cross_entropy", TripletMarginLoss = "triplet",
  cosine_similarity = "1 - fnet.nn.cosine(a, b, { reduction = 'none' }) is it", kl_div = "kl_divergence",
}, { -- and of what fnet has under no name
  __index = function(_, name) return naming.translated(require "fnet.nn.elsewhere", name) end,
}))
