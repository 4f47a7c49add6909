--- Exported ONNX models beside onnxruntime, where Python has it: a spec adds models with their inputs and results,
-- each of which fnet reads again, and at its end runs all of them in one process.

local fnet = require "fnet"
local assert = require "luassert"
local command = require "tests.support.command"

local Checks = {}
Checks.__index = Checks

-- Writes tensors; their files, one after the other.
local function write(self, kind, tensors)
  local names = {}
  for i, t in ipairs(tensors) do
    names[i] = ("%s%d_%d.npy"):format(kind, #self.lines + 1, i)
    fnet.data.write_npy(self.directory .. "/" .. names[i], t)
  end
  return table.concat(names, ",")
end

--- Exports a model and reads it again with fnet; onnxruntime's turn comes in `run`.
---@param model nn.Module
---@param inputs tensor[] in the order of the file
---@param results tensor[] what has to come
---@param options? table of export_onnx
---@param opset? integer which version of the operations the file has to have, 17
---@return table graph as fnet has read it
---@return nn.OnnxGraph again
function Checks:add(model, inputs, results, options, opset)
  local name = ("model%d.onnx"):format(#self.lines + 1)
  assert.is_true(model:export_onnx(self.directory .. "/" .. name, options))
  local again = assert(fnet.load_onnx(self.directory .. "/" .. name))
  assert.equal(opset or 17, again.graph.opset)
  local got = fnet.no_grad(again, table.unpack(inputs))
  for i, y in ipairs(results) do assert.allclose(y, fnet.is_tensor(got) and got or got[i], 1e-5, 1e-5) end
  table.insert(self.lines, ("%s %s %s"):format(name, write(self, "x", inputs), write(self, "y", results)))
  return again.graph, again
end

--- Runs all of them in onnxruntime.
---@return string? reason why they are left out
function Checks:run()
  if not command.python_has "onnx, onnxruntime" then
    return "left out: this Python has no onnx and onnxruntime: pip install onnx onnxruntime, and set FNET_PYTHON"
  end
  local script = command.quote(command.directory .. "/tests/fixtures/onnx_check.py")
  local list = table.concat(self.lines, "\n") .. "\n"
  local result = command.shell(self.directory, command.python .. " " .. script, list)
  assert.equal("", result.errors)
  assert.equal(#self.lines .. "\n", result.output)
end

return function(directory) return setmetatable({ directory = directory, lines = {} }, Checks) end
