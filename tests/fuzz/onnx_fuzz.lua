--- The reader of ONNX models. What it has read is carried out on small inputs, and what it gives is saved and
-- loaded, and written as ONNX again: either works, or an error says why not.

local fnet = require "fnet"
local answer = require "tests.fuzz.readers".answer

-- Free axes have 2 places. Graphs that a stranger describes may ask for any amount of work, so only inputs that are
-- small are given.
local function example(input)
  local shape, count = {}, 1
  for i, length in ipairs(input.shape or {}) do
    shape[i] = math.type(length) == "integer" and length or 2
    count = count * shape[i]
  end
  return count <= 4096 and fnet.zeros(shape, input.dtype) or nil
end

local function expect_sentence(ok, message)
  if ok then return end
  message = tostring(message)
  assert(not message:find "attempt to" and not message:find "bad argument", message)
end

return function(path)
  local model, message = fnet.load_onnx(path)
  if not answer(path, model, message) then return end
  local inputs = {}
  for i, input in ipairs(model.graph.inputs) do
    inputs[i] = example(input)
    if not inputs[i] then return end
  end
  expect_sentence(pcall(fnet.no_grad, model, table.unpack(inputs)))
  assert(model:export_onnx(path))
  local written = assert(fnet.load_onnx(path))
  assert(written:sha256() == model:sha256())
  local saved, problem = pcall(model.save, model, path)
  expect_sentence(saved, problem)
  if not saved then return end
  local again, reason = fnet.load(path, { finite = false })
  assert(again, reason)
  assert(again:sha256() == model:sha256())
end, true
