--- fit with a checkpoint: the run that goes on is the run that was never interrupted.

local fnet = require "fnet"
local command = require "tests.support.command"
local support = require "tests.support"
local nn = fnet.nn

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function macro_f1(output, y) return fnet.metrics.confusion(output, y).macro.f1 end

-- Trains; an error in a callback ends it after `limit` steps.
local function fit(checkpoint, limit)
  fnet.seed(6)
  local x = fnet.rand { 20, 4 }
  local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 3):argmax(2):int() }
  local model = nn.Sequential { nn.Dense(4, 8), nn.BatchNorm(8), nn.ReLU(), nn.Dropout(0.2), nn.Dense(8, 3) }
  local ok, history = pcall(fnet.fit, model, {
    train = set, valid = set, loss = nn.cross_entropy, optim = fnet.optim.Adam, epochs = 4, batch = 8,
    metrics = { "accuracy", f1 = { whole = macro_f1 } }, checkpoint = checkpoint,
    early_stopping = { patience = 1, monitor = "loss", goal = "max" },
    callbacks = { step = function(run) if run.total_steps == limit then error "stop" end end },
  })
  if limit and ok then error "was not stopped" end
  if not ok and not limit then error(history, 0) end
  if not ok then return end
  for _, record in ipairs(history) do record.seconds = 0 end
  return model:sha256() .. tostring(history)
end

describe("fit with a checkpoint", function()
  it("goes on from any step as if nothing had happened", function()
    local expected = fit()
    assert.equal(expected, fit(directory .. "/whole"))
    for limit = 1, 6 do
      local place = directory .. "/run" .. limit
      fit({ place, every = 1 }, limit)
      assert.equal(expected, fit { place, resume = true })
      assert.equal(expected, fit { place, resume = true }) -- nothing is left to do
    end
  end)

  it("says what is wrong with it, at the caller's line", function()
    local model = nn.Sequential { nn.Dense(1, 1) }
    local set = fnet.data.Dataset { x = fnet.zeros { 2, 1 }, y = fnet.zeros { 2, 1 } }
    local function run(checkpoint)
      return { train = set, loss = nn.mse, optim = fnet.optim.SGD, checkpoint = checkpoint }
    end
    local raises = support.raises
    raises("fit: checkpoint: expected a directory, or { directory, resume = true, every = steps }, got table",
      function() fnet.fit(model, run { resume = true }) end)
    raises("fit: checkpoint: unknown option 'resum' (did you mean 'resume'?); known are resume, every",
      function() fnet.fit(model, run { "x", resum = true }) end)
    local missing = directory .. "/none/x"
    raises(("fit: checkpoint: %s: No such file or directory"):format(missing),
      function() fnet.fit(model, run(missing)) end)
  end)
end)
