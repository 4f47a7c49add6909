--- The live lines of the runs of a sweep.

local fnet = require "fnet"
local core = require "fnet.core"
local live = require "fnet.report.live"
local runs = require "fnet.report.runs"

-- What is written to the standard error while f runs, on a terminal of so many columns and rows, or none. The clock
-- goes on by a second at each look, and as the system's where `real` is set.
local function shown(columns, rows, f, real)
  local terminal, clock, stderr = core.terminal, core.clock, io.stderr
  local written, now = {}, 0
  rawset(core, "terminal", function() return columns, rows end)
  rawset(core, "clock", function()
    now = now + 1
    return real and clock() or now
  end)
  rawset(io, "stderr", {
    write = function(_, ...) written[#written + 1] = table.concat { ... } end, flush = function() end,
  })
  local ok, message = pcall(f)
  rawset(core, "terminal", terminal)
  rawset(core, "clock", clock)
  rawset(io, "stderr", stderr)
  assert(ok, message)
  return table.concat(written)
end

local sweep = { names = { "lr" }, runs = 1, total = 9, text = tostring }
local function job(lr, text) return { piece = { row = { settings = { lr = lr } }, seed = 7 }, text = text } end

describe("the live lines of runs", function()
  it("are one a run, drawn in place, and taken away", function()
    assert.equal("\rlr 0.1  seed 7  epoch 1\27[K\nlr 2  seed 7  ...\27[K\n1 of 9 runs have ended\27[K" ..
      "\r\27[A\27[A" .. "lr 2  seed 7  x\27[K\n1 of 9 runs have ended\27[K\27[J" .. "\r\27[A\27[J",
      shown(80, 24, function()
        runs.draw(sweep, { job(0.1, "epoch\n1"), job(2) })
        runs.draw(sweep, { job(2, "x") })
        runs.erase()
        runs.erase()
      end))
  end)

  it("fit the terminal", function()
    local text = shown(12, 4, function()
      runs.draw(sweep, { job(1, "a"), job(2, "b"), job(3, "c") })
      runs.erase()
    end)
    assert.equal("\rlr 1  seed \27[K\nlr 2  seed \27[K\n1 of 9 runs\27[K\r\27[A\27[A\27[J", text)
  end)

  it("are not drawn without a terminal, nor again at once", function()
    assert.equal("", shown(nil, nil, function() runs.draw(sweep, { job(1) }) end))
    local _, count = shown(80, 24, function()
      for _ = 1, 3 do runs.draw(sweep, { job(1) }) end
      runs.erase()
    end, true):gsub("have ended", "")
    assert.is_true(count < 3)
  end)

  it("give way to what the script prints", function()
    local order, original = {}, print
    shown(80, 24, function()
      local stderr = io.stderr
      rawset(stderr, "write", function(_, ...) order[#order + 1] = table.concat { ... } end)
      rawset(_G, "print", function() order[#order + 1] = "printed" end)
      live.draw({ "a", "b" }, 80)
      print()
    end)
    rawset(_G, "print", original)
    assert.same({ "\ra\27[K\nb\27[K", "\r\27[A\27[J", "printed" }, order)
  end)
end)

describe("a sweep with jobs and its reporter", function()
  it("hears how far fit and progress are in each run", function()
    local draw, path, texts = runs.draw, os.tmpname(), {}
    os.remove(path)
    rawset(runs, "draw", function(_, running)
      for _, job_now in ipairs(running) do
        local seed = job_now.piece.seed
        if job_now.text and not texts[seed] then
          texts[seed] = job_now.text
          assert(io.open(path .. seed, "w")):close()
        end
      end
    end)
    local x = fnet.ones { 4, 1 }
    local function run(settings)
      if settings.seed == 1 then
        local update, finish = fnet.report.progress("own loop", 4)
        update(4, "at work")
        finish()
      else
        fnet.fit(fnet.nn.Dense(1, 1), { train = fnet.data.Dataset { x = x, y = x }, loss = fnet.nn.mse,
          optim = fnet.optim.SGD })
      end
      while not io.open(path .. settings.seed) do end
      return 1
    end
    local ended = {}
    local ok, message = pcall(shown, nil, nil, function()
      rawset(io.stderr, "write", function(_, ...) ended[#ended + 1] = table.concat { ... } end)
      fnet.sweep { jobs = 2, seeds = 2, callback = fnet.report.sweep, run = run }
    end, true)
    rawset(runs, "draw", draw)
    for seed = 1, 2 do os.remove(path .. seed) end
    assert(ok, message)
    assert.equal("own loop ████████ 100% at work  0 s left", texts[1])
    assert.matches("^epoch 1/1  loss %d%.%d+  %d%.%d+ s$", texts[2])
    table.sort(ended)
    assert.matches("^run 1/2  seed %d: 1\nrun 2/2  seed %d: 1\n$", table.concat(ended))
  end)
end)
