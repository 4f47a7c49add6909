--- `fnet export model --to format file`: a saved model as a C file, as ONNX, or as a page for a browser.

local command = require "fnet.command.model"
local core = require "fnet.core"
local naming = require "fnet.base.naming"
local options = require "fnet.command.options"
local read_test = require "fnet.command.test_data"
local try = require "fnet.base.try"

local FORMATS = { "c", "onnx", "html" }
local WHAT = { c = "C99", onnx = "ONNX", html = "a page for a browser" }
local TAKES_VALUE = { ["--to"] = true, ["--data"] = true, ["--title"] = true, ["--input"] = true }
local USAGE = "which model, and which file? fnet export model.safetensors --to html clothes.html"

-- The words that are neither options nor values of such, taken out of the arguments.
local function take_paths(arguments)
  local paths, rest, i = {}, { [0] = arguments[0] }, 1
  while i <= #arguments do
    local word = arguments[i]
    if word:sub(1, 1) == "-" then rest[#rest + 1] = word else paths[#paths + 1] = word end
    if TAKES_VALUE[word] and arguments[i + 1] then
      i = i + 1
      rest[#rest + 1] = arguments[i]
    end
    i = i + 1
  end
  return paths, rest
end

-- The format that is named, or that the name of the file ends in; nil and why not.
local function format_of(name, path)
  local wanted = name ~= "" and name or path:match "%.(%w+)$" or ""
  for _, format in ipairs(FORMATS) do
    if wanted:lower() == format then return format end
  end
  local known = table.concat(FORMATS, ", ")
  if name ~= "" then
    return nil, ("--to: unknown format '%s'%s; known are %s"):format(name, naming.hint(name, FORMATS), known)
  end
  return nil, ("%s: its name does not say which format it has; say it with --to, one of %s"):format(path, known)
end

-- Why an option does not go with the format; nil where all do.
local function misplaced(values, format)
  if values.int8 and format ~= "c" then return "--int8: only a C file has weights of 8 bits" end
  if values.title ~= "" and format ~= "html" then return "--title: only a page has a title" end
  if values.data ~= "" and format == "onnx" then return "--data: of ONNX nothing is shown or measured" end
  return nil
end

-- Whether a file that is to be written is the model itself, or called like one: a slip of names would lose it.
local function loses_model(source, target) return target == source or target:find "%.safetensors$" ~= nil end

-- The lengths of a text such as "28x28"; nil for an empty one.
local function shape_of(text)
  if text == "" then return nil end
  local shape = {}
  for length in (text .. "x"):gmatch "(.-)x" do
    shape[#shape + 1] = length:find "^%d%d?%d?%d?%d?$" and math.tointeger(tonumber(length))
      or error(("--input: expected the lengths of a sample, such as 28x28 or 32x32x3, got '%s'"):format(text), 0)
  end
  return shape
end

-- What each exporter takes beside the path; may raise.
local function options_of(format, about, values)
  local data = about.data
  local shape = shape_of(values.input) or data and data.shape
  if format == "onnx" then return { input = shape } end
  local test = values.data ~= "" and read_test(values.data, data) or nil
  if format == "c" then return { input = shape, weights = values.int8 and "int8" or nil, data = test } end
  return { data = test or data, title = values.title ~= "" and values.title or nil, input = shape }
end

-- Lengths of an example, by what an exporter's message calls them.
local EXAMPLES = { length = "20", time = "20", inputs = "8", height = "28", width = "28", channels = "1" }

-- An exporter's message for somebody who has no script.
local function explained(message, about)
  message = message:gsub("^export_%l+: ", "")
  local form = not (about.data and about.data.shape) and message:match "input = { (.-) }"
  if not form then return message end
  return ("%s; here --input says it, such as --input %s, or a model that is saved with { data = train }"):format(
    message, (form:gsub("%a+", EXAMPLES):gsub(", ", "x")))
end

--- Writes the model's file in another format, and says so.
---@param arguments string[] the model's path and that of the new file; --to FORMAT, --data DIR, --input SHAPE,
--- --title TEXT, --int8
---@return boolean succeeded
return function(arguments)
  local paths, rest = take_paths(arguments)
  local values = options(rest, "Writes a saved model as a C file, as ONNX, or as a page that runs in a browser:\n"
    .. "fnet export model.safetensors --to html clothes.html", {
    { "to", "", "c, onnx or html; by default what the file's name ends in", value = "FORMAT" },
    { "data", "", "directory of four IDX files, whose test pictures the page shows, or C is measured on",
      value = "DIR" },
    { "input", "", "what a sample is, such as 28x28, where the model's file does not say it", value = "SHAPE" },
    { "title", "", "of the page" },
    { "int8", false, "weights of 8 bits in the C file, a quarter of the size" },
  })
  if #paths ~= 2 then return command.fail("export", "%s", USAGE) end
  local source, target = table.unpack(paths)
  local format, problem = format_of(values.to, target)
  if not format then return command.fail("export", "%s", problem) end
  problem = misplaced(values, format)
  if problem then return command.fail("export", "%s", problem) end
  if loses_model(source, target) then
    return command.fail("export", "%s: is a model's file, which would be lost; give another name", target)
  end
  local model, about = command.load(source)
  if not model then return command.fail("export", "%s", about) end
  local chosen, settings = try(options_of, format, about, values)
  if not chosen then return command.fail("export", "%s", core.error_text(settings)) end
  local ok, report, message = try(model["export_" .. format], model, target, settings)
  if not ok then return command.fail("export", "%s: %s", source, explained(core.error_text(report), about)) end
  if not report then return command.fail("export", "%s", message) end
  print(core.visible(("%s: %s"):format(target, WHAT[format])))
  if format == "c" and report.accuracy then
    print(("accuracy %.2f%% before, %.2f%% after"):format(100 * report.accuracy_float32, 100 * report.accuracy))
  end
  return true
end
