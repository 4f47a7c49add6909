--- A few figures, each measured once, as one line of JSON each (name, threads, value in seconds): what bench-
-- compare runs in two revisions in turns. It uses only what both must have: the interface that scripts use.

local fnet = require "fnet"
local inference = require "tests.bench.inference"
local programs = require "tests.bench.programs"
local training = require "tests.bench.training"

local function show(name, threads, seconds)
  print(fnet.report.json { { "name", name }, { "threads", threads }, { "value", seconds } })
end

fnet.seed(1)
local available = fnet.threads()
local train, test = fnet.data.fashion_mnist()
show("loading", available, programs.load(train.source))

for _, case in ipairs { { 32, 1 }, { 32, available }, { 256, available } } do
  local batch, threads = case[1], case[2]
  local learner = training.lesson()
  fnet.threads(threads)
  training.epoch(train:slice(1, 6400), learner, batch)
  show("an epoch at batch " .. batch, threads, (training.epoch(train, learner, batch)))
end

local model, pictures = training.lesson().model, inference.pictures(test)
inference.single(model, pictures, 3200)
show("one picture", available, inference.single(model, pictures, 32000))
inference.batch(model, pictures, 3)
show("10,000 pictures", available, inference.batch(model, pictures, 20))

local starts = programs.start(arg[-1], 11)
table.sort(starts)
show("start-up", available, starts[6])
