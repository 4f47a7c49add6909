--- Pages: report.page of a training of 100 epochs with 1,000 pictures, how long it takes and how large it is; and
-- what a look of its recorder costs an epoch.

local fnet = require "fnet"
local recorder = require "fnet.page.recorder"
local training = require "tests.bench.training"

local pages = {}

local EPOCHS = 100

-- What such a training leaves: the figures are no real ones, the weights are those of an epoch.
local function given_for(model, test)
  local callbacks = fnet.report.recorder(model)
  for epoch = 1, EPOCHS do
    callbacks.epoch_end { model = model, record = { epoch = epoch, loss = 1 / epoch, valid_loss = 1.1 / epoch,
      accuracy = 1 - 0.5 / epoch, valid_accuracy = 1 - 0.6 / epoch, lr = 0.001 } }
  end
  return { callbacks, model, test, pictures = 1000 }
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer, train: data.Dataset, test: data.Dataset}
function pages.measure(figures, options)
  local path, learner = os.tmpname(), training.lesson()
  local given = given_for(learner.model, options.test)
  local seconds, mebibytes, looks, epochs = {}, {}, {}, {}
  for run = 1, options.runs do
    epochs[run] = training.epoch(options.train, learner, 32)
    local started = fnet.clock()
    recorder.look(learner.model, run)
    looks[run] = fnet.clock() - started
    started = fnet.clock()
    assert(fnet.report.page(path, given))
    seconds[run] = fnet.clock() - started
    local file <close> = assert(io.open(path, "rb"))
    mebibytes[run] = file:seek "end" / 2 ^ 20
  end
  os.remove(path)
  local section = ("a page of %d epochs, 1,000 pictures of 10,000"):format(EPOCHS)
  figures:add { section = section, name = "time", unit = "s", values = seconds, bar = 2 }
  figures:add { section = section, name = "size", unit = "MiB", values = mebibytes, bar = 10 }
  figures:add { section = section, name = "a recorder's look, against an epoch at batch 32", unit = "s",
    values = looks, limits = epochs, bar = 0.01 }
end

return pages
