--- Elsewhere: what PyTorch and NumPy call the methods of tensors and fnet's functions, and how what they have and
-- fnet has no name for is written. Read when somebody asks for such a name; the commonest are in init.lua.

local core = require "fnet.core"

local ALGEBRA = "fnet has no linear algebra but products: matmul, outer, fnet.einsum"
local PERMUTE = [[fnet.einsum("ijk->kij", t) orders axes anew, t:transpose(axis1, axis2) exchanges two]]
local TYPES = "elements are float32, float64, int32 or uint8"
local TRUTH = "of 1 and 0 a * b is 1 where both are, a:maximum(b) where one is, t:eq(0) where t is not"
local GAUSS = "fnet.randn draws from a normal distribution, fnet.rand from a uniform one"
local NANS = "fnet.where(t:isnan(), 0, t) puts 0 in the place of what is no number"
local NAMED = [[types are texts: fnet.zeros(shape, "float64")]]
local LAYERS = "layers are in fnet.nn, functions of one tensor its methods"
local RECIPE = "examples/recipes/%s.lua is one"
local RL = "examples/recipes/dqn.lua learns with a memory, examples/recipes/reinforce.lua by the policy's gradient"
local CPU = "fnet computes on the processor alone"

-- Of tensors.
local tensor = {
  add_at = "scatter_add", argwhere = "nonzero", boolean_mask = "masked_select", compress = "masked_select",
  flatnonzero = "nonzero", fliplr = "flip", flipud = "flip", histc = "histogram", index_add = "scatter_add",
  put_along_axis = "t:scatter_add(indices, values, axis) adds values at places", ["repeat"] = "tile",
  repeat_interleave = "t:unsqueeze(2):expand { n, k }:flatten() repeats each of n elements",
  take_along_dim = "take_along_axis", to_categorical = "one_hot",

  addbmm = "c + a:matmul(b)", addcdiv = "t + a / b * value", addcmul = "t + a * b * value",
  addmm = "c + a:matmul(b)", addmv = "c + a:matmul(b)", addr = "outer", adjoint = "transpose",
  array_split = "chunk", average = "mean", baddbmm = "c + a:matmul(b)", bfloat16 = TYPES, bitwise_and = TRUTH,
  bitwise_not = TRUTH, bitwise_or = TRUTH, bitwise_xor = TRUTH, bool = "t:ne(0) is 1 where t is not 0",
  char = TYPES, choice = "sample", cholesky = ALGEBRA, clamp_max = "minimum", clamp_min = "maximum",
  conj = "fnet has no complex numbers", deg2rad = "t * (math.pi / 180)", degrees = "t * (180 / math.pi)",
  det = ALGEBRA, diag = [[fnet.einsum("ii->i", t) is the diagonal; fnet.eye(#v) * v is a matrix with one]],
  diagonal = [[fnet.einsum("ii->i", t) is the diagonal]], diff = "t:slice(1, 2) - t:slice(1, 1, #t - 1)",
  dist = "(a - b):norm()", eig = ALGEBRA, expand_as = "a:expand(b.shape) does it",
  exponential_ = "t:copy(-(1 - fnet.rand(t.shape)):log())", fabs = "abs", float_power = "pow", fmax = "maximum",
  fmin = "minimum", ger = "outer", H = "transpose", half = TYPES, hsplit = "chunk",
  hypot = "(a * a + b * b):sqrt()", index_copy = "t:copy(source), of the view t:slice(axis, first, last)",
  inner = "a:matmul(b:T()) for matrices", inverse = ALGEBRA, is_cuda = CPU,
  is_floating_point = "t.dtype is the type", isclose = "(a - b):abs():le(tolerance)",
  itemsize = "t.dtype is the type", lerp = "a + (b - a) * weight", logical_and = TRUTH, logical_or = TRUTH,
  logical_xor = TRUTH, logit = "(p / (1 - p)):log()", lstsq = ALGEBRA, matrix_power = ALGEBRA, mH = "transpose",
  mod = "a - (a / b):floor() * b", moveaxis = PERMUTE, movedim = PERMUTE, mT = "transpose", multinomial = "sample",
  nanmean = NANS, nansum = NANS, nbytes = "#t:bytes() is their number", new_empty = "fnet.zeros(shape, t.dtype)",
  new_full = "fnet.full(shape, value, t.dtype)", new_ones = "fnet.ones(shape, t.dtype)",
  new_tensor = "fnet.tensor(values, t.dtype)", new_zeros = "fnet.zeros(shape, t.dtype)",
  normal_ = "t:copy(fnet.randn(t.shape)) draws new elements", permute = PERMUTE, pin_memory = CPU,
  pinverse = ALGEBRA, qr = ALGEBRA, rad2deg = "t * (180 / math.pi)", radians = "t * (math.pi / 180)",
  register_hook = "fnet.operation makes an operation with a backward of its own",
  reshape_as = "a:reshape(b.shape) does it", resize = "reshape",
  retain_grad = "fnet.grad(y, t) gives gradients of results on the way to y, too", rsub = "b - a", sgn = "sign",
  short = TYPES, slogdet = ALGEBRA, solve = ALGEBRA, split_with_sizes = "slice",
  std_mean = "t:std(axis), t:mean(axis)", svd = ALGEBRA, swapdims = "transpose", tensor_split = "chunk",
  to_sparse = "fnet has no sparse tensors", trace = [[fnet.einsum("ii", t) is the trace]], true_divide = "div",
  type_as = "a:to(b.dtype) does it", unbind = "ipairs(t) goes over the rows",
  uniform_ = "t:copy(fnet.rand(t.shape)) draws new elements", var_mean = "t:var(axis), t:mean(axis)",
  vdot = "matmul", view_as = "a:reshape(b.shape) does it", vsplit = "chunk",
  zero_ = "t:fill(0) sets all elements to 0",
}

-- Of fnet; and words for what a recipe shows.
local functions = {
  autoencoder = "examples/autoencoder.lua is one", DQN = RECIPE:format "dqn", GAN = RECIPE:format "gan",
  learning_rate_finder = RECIPE:format "lr_finder", lr_find = RECIPE:format "lr_finder",
  PCA = RECIPE:format "hidden_pca", perplexity = "math.exp of nn.cross_entropy(output, labels):item()",
  policy_gradient = RL, q_learning = RL, REINFORCE = RECIPE:format "reinforce", reinforcement_learning = RL,
  saliency = RECIPE:format "saliency", temperature = "(logits / temperature):softmax():sample() draws with one",
  transfer_learning = RECIPE:format "transfer",
  TSNE = "fnet has none; examples/recipes/hidden_pca.lua draws a layer by its two main directions",
  VAE = RECIPE:format "vae",
  constant = "tensor", finfo = TYPES, float16 = TYPES,
  GradientTape = "fnet.grad(loss, inputs) gives gradients",
  iinfo = TYPES, inf = "math.huge is it", int64 = TYPES,
  jacobian = "fnet.grad(y:select(1, i), x, { retain = true }) is a row",
  keras = LAYERS, layers = LAYERS, models = LAYERS, nan = "0 / 0 is one", onnx = "load_onnx", pi = "math.pi is it",
  profiler = "check", set_printoptions = "t:totable() gives all numbers", summary = "print(model) shows it",
  train = "fit", Variable = "tensor", vjp = "fnet.grad(y, x, { gradient = dy }) does it",
  append = "concat", asanyarray = "tensor", autocast = TYPES,
  autograd = "fnet.grad gives gradients, loss:backward() leaves them in .grad of what requires them",
  batch_norm = LAYERS, broadcast_tensors = "it is a method of tensors: t:expand(shape)",
  column_stack = "fnet.stack(columns, 2)", compile = "fnet compiles nothing: operations are C", conv1d = LAYERS,
  conv2d = LAYERS, default_rng = "generator", dropout = LAYERS, dstack = "fnet.stack(list, 3)", embedding = LAYERS,
  exponential = "-(1 - fnet.rand(shape)):log()", float32 = NAMED, float64 = NAMED, fork_rng = "generator",
  frombuffer = "from_bytes", fromfunction = "tensor", fromiter = "tensor", Generator = "generator",
  genfromtxt = "fnet.data.read_csv reads tables",
  geomspace = "(fnet.linspace(math.log(first), math.log(last), count)):exp()", get_num_threads = "threads",
  get_rng_state = "random_state", get_state = "random_state", identity = "eye", inference_mode = "no_grad",
  initial_seed = "random_state", int32 = NAMED, integers = "fnet.random(first, last) is one whole number",
  layer_norm = LAYERS, linalg = ALGEBRA, loadtxt = "fnet.data.read_csv reads tables",
  logspace = "(fnet.linspace(first, last, count) * math.log(10)):exp()", lstm = LAYERS, max_pool2d = LAYERS,
  meshgrid = "x:unsqueeze(2) and y:unsqueeze(1) broadcast against each other", multivariate_normal = GAUSS,
  poisson = GAUSS, RandomState = "generator", savetxt = "fnet.data.write_npy writes arrays",
  savez = "fnet.write_tensors writes several tensors",
  set_default_dtype = "each function that makes a tensor takes the type; model:to converts a model",
  set_grad_enabled = "fnet.no_grad(f, ...) and fnet.enable_grad(f, ...)", set_rng_state = "random_state",
  shuffle = "permutation", standard_normal = "randn", tensordot = "einsum", uint8 = NAMED,
  use_deterministic_algorithms = "the same seed gives the same bits as it is", vecdot = "einsum",
  vmap = "operations take batches: axes in front of those that they need",
}

-- What changes a tensor in place has a name that ends with _ in PyTorch.
local function in_place(_, name)
  local base = type(name) == "string" and name:match "^(%l[%w_]*)_$"
  if base and core.methods[base] then
    return ("t:%s(...) gives a new tensor, t:copy(value) changes t in place"):format(base)
  end
end

return { tensor = setmetatable(tensor, { __index = in_place }), functions = functions }
