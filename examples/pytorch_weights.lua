-- Weights that PyTorch trained, in fnet: the same outputs.
--   fnet examples/pytorch_weights.lua

local fnet = require "fnet"
local nn = fnet.nn

local beside = (arg[0] or ""):match "^(.*/)[^/]*$" or ""
local options = fnet.options(arg,
  "Loads a network that PyTorch wrote and compares the outputs with PyTorch's own.", {
  { "dir", beside .. "../tests/fixtures/pytorch", "directory of model.safetensors and samples.safetensors",
    value = "DIR" },
})

local function read(name)
  local tensors, message = fnet.read_tensors(options.dir .. "/" .. name)
  if tensors then return tensors end
  io.stderr:write("pytorch_weights.lua: ", message, "\n")
  os.exit(1, true)
end

-- In PyTorch: Linear(12, 16), BatchNorm1d(16), ReLU, Linear(16, 4), Softmax (tests/fixtures/pytorch/record.py).
local model = nn.Sequential {
  nn.Dense(12, 16), nn.BatchNorm(16), nn.ReLU(),
  nn.Dense(16, 4), nn.Softmax(),
}
-- Which of PyTorch's layers is which of ours. Its weights are [units, inputs]; load_foreign transposes them.
model:load_foreign(read "model.safetensors", {
  from = "pytorch", names = { ["1"] = "hidden", ["2"] = "norm", ["4"] = "out" },
})

local samples = read "samples.safetensors"
local output = fnet.predict(model, samples.input)
print(("%d samples, largest difference from PyTorch %.1e"):format(#output,
  (output - samples.output):abs():max():item()))
assert(output:allclose(samples.output, 1e-5, 1e-5))
