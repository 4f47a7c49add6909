--- fnet.sweep with jobs: runs in processes of their own give the table of runs one after another, and what goes
-- wrong in one of them is a row.

local fnet = require "fnet"
local core = require "fnet.core"
local support = require "tests.support"
local raises = support.raises

-- Calls f while functions of core are others.
local function with_core(functions, f)
  local before = {}
  for name, replacement in pairs(functions) do
    before[name] = core[name]
    rawset(core, name, replacement)
  end
  local ok, result = pcall(f)
  for name, original in pairs(before) do rawset(core, name, original) end
  assert(ok, result)
  return result
end

-- A training, whose figure depends on each bit.
local function train(settings)
  local set, model = support.line(40)
  fnet.fit(model, support.line_options(set, { batch = settings.batch, epochs = 2 }))
  return fnet.evaluate(model, set, { loss = fnet.nn.mse }).loss + math.random()
end

describe("sweep with jobs", function()
  it("gives the figures of runs one after another, and leaves the same random numbers", function()
    local results = {}
    for i, jobs in ipairs { false, 1, 2, 5 } do
      fnet.seed(3)
      local result = fnet.sweep { jobs = jobs or nil, seeds = 3, batch = { 5, 8 }, run = train }
      results[i] = { tostring(result), result.rows[1].figures, result.rows[2].figures, { fnet.random_state() },
        math.random() }
      assert.same({ 6, 6, false }, { result.runs, result.total, result.interrupted })
      assert.same(results[1], results[i])
    end
  end)

  it("keeps the order of the seeds whatever ends first, and integers as they are", function()
    local log, path = {}, os.tmpname()
    os.remove(path)
    local result = fnet.sweep { jobs = 2, seeds = 2, run = function(settings)
      while settings.seed == 1 and not io.open(path) do end
      return settings.seed
    end, callback = function(sweep, row, seed, figure)
      log[#log + 1] = { sweep.runs, sweep.total, #row.figures, seed, figure }
      assert(io.open(path, "w")):close()
    end }
    os.remove(path)
    assert.same({ { 1, 2, 1, 2, 2 }, { 2, 2, 2, 1, 1 } }, log)
    assert.same({ 1, 2 }, result.rows[1].figures)
    assert.equal("integer", math.type(result.rows[1].figures[1]))
  end)

  it("runs with one thread each unless it is told otherwise, and shares the script's values", function()
    local values, before = { 4 }, fnet.threads()
    local function threads(settings) return fnet.threads() + settings.f() + values[1] end
    local f = { function() values[1] = 100 return 0 end }
    assert.equal(101, fnet.sweep { jobs = 1, f = f, run = threads }.rows[1].mean)
    assert.equal(4, values[1])
    assert.equal(102, fnet.sweep { jobs = 1, threads = 2, f = f, run = threads }.rows[1].mean)
    assert.equal(before, fnet.threads())
    assert.equal(103, fnet.sweep { threads = 3, f = f, run = threads }.rows[1].mean)
    assert.equal(before, fnet.threads())
  end)

  it("makes a row of a run that raises, is killed, leaves or is not finite", function()
    local result = fnet.sweep { jobs = 2, seeds = 2, how = { "well", "raises", "killed", "leaves", "nan" },
      run = function(settings)
        if settings.how == "raises" then error("\xff no text", 0) end
        if settings.how == "killed" then os.execute "kill -9 $PPID" end
        -- As with os.exit(), where a sanitizer would complain of the threads that the first process has.
        if settings.how == "leaves" then rawset(core, "report_to_starter", function() end) end
        return settings.how == "nan" and 0 / 0 or 1
      end }
    local failures = {}
    for i, row in ipairs(result.rows) do failures[i] = row.failures end
    assert.same({
      {},
      { "seed 1: \xff no text", "seed 2: \xff no text" },
      { "seed 1: killed by signal 9, as the system does where memory runs out",
        "seed 2: killed by signal 9, as the system does where memory runs out" },
      { "seed 1: its process ended before it gave a figure, with status 0",
        "seed 2: its process ended before it gave a figure, with status 0" },
      { "seed 1: the figure is nan", "seed 2: the figure is nan" },
    }, failures)
    assert.same({ 1, 1 }, result.rows[1].figures)
    assert.equal(10, result.runs)
  end)

  it("raises an error of the very first run, as without", function()
    for _, jobs in ipairs { false, 2 } do
      local ok, message = pcall(fnet.sweep, { jobs = jobs or nil, k = { 1, 2, 3 }, run = function(settings)
        if settings.k == 1 then fnet.rand({ 2, 3 }):matmul(fnet.rand { 2, 3 }) end
        return 1
      end })
      assert.is_false(ok)
      assert.matches("^tests/train/sweep_jobs_spec.lua:%d+: matmul: expected", message)
    end
    local ok, message = pcall(fnet.sweep, { jobs = 2, run = function() return {} end })
    assert.is_false(ok)
    assert.matches("sweep: run must return a number, the figure to compare, got table$", message)
  end)

  it("ends all processes where the callback raises", function()
    local ok, message = pcall(fnet.sweep, { jobs = 3, k = { 1, 2, 3 }, callback = function() error("mine", 0) end,
      run = function(settings)
        while settings.k > 1 do end
        return 1
      end })
    assert.same({ false, "mine" }, { ok, message })
  end)

  it("shows what the runs print, in whole lines", function()
    local written = {}
    local stdout, stderr = io.stdout, io.stderr
    local function sink(name)
      return {
        write = function(_, ...) written[#written + 1] = name .. ": " .. table.concat { ... } end,
        flush = function() end, setvbuf = function() end,
      }
    end
    -- The process writes to the real ones, this one to those below.
    local function run(settings)
      rawset(io, "stdout", stdout)
      stdout:write("a", settings.seed, "\nrest", settings.seed)
      stderr:write("e", settings.seed, "\n")
      stderr:write(("l"):rep(30000), settings.seed, "\n") -- more than is read at a time
      return 1
    end
    rawset(io, "stdout", sink "out")
    rawset(io, "stderr", sink "err")
    local ok, message = pcall(fnet.sweep, { jobs = 2, seeds = 2, run = run })
    rawset(io, "stdout", stdout)
    rawset(io, "stderr", stderr)
    assert(ok, message)
    table.sort(written)
    local long = ("l"):rep(30000)
    assert.same({ "err: e1\n", "err: e2\n", "err: " .. long .. "1\n", "err: " .. long .. "2\n",
      "out: a1\n", "out: a2\n", "out: rest1\n", "out: rest2\n" }, written)
  end)

  it("goes on with fewer processes, or in this one, where the system refuses more, and says so", function()
    local start, started = core.start_process, 0
    local result = with_core({ start_process = function(...)
      started = started + 1
      if started == 2 then return nil, "fork: refused", 11 end
      return start(...)
    end }, function()
      return fnet.sweep { jobs = 2, seeds = 4, run = function(settings) return settings.seed end }
    end)
    assert.same({ 1, 2, 3, 4 }, result.rows[1].figures)
    assert.matches("\nnot more than 1 at a time in this process: fork: refused$", tostring(result))

    result = with_core({ start_process = function() return nil, "fork: refused", 11 end }, function()
      return fnet.sweep { jobs = 2, seeds = 4, run = function(settings) return settings.seed end }
    end)
    assert.same({ 1, 2, 3, 4 }, result.rows[1].figures)
    assert.matches("\nruns went on one after another in this process: fork: refused$", tostring(result))
  end)

  it("takes all processors, with the threads of each", function()
    local wait = core.wait_for_processes
    local function jobs_with(processors, threads)
      local most = 0
      with_core({ processors = function() return processors end, wait_for_processes = function(list, seconds)
        most = math.max(most, #list)
        return wait(list, seconds)
      end }, function()
        return fnet.sweep { jobs = "all", threads = threads, seeds = 6, run = function() return 1 end }
      end)
      return most
    end
    assert.same({ 3, 2, 1 }, { jobs_with(3), jobs_with(4, 2), jobs_with(2, 8) })
  end)

  it("runs a sweep inside a run", function()
    local result = fnet.sweep { jobs = 2, seeds = 2, run = function(outer)
      return fnet.sweep { jobs = 2, k = { 1, 2 }, run = function(inner) return 10 * outer.seed + inner.k end }
        .rows[2].mean
    end }
    assert.same({ 12, 22 }, result.rows[1].figures)
  end)

  it("does not run twice what is for the end of an object", function()
    local path = os.tmpname()
    setmetatable({}, { __gc = function()
      local file = assert(io.open(path, "a"))
      file:write "x"
      file:close()
    end })
    fnet.sweep { jobs = 2, seeds = 3, run = function()
      collectgarbage()
      return 1
    end }
    collectgarbage()
    local file = assert(io.open(path))
    assert.equal("x", file:read "a")
    file:close()
    os.remove(path)
  end)

  it("checks its options", function()
    local function run() return 1 end
    raises('sweep: jobs: expected a number of processes, or "all", got string',
      function() return (fnet.sweep { run = run, jobs = "many" }) end)
    raises("sweep: jobs: expected a whole number from 1 to 256, got 0",
      function() return (fnet.sweep { run = run, jobs = 0 }) end)
    raises("sweep: workers: expected a list of values, such as { 1, 2 }, got number (did you mean 'jobs'?)",
      function() return (fnet.sweep { run = run, workers = 2 }) end)
    raises("threads: expected a whole number from 1 to 256, got 1000",
      function() return (fnet.sweep { run = run, jobs = 2, threads = 1000 }) end)
    raises("sweep: threads: expected a whole number of at least 1, got 0",
      function() return (fnet.sweep { run = run, threads = 0 }) end)
  end)
end)
