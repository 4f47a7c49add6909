--- The examples from end to end, as child processes of the interpreter under test.

local command = require "tests.support.command"

local FIXTURES = command.directory .. "/tests/fixtures/fashion"

local directory

setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- Runs an example elsewhere than in the project, so that nothing depends on the working directory.
local function run(name, arguments, environment)
  local words = { command.directory .. "/examples/" .. name }
  table.move(arguments or {}, 1, #(arguments or {}), 2, words)
  return command.shell(directory, command.line(command.fnet, words, environment))
end

local function fashion(...)
  return run("fashion.lua", { "--data", FIXTURES, "--epochs", "1", ... })
end

local function lines_of(text)
  assert.equal("\n", text:sub(-1))
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

-- Removes what fits the patterns, line by line from the front.
local function expect(lines, ...)
  for _, pattern in ipairs { ... } do
    local line = table.remove(lines, 1)
    assert.is_truthy(line and line:find("^" .. pattern .. "$"), ("%s\ndoes not fit %s"):format(line, pattern))
  end
end

-- The value of the flat JSON object in a line; raises where it is none.
local function parse(line)
  local record, at = {}, 2
  assert.equal("{", line:sub(1, 1))
  repeat
    local key, value, after, stop = line:match('^"([%w_]+)":([^,{}%[%]]+)([,}])()', at)
    assert.is_truthy(key, line)
    if value == "null" then record[key] = "null"
    elseif value:find '^"[^"\\]*"$' then record[key] = value:sub(2, -2)
    else record[key] = assert(tonumber(value), value) end
    at = stop
  until after == "}"
  assert.equal(#line + 1, at)
  return record
end

describe("examples/fashion.lua", function()
  it("prints every promised line, and the weights' SHA-256 last", function()
    local result = fashion("--threads", "2", "--valid", "100", "--seed", "3", "--epochs", "2")
    assert.same({ 0, "" }, { result.status, result.errors })
    local lines = lines_of(result.output)
    expect(lines, "fnet %d+%.%d+%.%d+, numerics %d+, %w+, threads 2, seed 3",
      "600 training and 200 test pictures from " .. FIXTURES:gsub("%p", "%%%0"), "",
      "layer +output shape +parameters",
      "Flatten%(%) +%[batch, 784%] +0", "Dense%(784, 128%) +%[batch, 128%] +100,480",
      "ReLU%(%) +%[batch, 128%] +0", "Dense%(128, 10%) +%[batch, 10%] +1,290", "Softmax%(%) +%[batch, 10%] +0",
      "total +101,770", "")
    local accuracy = "%d+%.%d%d%% ± %d+%.%d%d %(%d+/%d+%)"
    for epoch = 1, 2 do
      expect(lines, ("epoch %d/2  loss %%d+%%.%%d+  accuracy %%d+%%.%%d%%d%%%%  validation %s  %s"):format(epoch,
        accuracy, "%d+%.%d+ s  %d+ images/s"))
    end
    assert.is_truthy(lines[2]:find "/200%)$")
    expect(lines, "", "test accuracy " .. accuracy, "")
    for _, class in ipairs {
      "T%-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    } do
      expect(lines, "  " .. class .. " +%d+%.%d%%  %(%d+/%d+%)")
    end
    expect(lines, "")
    repeat expect(lines, "[ .:=+*#%%@-]+") until lines[1] == "" -- as high as what is on the picture
    expect(lines, "", "%d+%% certain that this is an? %C+ %(it is an? %C+%)", "")
    local marked = 0
    for _ = 1, 10 do
      if lines[1]:find "  <$" then marked = marked + 1 end
      expect(lines, "  %a[%w/ -]+[^%w]* +%d+%.%d%%[ <]*")
    end
    assert.equal(1, marked)
    expect(lines, "", "weights sha256 " .. ("%x"):rep(64))
    assert.same({}, lines)
  end)

  it("writes a page of the training, the same each time, and says beforehand where it cannot", function()
    local texts = {}
    for i = 1, 2 do
      local result = fashion("--report", "run.html", "--epochs", "2", "--valid", "100")
      assert.same({ 0, "" }, { result.status, result.errors })
      assert.matches("\nsaved in run.html\nweights sha256 %x+\n$", result.output)
      texts[i] = command.read_file(directory .. "/run.html")
    end
    assert.equal(texts[1], texts[2])
    assert.matches("<title>fashion.lua</title>", texts[1], 1, true)
    assert.matches("of epoch 0 to 2", texts[1], 1, true)
    assert.matches('"part":"validation"', texts[1], 1, true)
    local result = fashion("--report", "nowhere/run.html")
    assert.equal(1, result.status)
    assert.matches("^examples/fashion.lua: not saved: nowhere/run.html: [^\n]*No such file or directory\n$",
      result.errors)
    assert.is_nil(result.output:find "\nepoch 1")
  end)

  it("ends where the loss is not finite", function()
    local result = fashion("--lr", "1e30", "--epochs", "3")
    assert.same({ 1, "examples/fashion.lua: the loss is not finite any more; a smaller --lr than 1e+30 may "
      .. "help\n" }, { result.status, result.errors })
    assert.matches("\nepoch 1/3  loss [^\n]*\n$", result.output)
  end)

  it("computes its figures right", function()
    local text = fashion().output
    local percent, margin, correct, total = text:match "test accuracy (%S+)%% ± (%S+) %((%d+)/(%d+)%)"
    assert.equal(("%.2f"):format(100 * correct / total), percent)
    -- Wilson's ends are the fractions q of which p is 1.96 deviations away: (p - q)^2 = 1.96^2 q (1 - q) / total.
    local p, z = correct / total, 1.96 ^ 2 / total
    local middle, half = (p + z / 2) / (1 + z), math.sqrt(p * (1 - p) * z + z * z / 4) / (1 + z)
    assert.equal(("%.2f"):format(100 * math.max(p - (middle - half), middle + half - p)), margin)
    local sum_correct, sum_total = 0, 0
    for right, all in text:gmatch "\n  %C-%%  %((%d+)/(%d+)%)" do
      sum_correct, sum_total = sum_correct + right, sum_total + all
    end
    assert.same({ tonumber(correct), 200 }, { sum_correct, sum_total })
    local share = 0
    for value in text:gmatch "\n  [^\n%%(]- (%d+%.%d)%%[^\n(]*%f[\n]" do share = share + value end
    assert.near(100, share, 0.51)
    assert.is_true(p > 0.4)
  end)

  it("has no colour and no progress bar in a pipe", function()
    for _, environment in ipairs { {}, { NO_COLOR = "1", TERM = "xterm-256color" } } do
      local result = run("fashion.lua", { "--data", FIXTURES, "--epochs", "1" }, environment)
      assert.same({ "", 0 }, { result.errors, result.status })
      assert.is_nil(result.output:find "[\27\r]")
    end
  end)

  it("prints the same weights for any number of threads and instruction set", function()
    local expected = fashion().output:match "weights sha256 (%x+)\n$"
    for _, set in ipairs { "portable", "" } do
      for _, threads in ipairs { "1", "3" } do
        local result = run("fashion.lua", { "--data", FIXTURES, "--epochs", "1" },
          { FNET_ISA = set, FNET_THREADS = threads })
        assert.equal(expected, result.output:match "weights sha256 (%x+)\n$")
        assert.is_truthy(result.output:find("threads " .. threads, 1, true))
      end
    end
    assert.not_equal(expected, fashion("--seed", "2").output:match "weights sha256 (%x+)\n$")
    assert.not_equal(expected, fashion("--batch", "64").output:match "weights sha256 (%x+)\n$")
    assert.not_equal(expected, fashion("--lr", "0.01").output:match "weights sha256 (%x+)\n$")
  end)

  it("prints one JSON object a line with --json, and nothing else", function()
    local plain = fashion("--epochs", "2")
    local result = fashion("--epochs", "2", "--json")
    assert.same({ "", 0 }, { result.errors, result.status })
    local records = {}
    for i, line in ipairs(lines_of(result.output)) do records[i] = parse(line) end
    assert.equal(3, #records)
    for epoch = 1, 2 do
      local record = records[epoch]
      assert.equal(epoch, record.epoch)
      assert.is_true(record.loss > 0 and record.accuracy > 0 and record.accuracy <= 1 and record.seconds > 0)
      assert.equal("null", record.validation_accuracy)
    end
    assert.is_true(records[2].loss < records[1].loss)
    local last = records[3]
    assert.equal(200, last.total)
    assert.near(last.correct / 200, last.test_accuracy, 1e-9)
    assert.equal(plain.output:match "weights sha256 (%x+)\n$", last.weights_sha256)
    local valid = parse(lines_of(fashion("--valid", "60", "--json").output)[1])
    assert.is_true(valid.validation_accuracy >= 0 and valid.validation_accuracy <= 1)
  end)

  it("trains the network that is asked for", function()
    local result = fashion("--hidden", "7", "--epochs", "0")
    assert.equal(0, result.status)
    assert.is_truthy(result.output:find("Dense(784, 7)", 1, true))
    assert.is_nil(result.output:find "\nepoch")
    assert.is_truthy(result.output:find "\ntest accuracy ")
  end)

  it("describes its options with --help", function()
    local result = run("fashion.lua", { "--help" })
    assert.same({ 0, "" }, { result.status, result.errors })
    for option, default in pairs {
      epochs = "5", batch = "32", lr = "0.001", hidden = "128", seed = "1", threads = "0", valid = "0",
    } do
      assert.is_truthy(result.output:find(("\n  %%-%%-%s N +%%C+ %%(%s%%)\n"):format(option, default)), option)
    end
    for _, line in ipairs { "\n  %-%-data DIR +%C+\n", "\n  %-%-json +%C+\n", "\n  %-%-help +%C+\n" } do
      assert.is_truthy(result.output:find(line))
    end
    assert.is_nil(result.output:find("()", 1, true))
  end)

  it("ends with status 1 and a reason on stderr where it is used wrongly", function()
    local cases = {
      { "unknown option '%-%-epoch' %(did you mean '%-%-epochs'%?%); known are %-%-epochs ", "--epoch", "3" },
      { "%-%-resume needs %-%-checkpoint DIR", "--resume" },
      { "%-%-epochs: expected a whole number of at least 0, got '%-1'", "--epochs", "-1" },
      { "%-%-epochs: expected a whole number of at least 0, got 'x'", "--epochs", "x" },
      { "%-%-batch: expected a whole number of at least 1, got '0'", "--batch", "0" },
      { "%-%-lr: expected a number of at least 0, got 'nan'", "--lr", "nan" },
      { "%-%-threads: expected a whole number from 0 to 256, got '257'", "--threads", "257" },
      { "%-%-seed: expected a whole number, got '1.5'", "--seed", "1.5" },
      { "%-%-data needs a value", "--data" },
      { "fashion_mnist: nowhere %(named by dir%) lacks train%-images.*make data", "--data", "nowhere" },
      { "split: count, or .-: expected a whole number from 1 to 599, got 600", "--valid", "600" },
    }
    for _, case in ipairs(cases) do
      local result = fashion(table.unpack(case, 2))
      assert.equal(1, result.status)
      assert.is_truthy(result.errors:find(case[1]), result.errors)
      assert.is_nil(result.output:find "sha256")
      assert.is_nil(result.errors:find "stack traceback")
    end
    local result = run("fashion.lua", {}, { FNET_DATA = directory })
    assert.equal(1, result.status)
    assert.is_truthy(result.errors:find("(named by $FNET_DATA) lacks", 1, true), result.errors)
  end)
end)

describe("examples/fashion_best.lua", function()
  local small = { "--data", FIXTURES, "--seeds", "2", "--epochs", "3", "--batch", "60", "--seed", "4" }
  local function best(...)
    local words = { table.unpack(small) }
    table.move({ ... }, 1, select("#", ...), #words + 1, words)
    return run("fashion_best.lua", words)
  end

  it("trains with each seed, and gives the mean and the standard deviation", function()
    local result = best("--threads", "2")
    assert.same({ 0, "" }, { result.status, result.errors })
    local lines = lines_of(result.output)
    expect(lines, "fnet %d+%.%d+%.%d+, numerics %d+, %w+, threads 2",
      "600 training and 200 test pictures from " .. FIXTURES:gsub("%p", "%%%0"), "")
    local correct = {}
    for seed = 4, 5 do
      local pattern = "^seed %d  test accuracy %%S+%%%% ± %%S+ %%((%%d+)/200%%)  (.*)$"
      local got, tail = lines[1]:match(pattern:format(seed))
      assert.is_truthy(got, lines[1])
      assert.matches("^%d+%.%d s of training, threads 2  weights sha256 " .. ("%x"):rep(12) .. "$", tail)
      correct[#correct + 1] = tonumber(got)
      table.remove(lines, 1)
    end
    local mean, deviation = (correct[1] + correct[2]) / 4, math.abs(correct[1] - correct[2]) / 2 / math.sqrt(2)
    assert.is_true(mean > 40)
    expect(lines, "", ("test accuracy, mean of 2 seeds: %.2f%%%%, standard deviation %.2f%%%%"):format(mean,
      deviation))
    assert.same({}, lines)
  end)

  it("repeats to the last bit, shows validation instead of test pictures, and writes JSON", function()
    local records = {}
    for threads = 1, 3, 2 do
      local result = best("--json", "--valid", "100", "--threads", tostring(threads))
      assert.same({ 0, "" }, { result.status, result.errors })
      local lines = lines_of(result.output)
      assert.equal(3, #lines)
      local first, last = parse(lines[1]), parse(lines[3])
      assert.equal(4, first.seed)
      assert.is_truthy(first.validation_accuracy)
      assert.is_nil(first.test_accuracy)
      assert.equal(2, last.seeds)
      records[#records + 1] = first.weights_sha256
    end
    assert.equal(records[1], records[2])
    assert.equal(64, #records[1])
  end)
end)

describe("examples/fashion_cnn.lua", function()
  it("trains one network a seed, and sums up", function()
    local result = run("fashion_cnn.lua", { "--data", FIXTURES, "--epochs", "2", "--width", "4", "--batch", "32",
      "--seeds", "2", "--threads", "2" })
    assert.equal(0, result.status)
    local lines = lines_of(result.output)
    expect(lines, "fnet %S+, numerics %d+, %w+, threads 2", "600 pictures to train on, 200 to test, from .+", "",
      "layer +output shape +parameters", "Reshape%(28, 28, 1%) +%[batch, 28, 28, 1%] +0",
      "Conv2D%(1, 4, 3, same, no bias%) +%[batch, 28, 28, 4%] +36")
    local accuracies = {}
    for seed, accuracy in result.output:gmatch "\nseed (%d): test accuracy (%S+)%% ± [^\n]*weights sha256 %x+" do
      accuracies[tonumber(seed)] = tonumber(accuracy)
    end
    assert.equal(2, #accuracies)
    local mean = (accuracies[1] + accuracies[2]) / 2
    assert.is_truthy(result.output:find(("\nmean of 2 seeds %.2f%%, standard deviation %.2f%%\n"):format(mean,
      math.abs(accuracies[1] - accuracies[2]) / math.sqrt(2)), 1, true), result.output)
    assert.is_true(mean > 20) -- ten classes
  end)

  it("can keep pictures aside to choose by", function()
    local result = run("fashion_cnn.lua", { "--data", FIXTURES, "--epochs", "1", "--width", "2", "--valid", "100",
      "--seed", "5" })
    assert.equal(0, result.status)
    assert.is_truthy(result.output:find("500 pictures to train on, 100 to validate", 1, true), result.output)
    assert.is_truthy(result.output:find "\nseed 5: validation accuracy ")
    assert.is_nil(result.output:find "mean of")
  end)
end)

describe("examples/celsius.lua", function()
  it("learns 1.80 and 32.00", function()
    local result = run "celsius.lua"
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.is_truthy(result.output:find("learnt: f = 1.80 c + 32.00\n", 1, true), result.output)
    assert.is_truthy(result.output:find("100 degrees Celsius are 212.0 degrees Fahrenheit\n", 1, true))
  end)

  it("draws the line through the points", function()
    local output = run "celsius.lua".output
    assert.matches("\nFahrenheit\n", output)
    assert.matches("the seven pairs   %S+ *%S* +what it has learnt\n$", output)
    assert.equal(output, run "celsius.lua".output)
  end)
end)

describe("examples/ring.lua", function()
  it("bends the border with ReLU alone, and draws it three times", function()
    local result = run "ring.lua"
    assert.same({ 0, "" }, { result.status, result.errors })
    local output = result.output
    local without, with = output:match "no ReLU, step 200: (%d+)%% right +with ReLU, step 200: (%d+)%% right\n$"
    assert.is_true(tonumber(without) < 75 and tonumber(with) > 95, output)
    for _, step in ipairs { 0, 25 } do
      local captions = "no ReLU, step %d: %%d+%%%% right +with ReLU, step %d: %%d+%%%% right\n"
      assert.matches(captions:format(step, step), output)
    end
    -- The last picture: bright at its edge, dark in its middle.
    local rows = {}
    local last = output:match("\n\n(" .. ("[^\n]+\n"):rep(16) .. ")no ReLU, step 200")
    for row in last:gmatch "[^\n]+" do
      rows[#rows + 1] = row:sub(-32)
    end
    assert.same({ ("@"):rep(32), "  " }, { rows[1], rows[8]:sub(16, 17) })
  end)
end)

describe("examples/overfitting.lua", function()
  it("shows two losses that part", function()
    local result = run("overfitting.lua", { "--data", FIXTURES, "--pictures", "100", "--epochs", "25" })
    assert.equal(0, result.status)
    assert.equal(25, select(2, result.errors:gsub("epoch %d+/25  loss ", "")))
    assert.matches("\n +the loss on 100 pictures, and on 500 others\n", "\n" .. result.output)
    assert.matches("training   .* validation\n", result.output)
    local lowest, last = result.output:match "lowest after epoch %d+: (%S+), at the end it is (%S+)\n"
    assert.is_true(tonumber(lowest) <= tonumber(last))
    local learnt, others = result.output:match "\naccuracy at the end: (%S+)%% of [^,]+, (%S+)%% of the others\n$"
    assert.is_true(tonumber(learnt) > tonumber(others) + 10, result.output)
  end)
end)

describe("examples/units.lua", function()
  it("compares networks, and draws what they reach", function()
    local result = run("units.lua", { "--data", FIXTURES, "--seeds", "2", "--epochs", "2", "--most", "4" })
    assert.equal(0, result.status)
    assert.equal(6, select(2, result.errors:gsub("run %d/6  units %d  seed %d: ", "")))
    assert.matches("^units  runs  mean ± sd +compared with the first row\n1      2     [%d.]+ ± [%d.]+",
      result.output)
    assert.matches("\n4      2     [%d.]+ ± [%d.]+ .*\n +test accuracy in percent\n.*hidden units\n.*mean ± sd\n$",
      result.output)
    assert.equal(0, run("units.lua", { "--data", FIXTURES, "--seeds", "1", "--epochs", "1", "--most", "1" }).status)
  end)
end)

describe("examples/custom_layer.lua", function()
  it("checks its gradients and learns", function()
    local result = run "custom_layer.lua"
    assert.same({ 0, "" }, { result.status, result.errors })
    local lines = lines_of(result.output)
    expect(lines, "the gradients of swish are right: largest error %d+e%-%d+")
    assert.is_truthy(result.output:find "\nSwish%(%) +%[batch, 16%] +1\n")
    assert.is_true(tonumber(result.output:match "\nepoch 30  accuracy (%S+)%%\n") > 95)
    assert.is_true(math.abs(tonumber(result.output:match "\nlearnt: beta = (%S+)\n") - 1) > 0.05)
  end)
end)

describe("examples/pytorch_weights.lua", function()
  it("says what it cannot read", function()
    local result = run("pytorch_weights.lua", { "--dir", "nowhere" })
    assert.same({ 1, "pytorch_weights.lua: nowhere/model.safetensors: No such file or directory\n" },
      { result.status, result.errors })
  end)
end)

describe("examples/xor.lua", function()
  it("learns all four cases", function()
    local result = run "xor.lua"
    assert.same({ 0, "" }, { result.status, result.errors })
    for a, b, y in result.output:gmatch "(%d) xor (%d) = (%S+)" do
      local expected = a ~= b and 1 or 0
      assert.is_true(math.abs(tonumber(y) - expected) < 0.05, result.output)
    end
    assert.equal(4, select(2, result.output:gsub(" xor ", "")))
  end)
end)

describe("examples/char_rnn.lua", function()
  local function rnn(...)
    local words = { "--epochs", "3", "--units", "12", "--batch", "4", "--steps", "8", "--sample", "30" }
    table.move({ ... }, 1, select("#", ...), #words + 1, words)
    return run("char_rnn.lua", words)
  end

  it("has right gradients", function()
    local result = run("char_rnn.lua", { "--check" })
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.is_truthy(result.output:find "^the gradients of the cell are right: largest error %d+e%-%d+\n$")
  end)

  it("learns from a text and writes letters of it, the same for the same seed", function()
    local path = directory .. "/text"
    command.write_file(path, ("abcd efgh. "):rep(60))
    local result = rnn("--text", path, "--lr", "0.03", "--dropout", "0")
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.is_truthy(result.output:find("text: 660 letters, 10 different ones; ", 1, true))
    local bits = {}
    for value in result.output:gmatch "  (%S+) bits a letter" do bits[#bits + 1] = tonumber(value) end
    assert.equal(3, #bits)
    assert.is_true(bits[3] < 0.7 * bits[1], result.output)
    local written = result.output:match "\n\n([^\n]*)\n$"
    assert.is_truthy(written and written:find("^[a-h%. ]+$") and #written == 30, result.output)
    local again = rnn("--text", path, "--lr", "0.03", "--dropout", "0").output
    assert.equal(written, again:match "\n\n([^\n]*)\n$")
  end)

  it("says what is wrong with an option or a text", function()
    assert.matches("%-%-dropout: expected a number from 0 to 1, got '2'\n", rnn("--dropout", "2").errors)
    local result = rnn("--text", "nowhere.txt")
    assert.same({ 1, "nowhere.txt: No such file or directory\n" }, { result.status, result.errors })
    local path = directory .. "/short"
    command.write_file(path, "abc")
    result = rnn("--text", path)
    assert.same({ 1, path .. ": too short for 4 places with 8 letters each\n" }, { result.status, result.errors })
  end)
end)

describe("examples/attention.lua", function()
  it("has right gradients", function()
    local result = run("attention.lua", { "--check" })
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.is_truthy(result.output:find "^the gradients of the attention are right: largest error %d+e%-%d+\n$")
  end)

  it("learns to sort short lists, and shows where it looks", function()
    local result = run("attention.lua", { "--steps", "300", "--length", "2", "--largest", "4", "--units", "8",
      "--batch", "32", "--lr", "0.02" })
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.is_true(tonumber(result.output:match "step 300  loss %S+  places right (%S+)%%") > 90, result.output)
    local map = "\nhead 2 looks at\n       +%d +%d\n +%d : +[.:+#@ ]+\n +%d : +[.:+#@ ]+\n$"
    assert.is_truthy(result.output:find(map), result.output)
  end)
end)

describe("examples/autoencoder.lua", function()
  it("draws pictures beside what is drawn again from a few numbers", function()
    local result = run("autoencoder.lua", { "--data", FIXTURES, "--epochs", "2", "--show", "1" })
    assert.equal(0, result.status)
    assert.matches("^epoch 1/2  loss %S+  %S+ s\nepoch 2/2  loss %S+  %S+ s\n$", result.errors)
    local drawn, loss, hash = result.output:match(
      "from 16 numbers\n(.-)\n\ntest loss (%S+) [^\n]*\nweights sha256 (%x+)\n$")
    assert.equal(14 * 57 - 1, #drawn)
    assert.is_true(tonumber(loss) < 0.15)
    result = run("autoencoder.lua", { "--data", FIXTURES, "--epochs", "2", "--json" })
    assert.same({ "", 0 }, { result.errors, result.status })
    local lines = lines_of(result.output)
    assert.equal(3, #lines)
    assert.same({ 2, hash }, { parse(lines[2]).epoch, parse(lines[3]).weights_sha256 })
  end)
end)

describe("examples/export.lua", function()
  local model
  setup(function()
    model = directory .. "/model.safetensors"
    local result = fashion("--hidden", "64", "--epochs", "3", "--save", model)
    assert.same({ 0, true }, { result.status, result.output:find("saved in " .. model, 1, true) ~= nil })
  end)

  it("gets no model where none can be saved, which is said before the training", function()
    local result = fashion("--save", directory .. "/none/model.safetensors")
    assert.same({ 1, ("examples/fashion.lua: not saved: %s/none/model.safetensors: no file can be made in its "
      .. "directory: No such file or directory\n"):format(directory) }, { result.status, result.errors })
    assert.not_matches("epoch", result.output)
    local place = directory .. "/together" -- a directory that the checkpoint makes
    result = fashion("--epochs", "0", "--checkpoint", place, "--save", place .. "/model.safetensors")
    assert.same({ 0, "" }, { result.status, result.errors })
  end)

  it("writes C and says what the weights cost", function()
    local result = run("export.lua", { model, "out.c", "--int8", "--data", FIXTURES })
    assert.same({ 0, "" }, { result.status, result.errors })
    local before, after = result.output:match("^out.c: C99, weights of 8 bits\n"
      .. "accuracy on 200 test pictures: (%S+)%% before, (%S+)%% after\n$")
    assert.is_true(tonumber(before) > 30 and math.abs(before - after) < 10, result.output)
    assert.matches("signed char weight1", command.read_file(directory .. "/out.c"))
    result = run("export.lua", { model, "out.c", "--data", FIXTURES })
    assert.equal(("out.c: C99, weights of 32 bits\naccuracy on 200 test pictures: %s%% before, %s%% after\n")
      :format(before, before), result.output)
  end)

  it("writes ONNX", function()
    local result = run("export.lua", { model, "out.onnx" })
    assert.same({ "out.onnx: ONNX\n", 0 }, { result.output, result.status })
  end)

  it("writes a page", function()
    local result = run("export.lua", { model, "out.html", "--data", FIXTURES })
    assert.same({ "out.html: a page; open it in a browser\n", 0 }, { result.output, result.status })
    assert.matches("^<!DOCTYPE html>", command.read_file(directory .. "/out.html"))
  end)

  it("says what is wrong", function()
    for message, arguments in pairs {
      ["usage: fnet examples/export.lua model.safetensors out.c [--int8] [--data DIR]"] = { "model" },
      ["out: expected a name that ends in .c, .onnx or .html"] = { model, "out" },
      ["--int8: only a C file has weights of 8 bits"] = { model, "out.onnx", "--int8" },
      ["none: No such file or directory"] = { "none", "out.c" },
    } do
      local result = run("export.lua", arguments)
      assert.same({ 1, "export.lua: " .. message .. "\n" }, { result.status, result.errors })
    end
  end)
end)

describe("the examples", function()
  it("explain themselves, and refuse what they do not know", function()
    local listing = command.shell(directory, "ls " .. command.quote(command.directory .. "/examples")).output
    for name in listing:gmatch "(%S+)%.lua" do
      local result = run(name .. ".lua", { "--help" })
      assert.same({ name, 0, "" }, { name, result.status, result.errors })
      assert.is_truthy(result.output:find("usage: fnet ", 1, true), name)
      result = run(name .. ".lua", { "--unheard-of" })
      assert.same({ name, 1, "" }, { name, result.status, result.output })
      assert.is_nil(result.errors:find("traceback", 1, true), result.errors)
    end
  end)

  it("stay short enough to be read", function()
    for name, most in pairs {
      ["fashion.lua"] = 126, ["fashion_best.lua"] = 140, ["celsius.lua"] = 45, ["custom_layer.lua"] = 70,
      ["xor.lua"] = 40, ["ring.lua"] = 65, ["overfitting.lua"] = 60, ["units.lua"] = 60,
      ["char_rnn.lua"] = 150, ["attention.lua"] = 150, ["fashion_cnn.lua"] = 110,
      ["fashion_speed.lua"] = 150,
    } do
      local _, count = command.read_file("examples/" .. name):gsub("\n", "")
      assert.is_true(count < most, name)
    end
  end)
end)
