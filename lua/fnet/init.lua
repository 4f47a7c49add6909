--- fnet: tensors, gradients, layers, optimisers and data for Lua scripts.
-- `local fnet = require "fnet"`. Everything that is indexed counts from 1.

require "fnet.base"
local core = require "fnet.core"
local expect = require "fnet.base.expect"
local interruption = require "fnet.base.interruption"
local later = require "fnet.base.later"
local naming = require "fnet.base.naming"
local processes = require "fnet.base.processes"
local tensor = require "fnet.tensor"
local functions = require "fnet.tensor.functions"
local gradient = require "fnet.tensor.gradient"
local nn = require "fnet.nn"
local start_random = require "fnet.base.seed"
local try = require "fnet.base.try"

-- Where mpirun has started several processes, none is to wait for ever for one that has ended before it shared
-- anything. `fnet` has seen to that itself; where they cannot join, the script hears why when it wants to share.
try(processes.join)

---@class fnet
local fnet = { nn = nn, optim = require "fnet.optim" }

later.methods(require("fnet.nn.module").Module, {
  save = "fnet.save", load_foreign = "fnet.save.foreign", export_c = "fnet.save.c",
  export_onnx = "fnet.save.onnx", export_html = "fnet.save.html",
})

-- nn is below what measures a classifier; and its own less common layers wait.
later.names("fnet.nn", nn, {
  ["fnet.nn.recurrent"] = { "RNN", "LSTM", "GRU" },
  ["fnet.nn.margin"] = { "cosine", "hinge", "triplet" },
  ["fnet.nn.conv1d"] = "Conv1D", ["fnet.nn.prelu"] = "PReLU", ["fnet.nn.group_norm"] = { "GroupNorm", "RMSNorm" },
  ["fnet.nn.upsample"] = { "ConvTranspose2D", "Upsample" },
  ["fnet.nn.attention"] = "MultiHeadAttention",
  ["fnet.nn.transformer"] = { "TransformerLayer", "PositionalEncoding" },
  ["fnet.measure.classes"] = { "correct" },
  ["fnet.measure.evaluate"] = { evaluate = "evaluate_classifier", "accuracy" },
}, getmetatable(nn).elsewhere)

--- The version of fnet, such as "0.2.0".
fnet.version = core.version

--- The version of the numerics contract: equal versions promise equal bits.
fnet.numerics = core.numerics

for name, make in pairs(tensor.constructors) do fnet[name] = make end
for name, f in pairs(functions.constructors) do fnet[name] = f end
for name, f in pairs(gradient) do fnet[name] = f end

--- Starts the random numbers anew, those of math.random too: the same seed gives the same numbers, whatever the
-- machine or the threads. A checkpoint keeps fnet's random numbers, but cannot keep those of math.random.
---@param seed integer any whole number
function fnet.seed(seed)
  start_random(expect.count("seed", seed, math.mininteger))
end

--- The state of the random numbers; `fnet.random_state(seed, stream)` sets it.
---@param seed? integer
---@param stream? integer how many random calls came before, at least 0
---@return integer seed, integer stream
function fnet.random_state(seed, stream) return core.random_state(seed, stream) end

--- The number of threads that share the work (the results do not depend on it): work is cut into so many parts, of
-- which no more are under way at once than this process has processors.
---@param count? integer 1 to 256: sets it; the start value is $FNET_THREADS or the processors of this process
---@return integer count
function fnet.threads(count) return core.threads(count) end

--- The processes that mpirun, srun --mpi=pmix or `fnet launch` has started for this script. A script that asks is
-- taken to share its work: by shards, or its own way. What they do together has to come in the same order in all:
-- fnet.shards, fit with shards, checkpoints, files, and evaluate and predict with shared = true. The variables
-- by which mpirun tells this, such as PMI_RANK, are gone then, since programs that the script starts are none. With
-- stock Lua the processes find each other in require "fnet", before which none may end, and what they print is
-- printed by each.
---@return integer number this process's, from 1; the first one prints, and writes files
---@return integer count 1 where it is alone
function fnet.processes()
  processes.share()
  return processes.number, processes.count
end

--- The instruction set in use (the results do not depend on it).
---@param name? string one of fnet.isas(): sets it; the start value is $FNET_ISA or the fastest
---@return string name
function fnet.isa(name) return core.isa(name) end

--- The instruction sets that this machine can run, slowest first.
---@return string[]
function fnet.isas() return core.isas() end

--- Seconds from some fixed moment, for measuring how long things take.
---@return number seconds
function fnet.clock() return core.clock() end

--- What kind of error it is that pcall gives, for code that asks: an error is its text, which may change. Ctrl-C
-- and a lack of memory come through whatever the library tries by itself; but a run of a sweep without memory has
-- failed.
---@param message any
---@return string? kind "interrupted" (Ctrl-C), "out of memory" or "label out of range"; nil for any other error
function fnet.error_kind(message)
  expect.value("error_kind", message)
  return interruption.is(message) and "interrupted" or (core.error_kind(message))
end

--- SHA-256 (FIPS 180-4) of strings and tensors, in order; a tensor counts as its row-major bytes.
---@param ... string|tensor
---@return string hexadecimal 64 digits
function fnet.sha256(...) return core.sha256(...) end

--- Whether a file could be written now, for the beginning of a script that saves at its end: the directory is
-- there and takes new files, and the file, if there is one, may be replaced. Nothing is changed.
---@param path string
---@return boolean? true nil where it could not
---@return string? message, integer? code errno
function fnet.can_write(path) return core.can_write(path) end

return later.names("fnet", fnet, {
  ["fnet.data"] = "data", ["fnet.measure"] = "metrics", ["fnet.report"] = "report",
  ["fnet.measure.evaluate"] = { "evaluate", "predict", "predict_classes" },
  ["fnet.command.options"] = "options",
  ["fnet.base.generator"] = { "generator", "random" }, ["fnet.tensor.grad"] = { "grad" },
  ["fnet.tensor.einsum"] = { "einsum" },
  ["fnet.train"] = "fit", ["fnet.train.sweep"] = "sweep", ["fnet.train.checkpoint"] = "checkpoint",
  ["fnet.train.shards"] = "shards",
  ["fnet.measure.renew"] = "renew_statistics",
  ["fnet.inspect"] = { "check" }, ["fnet.command.help"] = { "help" }, ["fnet.save"] = { "load" },
  ["fnet.testing.assertions"] = "testing",
  ["fnet.onnx"] = { load_onnx = "load" },
  ["fnet.files.safetensors"] = { read_tensors = "read", write_tensors = "write" },
}, setmetatable({ -- names of PyTorch and NumPy
  DataParallel = "shards", DistributedDataParallel = "shards", get_rank = "processes", get_world_size = "processes",
  init_process_group = "processes",
  Tensor = "tensor", array = "tensor", as_tensor = "tensor", asarray = "tensor", cat = "concat",
  concatenate = "concat", empty = "zeros", empty_like = "zeros_like",
  from_numpy = "fnet.data.read_npy reads files of NumPy", hstack = "concat",
  load_state_dict = "it is a method: model:load_state(state)", manual_seed = "seed", normal = "randn",
  rand_like = "fnet.rand(t.shape) does it",
  randint = "fnet.rand(shape, 1, n + 1):int() gives whole numbers from 1 to n",
  randn_like = "fnet.randn(t.shape) does it", randperm = "permutation",
  save = "it is a method: model:save(path)", set_num_threads = "threads", set_seed = "seed",
  state_dict = "it is a method: model:state()", uniform = "rand", update_bn = "renew_statistics",
  vstack = "concat",
}, { -- and of what NumPy has as functions
  __index = function(_, name)
    local further = require "fnet.tensor.elsewhere"
    local ours = further.functions[name]
    if ours then return ours end
    ours = core.methods[name] and name or core.metatable.elsewhere[name] or further.tensor[name]
    if ours then return ours:find " " and ours or ("it is a method of tensors: t:%s(...)"):format(ours) end
    for _, space in ipairs { "nn", "optim", "data", "metrics" } do -- Linear alone, without nn
      local list = fnet[space]
      pairs(list) -- loads what is loaded later
      ours = rawget(list, name) ~= nil and name or naming.translated(getmetatable(list).elsewhere, name)
      if ours then return ours:find " " and ours or ("it is fnet.%s.%s"):format(space, ours) end
    end
  end,
}))
