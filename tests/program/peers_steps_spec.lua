--- The steps of `make bench-peers`: both sides have the same ones, and fnet's answers are as the comparison needs.

local command = require "tests.support.command"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function sorted(text, pattern)
  local names = {}
  for name in text:gmatch(pattern) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

local function ask(step, lines)
  local here = "cd " .. command.quote(command.directory) .. " && "
  return command.shell(directory,
    here .. command.line(command.fnet, { "tests/bench/peers_steps.lua", "serve", step, "2" }), lines)
end

describe("the steps of make bench-peers", function()
  it("are the same in fnet, in PyTorch and in the table", function()
    local steps = sorted(read "tests/bench/peers_steps.py", "\n    \"([%l_]+)\": %(")
    assert.is_true(#steps > 10)
    assert.same(steps, sorted(read "tests/bench/peers_steps_fnet.lua", "\nfunction steps%.([%l_]+)%("))
    assert.same(steps, sorted(read "tests/bench/peers_steps_torch.py", "\ndef ([%l_]+)%(tensors, words, checked%)"))
  end)

  it("start from the same numbers each time, and train", function()
    local first, second = ask("tiny", "check fnet\n").output, ask("tiny", "time fnet\ncheck fnet\n").output
    local losses = first:match "\n(.*;.*)\n"
    assert.equal(losses, second:match "\n([^\n]*;[^\n]*)\n")
    local before, after = losses:match "^(%S+).*;(%S+)"
    assert.is_true(tonumber(after) < tonumber(before))
    assert.is_true(tonumber(second:match "\n(%S+)\n") > 0)
  end)

  it("refuse a name that they do not have", function()
    local result = ask("nothing", "time fnet\n")
    assert.matches("no step nothing", result.errors)
    assert.equal(1, result.status)
  end)
end)
