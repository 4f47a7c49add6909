--- The interactive mode: its language side alone, and sessions through a pipe; those on a terminal are in
-- repl_terminal_spec.lua.

local fnet = require "fnet"
local command = require "tests.support.command"
local completion = require "fnet.command.completion"
local repl = require "fnet.command.repl"

--- A reader that gives these lines, one a call, and notes the prompts that it was called with.
local function lines(...)
  local queue, prompts, next_line = { ... }, {}, 0
  return function(prompt)
    prompts[#prompts + 1] = prompt
    next_line = next_line + 1
    return queue[next_line]
  end, prompts
end

describe("repl.read", function()
  it("gives an expression's values", function()
    assert.same({ 3, nil, "x", n = 3 }, table.pack(repl.read(lines "1 + 2, nil, 'x'")()))
    assert.same({ 7, n = 1 }, table.pack(repl.read(lines "= 7")()))
    assert.same({ n = 0 }, table.pack(repl.read(lines "")()))
  end)

  it("asks for more until the lines compile", function()
    local read_line, prompts = lines("for i = 1, 2 do", "", "repl_sum = (repl_sum or 0) + i", "end")
    repl.read(read_line)()
    assert.equal(3, _G.repl_sum)
    _G.repl_sum = nil
    assert.same({ "> ", ">> ", ">> ", ">> " }, prompts)
    assert.equal("a\nb", repl.read(lines("return [[a", "b]]"))())
  end)

  it("names a syntax error and the end of the input", function()
    local chunk, message = repl.read(lines "x = = 1")
    assert.is_false(chunk)
    assert.equal("stdin:1: unexpected symbol near '='", message)
    chunk, message = repl.read(lines "x =")
    assert.is_false(chunk)
    assert.matches("near <eof>", message, 1, true)
    assert.is_nil(repl.read(lines()))
  end)

  it("drops the lines so far after Ctrl-C", function()
    assert.same({ false }, { repl.read(lines(false)) })
    assert.same({ false }, { repl.read(lines("for i = 1, 2 do", false)) })
  end)

  it("runs a text of several lines chunk by chunk, without asking", function()
    local text = "repl_a = 1\n\nfunction repl_f()\n  return 5\nend\nrepl_a + 1\n('x')\n  :rep(3)\n"
    local read_line, prompts = lines(text, "'last'")
    local results = {}
    for _ = 1, 6 do
      local chunk = repl.read(read_line)
      results[#results + 1] = chunk() or "nothing"
      repl.show() -- it has not failed
    end
    assert.same({ "nothing", "nothing", "nothing", 2, "xxx", "last" }, results)
    assert.same({ "> ", "> " }, prompts)
    rawset(_G, "repl_a", nil)
    rawset(_G, "repl_f", nil)
  end)

  it("drops the rest of such a text after an error, and says so", function()
    for first, message in pairs { ["x = = 1"] = "unexpected symbol", ["error 'mine'"] = false } do
      local read_line = lines(first .. "\na = 1\nb = 2", "6 * 7")
      local chunk, why = repl.read(read_line)
      if message then assert.matches(message, why) else assert.is_function(chunk) end
      chunk, why = repl.read(read_line)
      assert.is_false(chunk)
      assert.equal("the rest of the pasted text was not run: 2 lines", why)
      assert.equal(42, repl.read(read_line)())
    end
  end)

  it("gives the value of an expression of several lines", function()
    assert.same({ 1, 2 }, repl.read(lines("{", "1,", "2 }"))())
  end)

  it("takes its prompts from _PROMPT and _PROMPT2", function()
    local failing = setmetatable({}, { __tostring = function() error "no prompt" end })
    local read_line, prompts = lines("do", "end", "x = 1")
    rawset(_G, "_PROMPT", 5)
    rawset(_G, "_PROMPT2", setmetatable({}, { __tostring = function() return "more " end }))
    repl.read(read_line)
    rawset(_G, "_PROMPT", failing)
    repl.read(read_line)
    rawset(_G, "_PROMPT", nil)
    rawset(_G, "_PROMPT2", nil)
    assert.same({ "5", "more ", "> " }, prompts)
  end)
end)

describe("completion", function()
  local function poison() error "completion ran code of the user" end
  setup(function()
    local base = { inherited = print, value = 1 }
    base.__index = base
    rawset(_G, "sample", {
      nn = { Dense = print, Dropout = print, depth = 3, ["no name"] = 1, [5] = 5 },
      object = setmetatable({ own = print }, base),
      guarded = setmetatable({ plain = 1 }, { __index = poison, __pairs = poison, __metatable = "hidden" }),
      ring = {},
    })
    local sample = _G.sample
    sample.ring.__index = sample.ring
    setmetatable(sample.ring, sample.ring)
  end)
  teardown(function() rawset(_G, "sample", nil) end)

  local cases = {
    ["print(sample.nn.De"] = { "Dense" },
    ["sample.nn.D"] = { "Dense", "Dropout" },
    ["sample.nn."] = { "Dense", "Dropout", "depth" },
    ["sample.nn:d"] = {},
    ["sample.object:"] = { "inherited", "own" },
    ["sample.object."] = { "__index", "inherited", "own", "value" },
    ["sample.guarded."] = { "plain" },
    ["sample.guarded.missing."] = {},
    ["sample.ring."] = { "__index" },
    ["x = samp"] = { "sample" },
    ["'a'..samp"] = { "sample" },
    ["fals"] = { "false" },
    ["function f() whi"] = { "while" },
    ["sample.nn.Dense:"] = {},
    ["f().pri"] = {},
    ["t[1]:pri"] = {},
    ["12.5e"] = {},
    ["no_such_global.x"] = {},
    [""] = { "\t" },
    ["  "] = { "\t" },
  }
  for line, expected in pairs(cases) do
    it(("of %q"):format(line), function() assert.same(expected, (completion.complete(line))) end)
  end

  it("finds the methods of strings and of userdata", function()
    rawset(_G, "sample_text", "text")
    assert.same({ "upper" }, (completion.complete "sample_text:up"))
    rawset(_G, "sample_text", nil)
    assert.same({ "seek", "setvbuf" }, (completion.complete "io.stdout:se"))
  end)

  it("finds a tensor's properties, and what they have", function()
    rawset(_G, "sample_tensor", require("fnet").ones { 2 })
    for start, name in pairs { sha = "shape", ran = "rank", dty = "dtype", requ = "requires_grad" } do
      assert.same({ name }, (completion.complete("sample_tensor." .. start)))
    end
    assert.same({ "grad" }, (completion.complete "sample_tensor.gra"))
    assert.same({ "upper" }, (completion.complete "sample_tensor.dtype:up"))
    assert.same({}, (completion.complete "sample_tensor:sha"))
    rawset(_G, "sample_tensor", nil)
  end)

  it("offers in a text what help knows, or files; in a comment nothing", function()
    for _, line in ipairs { 'help "nn.Den', "help('nn.Den", "help nn.Den", "?nn.Den" } do
      assert.same({ "nn.Dense" }, (completion.complete(line)), line)
    end
    assert.same({ "overfitting" }, (completion.complete "help overf"))
    local function list(path)
      return ({ ["."] = { "data/", "data.csv", ".hidden" }, ["data/"] = { "a b.npy", "äb.npy", "äc.npy" } })[path]
    end
    assert.same({ "data.csv", "data/" }, (completion.complete("x = f('y', \"da", list)))
    assert.same({ ".hidden" }, (completion.complete("f '.", list)))
    assert.equal("b.npy", (completion.advise("f 'data/a ", list)))
    assert.equal("ä", (completion.advise("f 'data/\xC3", list):gsub("^", "\xC3")))
    assert.same({ n = 2, nil, "äb.npy  äc.npy" }, table.pack(completion.advise("f 'data/ä", list)))
    assert.same({}, (completion.complete("x = 1 -- da", list)))
    assert.same({}, (completion.complete("x = [[da", list)))
    assert.same({ "true" }, (completion.complete("x = 'it\\'s' .. tru", list)))
  end)

  it("finds the methods of models, and their fields", function()
    rawset(_G, "sample_model", fnet.nn.Sequential { fnet.nn.Dense(1, 1) })
    assert.same({ "parameters" }, (completion.complete "sample_model:param"))
    assert.same({ "inputs" }, (completion.complete "sample_model.inp"))
    rawset(_G, "sample_model", nil)
  end)
end)

describe("a session through a pipe", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  local function session(input, environment)
    local result = command.shell(directory, command.line(command.fnet, { "-i" }, environment), input)
    result.output = result.output:gsub("^fnet [^\n]*\nLua [^\n]*\n", "")
    return result
  end

  it("prints values and ends with the input", function()
    local result = session "1 + 1\nx = 5\nx, 'y'\n= x\nnil\n"
    assert.equal("> 2\n> > 5\ty\n> 5\n> nil\n> \n", result.output)
    assert.equal("", result.errors)
    assert.equal(0, result.status)
  end)

  it("reports errors without leaving", function()
    local result = session "error 'one'\nlocal = 2\nerror {}\nprint 'still here'\n"
    assert.matches("still here", result.output, 1, true)
    assert.equal("stdin:1: one\nstack traceback:\n\t[C]: in function 'error'\n\tstdin:1: in main chunk\n"
      .. "\t[C]: in ?\nstdin:1: <name> expected near '='\n(error object is a table value)\nstack traceback:\n"
      .. "\t[C]: in function 'error'\n\tstdin:1: in main chunk\n\t[C]: in ?\n",
      (result.errors:gsub("in global 'error'", "in function 'error'"))) -- as Lua 5.5 calls it
    assert.equal(0, result.status)
  end)

  it("says what the library refuses in one line", function()
    local result = session "fnet.zeros(-1)\nfnet.nn.Dense(2, 3)(fnet.zeros { 5 })\n"
    assert.equal("zeros: expected a shape such as {2, 3}, got number\n" ..
      "Dense(2, 3): expected an input of [..., 2], got [5]\n", result.errors)
  end)

  it("reports a failing print", function()
    local result = session "print = nil\n1\nsetmetatable({}, { __tostring = error })\n"
    assert.matches("error calling 'print'", result.errors, 1, true)
    assert.equal(0, result.status)
  end)

  it("reads a last line without a newline", function()
    assert.equal("> 2\n> \n", session("1 + 1").output)
  end)

  it("reports an unfinished chunk at the end", function()
    local result = session "for i = 1, 2 do\n"
    assert.matches("<eof>", result.errors, 1, true)
    assert.equal("> >> > \n", result.output)
  end)

  it("has fnet as a global, unless there is one", function()
    assert.equal("> table\n> \n", session("type(fnet)\n").output)
    assert.equal("> mine\n> \n", session("fnet\n", { LUA_INIT = "fnet = 'mine'" }).output)
    assert.matches('^> help "nn%.Dense" tells about a name, .*\n> \n$', session("help\n").output)
    for _, line in ipairs { 'help "nn.Dense"', "help nn.Dense", "? nn.Dense", "nn.Dense?" } do
      assert.matches("^> nn%.Dense%(inputs, units, options%)\n", session(line .. "\n").output)
    end
    assert.matches("^> fnet: .*\n  nn  ", session("?\n").output)
    assert.matches("^> The learning rate is how far ", session("help learning rate\n").output)
    assert.equal("> 5\n> \n", session("help\n", { LUA_INIT = "help = 5" }).output)
    assert.matches('^> search "early stopping" finds names by words, .*\n> \n$', session("search\n").output)
    assert.matches("^>   nn%.Dense%(inputs, units, options%)  y = ", session('search "Linear"\n').output)
  end)

  it("leaves with the status of os.exit, and by what everybody tries", function()
    assert.equal(3, session("os.exit(3)\n").status)
    for _, line in ipairs { "exit", " quit ", "exit()", "quit()" } do
      local result = session(line .. "\nprint 'still here'\n")
      assert.same({ "> ", "", 0 }, { result.output, result.errors, result.status }, line)
    end
    assert.equal(3, session("quit(3)\n").status)
    assert.equal("> 1\n> \n", session("exit\n", { LUA_INIT = "exit = 1" }).output)
  end)

  it("keeps the locals of its lines", function()
    local result = session [[
      local n, limit <const> = 1, 10
      function f() n = n + 1 end
      f()
      n
      local n = "another"
      f()
      n
      local count = 0 local function bump() count = count + 1 return count end
      count = 5
      bump(), count
      limit
      limit = 11
      local _, rest = 1, 2
      rest, _G.n
      for i = 1, 2 do local inside = i end
      inside
      local list = { limit } return list
      list
    ]]
    assert.equal("> > > > 2\n> > > another\n> > > 6\t6\n> 10\n> > > 2\tnil\n> > nil\n> {10}\n> {10}\n> > \n",
      result.output)
    assert.equal("stdin:1: attempt to assign to const variable 'limit'\n", result.errors)
  end)

  it("shows what tables hold, and has the last value as _", function()
    local result = session [[
      x = fnet.zeros { 2, 3 }
      x.shape
      _[2] + 1
      { 1, "two\n", { x }, f = print, [2.5] = true, ["a b"] = {} }
      t = { 1 } t.t = t
      t
      nil
      _ == t
      setmetatable({ 1 }, { __index = error, __pairs = error, __len = error })
      (function() local list = {} for i = 1, 1000 do list[i] = i end return list end)()
    ]]
    assert.matches("^> > {2, 3}\n> 4\n> {1, \"two\\n\", {tensor float32 %[2, 3%]}, %[2%.5%] = true, %[\"a b\"%] = "
      .. "{}, f = function}\n> > {1, t = <a table around it>}\n> nil\n> true\n> {1}\n"
      .. "> {\n  1, 2, 3, .*\n  %.%.%. %d+ more\n}\n", result.output)
    for line in result.output:gsub("> ", ""):gmatch "[^\n]+" do assert.is_true(#line <= 80) end
  end)

  it("says where a name is to be found", function()
    local result = session "x = nn.Dense(2, 3)\nzeros { 2 }\nDense\nnone_such()\n"
    assert.matches("(global 'nn'); did you mean 'fnet.nn'?", result.errors, 1, true)
    assert.matches("(global 'zeros'); did you mean 'fnet.zeros'?", result.errors, 1, true)
    assert.matches("(global 'none_such')\n", result.errors, 1, true)
    assert.matches("> nil, did you mean fnet.nn.Dense?\n", result.output, 1, true)
  end)

  it("has the locals of the script before it", function()
    command.write_file(directory .. "/script.lua", [[
#!/usr/bin/env fnet
local fnet = require "fnet"
local model, SIZE <const>, steps = fnet.nn.Dense(2, 3), 28, 0
local function step() steps = steps + 1 end
step()
if ... == "early" then return model end
return model -- the end
]])
    local function after(arguments, input)
      local result = command.shell(directory, command.line(command.fnet, arguments), input)
      return result.output:gsub("^fnet [^\n]*\nLua [^\n]*\n", ""), result.errors
    end
    local output, errors = after({ "-i", "script.lua" }, "model, SIZE\nstep()\nsteps\nfnet.version == nil\n")
    assert.equal("> Dense(2, 3)\t28\n> > 2\n> false\n> \n", output)
    assert.equal("", errors)
    assert.equal("> nil\n> \n", (after({ "-i", "script.lua", "early" }, "model\n")))
  end)

  it("ends where it cannot go on for want of memory, and says so once", function()
    local failing = "require('fnet.command.repl').read = function() error('not enough memory', 0) end"
    local result = command.shell(directory, command.line(command.fnet, { "-e", failing, "-i" }))
    assert.same({ "not enough memory\n", 1 }, { result.errors, result.status })
  end)
end)
