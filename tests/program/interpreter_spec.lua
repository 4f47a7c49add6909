--- The command line of `fnet`: the same as stock Lua's, case by case; then what fnet has on top of it.

local command = require "tests.support.command"
local quote = command.quote

local directory
setup(function()
  directory = command.make_directory()
  local function write(name, content) command.write_file(directory .. "/" .. name, content) end
  write("args.lua", "print(#arg, arg[0], ...) for i = -9, 9 do if arg[i] then print(i, arg[i]) end end")
  write("shebang.lua", "#!/usr/bin/env lua\nprint('past the first line', debug.getinfo(1).currentline)")
  write("shebang_only.lua", "#!/usr/bin/env lua")
  write("empty.lua", "")
  write("bom.lua", "\xEF\xBB\xBFprint 'after a byte order mark'")
  write("fails.lua", "local function f()\n  error 'deep'\nend\nf()\n")
  write("syntax.lua", "print 'x'\nlocal = 1\n")
  write("mod.lua", "print('loading', ...) return { name = 'mod' }")
  write("silent.lua", "value = 'set by LUA_INIT'")
  write("-", "print('a file named -', ...)")
  write("exit_close.lua", "local x <close> = setmetatable({}, { __close = function() print 'closed' end })\n"
    .. "setmetatable({}, { __gc = function() print 'collected' end })\nos.exit(7, true)")
  write("binary.lua", string.dump(load("print('precompiled', ...)", "@binary")))
end)
teardown(function() command.remove_directory(directory) end)

local function run(program, case)
  local result = command.shell(directory, command.line(program, case, case.environment), case.input)
  return result
end

--- Replaces the program's name; drops the usage text and the depth of a full stack, which may differ.
local function neutral(text, program)
  local from, to = text:find(program, 1, true)
  while from do
    text = text:sub(1, from - 1) .. "PROGRAM" .. text:sub(to + 1)
    from, to = text:find(program, from + 7, true)
  end
  return (text:gsub("usage: .*", "usage"):gsub("skipping %d+ levels", "skipping levels"))
end

local versioned = command.versioned "LUA_INIT"

--- Each case: arguments, and where it matters `input`, `environment`, and what must come out in any case. Where a
-- stock Lua `differs`, that alone counts.
local cases = {
  ["-e runs code"] = { "-e", "print(1 + 1)", output = "2\n" },
  ["-e with the code attached"] = { "-eprint 'attached'", output = "attached\n" },
  ["several -e in order"] = { "-e", "x = 1", "-e", "x = x + 1 print(x)", output = "2\n" },
  ["-e sees no arguments"] = { "-e", "print(select('#', ...))", output = "0\n" },
  ["-e before a script"] = { "-e", "x = 5", "args.lua", "y" },
  ["-e with a syntax error"] = { "-e", "x =", status = 1 },
  ["-e with an error"] = { "-e", "error 'no'", "args.lua", status = 1 },
  ["-e without code"] = { "-e", status = 1 },
  ["-e followed by an option"] = { "-e", "-v", status = 1 },
  ["-e leaves out standard input"] = { "-e", "print 'only this'", input = "print 'not this'" },
  ["-l requires into a global"] = { "-l", "mod", "-e", "print(mod.name)" },
  ["-l with the name attached"] = { "-lmod", "-e", "print(mod.name)" },
  ["-l g=mod"] = { "-l", "g=mod", "-e", "print(g.name, mod)" },
  ["-l with a missing module"] = { "-l", "no_such_module", "-e", "print 'not reached'", status = 1 },
  ["-l without a name"] = { "-l", status = 1 },
  ["-l alone goes on with standard input"] = { "-lmod", input = "print('then', mod.name)" },
  ["-W turns warnings on"] = { "-W", "-e", "warn 'careful'" },
  ["-W takes effect in its place"] = { "-e", "warn 'unseen'", "-W", "-e", "warn 'seen'" },
  ["warnings are off at first"] = { "-e", "warn 'careful'" },
  ["warnings with @on and @off"] = { "-e", "warn '@on' warn('a', 'b') warn '@off' warn 'c'" },
  ["a warning from a finalizer"] = { "-W", "-e",
    "setmetatable({}, { __gc = function() error 'in gc' end }) collectgarbage()" },
  ["an unknown option"] = { "-x", status = 1 },
  ["an unknown long option"] = { "--verbose", status = 1 },
  ["an option with too much behind it"] = { "-vi", status = 1 },
  ["-- ends the options"] = { "--", "args.lua", "-e", "--" },
  -- Stock Lua 5.4.7 runs out of memory there.
  ["-- alone goes on with standard input"] = { "--", input = "print(arg[0] ~= nil, ...)", output = "true\n",
    status = 0, differs = true },
  ["-- - names a file"] = { "--", "-", "a" },
  ["- runs standard input"] = { "-", "a", "b", input = "print(arg[0], arg[-1] ~= nil, ...)" },
  ["standard input without -"] = { input = "print(#arg, ...) return 5" },
  ["standard input with an error"] = { "-", input = "\n\nerror 'third line'", status = 1 },
  ["standard input with a syntax error"] = { "-", input = "x = = 1", status = 1 },
  ["standard input with a #! line"] = { input = "#!/bin/lua\nprint(debug.getinfo(1).currentline)" },
  ["empty standard input"] = { input = "" },
  ["arg and ..."] = { "args.lua", "one", "two", "", "-v" },
  ["arg with negative indices"] = { "-e", "x = 1", "-W", "args.lua", "one" },
  ["arg is there for -e"] = { "-e", "for i = -3, 3 do print(i, arg[i]) end" },
  ["... follows a changed arg"] = { "-e", "arg = { 'changed' }", "args.lua", "one" },
  ["arg is no table"] = { "-e", "arg = nil", "args.lua", status = 1 },
  ["a #! line"] = { "shebang.lua" },
  ["a #! line alone"] = { "shebang_only.lua" },
  ["an empty script"] = { "empty.lua", status = 0 },
  ["a byte order mark"] = { "bom.lua" },
  ["a precompiled script"] = { "binary.lua", "x" },
  ["a missing script"] = { "missing.lua", status = 1 },
  ["a directory as script"] = { ".", status = 1 },
  ["a script that fails"] = { "fails.lua", status = 1 },
  ["a script with a syntax error"] = { "syntax.lua", status = 1 },
  ["an error object with __tostring"] = { "-e",
    "error(setmetatable({}, { __tostring = function() return 'it speaks' end }))", status = 1 },
  ["an error object whose __tostring gives no string"] = { "-e",
    "error(setmetatable({}, { __tostring = function() return 5 end }))", status = 1 },
  ["an error object without __tostring"] = { "-e", "error {}", status = 1 },
  ["nil as error"] = { "-e", "error()", status = 1 },
  ["a number as error"] = { "-e", "error(42)", status = 1 },
  ["an error in a message handler"] = { "-e", "print(xpcall(error, error))" },
  ["what coroutines give and raise"] = { "-e", [[
    local function show(...) print((table.concat({ ... }, " "):gsub("0x%x+", "address"))) end
    local function text(ok, message) show(tostring(ok), tostring(message)) end
    text(pcall(coroutine.wrap(function() error "a" end)))
    text(pcall(function() return coroutine.wrap(function() error "b" end)() + 1 end))
    for _, name in ipairs { "resume", "wrap", "close" } do text(pcall(coroutine[name], 5)) end
    local made = coroutine.create(function()
      local x <close> = setmetatable({}, { __close = function() print "closed" end })
      coroutine.yield()
    end)
    text(coroutine.resume(made)) text(coroutine.close(made)) text(coroutine.resume(made))
    for i, j in coroutine.wrap(function() for i = 1, 2 do coroutine.yield(i, i + 1) end end) do show(i, j) end
    local deepest
    local function nest(n) deepest = n coroutine.wrap(nest)(n + 1) end
    pcall(nest, 1)
    print(deepest > 150)]] },
  ["an error in a coroutine"] = { "-e", "coroutine.wrap(function() error 'inside' end)()", status = 1 },
  ["os.execute of what is no text"] = { "-e", "os.execute({})", status = 1 },
  ["stack overflow"] = { "-e", "local function f() return 1 + f() end f()", status = 1 },
  ["os.exit()"] = { "-e", "os.exit()", status = 0 },
  ["os.exit(true)"] = { "-e", "os.exit(true)", status = 0 },
  ["os.exit(false)"] = { "-e", "os.exit(false)", status = 1 },
  ["os.exit(3)"] = { "-e", "os.exit(3)", status = 3 },
  ["os.exit with close"] = { "exit_close.lua", status = 7 },
  ["finalizers run at the end"] = { "-e", "setmetatable({}, { __gc = function() print 'collected' end })" },
  ["a result of the script is no status"] = { "-e", "return 5", status = 0 },
  ["LUA_INIT"] = { "-e", "print(x)", environment = { LUA_INIT = "x = 'from LUA_INIT'" } },
  ["LUA_INIT with a file"] = { "-e", "print(value)", environment = { LUA_INIT = "@silent.lua" } },
  ["LUA_INIT_5_x goes first"] = { "-e", "print(x)",
    environment = { LUA_INIT = "x = 'general'", [versioned] = "x = 'versioned'" } },
  ["an empty LUA_INIT_5_x counts"] = { "-e", "print(x)",
    environment = { LUA_INIT = "x = 1", [versioned] = "" } },
  ["LUA_INIT sees arg"] = { "args.lua", "a", environment = { LUA_INIT = "print(arg[0], arg[1])" } },
  ["LUA_INIT comes before -e"] = { "-e", "print 'second'", environment = { LUA_INIT = "print 'first'" } },
  ["LUA_INIT that fails"] = { "-e", "print(x)", environment = { LUA_INIT = "error 'bad'" }, status = 1 },
  ["LUA_INIT with a syntax error"] = { "-e", "print(x)", environment = { [versioned] = "x =" }, status = 1 },
  ["LUA_INIT with a missing file"] = { "-e", "print(x)",
    environment = { LUA_INIT = "@missing" }, status = 1 },
  ["-E ignores LUA_INIT"] = { "-E", "-e", "print(x)", environment = { LUA_INIT = "x = 1" } },
  ["-E ignores LUA_PATH"] = { "-E", "-e", "print(package.path)", environment = { LUA_PATH = "elsewhere" } },
  ["LUA_PATH"] = { "-e", "print(package.path)", environment = { LUA_PATH = "elsewhere/?;;" } },
  ["the collector is generational"] = { "-e", "print(collectgarbage 'incremental')",
    output = "generational\n" },
  ["the globals are the same"] = { "-e",
    "local t = {} for k in pairs(_G) do t[#t + 1] = k end table.sort(t) print(table.concat(t, ' '))" },
  ["-i with a script that fails"] = { "-i", "fails.lua", status = 1 },
  ["-i after -e"] = { "-i", "-e", "print(3)" },
  ["-i with arguments"] = { "-i", "args.lua", "a" },
}

if _VERSION ~= "Lua 5.4" then
  cases["a coroutine closes itself"] = { output = "\non\n",
    "-e", "print(coroutine.wrap(function() coroutine.close() end)()) print 'on'" }
end

-- Releases word messages differently: compared is the one that fnet has inside.
local function release_of(program)
  local pipe <close> = io.popen(command.line(program, { "-v" }) .. " 2>&1 </dev/null")
  return pipe:read("a"):match "Lua %d+%.%d+%.%d+"
end
local stock_lua = command.lua and release_of(command.lua) == release_of(command.fnet) and command.lua

describe("fnet like stock lua:", function()
  if not stock_lua then
    pending "the comparison is left out: there is no stock Lua of the release that fnet has inside"
  end
  local names = {}
  for name in pairs(cases) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local case = cases[name]
    it(name, function()
      local ours = run(command.fnet, case)
      if case.status then assert.equal(case.status, ours.status) end
      if case.output then assert.equal(case.output, ours.output) end
      if case.differs or not stock_lua then return end
      local stock = run(stock_lua, case)
      ours.output = ours.output:gsub("^fnet %d[^\n]*\n", "") -- the line before Lua's own in -i
      assert.equal(neutral(stock.output, stock_lua), neutral(ours.output, command.fnet))
      assert.equal(neutral(stock.errors, stock_lua), neutral(ours.errors, command.fnet))
      assert.equal(stock.status, ours.status)
    end)
  end
end)

describe("fnet on top of stock lua:", function()
  it("-v shows the versions of fnet, the numerics and Lua, and leaves standard input alone", function()
    local result = run(command.fnet, { "-v", input = "print 'not run'" })
    local lua = _VERSION:gsub("%.", "%%.")
    assert.matches("^fnet %d+%.%d+%.%d+  numerics %d+\n" .. lua .. "%.%d+ [^\n]*\n$", result.output)
    assert.equal("", result.errors)
    assert.equal(0, result.status)
  end)

  it("--version and -V do as -v does", function()
    local expected = run(command.fnet, { "-v" })
    for _, option in ipairs { "--version", "-V" } do assert.same(expected, run(command.fnet, { option })) end
  end)

  it("--help and -h explain themselves, within 80 columns", function()
    for _, arguments in ipairs { { "--help" }, { "-h" }, { "info", "--help" }, { "info", "-h" } } do
      local result = run(command.fnet, arguments)
      assert.matches("^usage: fnet", result.output)
      assert.matches("Examples:", result.output, 1, true)
      assert.equal(0, result.status)
      for line in result.output:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
    end
  end)

  it("runs no file that has the name of a command", function()
    for _, name in ipairs { "info", "run", "eval", "check" } do
      command.write_file(directory .. "/" .. name, "print 'the file has run'")
      local result = run(command.fnet, { name, "no_such_model" })
      assert.not_matches("the file has run", result.output .. result.errors, 1, true)
      assert.same({ "the file has run\n", 0 }, { run(command.fnet, { "./" .. name }).output, result.status - 1 })
      os.remove(directory .. "/" .. name)
      assert(os.execute("mkdir " .. quote(directory .. "/" .. name)))
      assert.same(result, run(command.fnet, { name, "no_such_model" }))
    end
  end)

  it("--help with a name shows what the library says of it, also before other options", function()
    for _, arguments in ipairs { { "--help", "nn.Dense" }, { "-E", "--help", "fnet.nn.Dense" } } do
      local result = run(command.fnet, arguments)
      assert.matches("^nn%.Dense%(inputs, units, options%)\n\n  y = ", result.output)
      assert.same({ "", 0 }, { result.errors, result.status })
    end
  end)

  it("--help with a name that nothing has answers with the nearest one and status 1", function()
    local result = run(command.fnet, { "--help", "optim.Adm" })
    assert.same({ "", 1 }, { result.output, result.status })
    assert.matches("fnet: no help on 'optim%.Adm', did you mean 'optim%.Adam'%?", result.errors)
  end)

  it("--help --search finds names by words, and says where there are none", function()
    local result = run(command.fnet, { "--help", "--search", "early stopping" })
    assert.matches("^  fnet%.fit%(model, options%)  Trains a model", result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
    result = run(command.fnet, { "--help", "--search", "quantum" })
    assert.same({ "", 1 }, { result.output, result.status })
    assert.matches("fnet: nothing is said of 'quantum'; `help \"fnet\"` lists what there is\n", result.errors,
      1, true)
    assert.equal(run(command.fnet, { "--help", "--search", "lstm" }).output,
      run(command.fnet, { "--search", "lstm" }).output)
    result = run(command.fnet, { "--help", "--search" })
    assert.same({ "", 1 }, { result.output, result.status })
    assert.matches("fnet: '--search' needs argument\nusage: fnet", result.errors, 1, true)
  end)

  it("an unknown option shows how fnet is called on standard error, on less than a screen", function()
    local result = run(command.fnet, { "--colour" })
    assert.equal("", result.output)
    assert.matches("unrecognized option '%-%-colour'\nusage: fnet.*\n`fnet %-%-help` explains them\n$",
      result.errors)
    assert.is_true(select(2, result.errors:gsub("\n", "")) < 24)
    assert.equal(1, result.status)
  end)

  it("a word that is no script is answered with the command or the option that is like it", function()
    for word, meant in pairs { inf = "info", exprot = "export", help = "--help", version = "--version" } do
      local result = run(command.fnet, { word, "file" })
      assert.matches(("fnet: cannot open %s: No such file or directory; did you mean 'fnet %s'?\n"):format(word,
        meant), result.errors, 1, true)
      assert.equal(1, result.status)
    end
    assert.matches("No such file or directory\n$", run(command.fnet, { "inf.lua" }).errors)
    assert.matches("No such file or directory\n$", run(command.fnet, { "trial" }).errors)
  end)

  it("carries its modules inside", function()
    local result = run(command.fnet, { "-E", "-e",
      "print(package.preload['fnet.core'] ~= nil, type(require 'fnet.command.repl')) "
      .. "print(debug.getinfo(require 'fnet.command.repl'.read).source)" })
    assert.equal("true\ttable\n@lua/fnet/command/repl.lua\n", result.output)
  end)

  it("says what the library refuses in one line, and shows no frames of the library", function()
    local result = run(command.fnet, { input = "local fnet = require 'fnet'\nfnet.nn.Dense(2)" })
    assert.matches("^[^\n]+: stdin:2: Dense: units: expected a whole number of at least 1, got nil\n$",
      result.errors)
    result = run(command.fnet, { input = "local fnet = require 'fnet'\nlocal function layer()\n" ..
      "  local made = fnet.nn.Dense(2)\n  return made\nend\nlayer()" })
    assert.matches("^[^\n]+: stdin:3: Dense: units: [^\n]+\nstack traceback:\n\tstdin:3: in [^\n]*'layer'\n" ..
      "\tstdin:6: in main chunk\n\t%[C%]: in %?\n$", result.errors)
  end)

  it("says where standard output could not be written, in its status too", function()
    local message = "standard output could not be written: what was printed is not complete\n"
    for _, target in ipairs { ">/dev/full", ">&-" } do
      local result = command.shell(directory, command.line(command.fnet, { "-e", "print(1)" }) .. " " .. target)
      assert.matches(message, result.errors, 1, true)
      assert.equal(1, result.status)
      result = command.shell(directory, command.line(command.fnet, { "-e", "local quiet = 1" }) .. " " .. target)
      assert.same({ "", 0 }, { result.errors, result.status })
      for _, code in ipairs { "print(1) os.exit(true)", "print(1) os.exit(0, true)", "io.write(1) os.exit(3)" } do
        result = command.shell(directory, command.line(command.fnet, { "-e", code }) .. " " .. target)
        assert.matches(message, result.errors, 1, true)
        assert.equal(1, result.status)
      end
    end
  end)

  it("names a wrong number of threads", function()
    for wrong, got in pairs { abc = "'abc'", ["2x"] = "'2x'", ["0"] = "0", ["257"] = "257", ["1.5"] = "1.5" } do
      local result = command.shell(directory, "FNET_THREADS=" .. wrong .. " " ..
        command.line(command.fnet, { "-e", "require 'fnet'" }))
      assert.matches("FNET_THREADS: expected a whole number from 1 to 256, got " .. got, result.errors, 1, true)
      assert.equal(1, result.status)
    end
  end)

  it("reports the failure of a script on standard input in its status, also without -", function()
    local result = run(command.fnet, { input = "error 'no'" }) -- stock lua ends with 0 here
    assert.matches("stdin:1: no\nstack traceback", result.errors, 1, true)
    assert.equal(1, result.status)
  end)

  it("answers a misspelt method with the one that was probably meant", function()
    local script = "local model = require 'fnet'.nn.Sequential { require 'fnet'.nn.ReLU() }\nmodel:paramters()"
    local result = run(command.fnet, { input = script })
    assert.matches("stdin:2: attempt to call a nil value (method 'paramters'); did you mean 'parameters'?\nstack",
      result.errors, 1, true)
    result = run(command.fnet, { input = "local list = {}\nlist:unheard_of()" })
    assert.matches("stdin:2: attempt to call a nil value (method 'unheard_of')\nstack", result.errors, 1, true)
  end)

  it("runs busted, as busted --lua does", function()
    command.write_file(directory .. "/sum_spec.lua", "it('adds', function() assert.equal(2, 1 + 1) end)\n"
      .. "it('runs here', function() assert.truthy(package.preload['fnet.core']) end)")
    -- A name without blanks, since busted quotes nothing.
    local script = "ln -s " .. quote(command.fnet) .. " fnet && busted --lua=./fnet sum_spec.lua"
    local result = command.shell(directory, script)
    assert.matches("2 successes / 0 failures", result.output, 1, true)
    assert.equal(0, result.status)
  end)
end)

--- Starts a script in the background, waits until it has written "ready", and sends it SIGINT `count` times.
--- Busy loops in it allocate: under ThreadSanitizer a signal arrives only at a call of the C library.
local function interrupt(source, count)
  command.write_file(directory .. "/victim.lua",
    "local function ready() io.stdout:write 'ready\\n' io.stdout:flush() end\n" .. source)
  local program = command.hears_interrupts .. command.line(command.fnet, { "victim.lua" })
  local script = program .. [[ >victim.out 2>victim.err &
    child=$!
    tries=0
    until grep -q ready victim.out; do
      sleep 0.05
      tries=$((tries + 1))
      if [ $tries -gt 1200 ] || [ -s victim.err ]; then kill -9 $child; exit 99; fi
    done
    for i in ]] .. ("x "):rep(count) .. [[; do sleep 0.2; kill -INT $child; done
    ( trap 'kill $!; exit' TERM; sleep 60 & wait $!; kill -9 $child ) >/dev/null 2>&1 &
    guard=$!
    wait $child
    status=$?
    kill $guard
    exit $status]]
  local result = command.shell(directory, "rm -f victim.out; " .. script)
  result.output = command.read_file(directory .. "/victim.out")
  result.errors = command.read_file(directory .. "/victim.err")
  return result
end

describe("Ctrl-C", function()
  it("raises one error in a busy loop, and the script goes on", function()
    local result = interrupt([[
      print(pcall(function() ready() while true do local t = {} end end))
      for i = 1, 1e5 do local t = { i } end
      print 'still here']], 1)
    assert.equal("ready\nfalse\tinterrupted\nstill here\n", result.output)
    assert.equal("", result.errors)
    assert.equal(0, result.status)
  end)

  it("reaches a loop in a coroutine, however deep, and leaves the others usable", function()
    local result = interrupt([[
      local outer = coroutine.wrap(function()
        local inner = coroutine.create(function() ready() while true do local t = {} end end)
        coroutine.yield(coroutine.resume(inner))
        return "went on"
      end)
      print(outer())
      for i = 1, 1e5 do local t = { i } end
      print(outer())]], 1)
    assert.equal("ready\nfalse\tinterrupted\nwent on\n", result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
  end)

  it("reaches a loop that goes from one coroutine to the other", function()
    local result = interrupt([[
      local give = coroutine.wrap(function() while true do coroutine.yield {} end end)
      print(pcall(function() ready() while true do give() end end))
      print 'still here']], 1)
    assert.matches("^ready\nfalse\t[^\n]*interrupted\nstill here\n$", result.output)
    assert.equal(0, result.status)
  end)

  it("can be caught again and again", function()
    local result = interrupt([[
      for i = 1, 3 do print(i, pcall(function() ready() while true do local t = {} end end)) end]], 3)
    assert.equal("ready\n1\tfalse\tinterrupted\nready\n2\tfalse\tinterrupted\nready\n3\tfalse\tinterrupted\n",
      result.output)
    assert.equal(0, result.status)
  end)

  it("that nobody catches ends the script with a traceback and the signal", function()
    local result = interrupt("ready() while true do local t = {} end", 1)
    assert.equal("ready\n", result.output)
    assert.matches("fnet[^/]*: interrupted\nstack traceback:\n.*victim.lua:2: in main chunk", result.errors)
    assert.equal(130, result.status)
  end)

  it("that was caught leaves a later failure its own status", function()
    local result = interrupt([[
      pcall(function() ready() while true do local t = {} end end)
      error 'another']], 1)
    assert.matches("victim.lua:3: another", result.errors, 1, true)
    assert.equal(1, result.status)
  end)

  it("that ends a command ends the script that waits for it, as in a shell", function()
    local result = command.shell(directory, command.hears_interrupts .. command.line(command.fnet, { "-e", [[
      print(os.execute "exit 3")
      print(os.execute "kill -TERM $$")
      print(os.execute "trap : INT; kill -INT $$; exit 4")
      print(pcall(os.execute, "kill -INT $$"))
      os.execute "kill -INT $$"
      print "not reached"]] }))
    assert.equal("nil\texit\t3\nnil\tsignal\t15\nnil\texit\t4\nfalse\tinterrupted\n", result.output)
    assert.matches(": interrupted\nstack traceback:\n", result.errors)
    assert.equal(130, result.status)
  end)

  it("gives way to a blocked read", function()
    command.shell(directory, "mkfifo pipe")
    local result = interrupt([[
      local file = io.open("pipe", "r+")
      ready()
      print(pcall(function() file:read() while true do local t = {} end end))]], 1)
    assert.equal("ready\nfalse\tinterrupted\n", result.output)
  end)

  it("twice, the first undelivered, ends the process", function()
    if command.fnet:find("/tsan/", 1, true) then
      pending "ThreadSanitizer makes one signal out of the two"
      return
    end
    local result = interrupt([[
      ready()
      print(pcall(string.find, ("a"):rep(300), (".-"):rep(20) .. "b"))]], 2)
    assert.equal("ready\n", result.output)
    assert.equal("", result.errors)
    assert.equal(130, result.status)
  end)

  it("ends fnet.fit, which returns what it has", function()
    local result = interrupt([[
      local fnet = require "fnet"
      local x = fnet.rand { 64, 4 }
      local model, log = fnet.nn.Dense(4, 4), {}
      local list = { train = fnet.data.Dataset { x = x, y = x }, loss = fnet.nn.mse, optim = fnet.optim.SGD,
        epochs = 1e9 // 1 | 0, callbacks = { start = ready, finish = function() log[1] = "finish" end } }
      local history = fnet.fit(model, list)
      print(history.interrupted.epoch - #history <= 1, #history > 0, log[1])
      list.epochs = 2
      print(#fnet.fit(model, list))]], 1)
    assert.equal("ready\ntrue\ttrue\tfinish\nready\n2\n", result.output)
    assert.same({ "", 0 }, { result.errors, result.status })
  end)

  it("stops a matrix product within a moment and leaves the tensors usable", function()
    local result = interrupt([[
      local fnet = require "fnet"
      local a = fnet.zeros({ 4096, 4096 })
      local started = os.time()
      local ok, message = pcall(function() ready() while true do a:matmul(a) end end)
      print(ok, message:match("interrupted$"), os.time() - started < 15)
      local b = fnet.ones({ 2, 2 })
      print(b:matmul(b):sum():item())]], 1)
    assert.equal("ready\nfalse\tinterrupted\ttrue\n8.0\n", result.output)
    assert.equal(0, result.status)
  end)
end)
