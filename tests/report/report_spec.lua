--- What scripts show: bars, pictures, distributions, accuracies, JSON, progress.

local fnet = require "fnet"
local width_of = require("fnet.base.width").of
local core = require "fnet.core"
local report = fnet.report

local function columns(text) return utf8.len((text:gsub("\27%[[%d;]*m", ""))) end

-- Runs f with the standard output and error being terminals of so many columns, or none; nothing is printed.
-- Returns what f returns, and what it wrote to the standard error.
local function on_terminal(width, environment, f)
  local terminal, getenv, stderr, clock = core.terminal, os.getenv, io.stderr, core.clock
  local written, now = {}, 0
  rawset(core, "terminal", function() return width end)
  rawset(core, "clock", function()
    now = now + 1
    return now
  end)
  rawset(os, "getenv", function(name) return environment[name] end)
  rawset(io, "stderr", {
    write = function(file, ...)
      written[#written + 1] = table.concat { ... }
      return file
    end,
    flush = function() end,
  })
  local ok, result = pcall(f)
  rawset(core, "terminal", terminal)
  rawset(core, "clock", clock)
  rawset(os, "getenv", getenv)
  rawset(io, "stderr", stderr)
  assert(ok, result)
  return result, written
end

describe("a bar", function()
  it("has its width for every fraction, in eighths", function()
    assert.equal("    ", report.bar(0, 4))
    assert.equal("████", report.bar(1, 4))
    assert.equal("██  ", report.bar(0.5, 4))
    assert.equal("██▌ ", report.bar(0.625, 4))
    assert.equal("▏   ", report.bar(1 / 32, 4))
    for i = 0, 200 do assert.equal(7, columns(report.bar(i / 200, 7))) end
  end)

  it("stays within its width for any number", function()
    assert.equal("███", report.bar(7, 3))
    assert.equal("   ", report.bar(-1, 3))
    assert.equal("███", report.bar(math.huge, 3))
    assert.equal("   ", report.bar(0 / 0, 3))
  end)

  it("is of plain characters on a terminal that has no others", function()
    local function bar(fraction)
      return (on_terminal(80, { LANG = "C" }, function() return report.bar(fraction, 4) end))
    end
    assert.same({ "    ", "####", "##  ", "##- ", "##  ", "###-" },
      { bar(0), bar(1), bar(0.5), bar(0.625), bar(0.55), bar(0.9) })
    assert.equal("██▌ ", (on_terminal(nil, { LANG = "C" }, function() return report.bar(0.625, 4) end)))
  end)
end)

describe("the reporter of a training", function()
  local function fit(options, more)
    local list = {
      train = fnet.data.Dataset { x = fnet.ones { 4, 1 }, y = fnet.ones { 4, 1 } }, loss = fnet.nn.mse,
      optim = fnet.optim.SGD, epochs = 2, batch = 2, callbacks = { report.training(options), more },
    }
    return fnet.fit(fnet.nn.Dense(1, 1), list)
  end

  it("writes a line an epoch, and how it ended, where there is no terminal", function()
    local history, written = on_terminal(nil, {}, function()
      return fit(nil, { epoch_end = function(run) if run.epoch == 2 then run:stop "enough" end end })
    end)
    local text = table.concat(written)
    assert.equal(("epoch 1/2  loss %.4f  1.00 s\nepoch 2/2  loss %.4f  1.00 s\nenough\n"):format(history[1].loss,
      history[2].loss), text)
  end)

  it("says first what the checkpoint warns of", function()
    local _, written = on_terminal(nil, {}, function()
      report.training().start { checkpoint = { warning = "no locks" } }
    end)
    assert.equal("no locks\n", table.concat(written))
  end)

  it("has a live line on a terminal, which is gone when an epoch is over, and after an error", function()
    local _, written = on_terminal(80, {}, fit)
    local text = table.concat(written)
    assert.matches("^\repoch 1/2 [█▏-▉ ]+ +50%% loss %d%.%d+  %d+ s left\27%[K\r", text)
    assert.matches("100%% loss %d%.%d+  0 s left\27%[K\r\27%[Kepoch 1/2  loss %d%.%d+  %d+%.00 s\n\repoch 2/2 ",
      text)
    _, written = on_terminal(80, {}, function()
      assert.is_false(pcall(fit, nil, { step = function() error "mine" end }))
    end)
    assert.matches("s left\27%[K\r\27%[K$", table.concat(written))
  end)

  it("writes JSON to the standard output instead where it is told so", function()
    local stdout, lines = io.stdout, {}
    local _, written = on_terminal(nil, {}, function()
      local function write(_, ...) lines[#lines + 1] = table.concat { ... } end
      rawset(io, "stdout", { write = write, flush = function() end })
      local ok, message = pcall(fit, { json = true })
      rawset(io, "stdout", stdout)
      assert(ok, message)
    end)
    assert.same({}, written)
    assert.equal(2, #lines)
    assert.matches('^{"epoch":2,"loss":[%d.e-]+,"seconds":1}\n$', lines[2])
  end)

  it("names the run that it belongs to, in a sweep", function()
    local stdout, lines = io.stdout, {}
    local _, written = on_terminal(nil, {}, function()
      rawset(io, "stdout", {
        write = function(_, ...) lines[#lines + 1] = table.concat { ... } end, flush = function() end,
      })
      local ok, message = pcall(fnet.sweep, { seeds = { 7 }, lr = { 0.1 }, text = { "a\nb" }, run = function()
        fit()
        fit { json = true }
        return fnet.sweep { k = { 1 }, run = function()
          fit(nil, { epoch_end = function(run) run:stop "enough" end })
          return 1
        end }.rows[1].mean
      end })
      rawset(io, "stdout", stdout)
      assert(ok, message)
      fit()
    end)
    local name = "lr 0.1  text a b  seed 7  "
    local epochs = "%sepoch 1/2  loss %%d.%%d+  1.00 s\n%sepoch 2/2  loss %%d.%%d+  1.00 s\n"
    assert.matches("^" .. epochs:format(name, name) .. name .. "k 1  seed 1  epoch 1/2  loss %d.%d+  1.00 s\n" ..
      name .. "k 1  seed 1  enough\n" .. epochs:format("", "") .. "$", table.concat(written))
    assert.equal(2, #lines)
    assert.matches('^{"run":"lr 0.1  text a b  seed 7","epoch":2,', lines[2])
  end)

  it("names it on a line of its own above curves", function()
    local _, written = on_terminal(60, {}, function()
      return fnet.sweep { lr = { 0.1 }, run = function() fit() return 1 end }
    end)
    assert.matches("lr 0.1  seed 1  epoch 2/2  loss [^\n]*\nlr 0.1  seed 1\n +│", table.concat(written))
  end)

  it("refuses options that it does not know", function()
    local ok, message = pcall(function() return (report.training { jsn = true }) end)
    assert.is_false(ok)
    assert.matches("^tests/report/report_spec%.lua:%d+: training: unknown option 'jsn' %(did you mean 'json'%?%)",
      message)
  end)
end)

describe("the reporter of a sweep", function()
  it("writes a line a run", function()
    local _, written = on_terminal(nil, {}, function()
      return fnet.sweep { lr = { 0.1, 2 }, on = { true }, callback = report.sweep, run = function(settings)
        if settings.lr == 2 then error("too large", 0) end
        return 0.5
      end }
    end)
    assert.equal("run 1/2  lr 0.1  on true  seed 1: 0.5\nrun 2/2  lr 2  on true  seed 1: too large\n",
      table.concat(written))
  end)
end)

describe("an accuracy", function()
  it("is shown with its interval and the counts", function()
    assert.equal("87.31% ± 0.65 (8731/10000)", report.accuracy {
      accuracy = 0.8731, margin = 0.0065, correct = 8731, total = 10000,
    })
    assert.equal("0.00% ± 0.00 (0/0)", report.accuracy { accuracy = 0, margin = 0, correct = 0, total = 0 })
  end)
end)

describe("a picture", function()
  local picture = fnet.tensor { { 0, 1, 0.5 }, { 0, 1, 0.5 }, { 1, 0, 1 } }

  it("is a character a pixel where the output is no terminal", function()
    assert.equal(" @+\n= =", (on_terminal(nil, {}, function() return report.picture(picture) end)))
  end)

  it("has grey levels on a terminal, unless NO_COLOR is set", function()
    local colours = on_terminal(80, {}, function() return report.picture(picture) end)
    assert.equal("\27[38;5;232;48;5;232m▀\27[38;5;255;48;5;255m▀\27[38;5;244;48;5;244m▀\27[0m",
      colours:match "^[^\n]+")
    assert.equal(2, select(2, colours:gsub("\27%[0m", "")))
    local plain = on_terminal(80, { NO_COLOR = "1" }, function() return report.picture(picture) end)
    assert.equal(" @+\n= =", plain)
    assert.equal(colours, (on_terminal(80, { NO_COLOR = "" }, function() return report.picture(picture) end)))
  end)

  it("takes values outside 0 to 1", function()
    assert.equal("@ ", report.picture(fnet.tensor { { 9, -9 }, { 9, -9 } }))
    assert.equal(28 * 14 + 13, #report.picture(fnet.rand { 28, 28 }))
  end)

  it("of another shape is refused at the caller's line", function()
    for got, value in pairs { ["[4]"] = fnet.ones { 4 }, ["[1, 2, 2]"] = fnet.ones { 1, 2, 2 }, number = 5 } do
      local ok, message = pcall(function() return (report.picture(value)) end)
      assert.is_false(ok)
      assert.equal("picture: expected a tensor [height, width] or [height, width, 3], got " .. got,
        message:match "^.-report_spec%.lua:%d+: (.*)$")
    end
  end)
end)

describe("a distribution", function()
  it("is a line a class, with the largest marked and equal widths", function()
    local text = report.distribution({ "Bag", "Écharpe", "Ankle boot" }, fnet.tensor { 0.25, 0.75, 0 })
    assert.equal("  Bag        ███████▌                        25.0%\n" ..
      "  Écharpe    ██████████████████████▌         75.0%  <\n" ..
      "  Ankle boot                                  0.0%", text)
  end)

  it("has shorter bars on a narrow terminal, of plain characters where it has no others", function()
    local function drawn(width, environment)
      return (on_terminal(width, environment, function()
        return report.distribution({ "Bag", "Ankle boot" }, fnet.tensor { 0.25, 0.75 })
      end))
    end
    assert.equal("  Bag        ####               25.0%\n  Ankle boot ############-      75.0%  <",
      drawn(40, { LANG = "C" }))
    for _, width in ipairs { 30, 40, 80 } do
      for line in drawn(width, {}):gmatch "[^\n]+" do assert.is_true(columns(line) <= width) end
    end
    assert.equal(drawn(nil, {}), drawn(80, {}))
    for _, name in ipairs { ("long "):rep(30), ("日本"):rep(30) } do
      on_terminal(40, {}, function()
        for line in report.distribution({ name, "b" }, fnet.tensor { 0.25, 0.75 }):gmatch "[^\n]+" do
          assert.is_true(width_of(line) <= 40, line)
        end
      end)
    end
  end)

  it("survives probabilities that are not numbers", function()
    local text = report.distribution({ "a", "b" }, fnet.tensor { 0 / 0, 0 / 0 })
    assert.equal("  a" .. (" "):rep(35) .. "nan\n  b" .. (" "):rep(35) .. "nan", text)
  end)

  it("refuses what are no probabilities, such as logits", function()
    for shown, values in pairs { ["12 for 'b'"] = { -0.0005, 12 }, ["-5 for 'a'"] = { -5, 0.5 },
      ["inf for 'b'"] = { 1.0005, math.huge } } do
      local ok, message = pcall(function()
        local text = report.distribution({ "a", "b" }, fnet.tensor(values))
        return text
      end)
      assert.is_false(ok)
      local expected = "distribution: expected probabilities from 0 to 1, got " .. shown .. "; t:softmax() makes"
      assert.is_truthy(message:find(expected, 1, true), message)
    end
  end)
end)

describe("JSON", function()
  it("keeps the order of the keys and the types of the values", function()
    assert.equal('{"epoch":3,"loss":0.5,"name":"a","done":true,"all":false}',
      report.json { { "epoch", 3 }, { "loss", 0.5 }, { "name", "a" }, { "done", true }, { "all", false } })
    assert.equal("{}", report.json {})
    assert.equal('{"x":0.1}', report.json { { "x", 0.1 } })
    assert.equal('{"x":1e+300,"n":-9223372036854775808}', report.json { { "x", 1e300 }, { "n", math.mininteger } })
  end)

  it("has null for what JSON has no number for", function()
    assert.equal('{"a":null,"b":null,"c":null}',
      report.json { { "a", 0 / 0 }, { "b", math.huge }, { "c", -math.huge } })
  end)

  it("escapes quotes, backslashes and control characters, and keeps UTF-8", function()
    assert.equal([[{"\"k":"a\\b\n\u0000ü±"}]], report.json { { '"k', "a\\b\n\0ü±" } })
  end)
end)

describe("progress", function()
  it("writes nothing where the standard error is no terminal", function()
    local _, written = on_terminal(nil, {}, function()
      local update, finish = report.progress("epoch 1", 10)
      update(1, "loss 1")
      update(10)
      finish()
    end)
    assert.same({}, written)
  end)

  it("is one line on a terminal, which goes away at the end", function()
    local _, written = on_terminal(80, {}, function()
      local update, finish = report.progress("epoch 1", 10)
      for step = 1, 10 do update(step, "loss 0.5") end
      finish()
    end)
    assert.equal(11, #written)
    assert.equal("\repoch 1 ████████████              50% loss 0.5  5 s left\27[K", written[5])
    assert.is_truthy(written[10]:find("100%% loss 0.5  0 s left", 1))
    assert.equal("\r\27[K", written[11])
    for _, line in ipairs(written) do assert.is_nil(line:find "\n") end
  end)

  it("stays within the line of a narrow terminal", function()
    for _, width in ipairs { 1, 8, 20, 30, 40, 45, 60 } do
      local _, written = on_terminal(width, {}, function()
        local update, finish = report.progress("epoch 1", 10)
        update(10, "loss 0.123456789")
        finish()
      end)
      assert.is_true(columns((written[1]:gsub("\r", ""):gsub("\27%[K", ""))) < width)
    end
  end)

  it("goes away for whatever is written while it stands, once", function()
    local printed, print_before, write_before, execute_before = {}, print, io.write, os.execute
    rawset(_G, "print", function(text) printed[#printed + 1] = text end)
    local mine = print
    local _, written = on_terminal(80, {}, function()
      local update, finish = report.progress("epoch 1", 10)
      update(5)
      print "one"
      print "two"
      update(10)
      assert.not_equal(mine, print)
      finish()
      finish()
      report.progress("epoch 2", 10)(5)
      assert.is_true(os.execute "exit 0")
    end)
    assert.equal(mine, print)
    rawset(_G, "print", print_before)
    assert.same({ write_before, execute_before }, { io.write, os.execute })
    assert.same({ "one", "two" }, printed)
    assert.equal(6, #written)
    for i = 2, 6, 2 do assert.equal("\r\27[K", written[i]) end
  end)
end)
