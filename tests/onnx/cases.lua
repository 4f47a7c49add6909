--- The tests of the ONNX project, which Debian has as libonnx-testdata: each is a folder with a model, inputs and
-- outputs. `./fnet tests/onnx/cases.lua [FOLDER]` prints how each one goes, and why those that do not pass do not;
-- nodes_spec.lua fails where one that passed passes no more. $ONNX_TESTS is the folder with `node` in it.

local fnet = require "fnet"
local reader = require "fnet.onnx.reader"

local cases = {}

cases.DIRECTORY = os.getenv "ONNX_TESTS" or "/usr/share/libonnx-testdata/data"

-- What fnet does otherwise, on purpose.
local CORNERS = "result differs: ONNX's own numbers come of a length with a fraction, that is, of no number of "
  .. "places; onnxruntime and PyTorch give what fnet gives"
local OTHERWISE = {
  resize_downsample_scales_cubic_align_corners = CORNERS, resize_downsample_scales_linear_align_corners = CORNERS,
}

local RELATIVE, ABSOLUTE = 1e-3, 1e-7 -- what ONNX's own runner allows

local function files_of(pattern)
  local list, listing <close> = {}, assert(io.popen("ls -d " .. pattern .. " 2>/dev/null"))
  for path in listing:lines() do list[#list + 1] = path end
  return list
end

local function is_there(path)
  local file <close> = io.open(path)
  return file ~= nil
end

--- The folders of all tests of a kind, sorted; none where they are not installed.
---@param kind string "node"
---@return string[]
function cases.list(kind) return files_of(cases.DIRECTORY .. "/" .. kind .. "/test_*") end

-- Numbers that are equal, also where they are infinite or NaN.
local function is_near(y, expected)
  if #y.shape ~= #expected.shape then return false end
  for i, length in ipairs(expected.shape) do
    if y.shape[i] ~= length then return false end
  end
  y, expected = y:double(), expected:double()
  local same = y:eq(expected):maximum(y:ne(y) * expected:ne(expected))
  local near = (y - expected):abs():le(expected:abs() * RELATIVE + ABSOLUTE)
  return same:maximum(near):sum():item() == y:count()
end

local function data_set(model, folder)
  local inputs = {}
  for i = 1, #model.graph.inputs do
    local x, message = reader.read_tensor(("%s/input_%d.pb"):format(folder, i - 1))
    if not x then return message end
    inputs[i] = x
  end
  local ok, results = pcall(fnet.no_grad, model, table.unpack(inputs))
  if not ok then return tostring(results) end
  if type(results) ~= "table" then results = { results } end
  for i, y in ipairs(results) do
    local expected, message = reader.read_tensor(("%s/output_%d.pb"):format(folder, i - 1))
    if not expected then return message end
    if not is_near(y, expected) then return ("result %d differs"):format(i) end
  end
end

--- Runs one test.
---@param folder string
---@return string? reason why it does not pass; nil where it does
function cases.run(folder)
  local model, message = fnet.load_onnx(folder .. "/model.onnx")
  if not model then return message end
  for number = 0, math.huge do
    local set = ("%s/test_data_set_%d"):format(folder, number)
    if number > 0 and not is_there(set .. "/output_0.pb") then return nil end
    local reason = data_set(model, set)
    if reason then return reason end
  end
end

-- A reason without what differs from test to test, so that equal ones can be counted.
local function short(reason)
  reason = reason:gsub("^.-model%.onnx: ", ""):gsub("^.-%.pb: ", ""):gsub("^[%w_/.]+%.lua:%d+: ", "")
  reason = reason:gsub("^OnnxGraph%b(): ", ""):gsub("node %d+, ([%w_]+)[^:]*: ", "%1: ")
  return (reason:gsub("; it has .*", ""):gsub("^([%w_]+): fnet has no operation.*", "no operation %1"))
end

if arg and arg[0] and arg[0]:find "onnx/cases%.lua$" then
  local passed, reasons, names = 0, {}, {}
  for _, folder in ipairs(cases.list(arg[1] or "node")) do
    local name, reason = folder:match "test_([^/]*)$", cases.run(folder)
    if not reason then
      passed = passed + 1
      if arg[2] == "passed" then print(name) end
    else
      reason = OTHERWISE[name] or short(reason)
      if not reasons[reason] then names[#names + 1] = reason end
      reasons[reason] = reasons[reason] or {}
      table.insert(reasons[reason], name)
    end
  end
  if arg[2] ~= "passed" then
    table.sort(names)
    for _, reason in ipairs(names) do print(("%4d  %s\n      %s"):format(#reasons[reason], reason,
      table.concat(reasons[reason], " "))) end
    print(("%d pass"):format(passed))
  end
end

return cases
