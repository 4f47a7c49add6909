--- The C programs of examples/embed, built and run by the commands of its README: what they print is what fnet
-- predicts, to the last bit, and what they refuse they name.

local command = require "tests.support.command"
local fnet = require "fnet"

local FOLDER = "examples/embed/"

-- What this machine lacks for the commands; nil where they can run.
local function missing()
  if not command.stock_library() then return "the module for stock Lua is not built: make" end
  if not os.execute "pkg-config --exists lua5.4 2>/dev/null" then return "pkg-config finds no lua5.4" end
end

describe("a C program", function()
  if missing() then
    it("needs Lua as a library", function() pending("left out: " .. missing()) end)
    return
  end

  local directory, blocks = nil, {}
  local readme = command.read_file(FOLDER .. "README.md")
  for block in readme:gmatch "\n```sh\n(.-)```\n" do blocks[#blocks + 1] = block end

  local function shell(script)
    return command.shell(directory, "export FNET_DATA=" ..
      command.quote(command.directory .. "/tests/fixtures/fashion") .. "\n" .. script)
  end

  local function run(script)
    local result = shell(script)
    assert.equal("", result.errors)
    assert.equal(0, result.status, result.output)
    return result.output
  end

  setup(function()
    directory = command.make_directory()
    for _, name in ipairs { "examples", "lua", "build" } do
      assert(os.execute(("ln -s %s %s"):format(command.quote(command.directory .. "/" .. name),
        command.quote(directory .. "/" .. name))))
    end
    assert(os.execute(("ln -s %s %s"):format(command.quote(command.fnet), command.quote(directory .. "/fnet"))))
    assert.equal(3, #blocks)
    assert.matches("weights sha256", run(blocks[1]))
  end)
  teardown(function() command.remove_directory(directory) end)

  -- Each output on a line, as C prints a float.
  local function expected()
    local numbers, picture = {}, command.read_file(directory .. "/picture.txt")
    for word in picture:gmatch "%S+" do numbers[#numbers + 1] = tonumber(word) end
    assert.equal(784, #numbers)
    local model = assert(fnet.load(directory .. "/clothes.safetensors"))
    local lines = {}
    for i, value in ipairs(fnet.predict(model, fnet.tensor { numbers })[1]:totable()) do
      lines[i] = ("%.9g\n"):format(value)
    end
    assert.equal(10, #lines)
    return table.concat(lines)
  end

  -- The commands of a block, with a compiler that refuses what is doubtful and programs that may not leak.
  local function checked(block)
    return (block:gsub("cc ",
      "cc -std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror -g -fsanitize=address,undefined "))
  end

  local paths = blocks[2]:match "\n(export [^\n]*\n)"

  it("predicts through Lua's C interface", function()
    assert.equal(expected(), run(blocks[2]))
    assert.equal(expected(), run(paths .. "./predict clothes.safetensors 28 28 <picture.txt"))
  end)

  it("says what is wrong, and leaks nothing", function()
    run(checked(blocks[2]))
    local function says(message, arguments, input, status)
      local result = shell(("%sprintf '%s' | ./predict %s"):format(paths, input or "1 2 3", arguments))
      assert.equal(message .. "\n", result.errors)
      assert.equal(status or 1, result.status)
      assert.equal("", result.output)
    end
    says("usage: predict model.safetensors [LENGTH...] <numbers.txt", "", "", 2)
    says("predict: nothing.safetensors: No such file or directory", "nothing.safetensors")
    says("predict: picture.txt: is a text, which fnet does not read", "picture.txt")
    says("predict: layer 2, Dense(784, 128): expected an input of [..., 784], got [1, 3]", "clothes.safetensors")
    says("predict: from_bytes: expected the bytes of [1, 2, 2] of float32, got a string of 12 bytes",
      "clothes.safetensors 2 2")
    says("predict: expected the length of an axis, got two", "clothes.safetensors two")
    says("predict: what follows number 2 on standard input is no number", "clothes.safetensors", "1 2 x")
    local result = shell "LUA_PATH=none LUA_CPATH=none ./predict clothes.safetensors <picture.txt"
    assert.matches("^predict: module 'fnet' not found:", result.errors)
    assert.equal(1, result.status)
  end)

  it("runs an exported network", function()
    assert.equal("model.c: C99\n" .. expected(), run(blocks[3]))
    run(checked(blocks[3]))
    for _, case in ipairs { { "1 2 x", "fewer" }, { ("0 "):rep(785), "more" } } do
      local result = shell(("printf '%s' | ./exported"):format(case[1]))
      assert.equal("exported: expected 784 numbers on standard input, got " .. case[2] .. "\n", result.errors)
      assert.equal(1, result.status)
    end
  end)
end)
