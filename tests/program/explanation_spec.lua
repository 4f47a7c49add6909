--- What the command adds to an error: where a nil came from, what was meant; and what it says at the end of a file
--- that could not be written.

local command = require "tests.support.command"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- Runs a script named x.lua.
local function run(source)
  command.write_file(directory .. "/x.lua", 'local fnet = require "fnet"\n' .. source)
  return command.shell(directory, command.line(command.fnet, { "x.lua" }, { FNET_THREADS = "1" }))
end

local NIL = "\nnil may come from x.lua:2: none: No such file or directory "
  .. "(assert(...) around that call says so at once)\n"

describe("an error about nil", function()
  it("is followed by the failure that the nil came from", function()
    for _, call in ipairs {
      'fnet.load "none"', 'fnet.data.read_csv("none", { target = "y" })', 'fnet.data.read_npy "none"',
      'fnet.data.open_npy "none"', 'fnet.data.read_idx "none"', 'fnet.data.read_image "none"',
      'fnet.read_tensors "none"', 'fnet.data.open_idx "none"', 'select(2, pcall(fnet.load, "none"))',
    } do
      local result = run(("local value = %s\nprint(value.x)"):format(call))
      assert.equal(1, result.status)
      assert.matches("x.lua:3: attempt to index a nil value (local 'value')" .. NIL, result.errors, 1, true)
    end
  end)

  it("is, too, where the library refuses the nil", function()
    local result = run 'local model = fnet.load "none"\nfnet.fit(model, {})'
    assert.matches("x.lua:3: fit: expected a model first, got nil" .. NIL, result.errors, 1, true)
  end)

  it("stays as it is where nothing has failed, a method is not there, or something else is near", function()
    assert.matches("(method 'polish')\nstack traceback:",
      run('local model = fnet.load "none" or fnet.nn.Dense(2, 3)\nmodel:polish()').errors, 1, true)
    assert.matches("x.lua:2: attempt to index a nil value (local 'value')\nstack traceback:",
      run("local value = nil print(value.x)").errors, 1, true)
    assert.matches("(method 'paramters'); did you mean 'parameters'?\nstack traceback:",
      run('local _ = fnet.load "none"\nfnet.nn.Dense(2, 3):paramters()').errors, 1, true)
  end)
end)

describe("a field called as a method", function()
  it("is said to be one", function()
    assert.matches("(method 'rank'); rank is a field: write it without parentheses\n",
      run("print(fnet.zeros({ 2 }):rank())").errors, 1, true)
  end)
end)

describe("a method or a field that another library has", function()
  it("is answered with what fnet has", function()
    local objects = [[
      local data, nn, optim = fnet.data, fnet.nn, fnet.optim
      local x = fnet.rand { 4, 2 }
      local set = data.Dataset { x = x, y = x }
      local model = nn.Dense(2, 2)
      local opt, scale, vocabulary = optim.SGD(model:parameters()), data.standardise(set), data.vocabulary "a b"
    ]]
    for code, answer in pairs {
      ["model:fit(set)"] = "(method 'fit'); fnet.fit(model, options) trains a model",
      ["model:state_dict()"] = "(method 'state_dict'); did you mean 'state'?",
      ["opt.param_groups[1].lr = 1"] = "(field 'param_groups'); did you mean 'groups'?",
      ["scale:inverse_transform(x)"] = "(method 'inverse_transform'); did you mean 'restore'?",
      ["print(vocabulary.itos[1])"] = "(field 'itos'); did you mean 'tokens'?",
      ["set:map(print)"] = "a data set has no 'map'; set:with { transform = f } gives each batch to f",
    } do
      assert.matches(answer .. "\n", run(objects .. code).errors, 1, true)
    end
  end)

  it("is not, in a script without fnet", function()
    for code, ending in pairs {
      ["local list = {} list:append(1)"] = "(method 'append')",
      ["local x = {} print(x.layers[1])"] = "(field 'layers')",
      ["local s = {} s:paramters()"] = "(method 'paramters')", ["local x = { 1 } print(x[1].a)"] = "(field '?')",
    } do
      local result = command.shell(directory, command.line(command.fnet, { "-e", code }))
      local message = result.errors:match "[^\n]*"
      assert.equal(ending, message:gsub("integer index", "?"):match "%b()$", message)
    end
  end)
end)

describe("an element that is a number", function()
  it("is said to be one, where it is used as a tensor", function()
    for _, index in ipairs { "1", "i" } do
      assert.matches("'); if it was to be an element of a tensor: t[i] is a number where t has one axis, and needs "
        .. "no :item()\n", run(("local i, t = 1, fnet.zeros { 2 } t[%s]:item()"):format(index)).errors, 1, true)
    end
  end)
end)

describe("a method that a plain table does not have", function()
  it("is not said to be meant itself", function()
    local errors = run("local t = {} t:sub(1)").errors
    assert.matches("attempt to call a nil value (method 'sub')\nstack", errors, 1, true)
  end)
end)

describe("a file that could not be written", function()
  it("is told of at the end, where the script goes on without it", function()
    local result = run 'fnet.nn.Dense(2, 2):save "missing/m.st"\nprint "on"'
    assert.same({ "on\n", 0 }, { result.output, result.status })
    assert.matches("fnet: note: not written by x%.lua:2: missing/m%.st: .*No such file or directory "
      .. "%(assert%(...%) around that call ends the script there%)\n$", result.errors)
  end)

  it("is not, where the script catches errors around the call", function()
    assert.equal("", run 'pcall(function() return (fnet.nn.Dense(2, 2):save "missing/m.st") end)'.errors)
    assert.equal("", run 'xpcall(fnet.write_tensors, print, "missing/m.st", {})'.errors)
    local late = 'pcall(error) coroutine.wrap(function() fnet.write_tensors("missing/m.st", {}) end)()'
    assert.matches("note: not written by x.lua:2: missing/m.st", run(late).errors, 1, true)
    local sweep = 'fnet.sweep { seeds = 1, run = function() fnet.write_tensors("missing/m.st", {}) return 1 end }'
    assert.matches("note: not written by x.lua:2: missing/m.st", run(sweep).errors, 1, true)
  end)

  it("is not, where it is there in the end or the script ends with an error", function()
    local source = 'local m = fnet.nn.Dense(2, 2) m:save "new/m.st"\nos.execute "mkdir new" m:save "new/m.st"'
    assert.equal("", run(source).errors)
    local errors = run('assert(fnet.write_tensors("missing/m.st", {}))').errors
    assert.matches("x%.lua:2: missing/m%.st: .*No such file or directory\n", errors)
    assert.is_nil(errors:find("note:", 1, true))
  end)
end)
