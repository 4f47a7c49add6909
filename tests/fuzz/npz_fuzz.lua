--- The readers of .npz, and with them of zip: whole, and what the directory says.

local read_npz = require "fnet".data.read_npz
local npy = require "fnet.files.npy"
local answer = require "tests.fuzz.readers".answer

return function(path)
  local arrays = answer(path, npy.describe_archive(path))
  local tensors = answer(path, read_npz(path))
  answer(path, read_npz(path, { names = { "x" }, limit = 1 << 16 }))
  assert(arrays or not tensors, "what can be read can be described")
end
