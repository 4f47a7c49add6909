--- The operations of ONNX that fnet has: by name function(node, inputs...) -> results, how many inputs each needs,
-- and the attributes that they read. A node has its attributes, its outputs, and the version of the operations.
-- Invariant: what is not listed here is refused when a model is read, so that nothing of a file is passed over.

local core = require "fnet.core"
local reader = require "fnet.onnx.reader"

local operations = { functions = {} }

for _, part in ipairs {
  "elementwise", "indices", "layers", "losses", "pooling", "recurrent", "reductions", "resize", "shapes",
} do
  for name, f in pairs(require("fnet.onnx." .. part)) do operations.functions[name] = f end
end

--- Inputs that are needed, where it is not one.
operations.REQUIRED = {
  Add = 2, And = 2, BatchNormalization = 5, CastLike = 2, Compress = 2, Conv = 2, ConvTranspose = 2, CumSum = 2,
  Div = 2, Equal = 2, Expand = 2, GRU = 3, Gather = 2, GatherElements = 2, GatherND = 2, Gemm = 2, Greater = 2,
  GreaterOrEqual = 2, GroupNormalization = 3, InstanceNormalization = 3, LSTM = 3, LayerNormalization = 2, Less = 2,
  LessOrEqual = 2, MatMul = 2, Mod = 2, Mul = 2, NegativeLogLikelihoodLoss = 2, OneHot = 3, Or = 2, PRelu = 2,
  Pow = 2, RNN = 3, Range = 3, Reshape = 2, ReverseSequence = 2, Scatter = 3, ScatterElements = 3, ScatterND = 3,
  SoftmaxCrossEntropyLoss = 2, Sub = 2, Tile = 2, Where = 3, Xor = 2,
}

local INTEGER, NUMBER, TEXT, INTEGERS, NUMBERS, TEXTS, SCALAR = "a whole number", "a number", "a text",
  "a list of whole numbers", "a list of numbers", "a list of texts", "a tensor of one number"

--- By attribute what it has to be; false for one that changes nothing when a model is used.
operations.ATTRIBUTES = {
  activations = TEXTS, allowzero = INTEGER, alpha = NUMBER, antialias = INTEGER, approximate = TEXT,
  auto_pad = TEXT, axes = INTEGERS, axis = INTEGER, batch_axis = INTEGER, batch_dims = INTEGER, beta = NUMBER,
  bias = NUMBER, blocksize = INTEGER, ceil_mode = INTEGER, clip = NUMBER, coordinate_transformation_mode = TEXT,
  count_include_pad = INTEGER, cubic_coeff_a = NUMBER, detect_negative = INTEGER, detect_positive = INTEGER,
  dilations = INTEGERS, direction = TEXT, dtype = INTEGER, ["end"] = INTEGER, ends = INTEGERS, epsilon = NUMBER,
  equation = TEXT, exclude_outside = INTEGER, exclusive = INTEGER, extrapolation_value = NUMBER, fmod = INTEGER,
  gamma = NUMBER, group = INTEGER,
  hidden_size = INTEGER, ignore_index = INTEGER, input_forget = INTEGER, k = INTEGER,
  keep_aspect_ratio_policy = TEXT, keepdims = INTEGER, kernel_shape = INTEGERS, lambd = NUMBER, largest = INTEGER,
  layout = INTEGER, linear_before_reset = INTEGER, max = NUMBER, min = NUMBER, mode = TEXT, nearest_mode = TEXT,
  noop_with_empty_axes = INTEGER, num_groups = INTEGER, num_outputs = INTEGER, output_padding = INTEGERS,
  output_shape = INTEGERS, pads = INTEGERS, perm = INTEGERS, reduction = TEXT, reverse = INTEGER, scales = NUMBERS,
  select_last_index = INTEGER, size = INTEGER, sorted = INTEGER, spatial = INTEGER, split = INTEGERS,
  start = INTEGER, starts = INTEGERS, steps = INTEGERS, strides = INTEGERS, time_axis = INTEGER, to = INTEGER,
  training_mode = INTEGER, transA = INTEGER, transB = INTEGER, upper = INTEGER, value = SCALAR,
  activation_alpha = false, activation_beta = false, momentum = false, ratio = false,
  round_mode = false, saturate = false, seed = false, stash_type = false, storage_order = false,
}

--- Whether an attribute is a list of whole numbers.
---@param name string
---@return boolean
function operations.takes_integers(name) return operations.ATTRIBUTES[name] == INTEGERS end

local function is_list(value, check)
  local count = 0
  for key in next, type(value) == "table" and value or { false } do
    count = count + 1
    if math.type(key) ~= "integer" then return false end
  end
  for i = 1, type(value) == "table" and count or 0 do
    if not check(value[i]) then return false end
  end
  return type(value) == "table"
end

local function is_integer(value) return math.type(value) == "integer" end
local function is_number(value) return type(value) == "number" end

local function is_text(value) return type(value) == "string" end

local CHECKS = {
  [INTEGER] = is_integer, [NUMBER] = is_number, [TEXT] = is_text,
  [INTEGERS] = function(value) return is_list(value, is_integer) end,
  [NUMBERS] = function(value) return is_list(value, is_number) end,
  [TEXTS] = function(value) return is_list(value, is_text) end,
  [SCALAR] = function(value)
    local kind = type(value) == "table" and reader.TYPES[value.type]
    return kind and kind.dtype ~= nil and kind.dtype == value.dtype and is_number(value.number)
  end,
}

--- Raises where an attribute is not what it has to be; a Pad's value was a number before version 11.
---@param name any
---@param value any
function operations.check_attribute(name, value)
  local kind = type(name) == "string" and operations.ATTRIBUTES[name]
  if kind == nil then core.raise("has the attribute '%s', which fnet does not know", tostring(name)) end
  if kind and not CHECKS[kind](value) and not (kind == SCALAR and is_number(value)) then
    core.raise("expected for the attribute '%s' %s, got %s", name, kind, type(value))
  end
end

return operations
