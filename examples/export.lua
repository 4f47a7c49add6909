-- A trained network as a C file or as ONNX, and what 8-bit weights cost in accuracy.
--   fnet examples/fashion.lua --checkpoint run
--   fnet examples/export.lua run/checkpoint.safetensors fashion.c --int8

local fnet = require "fnet"

local function fail(message)
  io.stderr:write("export.lua: ", message, "\n")
  os.exit(1, true)
end

-- The paths stand in front of the options.
local paths = {}
while arg[1] and arg[1]:sub(1, 1) ~= "-" do table.insert(paths, table.remove(arg, 1)) end

local options = fnet.options(arg, "Writes a saved classifier as MODEL.c or MODEL.onnx; compares the accuracies.\n"
  .. "In front of the options: the model's file, and the file to write.", {
  { "int8", false, "weights of 8 bits in the C file, a quarter of the size" },
  { "data", "", "directory of the four IDX files with the test pictures", value = "DIR" },
})
if #paths ~= 2 then fail "usage: fnet examples/export.lua model.safetensors out.c [--int8] [--data DIR]" end
local source, target = paths[1], paths[2]
local is_onnx = target:find "%.onnx$" ~= nil
if not is_onnx and not target:find "%.c$" then fail(target .. ": expected a name that ends in .c or .onnx") end
if is_onnx and options.int8 then fail "--int8: only a C file has weights of 8 bits" end

local model, message = fnet.load(source)
if not model then fail(message) end

if is_onnx then
  local done, why = model:export_onnx(target)
  if not done then fail(why) end
  print(target .. ": ONNX")
  return
end

local _, test = fnet.data.fashion_mnist { dir = options.data ~= "" and options.data or nil }
local report, why = model:export_c(target, { weights = options.int8 and "int8" or "float32", data = test })
if not report then fail(why) end
print(("%s: C99, weights of %s"):format(target, options.int8 and "8 bits" or "32 bits"))
print(("accuracy on %d test pictures: %.2f%% before, %.2f%% after"):format(#test, 100 * report.accuracy_float32,
  100 * report.accuracy))
