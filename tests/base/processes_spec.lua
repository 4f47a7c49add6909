--- What processes tell each other, as texts, and one that is alone. tests/program/processes_spec.lua has more.

local processes = require "fnet.base.processes"

describe("processes", function()
  it("make texts of values and back", function()
    local function same(...)
      local got = table.pack(processes.unpack(processes.pack(...)))
      assert.same(table.pack(...), got)
      for i = 1, got.n do assert.equal(math.type((select(i, ...))), math.type(got[i])) end
    end
    same()
    same(nil, true, false, 3, 3.0, -math.huge, math.mininteger, "", "a\0b", nil)
  end)

  it("that are one do everything themselves", function()
    assert.same({ 1, 1 }, { require("fnet").processes() })
    assert.same({ nil, "no", 2 }, { processes.first(function(...) return nil, ... end, "no", 2) })
    assert.equal(7, processes.same(7))
    processes.refuse_copies "fit"
  end)
end)
