--- What the losses know of a tensor that holds probabilities: behind views and copies as without them.

local fnet = require "fnet"
local nn = fnet.nn
local raises = require("tests.support").raises

local x, labels = nil, fnet.tensor({ 2, 1, 4, 3, 1, 2 }, "int32")
before_each(function()
  fnet.seed(7)
  x = fnet.randn({ 2, 3, 4 }) * 40 -- far enough for probabilities of 0 and 1
end)

-- What keeps each distribution whole, as a function of probabilities, or logits, of [2, 3, 4].
local KEPT = {
  reshape = function(t) return t:reshape { 6, 4 } end,
  ["reshape with one length open"] = function(t) return t:reshape { 3, -1, 4 } end,
  ["unsqueeze and squeeze"] = function(t) return t:unsqueeze(1):squeeze(1) end,
  ["transpose of other axes"] = function(t) return t:transpose(1, 2) end,
  ["transpose, and back"] = function(t) return t:T():clone():T() end,
  ["contiguous behind a transpose"] = function(t) return t:transpose(1, 2):contiguous() end,
  ["reshape behind a transpose, a copy"] = function(t) return t:transpose(1, 2):reshape { 6, 4 } end,
  slice = function(t) return t:slice(1, 1, 2):slice(2, 1) end,
  ["slice of all classes"] = function(t) return t:slice(3, 1, 4) end,
  expand = function(t) return t:slice(1, 1, 1):expand { 2, 3, 4 } end,
  clone = function(t) return t:clone() end,
  detach = function(t) return t:detach() end,
  ["double and float"] = function(t) return t:double():float() end,
  ["all of them"] = function(t) return t:double():reshape({ 3, 2, 4 }):transpose(1, 2):clone():detach():float() end,
}

describe("a softmax", function()
  for name, view in pairs(KEPT) do
    it("is traced to its logits through " .. name, function()
      local y = labels:reshape { table.unpack(view(x).shape, 1, view(x).rank - 1) }
      local expected = nn.cross_entropy(view(x), y):item()
      assert.equal(expected, nn.cross_entropy(view(x:softmax()), y):item())
      assert.is_true(expected > 20) -- of probabilities, it could not be more than log(e + 3)
    end)

    it("gives its logits the same gradients through " .. name, function()
      if name == "detach" or name == "all of them" then return assert.is_false(view(x:softmax()).requires_grad) end
      local slopes = {}
      for i, output in ipairs { function() return x end, function() return x:softmax() end } do
        x.requires_grad = true
        local y = view(output())
        nn.cross_entropy(y, labels:reshape { table.unpack(y.shape, 1, y.rank - 1) }):backward()
        slopes[i] = x.grad:clone()
        x:zero_grad()
      end
      assert.is_true(slopes[1]:equal(slopes[2]))
    end)
  end

  it("is traced through a row and a column", function()
    local p = x:softmax()
    assert.equal(nn.cross_entropy(x[2][1], 3):item(), nn.cross_entropy(p[2][1], 3):item())
    local y = fnet.tensor({ 1, 4 }, "int32")
    assert.equal(nn.cross_entropy(x:select(2, 3), y):item(), nn.cross_entropy(p:select(2, 3), y):item())
  end)

  it("over another axis is one when that axis is the last", function()
    local y = labels:reshape { 2, 3 }
    assert.equal(nn.cross_entropy(x, y):item(), nn.cross_entropy(x:T():softmax(2):T(), y):item())
    local first = x:transpose(1, 3):softmax(1):transpose(1, 3)
    assert.equal(nn.cross_entropy(x, y):item(), nn.cross_entropy(first, y):item())
    raises("cross_entropy: expected logits or a softmax over the last axis, got a softmax over axis 2 of [2, 3, " ..
      "4]; transpose it, so that the classes are the last axis", function() nn.cross_entropy(x:softmax(2), y) end)
  end)

  it("that was taken apart or joined is refused", function()
    local p, y = x:softmax(), labels:reshape { 2, 3 }
    local shape = "cross_entropy: expected logits or whole rows of a softmax, got float32 %s of probabilities " ..
      "that a softmax made, taken apart, joined or changed; do so with the logits before the softmax"
    raises(shape:format "[2, 3, 4]", function() nn.cross_entropy(p:clamp(1e-7, 1), y) end)
    raises(shape:format "[2, 3, 3]", function() nn.cross_entropy(p:slice(3, 1, 3), y) end)
    raises(shape:format "[2, 12]", function() nn.cross_entropy(p:flatten(2), labels:slice(1, 1, 2)) end)
    raises(shape:format "[2, 3]", function() nn.cross_entropy(p:select(3, 1), labels:slice(1, 1, 2)) end)
    raises(shape:format "[4, 3, 4]", function() nn.cross_entropy(fnet.concat { p, p }, fnet.concat { y, y }) end)
    raises(shape:format "[2, 3, 4]", function() nn.cross_entropy(p:gather(fnet.tensor({ 2, 1 }, "int32")), y) end)
    raises(shape:format "[2, 3, 4]",
      function() nn.cross_entropy(fnet.stack({ p[1], p[2] }), y, { smoothing = 0.1 }) end)
  end)

  it("that something was computed with is taken for what it then is", function()
    local p = x:softmax() * 0.5 + 0.1
    assert.is_true(nn.cross_entropy(p, labels:reshape { 2, 3 }):item() < 3)
    local near = x:double() * 0.1
    local expected = nn.cross_entropy(near, labels):item()
    assert.near(expected, nn.cross_entropy(near:softmax():log(), labels):item(), 1e-9)
  end)

  it("whose logits are gone is refused, not taken for logits", function()
    local z = fnet.randn { 64, 64 }
    local p = z:softmax()
    z:release()
    local view = p:reshape { 64, 64 }
    assert.same({ 64, 64 }, view.shape)
    assert.is_false(pcall(nn.cross_entropy, view, fnet.ones({ 64 }, "int32")))
  end)

  it("that was changed in place, or whose logits were, is refused, not answered from what it was", function()
    local y = labels:reshape { 2, 3 }
    for name, change in pairs {
      ["an element"] = function(p) p:set(1, 1, 1, 1) end,
      ["a row"] = function(p) p[1] = fnet.zeros { 3, 4 } end,
      ["a view of it"] = function(p) p:reshape({ 24 }):fill(0.5) end,
      ["its logits"] = function(_, z) z:fill(0) end,
      ["another softmax"] = function(p, z) p:copy((z * 2):softmax()) end,
    } do
      local z = x:clone()
      local p = z:softmax()
      change(p, z)
      for _, output in ipairs { p, p:clone(), p:reshape { 2, 3, 4 } } do
        local ok, message = pcall(nn.cross_entropy, output, y)
        assert.is_false(ok, name)
        assert.matches("taken apart, joined or changed", message, 1, true)
      end
    end
  end)

  it("whose elements were all replaced by others is no softmax", function()
    local z, p = x:clone(), x:softmax()
    p:copy(z)
    assert.equal(nn.cross_entropy(z, labels):item(), nn.cross_entropy(p, labels):item())
    assert.near(math.log(4), nn.cross_entropy(p:fill(0), labels):item(), 1e-6)
  end)

  it("is known where its elements were written into another tensor", function()
    local p = x:softmax()
    for name, write in pairs {
      ["as a whole"] = function(t) t:copy(p) end,
      ["row by row"] = function(t) for i = 1, 2 do t[i] = p[i] end end,
      ["through a view"] = function(t) t:reshape({ 6, 4 }):slice(1, 2, 3):copy(p[1]:slice(1, 2, 3)) end,
    } do
      local t = fnet.zeros { 2, 3, 4 }
      write(t)
      for _, output in ipairs { t, t:clone(), t:slice(1, 1, 2) } do
        local ok, message = pcall(nn.cross_entropy, output, labels)
        assert.is_false(ok, name)
        assert.matches("expected logits or whole rows of a softmax", message, 1, true)
      end
      t:copy(x) -- logits again
      assert.equal(nn.cross_entropy(x, labels):item(), nn.cross_entropy(t, labels):item())
    end
    local t = fnet.zeros { 24 }
    t:slice(1, 1, 4):copy(x:sigmoid()[1][1])
    assert.is_false(pcall(nn.binary_cross_entropy, t, t:detach() * 0))
  end)

  it("that is gone itself is refused like any other tensor", function()
    local p = x:softmax()
    p:release()
    local _, message = pcall(nn.cross_entropy, p, labels)
    assert.matches("this tensor [2, 3, 4] was given back", message, 1, true)
  end)

  it("is no logits for binary_cross_entropy", function()
    raises("binary_cross_entropy: expected logits, got the result of a softmax; leave the Softmax out of the " ..
      "model, and apply it to predict: model(x):softmax()",
      function() nn.binary_cross_entropy(x:softmax(), x * 0) end)
  end)

  it("is refused when predict has put the rows together", function()
    local model, input = nn.Dense(4, 3, { activation = "softmax" }), fnet.randn { 5, 4 }
    local y = fnet.ones({ 5 }, "int32")
    local expected = nn.cross_entropy(model(input), y):item()
    assert.equal(expected, nn.cross_entropy(fnet.predict(model, input), y):item())
    local output = fnet.predict(model, input, { size = 2 })
    raises("cross_entropy: expected logits or whole rows of a softmax, got float32 [5, 3] of probabilities that " ..
      "a softmax made, taken apart, joined or changed; do so with the logits before the softmax",
      function() nn.cross_entropy(output, y) end)
    local set = fnet.data.Dataset { x = input, y = y }
    assert.near(expected, fnet.evaluate(model, set, { loss = nn.cross_entropy, size = 2 }).loss, 1e-6)
  end)

  it("in a model keeps its logits behind the layers that follow", function()
    local dense = nn.Dense(4, 6)
    local plain = nn.Sequential { dense, nn.Reshape(2, 3) }
    local model = nn.Sequential { dense, nn.Reshape(2, 3), nn.Softmax(), nn.Flatten(), nn.Reshape(2, 3) }
    local input, y = fnet.randn { 5, 4 } * 100, fnet.ones({ 5, 2 }, "int32")
    local _, message = pcall(function() return nn.cross_entropy(model(input), y) end)
    assert.matches("taken apart, joined or changed", message, 1, true) -- Flatten has joined two distributions
    local squeeze = nn.Lambda(function(p) return p:squeeze() end)
    local whole = nn.Sequential { dense, nn.Reshape(2, 3), nn.Softmax(), squeeze }
    assert.equal(nn.cross_entropy(plain(input), y):item(), nn.cross_entropy(whole(input), y):item())
  end)
end)

describe("a sigmoid", function()
  it("is refused as logits, also behind views, copies, gather and concat", function()
    local z, way_out = fnet.randn { 2, 3 }, "expected logits, got the result of a sigmoid"
    local first = fnet.tensor({ 1, 1 }, "int32")
    for name, view in pairs {
      itself = function(s) return s end,
      reshape = function(s) return s:reshape { 3, 2 } end,
      squeeze = function(s) return s:unsqueeze(1):squeeze(1) end,
      flatten = function(s) return s:flatten() end,
      slice = function(s) return s:slice(2, 2) end,
      select = function(s) return s:select(1, 2) end,
      row = function(s) return s[1] end,
      transpose = function(s) return s:T() end,
      contiguous = function(s) return s:T():contiguous() end,
      clone = function(s) return s:clone() end,
      detach = function(s) return s:detach() end,
      double = function(s) return s:double() end,
      expand = function(s) return s:expand { 2, 2, 3 } end,
      gather = function(s) return s:gather(first) end,
      concat = function(s) return fnet.concat { s, s } end,
      take = function(s) return s:take_along_axis(first:reshape { 2, 1 }) end,
      clamp = function(s) return s:clamp(1e-7, 1 - 1e-7) end,
      unslice = function(s) return s:unslice(1, 1, 4) end,
    } do
      local output = view(z:sigmoid())
      local _, message = pcall(nn.binary_cross_entropy, output, output * 0)
      assert.matches(way_out, message, 1, true, name)
    end
  end)

  it("that something was computed with is none", function()
    local z = fnet.randn { 2, 3 }
    assert.is_true(nn.binary_cross_entropy(z:sigmoid() * 2, z * 0):item() > 0)
    assert.is_true(nn.binary_cross_entropy(z:sigmoid():int():float(), z * 0):item() > 0)
  end)
end)
