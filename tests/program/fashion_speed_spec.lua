--- examples/fashion_speed.lua from end to end, on few pictures.

local command = require "tests.support.command"

local FIXTURES = command.directory .. "/tests/fixtures/fashion"

local directory

setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

describe("examples/fashion_speed.lua", function()
  local function speed(goal, seeds, threads, ...)
    local words = { command.directory .. "/examples/fashion_speed.lua", "--data", FIXTURES, "--goal", goal,
      "--seeds", seeds, ... }
    return command.shell(directory, command.line(command.fnet, words, { FNET_THREADS = threads }))
  end

  -- The accuracies of seeds 1 and 2, and what the last lines say of their mean.
  local function accuracies_of(output, kind)
    local list = {}
    for seed, accuracy in output:gmatch("\nseed (%d): " .. kind .. " accuracy (%S+)%% ± [^\n]*sha256 %x+") do
      list[tonumber(seed)] = tonumber(accuracy)
    end
    assert.equal(2, #list)
    local mean, spread = (list[1] + list[2]) / 2, 12.71 * math.abs(list[1] - list[2]) / 2
    local said, interval = output:match("\n" .. kind .. " accuracy, mean [^\n]* s each: (%S+)%% ± (%S+)\n")
    assert.near(mean, tonumber(said), 0.006)
    assert.near(spread, tonumber(interval), 0.2) -- the accuracies above are rounded
    return list
  end

  it("trains for a goal, once a seed, and says how far the mean is certain", function()
    local result = speed("90", "2", "2")
    assert.equal(0, result.status)
    assert.matches("^Only 600 training pictures in [^\n]+: the goals are for all 60,000%.\n" ..
      "fnet %S+, numerics %d+, [^\n]+, threads 2\nseed 1: ", result.output)
    assert.is_true(accuracies_of(result.output, "test")[1] > 30) -- ten classes
    assert.not_matches("mirror images", result.output)
  end)

  it("mirrors pictures, and can keep some aside to choose by", function()
    local result = speed("93", "2", "2", "--valid", "100")
    assert.equal(0, result.status)
    accuracies_of(result.output, "validation")
    assert.matches("\nwith the answers for mirror images added: [%d.]+%% ± [%d.]+\n$", result.output)
  end)

  it("repeats to the last bit, and refuses other goals", function()
    local function hash(threads) return speed("90", "1", threads).output:match "sha256 (%x+)" end
    assert.equal(hash "1", hash "2")
    local result = speed("95", "1", "1")
    assert.equal(1, result.status)
    assert.matches("fashion_speed.lua: %-%-goal: expected 90, 93, 94 or small, got '95'\n$", result.errors)
    result = speed("90", "1", "1", "--valid", "590")
    assert.equal(1, result.status)
    assert.matches("10 pictures fill no batch of 128; lower --valid", result.errors, 1, true)
  end)
end)
