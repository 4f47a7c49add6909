--- Wrong indices, axes and shapes of tensors: every function says what it expected and what it got, at the line
-- that called it.

local fnet = require "fnet"
local core = require "fnet.core"
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

describe("an index", function()
  local more = {
    { 0, "0" }, { -1, "-1" }, { 3, "3" }, { 2 ^ 53, tostring(2 ^ 53) },
    { math.maxinteger, "9223372036854775807" },
  }

  it("of t[i] is within the first axis", function()
    for _, list in ipairs { more, { { 1.5, "1.5" }, { NAN, "nan" }, { math.huge, "inf" } } } do
      for _, wrong in ipairs(list) do
        raises("index: expected a whole number from 1 to 2, got " .. wrong[2], function() local _ = t[wrong[1]] end)
        if wrong[1] == wrong[1] then
          raises("index: expected a whole number from 1 to 2, got " .. wrong[2], function() t[wrong[1]] = 1 end)
        end
      end
    end
    raises("index: nothing to choose from (it is empty), got 1", function() local _ = fnet.zeros({ 0 })[1] end)
    raises("index: a tensor of shape [] has no rows; its value is t:item()",
      function() local _ = fnet.tensor(5)[1] end)
    raises("index: a tensor of shape [] has no rows; use t:fill(value)", function() fnet.tensor(5)[1] = 2 end)
  end)

  it("of get and set has a whole number for each axis", function()
    for _, list in ipairs { NO_INTEGERS, more } do
      for _, wrong in ipairs(list) do
        raises("get: expected a whole number from 1 to 2, got " .. wrong[2], function() t:get(wrong[1], 1) end)
        raises("set: expected a whole number from 1 to 2, got " .. wrong[2], function() t:set(0, wrong[1], 1) end)
      end
    end
    raises("get: expected a whole number from 1 to 3, got 4", function() t:get(1, 4) end)
    raises("get: expected 2 indices for [2, 3], got 1", function() t:get(1) end)
    raises("get: expected 2 indices for [2, 3], got 3", function() t:get(1, 1, 1) end)
    raises("get: expected 0 indices for [], got 1", function() fnet.tensor(5):get(1) end)
    raises("set: expected 2 indices for [2, 3], got 0", function() t:set(1) end)
    raises("set: expected a number, got no value", function() t:set() end)
    raises("set: expected a number, got string", function() t:set("1", 1, 1) end)
  end)

  it("of select, row and slice is within the axis", function()
    for _, list in ipairs { NO_INTEGERS, more } do
      for _, wrong in ipairs(list) do
        raises("select: index: expected a whole number from 1 to 2, got " .. wrong[2],
          function() t:select(1, wrong[1]) end)
        raises("select: index: expected a whole number from 1 to 2, got " .. wrong[2],
          function() t:row(wrong[1]) end)
      end
      for _, wrong in ipairs(NO_INTEGERS) do
        raises("slice: first: expected a whole number from 1 to 4, got " .. wrong[2],
          function() t:slice(2, wrong[1]) end)
        raises("slice: last: expected a whole number from 1 to 3, got " .. wrong[2],
          function() t:slice(2, 2, wrong[1]) end)
      end
    end
    raises("slice: first: expected a whole number from 1 to 4, got 0", function() t:slice(2, 0) end)
    raises("slice: first: expected a whole number from 1 to 4, got 5", function() t:slice(2, 5) end)
    raises("slice: first: expected a whole number from 1 to 4, got nil", function() t:slice(2) end)
    raises("slice: last: expected a whole number from 1 to 3, got 4", function() t:slice(2, 2, 4) end)
    raises("slice: last: expected a whole number from 2 to 3, got 1", function() t:slice(2, 3, 1) end)
    raises("slice: last: expected a whole number from 0 to 3, got -1", function() t:slice(2, 1, -1) end)
  end)

  it("of gather and scatter is a list of whole numbers within the axis", function()
    local function indices(...) return fnet.tensor({ ... }, "int32") end
    raises("gather: index 3 at position 2 is outside 1..2 (indices count from 1)",
      function() t:gather(indices(1, 3)) end)
    raises("gather: index 0 at position 1 is outside 1..3 (indices count from 1)",
      function() t:gather(indices(0), 2) end)
    raises("gather: index -1 at position 1 is outside 1..2 (indices count from 1)",
      function() t:gather(indices(-1)) end)
    raises("gather: index 1 at position 1 is outside 1..0 (indices count from 1)",
      function() fnet.zeros({ 0 }):gather(indices(1)) end)
    raises("gather: index 9 at position [2, 1] is outside 1..2 (indices count from 1)",
      function() t:gather(indices(1, 2, 9, 1):reshape { 2, 2 }) end)
    raises("gather: expected indices as int32 or uint8, got float32 of [1]; convert with :int()",
      function() t:gather(fnet.ones { 1 }) end)
    raises("gather: the result would have 9 axes",
      function() t:gather(fnet.ones({ 1, 1, 1, 1, 1, 1, 1, 1 }, "int32")) end)
    raises("scatter: expected indices of rank 1, got [1, 1]",
      function() core.scatter(t, indices(1):reshape { 1, 1 }, 1, 1) end)
    for _, wrong in ipairs(NO_TENSORS) do
      local table_hint = wrong[2] == "table" and "; fnet.tensor { ... } makes one of numbers" or ""
      raises("gather: expected a tensor, got " .. wrong[2] .. table_hint, function() t:gather(wrong[1]) end)
    end
    raises("gather: expected indices and then an axis, got number and an int32 tensor of [1], whose number is " ..
      "t:item(); PyTorch's x.gather(axis, indices) is x:take_along_axis(indices, axis)",
      function() t:gather(2, indices(1)) end)
    raises("take_along_axis: index 4 at position [2, 1] is outside 1..3 (indices count from 1)",
      function() t:take_along_axis(indices(1, 4):reshape { 2, 1 }) end)
    raises("take_along_axis: expected indices of the shape of [2, 3] but for axis 2, got [2]",
      function() t:take_along_axis(indices(1, 2)) end)
    raises("take_along_axis: expected indices of the shape of [2, 3] but for axis 1, got [1, 2]",
      function() fnet.take_along_axis(t, indices(1, 2):reshape { 1, 2 }, 1) end)
    raises("take_along_axis: expected indices as int32 or uint8, got float32 of [2, 3]; convert with :int()",
      function() t:take_along_axis(t) end)
    raises("take_along_axis: axis: expected a whole number from 1 to 2, got 3",
      function() t:take_along_axis(indices(1), 3) end)
    raises("put_along: expected a float tensor, got uint8", function() core.put_along(bytes, indices(1), 1, 3) end)
    raises("put_along: expected indices of [2, 3], got [2]", function() core.put_along(t, indices(1, 2), 1, 3) end)
    raises("scatter: index 3 at position 2 is outside 1..2 (indices count from 1)",
      function() core.scatter(t, indices(1, 3), 1, 2) end)
    raises("scatter: expected 2 indices, one a position of axis 1, got 1",
      function() core.scatter(t, indices(1), 1, 2) end)
    raises("scatter: length: expected a whole number from 0 to 2147483647, got -1",
      function() core.scatter(t, indices(1, 2), 1, -1) end)
    raises("scatter: expected a float tensor, got uint8",
      function() core.scatter(bytes, indices(1, 1, 1), 1, 1) end)
  end)
end)

describe("an axis", function()
  local NO_AXES = { 0, -1, 3, 1.5, NAN, math.huge, 2 ^ 53, "1", {}, true }

  local takes_several = { sum = true, max = true, min = true, argmax = true, argmin = true, mean = true }

  for code, name in pairs {
    ["t:sum(x)"] = "sum", ["t:max(x)"] = "max", ["t:min(x)"] = "min", ["t:argmax(x)"] = "argmax",
    ["t:argmin(x)"] = "argmin", ["t:transpose(x, 1)"] = "transpose", ["t:transpose(2, x)"] = "transpose",
    ["t:select(x, 1)"] = "select", ["t:slice(x, 1, 1)"] = "slice",
    ["t:gather(fnet.tensor({ 1 }, 'int32'), x)"] = "gather",
    ["t:mean(x)"] = "mean", ["t:softmax(x)"] = "softmax", ["fnet.concat({ t, t }, x)"] = "concat",
  } do
    it("of " .. code .. " is a whole number from 1 to the rank", function()
      for _, wrong in ipairs(NO_AXES) do
        local shown = type(wrong) == "number" and tostring(wrong) or type(wrong)
        if wrong ~= wrong then shown = "nan" end
        if type(wrong) == "table" then shown = "table; one axis a call" end
        if type(wrong) == "number" and wrong < 1 then shown = shown .. "; the last axis is 2" end
        local message = ": axis: expected a whole number from 1 to 2, got " .. shown
        if type(wrong) == "table" and takes_several[name] then
          message = ": expected at least one axis, got an empty list; without it, all axes"
        end
        raises(name .. message, calling(code, wrong))
      end
    end)
  end

  it("of a tensor without axes does not exist", function()
    local scalar = fnet.tensor(5)
    raises("sum: axis: nothing to choose from (it is empty), got 1", function() scalar:sum(1) end)
    raises("mean: axis: nothing to choose from (it is empty), got 1", function() scalar:mean(1) end)
    raises("softmax: expected at least one axis, got []", function() scalar:softmax() end)
    raises("softmax: axis: expected a whole number from 1 to 0, got 1", function() scalar:softmax(1) end)
    raises("gather: axis: nothing to choose from (it is empty), got nil",
      function() scalar:gather(fnet.tensor({ 1 }, "int32")) end)
    raises("transpose: expected at least two axes, got []", function() scalar:T() end)
    raises("transpose: expected at least two axes, got [3]", function() bytes:transpose() end)
  end)

  it("without elements has no extreme", function()
    local empty = fnet.zeros { 0, 3 }
    for _, name in ipairs { "max", "min", "argmax", "argmin" } do
      raises(name .. ": [0, 3] has no elements to choose from", function() empty[name](empty) end)
      raises(name .. ": [0, 3] has no elements to choose from", function() empty[name](empty, 1) end)
    end
  end)
end)

describe("shapes that do not fit", function()
  it("of operands of the same size", function()
    local hint = " do not fit together: counted from the last axis, lengths must be equal or 1"
    local other = fnet.zeros { 2 }
    for _, name in ipairs { "add", "sub", "mul", "div", "pow", "maximum", "minimum", "gate", "eq", "ne", "lt" } do
      raises(name .. ": shapes [2, 3] and [2]" .. hint, function() t[name](t, other) end)
    end
    raises("gt: shapes [2] and [2, 3]" .. hint, function() t:gt(other) end)
    raises("add: shapes [2, 3] and [2]" .. hint, function() local _ = t + other end)
    raises("sub: shapes [2] and [2, 3]" .. hint, function() local _ = other - t end)
    raises("mul: shapes [2, 3] and [3, 2]" .. hint .. "; the matrix product is a:matmul(b)",
      function() local _ = t * t:T() end)
    raises("div: shapes [0] and [2]" .. hint, function() local _ = fnet.zeros { 0 } / other end)
    raises("pow: shapes [2, 3] and [2]" .. hint, function() local _ = t ^ other end)
  end)

  it("of matrix products", function()
    local hint = "matmul: expected [..., m, k] and [..., k, n], "
    local batch = hint .. "where the axes before the last two are equal, of length 1 or left out, got "
    raises(hint .. "got [2, 3] and [2, 3]: k is 3 in the first and 2 in the second; a:matmul(b:transpose()) fits",
      function() t:matmul(t) end)
    raises(hint .. "got [2, 3] and [2, 1]: k is 3 in the first and 2 in the second",
      function() t:matmul(fnet.ones { 2 }) end)
    raises(hint .. "got [1, 3] and [2, 3]: k is 3 in the first and 2 in the second; a:matmul(b:transpose()) fits",
      function() fnet.ones({ 3 }):matmul(t) end)
    raises(batch .. "[] and [2, 3]", function() fnet.tensor(1):matmul(t) end)
    raises(batch .. "[2, 3] and []", function() t:matmul(fnet.tensor(1)) end)
    raises(batch .. "[2, 1, 3] and [3, 3, 1]", function() fnet.ones({ 2, 1, 3 }):matmul(fnet.ones { 3, 3, 1 }) end)
    raises(batch .. "[2, 4, 1, 3] and [3, 1, 3, 1]",
      function() fnet.ones({ 2, 4, 1, 3 }):matmul(fnet.ones { 3, 1, 3, 1 }) end)
    raises("matmul: expected two float tensors of one type, got float32 and float64; convert with :float()",
      function() t:matmul(t:double():T()) end)
    raises("matmul: expected two float tensors of one type, got uint8 and uint8; convert with :float()",
      function() bytes:matmul(bytes) end)
    for _, wrong in ipairs(NO_TENSORS) do
      local message = "matmul: expected a tensor, got " .. wrong[2]
      if wrong[2] == "table" then message = message .. "; fnet.tensor { ... } makes one of numbers" end
      raises(message, function() t:matmul(wrong[1]) end)
      raises(message, function() fnet.matmul(wrong[1], t) end)
    end
  end)

  it("of views", function()
    raises("reshape: [2, 3] has 6 elements and does not fit into [4]", function() t:reshape { 4 } end)
    raises("reshape: [2, 3] has 6 elements and does not fit into []", function() t:reshape {} end)
    raises("reshape: [2, 3] has 6 elements and does not fit into [-1, 4]", function() t:reshape { -1, 4 } end)
    raises("reshape: [2, 3] has 6 elements and does not fit into [-1, 0]", function() t:reshape { -1, 0 } end)
    raises("reshape: [0, 3] has 0 elements and does not fit into [0, -1]",
      function() fnet.zeros({ 0, 3 }):reshape { 0, -1 } end)
    raises("reshape: only one length may be -1", function() t:reshape { -1, -1 } end)
    raises("reshape: expected a whole number of at least -1, got -2", function() t:reshape { -2 } end)
    raises("reshape: expected a whole number of at least -1, got 1.5", function() t:reshape { 1.5 } end)
    raises("reshape: expected a shape such as {2, -1}, got number", function() t:reshape(6) end)
    raises("reshape: expected a shape such as {2, -1}, got nil", function() t:reshape() end)
    raises("reshape: expected at most 8 axes, got 9", function() t:reshape { 1, 1, 1, 1, 1, 1, 1, 1, 6 } end)
    raises("expand: [2, 3] cannot be repeated to [4, 3]; only axes of length 1 repeat",
      function() t:expand { 4, 3 } end)
    raises("expand: [2, 3] cannot be repeated to [6]; only axes of length 1 repeat", function() t:expand { 6 } end)
    raises("flatten: axis: expected a whole number from 1 to 2, got 0; the last axis is 2",
      function() t:flatten(0) end)
    raises("flatten: axis: expected a whole number from 1 to 2, got string", function() t:flatten "x" end)
  end)

  it("of elements to be written", function()
    raises("t[1] = value: expected [3] of float32, got [2] of float32", function() t[1] = fnet.zeros { 2 } end)
    raises("t[2] = value: expected [3] of float32, got [] of float32", function() t[2] = fnet.tensor(5) end)
    raises("t[1] = value: expected [] of uint8, got [] of float32", function() bytes[1] = fnet.tensor(5) end)
    raises("t[i] = value: expected a number or a tensor of [3], got table; fnet.tensor { ... } makes one of " ..
      "numbers", function() t[1] = { 1, 2, 3 } end)
    raises("t[i] = value: expected a number or a tensor of [3], got nil", function() t[1] = nil end)
    raises("t[i] = value: element 2 is 300.0, which uint8 cannot hold",
      function() bytes:reshape({ 1, 3 })[1] = fnet.tensor({ 1, 300, 2 }, "int32") end)
    raises("copy: [2] does not fit into [2, 3]", function() t:copy(fnet.zeros { 2 }) end)
    raises("copy: [1, 2, 3] does not fit into [2, 3]", function() t:copy(t:reshape { 1, 2, 3 }) end)
    raises("copy: [3] does not fit into [1]", function() fnet.zeros({ 1 }):copy(fnet.zeros { 3 }) end)
    raises("copy: expected whole numbers for uint8, got float32; convert with :int() first",
      function() bytes:copy(fnet.zeros { 3 }) end)
    raises("copy: element 1 is -1.0, which uint8 cannot hold", function() bytes:copy(fnet.tensor(-1, "int32")) end)
    raises("fill: expected a number, got string", function() t:fill "1" end)
    raises("fill: expected a number, got no value", function() t:fill() end)
    raises("item: expected a tensor with one element, got [2, 3]", function() t:item() end)
    raises("item: expected a tensor with one element, got [0]", function() fnet.zeros({ 0 }):item() end)
    assert.same({ 1, 2, 3 }, bytes:totable())
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, t:totable())
  end)
end)
