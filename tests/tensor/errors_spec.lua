--- Wrong use of tensors: every function says what it expected and what it got, at the line that called it.

local fnet = require "fnet"
local core = require "fnet.core"
local operations = require "tests.support.operations"
local support = require "tests.support"

local raises = support.raises
local NAN = 0 / 0

local NO_INTEGERS, NO_TENSORS = support.no_integers, support.no_tensors

local t, bytes
before_each(function()
  t = fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  bytes = fnet.tensor({ 1, 2, 3 }, "uint8")
end)

local function calling(code, x) return support.calling(fnet, t, code, x) end

describe("a shape", function()
  for name, code in pairs {
    zeros = "fnet.zeros(x)", ones = "fnet.ones(x)", full = "fnet.full(x, 1)", rand = "fnet.rand(x)",
    randn = "fnet.randn(x)", from_bytes = "fnet.from_bytes('', x)", expand = "t:expand(x)",
  } do
    it("of " .. name .. " is a table of whole numbers", function()
      local tensor = { t, "a float32 tensor of [2, 3]" }
      for _, wrong in ipairs { { 3, "number" }, { "3", "string" }, { true, "boolean" }, tensor } do
        raises(name .. ": expected a shape such as {2, 3}, got " .. wrong[2], calling(code, wrong[1]))
      end
      raises(name .. ": expected a shape such as {2, 3}, got nil", calling(code))
      for _, wrong in ipairs(NO_INTEGERS) do
        raises(name .. ": expected a whole number of at least 0, got " .. wrong[2], calling(code, { 2, wrong[1] }))
      end
      raises(name .. ": expected a whole number of at least 0, got -1", calling(code, { -1 }))
      raises(name .. ": expected at most 8 axes, got 9", calling(code, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }))
    end)
  end

  it("is refused where its size overflows", function()
    raises("zeros: [4611686018427387904] of float32 elements is more than this machine can address",
      function() local _ = fnet.zeros { 2 ^ 62 } end)
    raises("full: [4294967296, 4294967296] of uint8 elements is more than this machine can address",
      function() local _ = fnet.full({ 2 ^ 32, 2 ^ 32 }, 0, "uint8") end)
    raises("rand: [9223372036854775807] of float64 elements is more than this machine can address",
      function() local _ = fnet.rand({ math.maxinteger }, 0, 1, "float64") end)
    raises("zeros: [0, 4611686018427387904, 4] of float32 elements is more than this machine can address",
      function() local _ = fnet.zeros { 0, 2 ^ 62, 4 } end)
    raises("eye: [4294967296, 4294967296] of float32 elements is more than this machine can address",
      function() local _ = fnet.eye(2 ^ 32) end)
    raises("reshape: the lengths are too large", function() t:reshape { 2 ^ 62, 2 ^ 62 } end)
    raises("expand: [4611686018427387904, 1] of float32 elements is more than this machine can address",
      function() fnet.ones({ 1 }):expand { 2 ^ 62, 1 } end)
    raises("unslice: [9223372036854775807, 0] of float32 elements is more than this machine can address",
      function() fnet.zeros({ 0, 0 }):unslice(1, 1, math.maxinteger) end)
    local long = fnet.ones({ 1 }):expand { 2 ^ 32 }
    raises("add: [4294967296, 4294967296] of float32 elements is more than this machine can address",
      function() local _ = long + long:reshape { 2 ^ 32, 1 } end)
  end)

  it("is refused with its size where memory is short, and the next one is served", function()
    local many = 2 ^ 50 // 1 | 0
    local huge = fnet.ones({ 1 }):expand { many }
    raises("zeros: not enough memory for 4294967296 MiB; use fewer or smaller tensors",
      function() local _ = fnet.zeros { many } end)
    raises("randn: not enough memory for 8589934592 MiB; use fewer or smaller tensors",
      function() local _ = fnet.randn({ many }, 0, 1, "float64") end)
    raises("arange: not enough memory for 4294967296 MiB; use fewer or smaller tensors",
      function() local _ = fnet.arange(1, many) end)
    raises("clone: not enough memory for 4294967296 MiB; use fewer or smaller tensors",
      function() huge:clone() end)
    raises("exp: not enough memory for 4294967296 MiB; use fewer or smaller tensors", function() huge:exp() end)
    raises("mul: not enough memory for 4294967296 MiB; use fewer or smaller tensors",
      function() local _ = huge * 2 end)
    raises("sum: not enough memory for 4294967296 MiB; use fewer or smaller tensors", function() huge:sum() end)
    raises("bytes: not enough memory for 4294967296 MiB; use fewer or smaller tensors",
      function() huge:bytes() end)
    raises("matmul: not enough memory for 4294967296 MiB; use fewer or smaller tensors",
      function() huge:reshape({ many, 1 }):matmul(fnet.ones { 1, 1 }) end)
    raises("concat: not enough memory for 8589934592 MiB; use fewer or smaller tensors",
      function() local _ = fnet.concat { huge, huge } end)
    assert.equal(1000000, fnet.ones({ 1000000 }):sum():item())
  end)
end)

describe("a type", function()
  it("is one of four names", function()
    local hint = ": expected the type float32, float64, uint8 or int32, got "
    for _, wrong in ipairs { { "float", "float" }, { "", "" }, { 32, "number" }, { {}, "table" } } do
      local name, shown = wrong[1], wrong[2]
      raises("tensor" .. hint .. shown, function() local _ = fnet.tensor({ 1 }, name) end)
      raises("full" .. hint .. shown, function() local _ = fnet.full({ 1 }, 1, name) end)
      raises("zeros" .. hint .. shown, function() local _ = fnet.zeros({ 1 }, name) end)
      raises("ones" .. hint .. shown, function() local _ = fnet.ones({ 1 }, name) end)
      raises("eye" .. hint .. shown, function() local _ = fnet.eye(1, name) end)
      raises("arange" .. hint .. shown, function() local _ = fnet.arange(1, 2, 1, name) end)
      raises("rand" .. hint .. shown, function() local _ = fnet.rand({ 1 }, 0, 1, name) end)
      raises("randn" .. hint .. shown, function() local _ = fnet.randn({ 1 }, 0, 1, name) end)
      raises("from_bytes" .. hint .. shown, function() local _ = fnet.from_bytes("", {}, name) end)
      raises("to" .. hint .. shown, function() t:to(name) end)
    end
  end)

  it("of random numbers is a float", function()
    raises("rand: expected float32 or float64, got int32", function() local _ = fnet.rand({ 1 }, 0, 1, "int32") end)
    raises("randn: expected float32 or float64, got uint8",
      function() local _ = fnet.randn({ 1 }, 0, 1, "uint8") end)
  end)
end)

describe("creation", function()
  it("from tables", function()
    local hint = "tensor: expected a table of numbers (nested for more axes), got "
    raises(hint .. "nil", function() local _ = fnet.tensor() end)
    raises(hint .. "string", function() local _ = fnet.tensor "5" end)
    raises(hint .. "a float32 tensor of [2, 3]", function() local _ = fnet.tensor(t) end)
    local rows = "tensor: rows must be equally long: expected "
    raises(rows .. "2 entries at level 2 after element 2, got 1 entries",
      function() local _ = fnet.tensor { { 1, 2 }, { 3 } } end)
    raises(rows .. "1 entries at level 2 after element 1, got 2 entries",
      function() local _ = fnet.tensor { { 1 }, { 2, 3 } } end)
    raises(rows .. "1 entries at level 2 after element 1, got number",
      function() local _ = fnet.tensor { { 1 }, 2 } end)
    raises(rows .. "0 entries at level 2 after element 0, got 1 entries",
      function() local _ = fnet.tensor { {}, { 1 } } end)
    raises(rows .. "0 entries at level 2 after element 0, got number",
      function() local _ = fnet.tensor { {}, 1 } end)
    raises(rows .. "1 entries at level 3 after element 1, got number",
      function() local _ = fnet.tensor { { { 1 }, 2 } } end)
    raises("tensor: element 2: expected a number, got table", function() local _ = fnet.tensor { 1, { 2 } } end)
    raises("tensor: element 2: expected a number, got string", function() local _ = fnet.tensor { 1, "2" } end)
    raises("tensor: element 1: expected a number, got boolean", function() local _ = fnet.tensor { false } end)
    raises("tensor: element 2: expected a number, got nil", function() local _ = fnet.tensor { 1, nil, 3 } end)
    raises("tensor: element 1: expected a number, got nil", function() local _ = fnet.tensor { nil, 3 } end)
    raises("tensor: element 2: expected a number, got nil",
      function() local _ = fnet.tensor { [1] = 1, [9] = 3 } end)
    raises("tensor: element 1: expected a number, got a float32 tensor of [2, 3]; fnet.stack and fnet.concat " ..
      "join tensors", function() local _ = fnet.tensor { t } end)
    local circle = {}
    circle[1] = circle
    raises("tensor: expected at most 8 levels", function() local _ = fnet.tensor(circle) end)
  end)

  it("of integers from other numbers", function()
    local bytes_hint = ": expected a whole number from 0 to 255 for uint8, got "
    local hint = ": expected a whole number from -2147483648 to 2147483647 for int32, got "
    for _, wrong in ipairs {
      { -1, "-1" }, { 256, "256" }, { 0.5, "0.5" }, { NAN, tostring(NAN) }, { 2 ^ 53, tostring(2 ^ 53) },
    } do
      raises("tensor: element 1" .. bytes_hint .. wrong[2],
        function() local _ = fnet.tensor({ wrong[1] }, "uint8") end)
      raises("full" .. bytes_hint .. wrong[2], function() local _ = fnet.full({ 1 }, wrong[1], "uint8") end)
      raises("fill" .. bytes_hint .. wrong[2], function() bytes:fill(wrong[1]) end)
      raises("set" .. bytes_hint .. wrong[2], function() bytes:set(wrong[1], 1) end)
      raises("t[i] = value" .. bytes_hint .. wrong[2], function() bytes[1] = wrong[1] end)
    end
    raises("tensor: element 3" .. hint .. "2147483648",
      function() local _ = fnet.tensor({ 1, 2, 2147483648 }, "int32") end)
    raises("full" .. hint .. "-2147483649", function() local _ = fnet.full({ 1 }, -2147483649, "int32") end)
    raises("full" .. hint .. "inf", function() local _ = fnet.full({ 1 }, math.huge, "int32") end)
    raises("full: expected a number, got nil", function() local _ = fnet.full { 1 } end)
    raises("full: expected a number, got string", function() local _ = fnet.full({ 1 }, "1") end)
  end)

  it("of eye", function()
    raises("eye: expected a whole number of at least 0, got -1", function() local _ = fnet.eye(-1) end)
    raises("eye: expected a whole number of at least 0, got 1.5", function() local _ = fnet.eye(1.5) end)
    raises("eye: expected a whole number of at least 0, got string", function() local _ = fnet.eye "3" end)
  end)

  it("of arange", function()
    raises("arange: first: expected a number, got nil", function() local _ = fnet.arange() end)
    raises("arange: last: expected a number, got string", function() local _ = fnet.arange(1, "5") end)
    raises("arange: step: expected a number, got table", function() local _ = fnet.arange(1, 5, {}) end)
    for _, step in ipairs { 0, NAN, math.huge } do
      raises("arange: expected a finite step other than zero, got " .. tostring(step + 0.0),
        function() local _ = fnet.arange(1, 5, step) end)
    end
    raises("arange: from 1.0 to inf in steps of 1.0 is not a finite range",
      function() local _ = fnet.arange(1, math.huge) end)
    raises("arange: from -inf to 1.0 in steps of 1.0 is not a finite range",
      function() local _ = fnet.arange(-math.huge, 1) end)
    raises(("arange: from %s to 1.0 in steps of 1.0 is not a finite range"):format(NAN),
      function() local _ = fnet.arange(NAN, 1) end)
    raises("arange: from 1.0 to 1e+300 in steps of 1.0 is not a finite range",
      function() local _ = fnet.arange(1, 1e300) end)
    local hint = "arange: expected a whole number from 0 to 255 for uint8, got "
    raises(hint .. "256", function() local _ = fnet.arange(1, 256, 1, "uint8") end)
    raises(hint .. "-1", function() local _ = fnet.arange(-1, 5, 1, "uint8") end)
    raises(hint .. "0.5", function() local _ = fnet.arange(0, 1, 0.5, "uint8") end)
    raises(hint .. "0.5", function() local _ = fnet.arange(0.5, 5, 1, "uint8") end)
  end)

  it("of random numbers", function()
    raises("rand: expected low <= high, got 2.0 and 1.0", function() local _ = fnet.rand({ 1 }, 2, 1) end)
    raises("rand: low: expected a finite number, got " .. tostring(NAN),
      function() local _ = fnet.rand({ 1 }, NAN) end)
    raises("rand: high: expected a finite number, got inf", function() local _ = fnet.rand({ 1 }, 0, math.huge) end)
    raises("rand: low: expected a number, got string", function() local _ = fnet.rand({ 1 }, "0") end)
    raises("rand: from -1.7e+308 to 1.7e+308 is too wide a range",
      function() local _ = fnet.rand({ 1 }, -1.7e308, 1.7e308) end)
    raises("randn: expected a deviation of at least 0, got -1.0", function() local _ = fnet.randn({ 1 }, 0, -1) end)
    raises("randn: mean: expected a finite number, got -inf",
      function() local _ = fnet.randn({ 1 }, -math.huge) end)
    raises("randn: deviation: expected a number, got boolean", function() local _ = fnet.randn({ 1 }, 0, true) end)
    for _, wrong in ipairs(NO_INTEGERS) do
      raises("permutation: expected a whole number from 0 to 2147483647, got " .. wrong[2],
        function() local _ = fnet.permutation(wrong[1]) end)
    end
    raises("permutation: expected a whole number from 0 to 2147483647, got -1",
      function() local _ = fnet.permutation(-1) end)
    raises("permutation: expected a whole number from 0 to 2147483647, got 2147483648",
      function() local _ = fnet.permutation(2147483648) end)
    raises("permutation: expected a whole number from 0 to 2147483647, got nil",
      function() local _ = fnet.permutation() end)
  end)

  it("from bytes", function()
    raises("from_bytes: expected a string, got number", function() local _ = fnet.from_bytes(1234, { 1 }) end)
    raises("from_bytes: expected a string, got nil", function() local _ = fnet.from_bytes() end)
    raises("from_bytes: expected the bytes of [2] of float32, got a string of 4 bytes",
      function() local _ = fnet.from_bytes("abcd", { 2 }) end)
    raises("from_bytes: expected the bytes of [] of float64, got a string of 9 bytes",
      function() local _ = fnet.from_bytes("abcdefghi", {}, "float64") end)
    raises("from_bytes: expected the bytes of [4611686018427387904] of float32, got a string of 0 bytes",
      function() local _ = fnet.from_bytes("", { 2 ^ 62 }) end)
  end)

  it("by concat", function()
    raises("concat: expected a table of at least one tensor, got an empty table", function() fnet.concat {} end)
    local strange = setmetatable({ 1 }, { __len = function() return -1 end })
    raises("stack: expected a tensor, got number", function() fnet.stack(strange) end)
    raises("concat: expected a table of at least one tensor, got nil", function() fnet.concat() end)
    raises("concat: expected a table of at least one tensor, got a float32 tensor of [2, 3]",
      function() fnet.concat(t) end)
    raises("concat: expected a tensor, got string", function() fnet.concat { "x" } end)
    raises("concat: expected a tensor, got number", function() fnet.concat { t, 5 } end)
    local hint = "concat: along axis 1 all other lengths and the types must be equal, got "
    raises(hint .. "float32 [2, 3] and float32 [3, 2]", function() fnet.concat { t, t:T() } end)
    raises(hint .. "float32 [2, 3] and float32 [3]", function() fnet.concat { t, t[1] } end)
    raises(hint .. "float32 [2, 3] and float64 [2, 3]", function() fnet.concat { t, t:double() } end)
    raises("concat: axis: expected a whole number from 1 to 2, got 3", function() fnet.concat({ t, t }, 3) end)
    raises("concat: axis: expected a whole number from 1 to 2, got 0; the last axis is 2",
      function() fnet.concat({ t }, 0) end)
    raises("concat: axis: expected a whole number from 1 to 0, got 1",
      function() fnet.concat { fnet.tensor(1) } end)
  end)
end)

describe("conversion", function()
  it("of what does not fit", function()
    raises("to: element 2 is 256.0, which uint8 cannot hold", function() fnet.tensor({ 1, 256 }):byte() end)
    raises("to: element 1 is -1.0, which uint8 cannot hold", function() fnet.tensor({ -1 }, "int32"):byte() end)
    raises("to: element 3 is inf, which int32 cannot hold", function() fnet.tensor({ 1, 2, math.huge }):int() end)
    raises(("to: element 1 is %s, which int32 cannot hold"):format(NAN), function() fnet.tensor({ NAN }):int() end)
    raises("to: element 1 is 2147483648.0, which int32 cannot hold", function() fnet.tensor(2 ^ 31):int() end)
  end)

  it("of clamp's limits", function()
    local hint = "clamp: expected two numbers, low <= high, got "
    raises(hint .. "2 and 1", function() t:clamp(2, 1) end)
    raises(hint .. "0 and nil", function() t:clamp(0) end)
    raises(hint .. "string and 1", function() t:clamp("a", 1) end)
    raises(hint .. tostring(NAN) .. " and 1", function() t:clamp(NAN, 1) end)
  end)

  it("of allclose's tolerances", function()
    raises("allclose: relative: expected a number, got string", function() t:allclose(t, "1") end)
    raises("allclose: absolute: expected a number, got table", function() t:allclose(t, 0, {}) end)
  end)

  it("of softmax's operand", function()
    raises("softmax: expected a float tensor, got uint8; convert with :float()", function() bytes:softmax() end)
  end)
end)

describe("what is no tensor", function()
  local METHODS = {
    "sum", "max", "min", "argmax", "argmin", "mean", "reshape", "flatten", "transpose", "slice", "select",
    "expand", "clone", "contiguous", "to", "detach", "is_contiguous", "item", "get", "set", "fill", "copy",
    "release", "bytes", "totable", "matmul", "count", "leaky_relu", "elu", "selu", "log_softmax", "var",
    "unsqueeze", "squeeze", "chunk", "clamp", "softmax", "gather", "equal", "allclose", "backward", "zero_grad",
    "T", "row", "float", "double", "int", "byte", "std", "norm", "take_along_axis",
    "sort", "argsort", "topk", "median", "quantile", "unique", "cumsum", "cumprod", "prod", "any", "all",
    "logsumexp",
    "outer", "sample", "bernoulli",
    "pick", "nonzero", "one_hot", "bincount", "histogram", "masked_select", "masked_fill", "scatter_add", "flip",
    "roll", "pad", "tile", "tril", "triu",
    table.unpack(operations.names(1, "METHOD", "COMPARISON", "WHOLE")),
  }

  it("is refused as self by every method", function()
    for _, name in ipairs(METHODS) do
      local colon = ("; a method is called with a colon, t:%s(...)"):format(name)
      for _, wrong in ipairs(NO_TENSORS) do
        local message = name .. ": expected a tensor, got " .. wrong[2] .. colon
        raises(message, calling(("t.%s(x)"):format(name), wrong[1]))
      end
    end
  end)

  it("the list of methods has them all", function()
    local known = {}
    for _, name in ipairs(METHODS) do known[name] = true end
    for _, name in ipairs { "gt", "ge", "unslice",
      table.unpack(operations.names(2, "METHOD", "COMPARISON")) } do known[name] = true end
    for name in pairs(core.methods) do assert.is_true(known[name], "no test of a wrong self for " .. name) end
  end)

  it("is refused as the other operand", function()
    for _, name in ipairs(operations.names(2, "METHOD", "COMPARISON")) do
      for _, wrong in ipairs { { "2", "string" }, { {}, "table" }, { io.stdout, "userdata" }, { nil, "nil" } } do
        local shown = wrong[2] or "nil"
        if shown == "table" then shown = "table; fnet.tensor { ... } makes one of numbers" end
        raises(name .. ": expected a tensor or a number, got " .. shown, function() t[name](t, wrong[1]) end)
        raises(name .. ": expected a tensor or a number, got " .. shown,
          function() fnet.ones({ 2 }, "int32")[name](fnet.ones({ 2 }, "int32"), wrong[1]) end)
      end
    end
    raises("eq: expected a tensor or a number, got nil", function() fnet.ones({ 2 }, "int32"):eq() end)
    raises("add: expected a tensor or a number, got table; fnet.tensor { ... } makes one of numbers",
      function() local _ = t + {} end)
    raises("add: expected a tensor or a number, got nil", function() local _ = nil + t end)
    raises("mul: expected a tensor or a number, got string", function() local _ = "x" * t end)
    for _, name in ipairs { "equal", "allclose", "copy" } do
      for _, wrong in ipairs(NO_TENSORS) do
        local way_out = wrong[2] == "table" and "; fnet.tensor { ... } makes one of numbers" or ""
        local message = name .. ": expected a tensor, got " .. wrong[2] .. way_out
        raises(message, calling(("t:%s(x)"):format(name), wrong[1]))
      end
    end
    raises("sha256: expected a tensor, got number", function() local _ = fnet.sha256(5) end)
    raises("sha256: expected a tensor, got userdata", function() local _ = fnet.sha256("x", io.stdout) end)
  end)
end)

describe("fields", function()
  it("that do not exist", function()
    local hint = "; it has shape, rank, dtype, grad, requires_grad and the methods that `fnet --help tensor` lists"
    raises("a tensor has no field or method 'colour'" .. hint, function() local _ = t.colour end)
    raises("a tensor has no field or method 'summ'; did you mean 'sum'?", function() t:summ() end)
    raises("a tensor has no field or method 'logsoftmax'; did you mean 'log_softmax'?",
      function() t:logsoftmax() end)
    raises("a tensor has no field or method 'shap'; did you mean 'shape'?", function() return t.shap end)
    raises("a tensor has no field or method 'require_grad'; did you mean 'requires_grad'?",
      function() return t.require_grad end)
    raises("a tensor has no field or method 'shpe'; did you mean 'shape'?", function() return t.shpe end)
    local cannot = " cannot be set; elements are t[i], properties are requires_grad and grad"
    raises("a tensor's field 'shape'" .. cannot, function() t.shape = { 3, 2 } end)
    raises("a tensor's field 'name'" .. cannot, function() t.name = "x" end)
    raises("requires_grad: expected true or false, got number", function() t.requires_grad = 1 end)
    raises("requires_grad: only float tensors have gradients, this one is uint8; use :float() first",
      function() bytes.requires_grad = true end)
  end)
end)

describe("names and keys of other libraries", function()
  it("lead to what a tensor has instead", function()
    for theirs, ours in pairs {
      view = "did you mean 'reshape'?", size = "did you mean 'shape'?", dot = "did you mean 'matmul'?",
      cat = "fnet.concat { a, b } joins tensors", astype = "did you mean 'to'?",
      permute = [[fnet.einsum("ijk->kij", t) orders axes anew, t:transpose(axis1, axis2) exchanges two]],
    } do
      raises(("a tensor has no field or method '%s'; %s"):format(theirs, ours), function() local _ = t[theirs] end)
    end
  end)

  it("are names that a tensor does not have, and lead to such that it has", function()
    local fields = { shape = true, rank = true, dtype = true, grad = true, requires_grad = true }
    for theirs, ours in pairs(core.metatable.elsewhere) do
      assert.is_nil(core.methods[theirs], theirs)
      assert.is_truthy(ours:find " " or core.methods[ours] or fields[ours], ours)
    end
  end)

  it("have no hint where another word is near in letters alone", function()
    for _, word in ipairs { "bin", "fan", "mix", "sip" } do
      local _, message = pcall(function() return t[word] end)
      assert.is_nil(message:find "did you mean", word)
    end
  end)

  it("that are no index say what is one", function()
    local way_out = ": an index is one whole number; t:get(i, j) is an element, t:slice(axis, first, last) a " ..
      "part of an axis, t:gather(rows) some rows, t:masked_select(mask) what a mask marks, " ..
      "t:masked_fill(mask, value) and fnet.where(mask, a, b) choose by one"
    raises("a tensor has no part [table]" .. way_out, function() return t[{ 1, 2 }] end)
    raises("a tensor has no part [a float32 tensor of [2, 3]]" .. way_out, function() return t[t:gt(0)] end)
    raises('a tensor has no part ["1:2"]' .. way_out, function() return t["1:2"] end)
    raises("a tensor has no part [boolean]" .. way_out, function() return t[true] end)
    raises("a tensor has no part [nil]" .. way_out, function() return t[nil] end)
    raises("a tensor has no part [a float32 tensor of [2, 3]]" .. way_out, function() t[t:gt(0)] = 0 end)
    raises("a tensor has no part [table]" .. way_out, function() t[{ 1, 2 }] = 0 end)
  end)
end)

describe("a tensor where something else is expected", function()
  it("is called one, with its type and shape", function()
    local wrong = fnet.zeros({ 2, 2 }, "int32")
    raises("sum: axis: expected a whole number from 1 to 2, got an int32 tensor of [2, 2]",
      function() t:sum(wrong) end)
    raises("mean: axis: expected a whole number from 1 to 2, got an int32 tensor of [2, 2]",
      function() t:mean(wrong) end)
    raises("set: expected a number, got a float32 tensor of [2, 3]", function() t:set(t, 1, 1) end)
    raises("fill: expected a number, got a float32 tensor of [], whose number is t:item()",
      function() t:fill(t:sum()) end)
    raises("reshape: expected a shape such as {2, -1}, got a float32 tensor of [2, 3]", function() t:reshape(t) end)
    raises("SGD: lr: expected a number from 0 to inf, got a float32 tensor of [1], whose number is t:item()",
      function() fnet.optim.SGD({ fnet.nn.Dense(1, 1).weight }, { lr = fnet.ones { 1 } }) end)
    raises("cross_entropy: expected a table of options, got a float32 tensor of [2, 3]",
      function() fnet.nn.cross_entropy(t, fnet.ones({ 2 }, "int32"), t) end)
  end)

  it("is called one by Lua's own functions, too", function()
    local _, message = pcall(string.format, "%.3f", t)
    assert.matches("number expected, got a tensor; t:item() is the number of one element", message, 1, true)
  end)

  it("says what the signs are that it does not have", function()
    for _, sign in ipairs { "%", "//", "&", "|", "~", "<<", ">>" } do
      local _, message = pcall(load("local t = ... return t " .. sign .. " 2"), t)
      assert.matches("tensors have no " .. sign .. "; they have + - * / ^ and the methods", message, 1, true)
    end
    assert.matches("tensors have no ~;", select(2, pcall(load "local t = ... return ~t", t)), 1, true)
    local _, called = pcall(function() return t(1) end)
    assert.matches("a tensor cannot be called; t[i] is a row", called, 1, true)
  end)
end)

describe("an argument too many", function()
  it("is refused, since it means something elsewhere", function()
    local x = fnet.tensor { { 0.25, 2 }, { 3, 4 } }
    local t3 = fnet.zeros { 2, 3, 4 }
    raises("round: expected at most 1 argument, the tensor counted, got 2", function() return (x:round(1)) end)
    raises("log: expected at most 1 argument, the tensor counted, got 2", function() return (x:log(10)) end)
    raises("isnan: expected at most 1 argument, the tensor counted, got 2", function() return (x:isnan(1)) end)
    raises("eq: expected at most 2 arguments, the tensor counted, got 3", function() return (x:eq(x, 0.1)) end)
    raises("gt: expected at most 2 arguments, the tensor counted, got 3", function() return (x:gt(0, 1)) end)
    raises("add: expected at most 2 arguments, the tensor counted, got 3", function() return (x:add(x, 2)) end)
    raises("max: expected at most 3 arguments, the tensor counted, got 4",
      function() return (x:max(1, true, 0)) end)
    raises("argmax: expected at most 3 arguments, the tensor counted, got 4",
      function() return (x:argmax(1, true, 0)) end)
    raises("transpose: expected at most 3 arguments, the tensor counted, got 4",
      function() return (t3:transpose(3, 1, 2)) end) -- NumPy's order of axes
    raises("reshape: expected at most 2 arguments, the tensor counted, got 3",
      function() return (x:reshape({ 4 }, 1)) end)
    raises("flip: one axis a call: t:flip(1):flip(2)", function() return (x:flip(1, 2)) end)
  end)

  it("that is nil is none", function()
    local x = fnet.tensor { 1, 2 }
    assert.is_true(x:exp():equal(x:exp(nil, nil)))
    assert.same({ -1, -2 }, (-x):totable()) -- Lua gives the operand twice
  end)
end)

describe("a dot and a colon in each other's place", function()
  it("are told apart", function()
    local function dot(path) return ("itself; call it with a dot, fnet.%s(...)"):format(path) end
    for _, name in ipairs { "zeros", "ones", "full", "rand", "randn" } do
      local f = assert(load(("local fnet = ... local _ = fnet:%s { 2 }"):format(name), "=call"))
      assert.equal(("call:1: %s: expected a shape such as {2, 3}, got fnet %s"):format(name, dot(name)),
        select(2, pcall(f, fnet)))
    end
    raises("tensor: expected a table of numbers (nested for more axes), got fnet " .. dot "tensor",
      function() fnet:tensor { 1 } end)
    raises("concat: expected a table of at least one tensor, got fnet " .. dot "concat",
      function() fnet:concat { t, t } end)
    raises("where: expected a tensor or a number, got fnet " .. dot "where", function() fnet:where(t, t, t) end)
    raises("mse: expected two tensors, got fnet.nn itself and float32 [2, 3]; call it with a dot, fnet.nn.mse(...)",
      function() fnet.nn:mse(t, t) end)
    raises("cross_entropy: expected a tensor, got fnet.nn " .. dot "nn.cross_entropy",
      function() fnet.nn:cross_entropy(t, t) end)
    raises("Dense: inputs: expected a whole number of at least 1, got fnet.nn " .. dot "nn.Dense",
      function() fnet.nn:Dense(2, 3) end)
  end)

  it("are not the matter where a layer is given no tensor", function()
    raises("ReLU(): expected a tensor, got number", function() fnet.nn.ReLU()(5) end)
  end)
end)

describe("a table that is no list", function()
  it("is no shape and no tensor", function()
    raises("zeros: expected a shape such as {2, 3}, got a table with other keys",
      function() fnet.zeros { rows = 3 } end)
    raises("reshape: expected a shape such as {2, -1}, got a table with other keys",
      function() t:reshape { rows = 3 } end)
    raises("tensor: expected a table of numbers (nested for more axes), got a table with other keys",
      function() fnet.tensor { { x = 1 } } end)
    assert.same({}, fnet.zeros({}).shape)
    assert.same({ 0 }, fnet.tensor({}).shape)
  end)
end)

describe("a released tensor", function()
  it("is refused everywhere, with its shape and the way out", function()
    local gone = fnet.zeros { 2, 3 }
    local view = gone:T()
    gone:release()
    local hint = " was given back: a batch when its loop took the next one, a gradient at zero_grad, or a " ..
      "tensor by :release(); keep a copy with :clone()"
    for _, name in ipairs { "sum", "max", "argmin", "mean", "exp", "reshape", "transpose", "clone", "contiguous",
      "item", "bytes", "totable", "T", "detach", "softmax", "float", "is_contiguous", "get", "argmax" } do
      raises("this tensor [2, 3]" .. hint, function() local _ = gone[name](gone) end)
    end
    raises("this tensor [2, 3]" .. hint, function() local _ = gone + 1 end)
    raises("this tensor [2, 3]" .. hint, function() local _ = 1 - gone end)
    raises("this tensor [2, 3]" .. hint, function() local _ = t * gone end)
    raises("this tensor [2, 3]" .. hint, function() local _ = gone[1] end)
    raises("this tensor [2, 3]" .. hint, function() gone[1] = 5 end)
    raises("this tensor [2, 3]" .. hint, function() t[1] = gone end)
    raises("this tensor [2, 3]" .. hint, function() local _ = #gone end)
    raises("this tensor [2, 3]" .. hint, function() gone:fill(1) end)
    raises("this tensor [2, 3]" .. hint, function() t:copy(gone) end)
    raises("this tensor [2, 3]" .. hint, function() local _ = tostring(gone) end)
    raises("this tensor [2, 3]" .. hint, function() fnet.concat { t, gone } end)
    raises("this tensor [2, 3]" .. hint, function() t:matmul(gone:T()) end)
    raises("this tensor [2, 3]" .. hint, function() t:equal(gone) end)
    raises("this tensor [2, 3]" .. hint, function() local _ = fnet.sha256(gone) end)
    raises("this tensor [3, 2]" .. hint, function() view:sum() end)
    gone:release() -- once more changes nothing
    assert.same({ 2, 3 }, gone.shape)
    assert.is_true(fnet.is_tensor(gone))
  end)
end)

describe("what the library runs on", function()
  it("is set with known names and numbers", function()
    local list = table.concat(fnet.isas(), ", ")
    raises(("isa: expected one of %s, which this machine can run, got 'sse9'"):format(list),
      function() fnet.isa "sse9" end)
    raises("isa: expected a string, got number", function() fnet.isa(5) end)
    for _, wrong in ipairs(NO_INTEGERS) do
      raises("threads: expected a whole number from 1 to 256, got " .. wrong[2],
        function() fnet.threads(wrong[1]) end)
    end
    raises("threads: expected a whole number from 1 to 256, got 0", function() fnet.threads(0) end)
    raises("threads: expected a whole number from 1 to 256, got 257", function() fnet.threads(257) end)
  end)

  it("no_grad wants something to call", function()
    raises("no_grad: expected a function or a model, got number", function() fnet.no_grad(5) end)
    raises("no_grad: expected a function or a model, got nil", function() fnet.no_grad() end)
  end)
end)

it("an error inside functions of the script is at the innermost line of the script", function()
  local function inner() t:sum(9) end
  local line = debug.getinfo(inner, "S").linedefined
  local ok, message = pcall(function()
    inner()
    return 1
  end)
  assert.is_false(ok)
  assert.truthy(message:find(("errors_spec.lua:%d: sum: axis"):format(line), 1, true))
end)
