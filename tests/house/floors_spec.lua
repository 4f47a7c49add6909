--- The floors of the Lua half: a folder requires those below it, or one beside it where no circle comes of that; it
-- says in the first line of its first file what it is for.

local floors = require "tests.house.floors"

describe("the Lua half", function()
  local modules = floors.modules()

  it("has no arrow that points up, and no circle", function() assert.same({}, floors.faults(modules)) end)

  it("has folders that say what they are for", function()
    local folders = {}
    for name in pairs(modules) do folders[name:match "^fnet%.([%w_]+)%." or "nn"] = true end
    for folder in pairs(folders) do
      local first = assert(modules["fnet." .. folder], "lua/fnet/" .. folder .. "/init.lua is missing")
      assert.matches("^%-%-%- " .. folder .. ": ", first.text:match "^[^\n]*")
    end
  end)

  it("looks as its README draws it", function()
    local file <close> = assert(io.open "lua/fnet/README.md")
    local shown = file:read "a":match "<!%-%- floors %-%->%s*```text\n(.-)```"
    assert.equal(floors.drawing(modules), shown)
  end)
end)

describe("the drawing", function()
  local function module(...) return { path = "x.lua", requires = { ... } } end

  it("tells an arrow that points up", function()
    local faults = floors.faults { ["fnet.nn.dense"] = module "fnet.train.fit", ["fnet.train.fit"] = module() }
    assert.same({ "x.lua requires upwards, train" }, faults)
  end)

  it("tells circles of folders and of modules", function()
    local faults = floors.faults {
      ["fnet.nn.a"] = module "fnet.data.b", ["fnet.data.b"] = module(), ["fnet.data.c"] = module "fnet.nn.d",
      ["fnet.nn.d"] = module(),
    }
    assert.same({ "a circle: data -> nn -> data", "a circle: nn -> data -> nn" }, faults)
    faults = floors.faults { ["fnet.nn.a"] = module "fnet.nn.b", ["fnet.nn.b"] = module "fnet.nn.a" }
    assert.same({
      "a circle: fnet.nn.a -> fnet.nn.b -> fnet.nn.a", "a circle: fnet.nn.b -> fnet.nn.a -> fnet.nn.b",
    }, faults)
  end)

  it("tells a folder that stands on no floor", function()
    assert.same({ "cellar stands on no floor" }, floors.faults { ["fnet.cellar.x"] = module() })
  end)
end)
