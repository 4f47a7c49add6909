-- A trained network as a C file, and what 8-bit weights cost in accuracy; as ONNX; or as a page that runs in a
-- browser, in which one draws and sees the bars move. `fnet export` does it without a script.
--   fnet examples/fashion.lua --checkpoint run
--   fnet examples/export.lua run/checkpoint.safetensors fashion.c --int8
--   fnet examples/export.lua run/checkpoint.safetensors fashion.html

local fnet = require "fnet"

local function fail(message)
  io.stderr:write("export.lua: ", message, "\n")
  os.exit(1, true)
end

-- The paths stand in front of the options.
local paths = {}
while arg[1] and arg[1]:sub(1, 1) ~= "-" do table.insert(paths, table.remove(arg, 1)) end

local options = fnet.options(arg, "Writes a saved classifier as MODEL.c, MODEL.onnx or MODEL.html.\n"
  .. "In front of the options: the model's file, and the file to write.", {
  { "int8", false, "weights of 8 bits in the C file, a quarter of the size" },
  { "data", "", "directory of the four IDX files with the test pictures", value = "DIR" },
})
if #paths ~= 2 then fail "usage: fnet examples/export.lua model.safetensors out.c [--int8] [--data DIR]" end
local source, target = paths[1], paths[2]
local format = target:match "%.(%w+)$"
if format ~= "c" and format ~= "onnx" and format ~= "html" then
  fail(target .. ": expected a name that ends in .c, .onnx or .html")
end
if format ~= "c" and options.int8 then fail "--int8: only a C file has weights of 8 bits" end

local model, message = fnet.load(source)
if not model then fail(message) end

if format == "onnx" then
  local done, why = model:export_onnx(target)
  if not done then fail(why) end
  print(target .. ": ONNX")
  return
end

local _, test = fnet.data.fashion_mnist { dir = options.data ~= "" and options.data or nil }
if format == "html" then
  local done, why = model:export_html(target, { data = test }) -- with a hundred of its pictures to step through
  if not done then fail(why) end
  print(target .. ": a page; open it in a browser")
  return
end

local report, why = model:export_c(target, { weights = options.int8 and "int8" or "float32", data = test })
if not report then fail(why) end
print(("%s: C99, weights of %s"):format(target, options.int8 and "8 bits" or "32 bits"))
print(("accuracy on %d test pictures: %.2f%% before, %.2f%% after"):format(#test, 100 * report.accuracy_float32,
  100 * report.accuracy))
