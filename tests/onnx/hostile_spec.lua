--- ONNX files that are damaged, that lie about themselves, or that have what fnet has not: each is refused with a
-- sentence, and nothing is passed over.

local fnet = require "fnet"
local command = require "tests.support.command"
local protobuf = require "fnet.files.protobuf"
local support = require "tests.support"

local integer, float, bytes = protobuf.integer, protobuf.float, protobuf.bytes

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- ---- files, part by part ----

local function list(number, values)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = integer(number, value) end
  return table.concat(parts)
end

local function tensor(name, dims, kind, rest) return list(1, dims) .. integer(2, kind) .. bytes(8, name) .. rest end

local function node(op, inputs, outputs, rest)
  local parts = {}
  for _, name in ipairs(inputs) do parts[#parts + 1] = bytes(1, name) end
  for _, name in ipairs(outputs) do parts[#parts + 1] = bytes(2, name) end
  return bytes(1, table.concat(parts) .. bytes(4, op) .. (rest or ""))
end

local function value(name, kind) return bytes(1, name) .. bytes(2, bytes(1, integer(1, kind or 1))) end

local function attribute(name, kind, rest) return bytes(5, bytes(1, name) .. integer(20, kind) .. rest) end

local function model(graph, opset)
  return integer(1, 8) .. bytes(2, "spec") .. bytes(7, graph .. bytes(11, value "x") .. bytes(12, value "y"))
    .. bytes(8, integer(2, opset or 17))
end

local function load(content)
  command.write_file(directory .. "/x.onnx", content)
  local result, message = fnet.load_onnx(directory .. "/x.onnx")
  return result, message and message:sub(#directory + 2)
end

local function refuses(content, expected)
  local result, message = load(content)
  assert.is_nil(result)
  assert.equal("x.onnx: " .. expected, message)
end

local ADD = node("Add", { "x", "w" }, { "y" })

local function with_tensor(dims, kind, rest) return model(ADD .. bytes(5, tensor("w", dims, kind, rest))) end

-- An attribute's value of each kind; large numbers are rare, so that more than the first check is met.
local VALUES = {
  ["a whole number"] = { 0, 1, -1, 2, 3, 1, 2, 0, 1 << 40, math.maxinteger, math.mininteger },
  ["a number"] = { 0, 1, -1.5, 2, 1e30, 0 / 0 },
  ["a text"] = { "forward", "bidirectional", "sum", "none", "mul", "cubic", "ij->ji", "i,i", "SAME_UPPER", "" },
}

-- A tensor of few axes, some of them empty, of any type.
local function any_tensor(pick)
  local shape = {}
  for i = 1, pick { 0, 1, 2, 3, 4 } do shape[i] = pick { 1, 2, 3, 4, 2, 3, 0 } end
  local t = fnet.rand(shape, -2, 3)
  return pick { t, t, t:int(), t:double(), t:gt(0):byte() }
end

describe("an operation of ONNX", function()
  it("answers any inputs and attributes with a result or a sentence", function()
    fnet.seed(1)
    local operations = require "fnet.onnx.operations"
    local names, attributes = {}, {}
    for name in pairs(operations.functions) do names[#names + 1] = name end
    for name in pairs(operations.ATTRIBUTES) do attributes[#attributes + 1] = name end
    table.sort(names)
    table.sort(attributes)
    local function pick(choices) return choices[math.random(#choices)] end
    for _ = 1, 4000 do
      local name, given = pick(names), {}
      for _ = 1, math.random(0, 4) do
        local key = pick(attributes)
        local kind = operations.ATTRIBUTES[key]
        local single = VALUES[kind] or VALUES[kind and kind:gsub("list of (.*)s$", "%1")]
        given[key] = VALUES[kind] and pick(single) or single and { pick(single), pick(single) } or nil
      end
      local f, inputs = operations.functions[name], {}
      local info, least = debug.getinfo(f, "u"), operations.REQUIRED[name] or 1
      local count = math.max(least, math.random(info.isvararg and 3 or info.nparams - 1))
      for i = 1, count do inputs[i] = (i <= least or math.random(3) > 1) and any_tensor(pick) or nil end
      local called = { attributes = given, outputs = { "y" }, opset = math.random(7, 21) }
      local ok, message = pcall(f, called, table.unpack(inputs, 1, count))
      for _, word in ipairs(ok and {} or { "attempt to", "bad argument", "invalid order", "overflow" }) do
        assert.is_nil(tostring(message):find(word, 1, true), ("%s: %s"):format(name, tostring(message)))
      end
    end
  end)
end)

describe("Split of ONNX", function()
  it("gives as many parts as have names, however many it is told to give", function()
    local split, x = require("fnet.onnx.operations").functions.Split, fnet.tensor { 1, 2, 3 }
    local function parts(count)
      return split({ attributes = { num_outputs = count }, outputs = { "a", "b" } }, x)
    end
    local a, b = parts(2)
    assert.same({ { 1, 2 }, { 3 } }, { a:totable(), b:totable() })
    for _, count in ipairs { 1, 3, 1 << 40, math.maxinteger, -1 } do
      support.raises(("num_outputs is %d, and 2 outputs have names"):format(count), function() parts(count) end)
    end
    support.raises("has no outputs", function() split({ attributes = {}, outputs = {} }, x) end)
  end)
end)

describe("an ONNX file", function()
  it("is read in each form that its numbers may have", function()
    local x = fnet.tensor { 1, 2 }
    for _, rest in ipairs { float(4, 3) .. float(4, 4), bytes(4, string.pack("<ff", 3, 4)),
      bytes(9, string.pack("<ff", 3, 4)) } do
      assert.same({ 4, 6 }, assert(load(with_tensor({ 2 }, 1, rest)))(x):totable())
    end
    assert.same({ 4, 6 }, load(with_tensor({ 2 }, 10, list(5, { 0x4200, 0x4400 })))(x):totable()) -- float16
    assert.same({ 4, 6 }, load(with_tensor({ 2 }, 16, bytes(9, "\x40\x40\x80\x40")))(x):totable()) -- bfloat16
  end)

  it("that lies about its tensors is refused", function()
    refuses(with_tensor({ 3 }, 1, bytes(9, "12345678")), "has the tensor 'w' of 3 numbers of float in 8 bytes")
    refuses(with_tensor({ 3 }, 1, float(4, 1)), "has the tensor 'w' of 3 numbers with 4 bytes of them")
    refuses(with_tensor({ 1 << 40 }, 1, ""), "has the tensor 'w' with an axis of 1099511627776")
    refuses(with_tensor({ -1 }, 1, ""), "has the tensor 'w' with an axis of -1")
    refuses(with_tensor({ (1 << 31) - 1, (1 << 31) - 1 }, 1, ""),
      "has the tensor 'w' with more numbers than any file")
    refuses(with_tensor({ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 1, ""), "has the tensor 'w' of more than 8 axes")
    refuses(with_tensor({ 1 }, 7, list(7, { 1 << 40 })),
      "has the tensor 'w' with the number 1099511627776; fnet's whole numbers are int32, -2147483648 to 2147483647")
    refuses(with_tensor({ 1 }, 9, list(5, { 256 })), "has the tensor 'w' of bool with the number 256")
    refuses(with_tensor({ 1 }, 8, bytes(6, "text")), "has the tensor 'w' of texts, which fnet has no tensors of")
    refuses(with_tensor({ 1 }, 99, ""), "has the tensor 'w' of the type 99, which fnet has no tensors of")
    refuses(with_tensor({ 1 }, 1, integer(14, 1)), "has the tensor 'w' in a file beside it; in Python, "
      .. "onnx.save(onnx.load(path), path) puts all into one")
  end)

  it("whose graph does not fit together is refused", function()
    refuses(model(node("Relu", { "z" }, { "y" })),
      "its description is damaged: node 1, Relu takes 'z', which nothing before it gives")
    refuses(model(node("Relu", { "x" }, { "z" })), "its description is damaged: nothing gives 'y'")
    refuses(model(node("Relu", { "x" }, { "x" })), "its description is damaged: 'x' is there twice")
    refuses(model(node("Add", { "x" }, { "y" })), "node 1, Add: expected 2 inputs, got 1")
    refuses(model(node("Relu", { "x", "x" }, { "y" })), "node 1, Relu: expected 1 inputs, got 2")
    refuses(model(node("Relu", { "x" }, { "y" }, attribute("slope", 1, float(2, 1)))),
      "node 1, Relu: has the attribute 'slope', which fnet does not know")
    refuses(model(node("Softmax", { "x" }, { "y" }, attribute("axis", 3, bytes(4, "last")))),
      "node 1, Softmax: expected for the attribute 'axis' a whole number, got string")
    refuses(model(node("Relu", { "x" }, { "y" }, attribute("body", 5, bytes(6, "")))),
      "node 1, Relu: has the attribute 'body' of a kind that fnet does not read")
    refuses(model(node("Relu", { "x" }, { "y" }, bytes(7, "com.microsoft"))),
      "has the operation 'Relu' of 'com.microsoft', which is none of ONNX's own")
    refuses(model(node("Relu", { "x" }, { "y" }), 22), "has operations of version 22; fnet reads 7 to 21: in "
      .. "Python, onnx.version_converter.convert_version(onnx.load(path), 17)")
    refuses("\8\8\18\1x", "is no ONNX model: it has no graph")
    refuses("", "is empty")
  end)

  it("may ask for what does not fit its input; the message names the node", function()
    local graph = node("Softmax", { "x" }, { "y" }, attribute("axis", 2, integer(3, 5)))
    local loaded = assert(load(model(graph)))
    assert.error_matches(function() loaded(fnet.ones { 2 }) end,
      "OnnxGraph%(1 operations, opset 17%): node 1, Softmax: the axis 5 is outside the 1 axes of its input")
  end)

  it("is cut off anywhere: refused", function()
    local whole = command.read_file(command.directory .. "/tests/fixtures/onnx/pytorch_dense.onnx")
    for length = 1, #whole - 1, 7 do
      local result, message = load(whole:sub(1, length))
      assert.is_nil(result, length)
      assert.matches("^x%.onnx: ", message)
    end
  end)
end)
