--- What is loaded when it is first used: a script sees no difference.

require "fnet"
local later = require "fnet.base.later"
local raises = require("tests.support").raises

describe("names of modules that wait", function()
  local list, loads
  before_each(function()
    loads = {}
    local function module(name, value)
      package.loaded[name] = nil
      package.preload[name] = function()
        loads[#loads + 1] = name
        return value
      end
    end
    module("later_spec.whole", "the module itself")
    module("later_spec.fields", { read = "reads", write = "writes" })
    list = later.names("spec", { early = "at once" }, {
      ["later_spec.whole"] = "whole", ["later_spec.fields"] = { "read", write_all = "write" },
    })
  end)

  it("are loaded by their first use, and once", function()
    assert.equal("at once", list.early)
    assert.same({}, loads)
    assert.equal("the module itself", list.whole)
    assert.same({ "later_spec.whole" }, loads)
    assert.equal("reads", list.read)
    assert.equal("writes", list.write_all)
    assert.equal("reads", list.read)
    assert.same({ "later_spec.whole", "later_spec.fields" }, loads)
    assert.equal("writes", rawget(list, "write_all"))
  end)

  it("are there for pairs, and for who looks at the library", function()
    local found = {}
    for name in pairs(list) do found[#found + 1] = name end
    table.sort(found)
    assert.same({ "early", "read", "whole", "write_all" }, found)
    assert.equal(2, #loads)
  end)

  it("are suggested where a name is misspelt", function()
    raises("spec has no 'wrote_all'; did you mean spec.write_all?", function() return list.wrote_all end)
  end)

  it("can be written over", function()
    list.whole = "mine"
    later.load()
    assert.equal("mine", list.whole)
  end)
end)

describe("methods of modules that wait", function()
  it("put themselves in their place by the first call", function()
    local class, loads = {}, 0
    package.loaded["later_spec.method"] = nil
    package.preload["later_spec.method"] = function()
      loads = loads + 1
      function class.add(a, b) return a + b, "and more" end
      return true
    end
    later.methods(class, { add = "later_spec.method" })
    assert.equal(0, loads)
    assert.same({ 3, "and more" }, { class.add(1, 2) })
    assert.same({ 7, "and more" }, { class.add(3, 4) })
    assert.equal(1, loads)
  end)
end)
