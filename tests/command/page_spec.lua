--- Long texts at the terminal: through a pager where they are longer than the screen, as wide as it in any case.

local core = require "fnet.core"
local page = require "fnet.command.page"

-- Shows a text on a terminal of so many columns and rows, with a value of PAGER; what is printed, and what a pager
-- gets.
local function shown(text, columns, rows, pager)
  local terminal, getenv, write = core.terminal, os.getenv, io.write
  local printed, path = {}, os.tmpname()
  rawset(core, "terminal", function() return columns, rows end)
  rawset(os, "getenv", function(name)
    return name == "PAGER" and pager and pager:gsub("%$FILE", path) or name ~= "PAGER" and getenv(name) or nil
  end)
  rawset(io, "write", function(...) printed[#printed + 1] = table.concat { ... } end)
  local ok, message = pcall(page, text)
  rawset(core, "terminal", terminal)
  rawset(os, "getenv", getenv)
  rawset(io, "write", write)
  assert(ok, message)
  local file = assert(io.open(path))
  local paged = file:read "a"
  file:close()
  os.remove(path)
  return table.concat(printed), paged
end

describe("a page", function()
  local long = ("line\n"):rep(30) .. "last"

  it("goes through the pager where it is longer than the screen", function()
    assert.same({ "", long .. "\n" }, { shown(long, 80, 24, "cat >$FILE") })
    assert.same({ "", long .. "\n" }, { shown(long, 80, 31, "cat >$FILE") })
    assert.same({ long .. "\n", "" }, { shown(long, 80, 32, "cat >$FILE") })
  end)

  it("is printed where there is no terminal, or no pager", function()
    assert.same({ long .. "\n", "" }, { shown(long, nil, nil, "cat >$FILE") })
    assert.same({ long .. "\n", "" }, { shown(long, 80, 24, "") })
    assert.same({ long .. "\n", "" }, { shown(long, 80, 24, "no-such-pager 2>/dev/null") })
  end)

  it("breaks lines that are wider than the terminal, with their indent", function()
    assert.equal("  one two\n    three\nné à la\n  carte\nunbreakable\n",
      (shown("  one two three\nné à la carte\nunbreakable", 9, 24)))
  end)
end)
