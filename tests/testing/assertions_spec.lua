--- fnet.testing: what each assertion lets pass, what it says of what it does not, and whose line an error names.

local fnet = require "fnet"
require "fnet.testing"
local nn, testing = fnet.nn, fnet.testing

-- `f`, written on one line, raises the message with the position of that line.
local function fails(message, f)
  local info = debug.getinfo(f, "S")
  local ok, got = pcall(f)
  assert.is_false(ok)
  assert.equal(("%s:%d: %s"):format(info.short_src, info.linedefined, message), tostring(got))
end

describe("assert.shape", function()
  it("compares lengths, and takes a ? for any", function()
    assert.shape({ 2, 3 }, fnet.zeros { 2, 3 })
    assert.shape({ "?", 3 }, fnet.zeros { 0, 3 })
    assert.shape({}, fnet.tensor(1))
    assert.is_not.shape({ 3, 2 }, fnet.zeros { 2, 3 })
    assert.is_not.shape({ 2 }, fnet.zeros { 2, 3 })
    fails("shape: expected [32, ?], got [2, 3]", function() assert.shape({ 32, "?" }, fnet.zeros { 2, 3 }) end)
  end)

  it("refuses what is no shape and no tensor, also where it is not to hold", function()
    fails("shape: expected a tensor, got number", function() assert.is_not.shape({ 2 }, 5) end)
    fails("shape: expected a list of lengths, got float32 [2]", function() assert.shape(fnet.ones { 2 }, 5) end)
    fails("shape: axis 1: expected a whole number of at least 0, got -1",
      function() assert.shape({ -1 }, fnet.ones { 2 }) end)
  end)
end)

describe("assert.allclose", function()
  it("takes tensors, numbers and tables", function()
    local t = fnet.tensor { { 1, 2 }, { 3, 4 } }
    assert.allclose(t, t + 1e-6)
    assert.allclose({ { 1, 2 }, { 3, 4 } }, t)
    assert.allclose(2, fnet.tensor(2))
    assert.allclose({ 1, 2 }, fnet.tensor({ 1, 2 }, "int32"))
    assert.allclose({ 1, 2 }, t:T():select(2, 1))
    assert.allclose(fnet.zeros { 0, 2 }, fnet.ones { 0, 2 })
    assert.allclose({ math.huge }, fnet.tensor { math.huge })
    assert.allclose(10, fnet.tensor(11), 0.1)
    assert.is_not.allclose(10, fnet.tensor(11.01), 0.1, 0)
    assert.is_not.allclose({ 0 / 0 }, fnet.tensor { 0 / 0 })
  end)

  it("says how many elements differ, and where by how much most", function()
    local t = fnet.tensor({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, "float64")
    local message = "allclose: 2 of 6 elements differ, most at [3, 1]: expected 5, got 4.5, off by 0.5, where " ..
      "0.0501 is allowed"
    fails(message, function() assert.allclose(t, fnet.tensor { { 1, 2.25 }, { 3, 4 }, { 4.5, 6 } }, 0.01, 1e-4) end)
    fails("allclose: 1 of 2 elements differ, most at [2]: expected 1, got nan, off by inf, where 1e-05 is allowed",
      function() assert.allclose({ 9, 1 }, fnet.tensor { 9, 0 / 0 }) end)
    fails("allclose: 1 of 1 elements differ, most at []: expected 1, got 2, off by 1",
      function() assert.allclose(1, fnet.tensor(2), 0, 0) end)
    fails("allclose: expected the shape [2], got [1, 2]",
      function() assert.allclose({ 1, 2 }, fnet.ones { 1, 2 }) end)
    fails("words of one's own\nallclose: expected the shape [2], got []",
      function() assert.allclose({ 1, 2 }, fnet.tensor(1), 0, 0, "words of one's own") end)
  end)

  it("refuses wrong arguments", function()
    fails("allclose: expected a tensor, a number or a table of numbers, got string",
      function() assert.is_not.allclose("1", fnet.tensor(1)) end)
    fails("allclose: expected a tensor, got number", function() assert.allclose(1, 1) end)
    fails("allclose: relative: expected a number from 0 to inf, got -1",
      function() assert.allclose(1, fnet.tensor(1), -1) end)
  end)
end)

describe("assert.same", function()
  it("finds equal tensors equal, alone and in tables", function()
    assert.same(fnet.ones { 2 }, fnet.ones { 2 })
    assert.same({ 1, { x = fnet.ones { 2 } } }, { 1, { x = fnet.ones { 2 } } })
    local round, other = { 1 }, { 1 }
    round[2], other[2] = round, other
    assert.same(round, other)
    assert.are_not.same(fnet.ones { 2 }, fnet.ones({ 2 }, "float64"))
    assert.are_not.same({ fnet.ones { 2 } }, { fnet.zeros { 2 } })
    assert.are_not.same({ fnet.ones { 2 } }, { fnet.ones { 2 }, fnet.ones { 2 } })
    assert.are_not.same({ fnet.tensor { 0 / 0 } }, { fnet.tensor { 0 / 0 } })
  end)

  it("changes no table, and is as before for what has no tensors", function()
    local mine = fnet.ones { 2 }
    local list = { mine }
    assert.same({ fnet.ones { 2 } }, list)
    assert.equal(mine, list[1])
    assert.same({ 1, { 2 } }, { 1, { 2 } })
    assert.are_not.same({ 1, { 2 } }, { 1, { 3 } })
  end)

  it("says where tensors differ", function()
    local ok, message = pcall(function() assert.same(fnet.ones { 2, 2 }, fnet.eye(2)) end)
    assert.is_false(ok)
    assert.matches("same: 2 of 4 elements differ, most at %[1, 2%]: expected 1, got 0, off by 1\n",
      tostring(message))
  end)
end)

describe("assert.gradcheck", function()
  it("lets right gradients pass and names a wrong one", function()
    assert.gradcheck(function(x) return x:tanh() end, { fnet.randn { 2, 3 } })
    assert.gradcheck(nn.Dense(3, 2):to "float64", fnet.randn { 2, 3 })
    local twice = fnet.operation(function(x) return x * 2 end, function(dy) return dy * 3 end)
    fails("gradcheck: input 1, element 1: gradient 2.69713941, central difference 1.79809294",
      function() assert.gradcheck(twice, { fnet.ones { 2 } }) end)
    fails("gradcheck: expected a function or a model, got number",
      function() assert.is_not.gradcheck(5, { fnet.ones { 2 } }) end)
  end)
end)

describe("assert.same_everywhere", function()
  it("compares tensors, models, numbers and texts, and puts threads and instruction set back", function()
    local threads, isa = fnet.threads(), fnet.isa()
    local seen = {}
    assert.same_everywhere(function()
      seen[fnet.isa()] = true
      fnet.seed(1)
      return fnet.rand { 1000 }, nn.Dense(3, 2), 0 / 0, 1, "text"
    end)
    for _, name in ipairs(fnet.isas()) do assert.is_true(seen[name]) end
    assert.same({ threads, isa }, { fnet.threads(), fnet.isa() })
    fails("mine", function() assert.same_everywhere(function() error "mine" end) end)
    assert.same({ threads, isa }, { fnet.threads(), fnet.isa() })
  end)

  it("says which result differs, under what", function()
    fails("same_everywhere: result 2: portable with 2 threads gives 2, but portable with 1 threads gives 1",
      function() assert.same_everywhere(function() return "x", fnet.threads() end, { 1, 2 }) end)
    local count, list = 0, { 1, "x" }
    fails("same_everywhere: result 2: portable with 2 threads gives x, but portable with 1 threads gives nothing",
      function() assert.same_everywhere(function() count = count + 1 return table.unpack(list, 1, count) end) end)
    assert.is_not.same_everywhere(function() return fnet.rand { 3 } end, { 1 })
  end)

  it("refuses wrong arguments", function()
    fails("same_everywhere: the function returned nothing that could be compared",
      function() assert.same_everywhere(function() end) end)
    fails("same_everywhere: expected results that are tensors, models, numbers or strings, got table",
      function() assert.same_everywhere(function() return {} end) end)
    fails("same_everywhere: threads: expected a whole number from 1 to 256, got 0",
      function() assert.same_everywhere(function() return 1 end, { 0 }) end)
    fails("same_everywhere: threads: expected a list of numbers, got table",
      function() assert.same_everywhere(function() return 1 end, {}) end)
    fails("same_everywhere: expected a function, got nil", function() assert.same_everywhere() end)
  end)
end)

describe("assert.sha256", function()
  it("takes a whole digest or its first digits, of tensors and models", function()
    local model = nn.Dense(3, 2)
    assert.sha256(model:sha256(), model)
    assert.sha256(model:sha256():sub(1, 8):upper(), model)
    assert.sha256("af5570f5a1810b7a", fnet.zeros { 2 }) -- SHA-256 of eight zero bytes
    fnet.no_grad(function() model.bias[1] = 1 end)
    assert.is_not.sha256("af5570f5", model)
  end)

  it("shows the digest to write down", function()
    local digest = fnet.sha256(fnet.zeros { 2 })
    fails("sha256: expected 12345678, got " .. digest .. "; if the change is meant, write the new one",
      function() assert.sha256("12345678", fnet.zeros { 2 }) end)
    fails("sha256: expected one that is not written yet, got " .. digest ..
      "; if the change is meant, write the new one",
      function() assert.sha256("", fnet.zeros { 2 }) end)
    fails('sha256: expected 8 to 64 hexadecimal digits, or "", got "af5570"',
      function() assert.sha256("af5570", fnet.zeros { 2 }) end)
    fails("sha256: expected a model or a tensor, got number", function() assert.sha256("", 5) end)
  end)
end)

describe("assert.falls", function()
  it("wants finite losses, the last of which is lower", function()
    assert.falls { 3, 4, 1 }
    assert.falls({ 3, 1 }, 1.5)
    fails("falls: loss 1 is 1, but loss 3 is 1", function() assert.falls { 1, 0.5, 1 } end)
    fails("falls: expected the last of 2 losses below 0.5, got 0.5", function() assert.falls({ 1, 0.5 }, 0.5) end)
    fails("falls: loss 2 of 3 is nan", function() assert.falls { 1, 0 / 0, 0.5 } end)
    fails("falls: loss 2 of 2 is -inf", function() assert.falls { 1, -math.huge } end)
    fails("falls: expected a list of at least two losses, got table", function() assert.falls { 1 } end)
    fails("falls: loss 2: expected a number, got string", function() assert.falls { 1, "0.5" } end)
    fails("falls: below: expected a number from -inf to inf, got nan", function() assert.falls({ 2, 1 }, 0 / 0) end)
  end)
end)

describe("fnet.testing", function()
  it("has each assertion as a function", function()
    assert.equal(testing, require "fnet.testing")
    assert.is_true(testing.allclose({ 1 }, fnet.ones { 1 }))
    assert.same({ false, "shape: expected [2], got [1]" }, { testing.shape({ 2 }, fnet.ones { 1 }) })
    assert.has_error(function() return testing.assert_close end,
      "fnet.testing has no 'assert_close'; did you mean fnet.testing.allclose?")
  end)

  it("says what it needs where there is no luassert", function()
    local loaded, searchers = {}, package.searchers
    for _, name in ipairs { "luassert", "fnet.testing" } do
      loaded[name], package.loaded[name] = package.loaded[name], nil
    end
    local preload = package.preload["fnet.testing"]
    local find = preload or assert(loadfile(package.searchpath("fnet.testing", package.path)))
    package.searchers = { function() return "\n\tno luassert" end }
    local ok, message = pcall(find, "fnet.testing")
    package.searchers = searchers
    for name, value in pairs(loaded) do package.loaded[name] = value end
    assert.is_false(ok)
    assert.matches("fnet.testing: luassert is not found, which busted brings: ", message, 1, true)
    assert.matches("assert(fnet.testing.allclose(expected, got)) does what", message, 1, true)
  end)
end)
