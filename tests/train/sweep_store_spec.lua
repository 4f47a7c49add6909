--- The store of a sweep: finished runs are not run again, whatever ended the first start; what belongs to another
-- experiment is said, never mixed in.

local command = require "tests.support.command"
local fnet = require "fnet"
local raises = require("tests.support").raises

local directory, path
before_each(function()
  directory = command.make_directory()
  path = directory .. "/sweep.jsonl"
end)
after_each(function() command.remove_directory(directory) end)

-- A sweep over two settings and two seeds; gives it and the runs that were run, which count in a file because they
-- may be processes.
local function sweep(options)
  local list = { store = path, seeds = 2, lr = { 0.1, 1 / 3 }, run = function(settings)
    local log = assert(io.open(directory .. "/log", "a"))
    log:write(("%.3f/%d "):format(settings.lr, settings.seed))
    log:close()
    return settings.lr * settings.seed
  end }
  for key, value in pairs(options or {}) do list[key] = value end
  command.write_file(directory .. "/log", "")
  local result = fnet.sweep(list)
  local words = {}
  for word in command.read_file(directory .. "/log"):gmatch "%S+" do words[#words + 1] = word end
  table.sort(words)
  return result, table.concat(words, " ")
end

local function lines() return select(2, command.read_file(path):gsub("\n", "\n")) end

describe("the store of a sweep", function()
  for _, jobs in ipairs { false, 2 } do
    it("keeps finished runs to the last bit" .. (jobs and ", with jobs" or ""), function()
      local first, ran = sweep { jobs = jobs or nil }
      assert.equal("0.100/1 0.100/2 0.333/1 0.333/2", ran)
      assert.equal(4, lines())
      local again, nothing = sweep { jobs = jobs or nil }
      assert.equal("", nothing)
      for i, row in ipairs(first.rows) do assert.same(row.figures, again.rows[i].figures) end
      assert.equal(tostring(first) .. "\n" .. path .. ": runs that are from there: 4", tostring(again))
      assert.equal(4, again.runs)
    end)

    it("runs again what failed, and nothing else" .. (jobs and ", with jobs" or ""), function()
      local broken = true
      local function run(settings)
        if settings.lr > 0.2 and broken then error "broken" end
        return settings.seed == 2 and math.huge or 1
      end
      sweep { jobs = jobs or nil, run = run }
      assert.equal(2, lines())
      broken = false
      local result = sweep { jobs = jobs or nil, run = run }
      assert.equal(4, lines())
      assert.same({ { 1 }, { 1 } }, { result.rows[1].figures, result.rows[2].figures })
      assert.same({ "seed 2: the figure is inf" }, result.rows[1].failures)
    end)
  end

  it("grows with the lists, and says what is not in the table", function()
    sweep()
    local result, ran = sweep { seeds = { 2, 5 }, lr = { 0.1, 7 } }
    assert.equal("0.100/5 7.000/2 7.000/5", ran)
    assert.same({ 0.2, 0.5 }, result.rows[1].figures)
    assert.matches("sweep.jsonl: runs that are from there: 1\n", tostring(result))
    assert.matches("sweep.jsonl: runs of other settings or seeds, not in this table: 3$", tostring(result))
  end)

  it("tells apart all settings that JSON can hold", function()
    local options = { lr = { 1, 1.0, "1", true, { 1 }, { 1, act = "relu" }, { 1, act = "tanh" }, {}, 0 / 0, "ä\n" },
      run = function() return 1 end, seeds = 1 }
    sweep(options)
    assert.equal(10, lines())
    assert.matches("runs that are from there: 10$", tostring(sweep(options)))
  end)

  it("refuses settings that no file can hold, before anything runs", function()
    raises("sweep: store: optim is a function, which no file can hold",
      function() return (fnet.sweep { store = path, optim = { fnet.optim.SGD }, run = error }) end)
    raises("sweep: store: x is or has a tensor, which no line of JSON can hold",
      function() return (fnet.sweep { store = path, jobs = 2, x = { { fnet.ones { 2 } } }, run = error }) end)
  end)

  it("passes over lines that were cut short, with a word", function()
    sweep()
    local text = command.read_file(path)
    local last = text:match "([^\n]+)\n$"
    for _, left in ipairs { 1, 20, #last - 1 } do
      command.write_file(path, text:sub(1, #text - #last - 1 + left))
      local result, ran = sweep()
      assert.equal("0.333/2", ran)
      assert.matches("sweep.jsonl: lines that are cut short and were passed over: 1$", tostring(result))
      result, ran = sweep() -- another line follows it now
      assert.equal("", ran)
      assert.matches("sweep.jsonl: lines that are cut short and were passed over: 1$", tostring(result))
    end
    command.write_file(path, text:sub(1, -2)) -- all but the end of the line
    assert.equal("", select(2, sweep()))
  end)

  it("refuses runs of another version of the script or of the numerics, and says the way out", function()
    sweep()
    local text = command.read_file(path)
    local script = text:match '"script":"(%w+)"'
    command.write_file(path, (text:gsub(script, "0123456789abcdef")))
    local ok, message = pcall(sweep)
    assert.is_false(ok)
    assert.equal(("sweep: store: %s: line 1 was made by another version of the script; name another file, or, " ..
      "where the change does not concern these runs: sed -i s/0123456789abcdef/%s/ %s"):format(path, script, path),
      message:match "^tests/train/sweep_store_spec.lua:%d+: (.*)$")
    assert.is_true(os.execute(message:match "sed .*$"))
    assert.equal("", select(2, sweep()))
    command.write_file(path, (text:gsub('"numerics":%d+', '"numerics":1')))
    ok, message = pcall(sweep)
    assert.is_false(ok)
    assert.matches("line 1 was made with numerics 1, this fnet has 2; name another file$", message)
  end)

  it("says so where the code is in no file, so that versions of it look alike", function()
    local script = arg[0]
    finally(function() rawset(arg, 0, script) end)
    rawset(arg, 0, nil)
    sweep()
    assert.equal(path .. ": this code is in no file, so nothing tells whether those runs are of the same one",
      sweep().notes[2])
  end)

  it("refuses a file that is none, and leaves it as it is", function()
    for _, text in ipairs { "a,b\n1,2\n", '{"seed":1}\n', "[1]\n", '{"seed":1,"settings":{},"figure":"x"}\n' } do
      command.write_file(path, text)
      local ok, message = pcall(sweep)
      assert.is_false(ok)
      assert.matches("sweep.jsonl: line 1 ", message)
      assert.equal(text, command.read_file(path))
    end
    local function store(name) return function() return (fnet.sweep { store = name, run = error }) end end
    local ok, message = pcall(store(directory))
    assert.is_false(ok)
    assert.matches("sweep: store: " .. directory:gsub("%p", "%%%0") .. ": Is a directory$", message)
    raises("sweep: store: /dev/null: is a device, a pipe or the like; expected an ordinary file", store "/dev/null")
    local link = directory .. "/link.jsonl"
    assert(os.execute(("ln -sf %s %s"):format(command.quote(path), command.quote(link))))
    raises(("sweep: store: %s: is a symbolic link, or goes through too many; name the file itself"):format(link),
      store(link))
    raises("sweep: store: expected a path, got number",
      function() return (fnet.sweep { store = 5, run = error }) end)
  end)

  it("is locked while it is used", function()
    local ok, message = pcall(sweep, { run = function() return sweep() end })
    assert.is_false(ok)
    assert.matches("sweep.jsonl: is locked, by this or another process$", message)
  end)

  it("keeps what an interruption leaves", function()
    local interrupt = require("tests.support").interrupt
    local result = sweep { run = function(settings) return settings.seed == 2 and interrupt() or 1 end }
    assert.is_true(result.interrupted)
    assert.equal(2, lines())
  end)
end)
