--- The curves of a training that goes on, over its progress line.

local core = require "fnet.core"
local display = require "tests.support.display"
local terminal = require "tests.support.terminal"
local live = require "fnet.report.live"
local live_curve = require "fnet.report.live_curve"

-- A run with so many epochs behind it.
local function run_of(epochs, planned)
  local history = require "fnet.train.history"(planned, { "loss", "valid_loss" })
  for i = 1, epochs do history[i] = { epoch = i, loss = 1 / i, valid_loss = 1 / i + 0.1 } end
  return { history = history, epochs = planned }
end

-- Calls f while the terminal has so many columns and rows, and each look at the clock is `seconds` after the last.
local function with(columns, rows, seconds, f)
  local is_terminal, clock, now = core.terminal, core.clock, 0
  rawset(core, "terminal", function() return columns, rows end)
  rawset(core, "clock", function()
    now = now + seconds
    return now
  end)
  local ok, result = pcall(f)
  rawset(core, "terminal", is_terminal)
  rawset(core, "clock", clock)
  assert(ok, result)
  return result
end

describe("the live curve", function()
  it("has all epochs on its axis from the beginning", function()
    local lines = with(60, 24, 1, function() return live_curve.of(run_of(3, 30))(60) end)
    local text = table.concat(lines, "\n")
    assert.matches(" 30\n", text)
    assert.is_true(terminal.width(text) <= 59)
    assert.matches("loss.*valid_loss", lines[#lines]:gsub("\27%[[%d;]*m", ""), nil)
    local last = with(60, 24, 1, function() return live_curve.last(run_of(3, 30), 60) end)
    assert.matches(" 3\n", last)
  end)

  it("is nothing before the second epoch, and where there is no room", function()
    for _, case in ipairs { { 1, 60, 24 }, { 5, 60, 15 }, { 5, 29, 24 } } do
      local epochs, columns, rows = table.unpack(case)
      assert.same({}, with(columns, rows, 1, function() return live_curve.of(run_of(epochs, 9))(columns) end))
    end
    assert.is_nil(with(29, 24, 1, function() return live_curve.last(run_of(5, 9), 29) end))
    assert.is_nil(with(60, 24, 1, function() return live_curve.last(run_of(1, 9), 60) end))
    assert.is_true(#with(30, 0, 1, function() return live_curve.of(run_of(5, 9))(30) end) > 5) -- rows are not known
  end)

  it("is drawn anew for another width, and else in at most a two-hundredth of the time", function()
    with(60, 24, 0.02, function() -- so long takes each drawing
      local run = run_of(2, 90)
      local lines_of, drawn, looks = live_curve.of(run), 0, 1000
      local before = lines_of(60)
      for i = 1, looks do
        run.history[#run.history + 1] = { epoch = i + 2, loss = i, valid_loss = i }
        local lines = lines_of(60)
        drawn, before = drawn + (lines ~= before and 1 or 0), lines
      end
      assert.is_true(drawn >= 3 and drawn <= 0.0055 * looks, drawn)
      assert.not_equal(before, lines_of(50))
    end)
  end)

  it("stands over each line that is drawn, and goes with it", function()
    local written, stderr = {}, io.stderr
    local function shown(columns) return display.of(table.concat(written), columns) end
    rawset(io, "stderr", {
      write = function(_, ...) written[#written + 1] = table.concat({ ... }):gsub("\n", "\r\n") end,
      flush = function() end,
    })
    local ok, message = pcall(function()
      live.over(function(columns) return { "\27[31m" .. ("="):rep(columns - 1) .. "\27[0m", ("x"):rep(90) } end)
      live.draw({ "progress" }, 20)
      assert.same({ ("="):rep(19), ("x"):rep(19), "progress" }, shown(20))
      live.draw({ "more" }, 20)
      assert.same({ ("="):rep(19), ("x"):rep(19), "more" }, shown(20))
      live.over(nil)
      live.draw({ "alone" }, 20)
      assert.same({ "alone" }, shown(20))
      with(20, 24, 1, live.erase)
      assert.same({}, shown(20))
      -- Ten columns break the lines of a terminal that had twenty.
      written = {}
      live.draw({ ("a"):rep(19), ("b"):rep(19), "c" }, 20)
      live.draw({ "d" }, 10)
      assert.same({ "d" }, shown(10))
      written = {}
      live.draw({ ("a"):rep(9), "b" }, 10)
      with(5, 24, 1, live.erase)
      assert.same({}, shown(5))
    end)
    live.over(nil)
    rawset(io, "stderr", stderr)
    assert(ok, message)
  end)
end)

describe("a training on a terminal", function()
  -- A training in each of the widths; a line "done" after each.
  local SCRIPT = [[
    local fnet = require "fnet"
    for _, columns in ipairs { %s } do
      os.execute("stty rows 40 cols " .. columns)
      fnet.seed(1)
      local x = fnet.rand({ 64, 1 }, -1, 1)
      local set = fnet.data.Dataset { x = x, y = x * 3 }
      fnet.fit(fnet.nn.Dense(1, 1), { train = set, valid = set, epochs = 5, batch = 8, loss = fnet.nn.mse,
        optim = fnet.optim.SGD, callbacks = fnet.report.training(%s) })
      print "done"
    end]]

  if not terminal.real then
    it("needs script(1) of util-linux for its specs", function() pending "there is none" end)
    return
  end

  for locale, letters in pairs { ["C.UTF-8"] = { "│", "⠤" }, C = { "|", "*" } } do
    it("leaves its curves behind, whatever its width, in the locale " .. locale, function()
      local output = terminal.run(80, "LANG=" .. locale, SCRIPT:format("40, 80, 200", ""))
      local widths = { 40, 80, 200 }
      for part in output:gmatch "(.-done\n)" do
        local columns = table.remove(widths, 1)
        local lines = display.of(part:gsub("\n", "\r\n"), columns)
        local text = table.concat(lines, "\n")
        assert.matches("\nepoch 5/5  loss", text)
        assert.is_nil(text:find("s left", 1, true))
        assert.matches("\n[1 ]+2 +3?[ ]+4[5 ]*\n", text) -- the numbers of the epochs
        assert.matches("loss .* valid_loss\ndone$", text)
        local _, legends = text:gsub("valid_loss\n", "")
        assert.equal(1, legends) -- one drawing is left
        for _, letter in ipairs(letters) do assert.is_truthy(text:find(letter, 1, true), letter) end
        if locale == "C" then assert.is_nil(lines[#lines - 3]:find "[\x80-\xFF]") end
      end
      assert.same({}, widths)
    end)
  end

  it("has no colours under NO_COLOR, and no curves where they are not wanted", function()
    local function run(environment, options) return terminal.run(80, environment, SCRIPT:format("80", options)) end
    assert.matches("\27%[38;5;", run("LANG=C.UTF-8", ""))
    assert.is_nil(run("LANG=C.UTF-8 NO_COLOR=1", ""):find("\27[38", 1, true))
    local without = run("LANG=C.UTF-8", "{ curve = false }")
    assert.is_nil(without:find("│", 1, true))
    assert.matches("\nepoch 5/5  loss[^\n]*\ndone$", table.concat(display.of(without:gsub("\n", "\r\n"), 80), "\n"))
    assert.is_nil(run("LANG=C.UTF-8", "{ json = true }"):find("│", 1, true))
  end)
end)
