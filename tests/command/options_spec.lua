--- Command-line options: values, defaults, help, and what ends the script.

local fnet = require "fnet"

local ABOUT = "Does something."
local SPECS = {
  { "epochs", 5, "passes", low = 0 },
  { "threads", 0, "threads", low = 0, high = 256 },
  { "lr", 1e-3, "learning rate", low = 0 },
  { "shift", 0.5, "any number" },
  { "seed", 1, "any whole number" },
  { "data_dir", "", "where the data is", value = "DIR" },
  { "name", "run", "what it is called" },
  { "json", false, "lines of JSON" },
}

local function values_of(...) return fnet.options({ [0] = "script.lua", ... }, ABOUT, SPECS) end

-- Runs the parser with the process's ends replaced; returns status, standard output, standard error.
local function ending_of(...)
  local exit, stderr, print_before = os.exit, io.stderr, _G.print
  local output, errors, status = {}, {}, nil
  local ended = {}
  local errors_file = { write = function(file, ...)
    for _, text in ipairs { ... } do errors[#errors + 1] = text end
    return file
  end }
  rawset(os, "exit", function(code)
    status = code
    error(ended, 0)
  end)
  rawset(io, "stderr", errors_file)
  rawset(debug.getregistry()._LOADED._G, "print", function(...)
    output[#output + 1] = table.concat({ ... }, "\t") .. "\n"
  end)
  local ok, message = pcall(values_of, ...)
  rawset(os, "exit", exit)
  rawset(io, "stderr", stderr)
  rawset(debug.getregistry()._LOADED._G, "print", print_before)
  assert.is_false(ok)
  assert.equal(ended, message)
  return status, table.concat(output), table.concat(errors)
end

describe("options", function()
  it("have the declared defaults", function()
    assert.same({
      epochs = 5, threads = 0, lr = 1e-3, shift = 0.5, seed = 1, data_dir = "", name = "run", json = false,
    }, values_of())
  end)

  it("take values in either form, the last one counts", function()
    local values = values_of("--epochs", "7", "--lr=0.5", "--json", "--data-dir", "a b", "--name=x=y", "--epochs=0",
      "--seed", "-12", "--shift", "-1.5")
    assert.same({
      epochs = 0, threads = 0, lr = 0.5, shift = -1.5, seed = -12, data_dir = "a b", name = "x=y", json = true,
    }, values)
    assert.equal("integer", math.type(values.epochs))
    assert.equal(1e-4, values_of("--lr", "1e-4").lr)
    assert.equal("", values_of("--name=").name)
    assert.equal(256, values_of("--threads", "256").threads)
    assert.equal(3, values_of("--lr", "3").lr)
  end)

  it("end the script with status 1 and a reason where they are wrong", function()
    local cases = {
      ["--epochs: expected a whole number of at least 0, got '-1'"] = { "--epochs", "-1" },
      ["--epochs: expected a whole number of at least 0, got '1.5'"] = { "--epochs=1.5" },
      ["--epochs: expected a whole number of at least 0, got ''"] = { "--epochs=" },
      ["--epochs: expected a whole number of at least 0, got 'many'"] = { "--json", "--epochs", "many" },
      ["--threads: expected a whole number from 0 to 256, got '257'"] = { "--threads", "257" },
      ["--lr: expected a number of at least 0, got '-0.1'"] = { "--lr", "-0.1" },
      ["--lr: expected a number of at least 0, got 'nan'"] = { "--lr", "nan" },
      ["--shift: expected a number, got 'x'"] = { "--shift", "x" },
      ["--seed: expected a whole number, got '1e400'"] = { "--seed", "1e400" },
      ["--epochs needs a value"] = { "--epochs" },
      ["--json takes no value"] = { "--json=1" },
    }
    local known = "; known are --epochs --threads --lr --shift --seed --data-dir --name --json"
    cases["unknown option '--epoch' (did you mean '--epochs'?)" .. known] = { "--epoch", "5" }
    cases["unknown option '--data_dir' (did you mean '--data-dir'?)" .. known] = { "--data_dir", "5" }
    cases["unknown option 'file'" .. known] = { "file" }
    cases["unknown option '--x=5'" .. known] = { "--x=5" }
    for message, arguments in pairs(cases) do
      local status, output, errors = ending_of(table.unpack(arguments))
      assert.same({ 1, "", "script.lua: " .. message .. "\nTry --help.\n" }, { status, output, errors })
    end
  end)

  it("are described by --help, with their defaults", function()
    for _, flag in ipairs { "--help", "-h" } do
      local status, output, errors = ending_of("--epochs", "3", flag)
      assert.same({ 0, "" }, { status, errors })
      assert.equal([[
Does something.

usage: fnet script.lua [options]

  --epochs N           passes (5)
  --threads N          threads (0)
  --lr N               learning rate (0.001)
  --shift N            any number (0.5)
  --seed N             any whole number (1)
  --data-dir DIR       where the data is
  --name TEXT          what it is called (run)
  --json               lines of JSON
  --help               this text
]], output)
    end
  end)

  it("refuse a wrong call at the caller's line", function()
    local example = 'fnet.options(arg, "Trains a network.", { { "epochs", 5, "rounds of training" } })'
    local whole = "options: expected the script's arguments, a sentence and a list of options, such as " .. example
    local one = ": expected { name, default, description } in a list, the default a number, a text or false: "
      .. example
    for i, case in ipairs {
      { whole }, { whole, {}, "x" }, { whole, { epochs = 3 } }, { whole, {}, {}, {} },
      { "options: specs.epochs" .. one, {}, "x", { epochs = 3 } },
      { "options: specs[1]" .. one, {}, "x", { "epochs" } },
      { "options: specs[2]" .. one, {}, "x", { { "a", 1, "b" }, { 1, 2, "c" } } },
      { "options: specs[1]" .. one, {}, "x", { { "epochs", nil, "passes" } } },
      { "options: specs[1]" .. one, {}, "x", { { "epochs", true, "passes" } } },
      { "options: specs[1]" .. one, {}, "x", { { "epochs", 3 } } },
    } do
      local ok, message = pcall(function()
        local values = fnet.options(table.unpack(case, 2, 4))
        return values
      end)
      assert.is_false(ok, i)
      assert.equal(case[1], message:match "^.-options_spec%.lua:%d+: (.*)$")
    end
  end)
end)
