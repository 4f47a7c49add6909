--- A dot where a colon belongs, and a colon where a dot does: each function says which it should have been.

local core = require "fnet.core"
local fnet = require "fnet"
local support = require "tests.support"
local nn = fnet.nn

-- Each function of a table of names, and of those in it, with how a script writes the table.
local function each(path, space, visit)
  for name, value in next, space do
    if getmetatable(value) and getmetatable(value).__space then each(path .. "." .. name, value, visit)
    elseif type(value) == "function" or type(value) == "table" then visit(path, space, name) end
  end
end

describe("a function called with a colon", function()
  -- What takes no argument, or passes over it.
  local FREE = {
    ["fnet:clock"] = true, ["fnet:isas"] = true, ["fnet:processes"] = true, ["fnet.nn.init:names"] = true,
    ["fnet.report:progress"] = true, ["fnet.optim.schedule:constant"] = true,
  }

  it("says that it is called with a dot", function()
    require("fnet.base.later").load()
    local count, named = 0, 0
    each("fnet", fnet, function(path, space, name)
      if FREE[path .. ":" .. name] then return end
      local f = assert(load(("local space, x = ... local _ = space:%s(x)"):format(name), "=call"))
      for _, argument in ipairs { fnet.ones { 2, 3 }, 2, { 2, 3 } } do
        local ok, message = pcall(f, space, argument)
        assert.is_false(ok, path .. ":" .. name)
        local expected = ("; call it with a dot, %s.%s(...)"):format(path, name)
        local of_tail_call = ("; was a colon written for a dot, %s.name(...)?"):format(path)
        local is_named = message:sub(-#expected) == expected
        assert.is_true(is_named or message:sub(-#of_tail_call) == of_tail_call, message)
        assert.matches("^call:1: ", message)
        count, named = count + 1, named + (is_named and 1 or 0)
      end
    end)
    assert.is_true(count > 300 and named > count * 0.9)
  end)
end)

describe("a method called with a dot", function()
  it("says that it is called with a colon", function()
    local t = fnet.ones { 2, 3 }
    for name in next, core.methods do
      for _, code in ipairs { "t.%s()", "t.%s(1)", "t.%s { 3, 2 }" } do
        if not (name == "release" and code:find "%(%)") then
          local ok, message = pcall(assert(load("local t = ... local _ = " .. code:format(name), "=call")), t)
          assert.is_false(ok, name)
          local expected = ("; a method is called with a colon, t:%s(...)"):format(name)
          assert.equal(expected, message:sub(-#expected), name .. ": " .. message)
        end
      end
    end
  end)

  it("says so for every object of the library", function()
    local set = fnet.data.Dataset { x = fnet.zeros { 4, 3 }, y = fnet.full({ 4 }, 1, "int32") }
    local model = nn.Sequential { nn.Dense(3, 2) }
    local optim = fnet.optim.Adam(model:parameters())
    local objects = {
      model, nn.Dense(3, 2), nn.ReLU(), nn.Conv2D(1, 2, 3), nn.BatchNorm(3), nn.Embedding(3, 2), set, optim,
      fnet.optim.Average(model), fnet.optim.schedule.plateau(), assert(fnet.checkpoint(nil, { model = model })),
      set:with({ transform = fnet.data.random_shift(1) }).transform,
    }
    local topics = require("fnet.command.topics").index().topics
    local public = {}
    for name, topic in pairs(topics) do
      if topic.kind == "function" then public[name:match "[^.]+$"] = true end
    end
    local count, expected = 0, "%s: expected to be called with a colon, such as object:%s(), got "
    for _, object in ipairs(objects) do
      for name in pairs(public) do
        local ok, method = pcall(function() return object[name] end)
        if ok and type(method) == "function" and not rawget(object, name) then
          for _, argument in ipairs { false, 1, {}, fnet.ones { 2, 3 } } do
            local _, message = pcall(method, argument or nil)
            assert.matches(expected:format(name, name), message, 1, true)
            count = count + 1
          end
        end
      end
    end
    assert.is_true(count > 300)
  end)
end)

describe("the shape of a tensor", function()
  it("is a field, and says so where it is called", function()
    local t = fnet.ones { 2, 3 }
    support.raises("shape is a field: t.shape, without parentheses", function() local _ = t:shape() end)
    assert.same({ 2, 3 }, t.shape)
    assert.is_falsy(getmetatable(t.shape)) -- a plain table for whoever asks
  end)
end)
