--- What fit leaves behind, read by columns, by rows, and as CSV.

local fnet = require "fnet"
local command = require "tests.support.command"
local core = require "fnet.core"
local decimal = require "fnet.base.decimal"
local history = require "fnet.train.history"
local support = require "tests.support"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- A history with a figure that one epoch lacks, and others that are hard to write.
local function sample()
  local h = history(3, { "loss", "best", "a,\"b\"", "seconds" })
  h[1] = { epoch = 1, samples = 8, loss = 0.1, seconds = 1 / 3, best = 1, ["a,\"b\""] = 5e-324 }
  h[2] = { epoch = 2, samples = 8, loss = 0 / 0, seconds = 1e300, ["a,\"b\""] = -1 / 0, extra = 7, note = "text" }
  h[3] = { epoch = 3, samples = 8, loss = 2 / 3, seconds = 0.5, best = 2, ["a,\"b\""] = 1e16 + 2 }
  return h
end

-- Equal, and a NaN where a NaN is.
local function same(expected, got)
  assert.equal(#expected, #got)
  for i, value in ipairs(expected) do
    local fits = value == got[i] or value ~= value and got[i] ~= got[i]
    assert.is_true(fits, ("%d: %s, got %s"):format(i, value, got[i]))
  end
end

describe("a history", function()
  it("gives the figures of a training by name", function()
    local set, model = support.line()
    local h = fnet.fit(model, support.line_options(set, { epochs = 3, valid = set, metrics = { mae = fnet.nn.mae },
      callbacks = { epoch_end = function(run) run.record.mine = run.epoch * 10 end } }))
    for _, name in ipairs { "loss", "valid_loss", "mae", "valid_mae", "seconds", "epoch", "samples", "mine" } do
      local list = h[name]
      assert.equal(3, #list)
      for i = 1, 3 do assert.equal(h[i][name], list[i]) end
    end
    assert.is_nil(h.accuracy)
    assert.is_nil(h.best)
    assert.is_nil(h[4])
    assert.equal(3, h.epochs)
    assert.matches("loss.*valid", fnet.report.plot { loss = h.loss, valid = h.valid_loss })
    assert.equal(fnet.report.plot({ loss = h.loss, valid_loss = h.valid_loss }, { x_label = "epoch" }),
      fnet.report.plot(h))
    assert.matches("valid_loss", fnet.report.plot(h))
  end)

  it("stands in blocks of columns where the terminal has no room for all of them", function()
    local h = history(2, { "loss", "top_ten", "valid_loss", "valid_top_ten", "seconds" })
    for epoch = 1, 2 do
      h[epoch] = { epoch = epoch, loss = 0.5, top_ten = 0.25, valid_loss = 0.75, valid_top_ten = 0.125,
        seconds = 2 }
    end
    h.stopped = "stopped"
    local whole, terminal = tostring(h), core.terminal
    assert.equal(4, select(2, (whole .. "\n"):gsub("\n", "")))
    rawset(core, "terminal", function() return 40 end)
    local narrow = tostring(h)
    rawset(core, "terminal", function() return 65 end)
    assert.equal(whole, tostring(h))
    rawset(core, "terminal", terminal)
    assert.equal([[
   epoch      loss   top_ten  valid_loss
       1    0.5000    0.2500      0.7500
       2    0.5000    0.2500      0.7500
   epoch  valid_top_ten   seconds
       1         0.1250      2.00
       2         0.1250      2.00
stopped]], narrow)
  end)

  it("has nan where an epoch has no such figure, and no clash with its fields", function()
    local h = sample()
    same({ 0.1, 0 / 0, 2 / 3 }, h.loss)
    same({ 0 / 0, 7, 0 / 0 }, h.extra)
    assert.is_nil(h.best)
    assert.is_nil(h.note)
    h.best = 2
    assert.equal(2, h.best)
    assert.same({}, history(3, { "loss" }).loss)
    assert.matches("nothing to draw", fnet.report.plot(history(3, { "loss" })))
    h[1].valid_loss, h[3].valid_loss = 1, 3
    local curves = h:curves()
    assert.same({ x = { 1, 3 }, y = { 1, 3 } }, curves.valid_loss)
    assert.matches("1 of 3 values of 'loss' is nan", fnet.report.plot(h, { columns = 80 }))
  end)

  it("has short figures in its lines, however large they are", function()
    local h = fnet.fit(fnet.nn.Dense(1, 1, { init = "zeros" }), {
      train = fnet.data.Dataset { x = fnet.ones { 2, 1 }, y = fnet.full({ 2, 1 }, 1e18) }, epochs = 1,
      loss = fnet.nn.mse, optim = fnet.optim.SGD,
    })
    assert.matches("^epoch 1/1  loss 1e%+36  %d+%.%d%d s$", h:line(h[1]))
    h[1].loss = 999999.5
    assert.matches("  loss 999999%.5000  ", h:line(h[1]))
    h[1].loss = -math.huge
    assert.matches(" %-inf ", tostring(h))
  end)

  it("is a table of rows", function()
    local rows, names = sample():table()
    assert.same({ "epoch", "samples", "loss", "best", "a,\"b\"", "seconds", "extra" }, names)
    same({ 1, 8, 0.1, 1, 5e-324, 1 / 3, 0 / 0 }, rows[1])
    same({ 2, 8, 0 / 0, 0 / 0, -1 / 0, 1e300, 7 }, rows[2])
    assert.same({ 3, 7 }, fnet.tensor(rows).shape)
  end)

  it("is a CSV file, whose numbers read back to themselves", function()
    local path, h = directory .. "/history.csv", sample()
    assert.is_true(h:csv(path))
    local text = command.read_file(path)
    assert.equal('epoch,samples,loss,best,"a,""b""",seconds,extra\n' ..
      "1,8,0.1,1,4.94065645841247e-324,0.3333333333333333,\n2,8,nan,,-inf,1e+300,7\n" ..
      "3,8,0.6666666666666666,2,10000000000000002,0.5,\n", text)
    h[2]['a,"b"'], h[2].seconds = 0.7, 1 -- a data set is of float32
    assert.is_true(h:csv(path))
    local set = assert(fnet.data.read_csv(path, { target = "seconds", missing = "nan" }))
    assert.same({ { 3, 6 }, { 3, 1 } }, { set.x.shape, set.y.shape })
    for i, name in ipairs { "epoch", "samples", "loss" } do
      same(fnet.tensor(h[name]):totable(), set.x:select(2, i):totable())
    end
  end)

  it("is written with points for the decimals, whatever the locale", function()
    local values = { 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789.125, 2 ^ 53 + 2 }
    for _, value in ipairs(values) do assert.equal(value, tonumber(decimal.exact(value))) end
    assert.equal("0.1", decimal.exact(0.1))
    assert.equal("-0", decimal.exact(-0.0):gsub("%.0", ""), nil)
    assert.equal("nan", decimal.exact(0 / 0))
    assert.equal("inf", decimal.exact(1 / 0))
    assert.equal("12", decimal.exact(12))
  end)

  it("that cannot be written gives nil, a message and a code; wrong use an error", function()
    local done, message, code = sample():csv(directory .. "/nothing/history.csv")
    assert.same({ nil, 2 }, { done, code })
    assert.matches("nothing/history.csv: .*No such file or directory", message)
    local h = sample()
    for _, name in ipairs { "csv", "table", "curves" } do
      local ok, problem = pcall(function() local _ = h[name]() end)
      assert.is_false(ok)
      assert.matches("history_spec%.lua:%d+: " .. name .. ": expected to be called with a colon", problem)
    end
    support.raises("csv: expected a path, got number", function() local _ = h:csv(5) end)
  end)
end)
