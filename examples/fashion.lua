-- Fashion-MNIST: 60,000 pictures of clothes teach a small network to tell ten kinds apart.
--   fnet examples/fashion.lua --help
-- Look at: the loss, which falls from epoch to epoch, and the classes that are hardest: what are they like?
-- Change next: --hidden 16, --epochs 20, --lr 0.01; a second hidden layer among those of the network below.

local fnet = require "fnet"
local nn, optim, data, report = fnet.nn, fnet.optim, fnet.data, fnet.report

local options = fnet.options(arg, "Trains a 784-128-10 network on Fashion-MNIST and reports its accuracy.", {
  { "epochs", 5, "passes over the training pictures", low = 0 },
  { "batch", 32, "pictures a step", low = 1 },
  { "lr", 1e-3, "learning rate of Adam", low = 0 },
  { "hidden", 128, "units of the hidden layer", low = 1 },
  { "seed", 1, "start of all random numbers" },
  { "threads", 0, "threads that share the work; 0: as many as there are processors", low = 0, high = 256 },
  { "valid", 0, "training pictures kept aside for validation", low = 0, high = 59999 },
  { "data", "", "directory of the four IDX files", value = "DIR" },
  { "checkpoint", "", "directory to save the training in, after each epoch and on Ctrl-C", value = "DIR" },
  { "resume", false, "go on from what is saved there" },
  { "save", "", "file for the trained network: fnet run, eval and info use it", value = "FILE" },
  { "report", "", "file for a page that shows the training in a browser", value = "FILE" },
  { "json", false, "one line of JSON an epoch and for the result" },
})

local function fail(...)
  io.stderr:write("examples/fashion.lua: ", ...)
  io.stderr:write "\n"
  os.exit(1, true)
end
if options.resume and options.checkpoint == "" then
  fail "--resume needs --checkpoint DIR, the directory to go on from"
end

local function say(...) if not options.json then print(string.format(...)) end end
local function emit(record) if options.json then print(report.json(record)) end end

if options.threads > 0 then fnet.threads(options.threads) end
fnet.seed(options.seed)
say("fnet %s, numerics %d, %s, threads %d, seed %d", fnet.version, fnet.numerics, fnet.isa(), fnet.threads(),
  options.seed)

local train, test = data.fashion_mnist { dir = options.data ~= "" and options.data or nil }
say("%d training and %d test pictures from %s\n", #train, #test, train.source)

-- The network: each picture becomes a row of 784 numbers; the ten outputs are a probability distribution.
local model = nn.Sequential {
  nn.Flatten(),
  nn.Dense(784, options.hidden), nn.ReLU(),
  nn.Dense(options.hidden, 10), nn.Softmax(),
}
local opt = optim.Adam(model:parameters(), { lr = options.lr })
say("%s\n", model:summary())

local valid
if options.valid > 0 then valid, train = train:split(options.valid) end

local checkpoint = assert(fnet.checkpoint(options.checkpoint ~= "" and options.checkpoint or nil, {
  model = model, optim = opt, data = train, resume = options.resume,
}))
if checkpoint.resumed then say("resumed: %s", checkpoint) end

for _, path in ipairs { options.save, options.report } do
  local problem = path ~= "" and select(2, fnet.can_write(path)) -- better said now than after the training
  if problem then fail("not saved: ", problem) end
end
local recorder = options.report ~= "" and report.recorder(model)

for epoch, sums in checkpoint:epochs(options.epochs) do
  local started, before = fnet.clock(), sums.seen or 0
  sums.seen, sums.loss, sums.correct = before, sums.loss or 0, sums.correct or 0
  local progress, finish = report.progress("epoch " .. epoch, train:batch_count(options.batch))
  for x, y in checkpoint:batches(train, { size = options.batch, shuffle = true }) do
    local output = model(x)
    local loss = nn.cross_entropy(output, y)
    opt:zero_grad()
    loss:backward()
    opt:step()

    sums.seen = sums.seen + #y
    sums.loss = sums.loss + loss:item() * #y
    sums.correct = sums.correct + nn.correct(output, y)
    progress(checkpoint.step + 1, "")
  end
  finish()
  local seconds, loss, accuracy = fnet.clock() - started, sums.loss / sums.seen, sums.correct / sums.seen
  local checked = valid and nn.evaluate(model, valid)
  say("epoch %d/%d  loss %.4f  accuracy %.2f%%%s  %.2f s  %.0f images/s", epoch, options.epochs, loss,
    100 * accuracy, checked and "  validation " .. report.accuracy(checked) or "", seconds,
    (sums.seen - before) / seconds)
  emit { { "epoch", epoch }, { "loss", loss }, { "accuracy", accuracy },
    { "validation_accuracy", checked and checked.accuracy or 0 / 0 }, { "seconds", seconds } }
  local record = { epoch = epoch, loss = loss, accuracy = accuracy }
  if checked then record.valid_loss, record.valid_accuracy = checked.loss, checked.accuracy end
  if recorder then recorder.epoch_end { model = model, record = record } end
  if loss - loss ~= 0 then -- NaN or infinite
    fail("the loss is not finite any more; a smaller --lr than ", options.lr, " may help")
  end
end

local result = nn.evaluate(model, test)
say("\ntest accuracy %s\n", report.accuracy(result))
for _, class in ipairs(result.classes) do
  say("  %-12s %5.1f%%  (%d/%d)", class.name, 100 * class.correct / class.total, class.correct, class.total)
end

-- One test picture, and what the network makes of it.
local picture, label = test:sample(1)
local output = fnet.predict(model, picture)
local guess = output:argmax():item()
local function with_article(name) return (name:match "^[AEIOU]" and "an " or "a ") .. name:lower() end
say("\n%s\n\n%.0f%% certain that this is %s (it is %s)\n\n%s\n", report.picture(picture, { cut = true }),
  100 * output[guess], with_article(test.classes[guess]), with_article(test.classes[label]),
  report.distribution(test.classes, output))

local function tell(path, saved, message)
  if not saved then fail("not saved: ", message) end
  say("saved in %s", path)
end
local metrics = { test_accuracy = result.accuracy }
if options.save ~= "" then tell(options.save, model:save(options.save, { data = train, metrics = metrics })) end
local shown = { recorder, model, test, settings = options }
if recorder then tell(options.report, report.page(options.report, shown)) end
say("weights sha256 %s", model:sha256())
emit { { "test_accuracy", result.accuracy }, { "test_margin", result.margin }, { "correct", result.correct },
  { "total", result.total }, { "weights_sha256", model:sha256() } }
