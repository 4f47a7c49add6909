--- try: errors become answers, but for Ctrl-C and a lack of memory. And Ctrl-C at every step of what the library
--- does: a hook raises it at the n-th call, as that of the command does at any instruction.

local command = require "tests.support.command"
local core = require "fnet.core"
local fnet = require "fnet"
local support = require "tests.support"
local try = require "fnet.base.try"
local nn = fnet.nn

describe("try", function()
  it("gives what pcall gives", function()
    assert.same({ true, 1, nil, 3, n = 4 }, table.pack(try(function(...) return ... end, 1, nil, 3)))
    assert.same({ false, "wrong" }, { try(error, "wrong", 0) })
    local object = {}
    assert.equal(object, select(2, try(error, object)))
  end)

  it("lets Ctrl-C and a lack of memory pass", function()
    for _, f in ipairs {
      support.interrupt, function() error("lua: interrupted!", 0) end, function() error("not enough memory", 0) end,
      function() fnet.zeros { 1 << 20, 1 << 18 } end,
    } do
      local _, expected = pcall(f)
      local passed, message = pcall(try, f)
      assert.is_false(passed)
      assert.equal(expected, message)
    end
  end)
end)

describe("pcall", function()
  -- By file: how often it stands there, because what it catches is raised again, or told to another process.
  local KNOWN = {
    ["base/try"] = 1, ["files/init"] = 1, ["train/checkpoint"] = 2, ["train/loop"] = 1, ["train/sweep"] = 1,
    ["train/store"] = 1, ["train/jobs"] = 4, ["train/deal"] = 2,
  }

  it("is not called elsewhere in the library", function()
    local found, files = {}, assert(io.popen "find lua/fnet -name '*.lua'")
    for path in files:lines() do
      local name = path:match "lua/fnet/(.*)%.lua$"
      for _ in command.read_file(path):gmatch "%f[%w]pcall%(" do found[name] = (found[name] or 0) + 1 end
    end
    files:close()
    assert.same(KNOWN, found)
  end)
end)

describe("Ctrl-C at any moment", function()
  local directory, path, model, x, set
  setup(function()
    require("fnet.base.later").load()
    directory = command.make_directory()
    path = directory .. "/m.safetensors"
    x = fnet.rand { 8, 3 }
    model = nn.Sequential { nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2) }
    set = fnet.data.Dataset { x = x, y = fnet.full({ 8 }, 1, "int32") }
    assert(model:save(path))
  end)
  teardown(function() command.remove_directory(directory) end)

  -- Calls f again and again, interrupted at a later call of a function each time, until it comes to its end.
  local function interrupt_everywhere(f)
    local sethook, getinfo, interrupt, n = debug.sethook, debug.getinfo, support.interrupt, 1
    local before = { debug.gethook() }
    repeat
      local calls = 0
      local done, message = pcall(function()
        sethook(function()
          if getinfo(2, "S").what == "C" then return end -- as linterrupt.c, for those that close something
          calls = calls + 1
          if calls == n then interrupt() end
        end, "c")
        f()
        sethook()
      end)
      sethook(table.unpack(before))
      if not done then assert.equal("interrupted", fnet.error_kind(message), tostring(message)) end
      assert.is_true(core.recording(), "operations are not recorded any more")
      n = n + 1 + n // 30
    until done
    assert.is_true(n > 10)
  end

  it("is what is raised, whatever runs", function()
    interrupt_everywhere(function() assert(fnet.load(path)) end)
    interrupt_everywhere(function() assert(model:save(path)) end)
    interrupt_everywhere(function() fnet.check(model, x, { gradients = false }) end)
    interrupt_everywhere(function() nn.cross_entropy(model(x), set.y):backward() end)
  end)

  it("leaves no lock of a checkpoint behind", function()
    local optim = fnet.optim.Adam(model:parameters())
    local place = directory .. "/run"
    interrupt_everywhere(function()
      assert(fnet.checkpoint(place, { model = model, optim = optim, data = set, resume = true })):save()
    end)
    interrupt_everywhere(function()
      fnet.fit(model, { train = set, loss = nn.cross_entropy, optim = optim,
        checkpoint = { place .. "2", resume = true } })
    end)
  end)
end)

describe("an error while its place in the model is looked for", function()
  it("is Ctrl-C where that came meanwhile", function()
    local Slow = nn.module "Slow"
    function Slow:describe() support.interrupt() end -- luacheck: ignore 212
    function Slow:forward(y) return y:matmul(y) end -- luacheck: ignore 212
    local _, message = pcall(nn.Sequential { Slow() }, fnet.zeros { 2, 3 })
    assert.equal("interrupted", fnet.error_kind(message), message)
  end)
end)
