--- The interactive mode: its language side alone, sessions through a pipe, sessions on a terminal.

local fnet = require "fnet"
local command = require "tests.support.command"
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
    assert.same({ false, n = 1 }, table.pack(repl.read(lines(false))))
    assert.same({ false, n = 1 }, table.pack(repl.read(lines("for i = 1, 2 do", false))))
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

describe("repl.complete", function()
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
    it(("of %q"):format(line), function() assert.same(expected, repl.complete(line)) end)
  end

  it("finds the methods of strings and of userdata", function()
    rawset(_G, "sample_text", "text")
    assert.same({ "upper" }, repl.complete "sample_text:up")
    rawset(_G, "sample_text", nil)
    assert.same({ "seek", "setvbuf" }, repl.complete "io.stdout:se")
  end)

  it("finds the methods of models, and their fields", function()
    rawset(_G, "sample_model", fnet.nn.Sequential { fnet.nn.Dense(1, 1) })
    assert.same({ "parameters" }, repl.complete "sample_model:param")
    assert.same({ "inputs" }, repl.complete "sample_model.inp")
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
      .. "\t[C]: in function 'error'\n\tstdin:1: in main chunk\n\t[C]: in ?\n", result.errors)
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
    assert.matches("^> nn%.Dense%(inputs, units, options%)\n", session('help "Dense"\n').output)
    assert.matches('^> search "early stopping" finds names by words, .*\n> \n$', session("search\n").output)
    assert.matches("^>   nn%.Dense%(inputs, units, options%)  y = ", session('search "Linear"\n').output)
  end)

  it("leaves with the status of os.exit", function()
    assert.equal(3, session("os.exit(3)\n").status)
  end)
end)

describe("a session on a terminal", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  --- Types each step's keys on a pseudo-terminal, waiting for what the step shows before going on.
  ---@param steps string[][]  pairs of keys and what to await, as text
  ---@return string screen  all that was shown
  local function session(steps)
    local line = command.line(command.fnet, {}, { XDG_STATE_HOME = directory .. "/state", TERM = "xterm" })
    local script = { ([[
      rm -f keys screen; mkfifo keys
      script -qec %s /dev/null <keys >screen 2>&1 &
      terminal=$!
      exec 3>keys
      await() {
        tries=0
        until grep -qF -e "$1" screen; do
          sleep 0.05
          tries=$((tries + 1))
          if [ $tries -gt 600 ]; then echo "never shown: $1"; kill $terminal; exit 1; fi
        done
      }]]):format(command.quote(line)) }
    for _, step in ipairs(steps) do
      script[#script + 1] = ("printf %%s %s >&3"):format(command.quote(step[1]))
      script[#script + 1] = "await " .. command.quote(step[2])
    end
    script[#script + 1] = "printf '\\004' >&3; wait $terminal; exec 3>&-"
    local result = command.shell(directory, table.concat(script, "\n"))
    assert.equal("", result.output)
    return command.read_file(directory .. "/screen")
  end

  --- The first step of a session: prompts with a number, so that each can be awaited.
  local numbered = {
    "n = 0; _PROMPT = setmetatable({}, { __tostring = function() n = n + 1 return '[' .. n .. ']> ' end })\n",
    "[1]> ",
  }

  local function on_terminal(name, test)
    it(name, function()
      if not os.execute "script -qec true /dev/null >/dev/null 2>&1 </dev/null" then
        pending "needs script(1) of util-linux"
        return
      end
      test()
    end)
  end

  on_terminal("comes back to the prompt after Ctrl-C", function()
    local screen = session {
      numbered,
      { "io.write('rea', 'dy') io.flush() while true do local t = {} end\n", "ready" },
      { "\3", "[2]> " },
      { "half a line(", "half a line(" },
      { "\3", "[3]> " },
      { "for i = 1, 2 do\n", ">> " },
      { "\3", "[4]> " },
      { "print('still', 40 + 2)\n", "still\t42" },
    }
    assert.matches("interrupted\r\nstack traceback:", screen, 1, true)
    assert.not_matches("expected", screen, 1, true)
  end)

  -- The remaining sessions need a build with libedit or readline: a Tab that is echoed shows there is none.
  local function edits()
    local screen = session { numbered, { "print(math.typ\t(1))\n", "[2]> " } }
    return screen:find("integer", 1, true) ~= nil
  end

  on_terminal("completes names and keeps its history", function()
    if not edits() then
      pending "built without libedit and readline"
      return
    end
    session {
      numbered,
      { "t = { alpha = 1, beta = function() return 'be' .. 'low' end }\n", "[2]> " },
      { "print(t:be\t())\n", "below" },
      { "print(t.a\t + 9000)\n", "9001" },
      { "string.re\t\t", "reverse" },
      { "\3", "[5]> " },
    }
    local history = command.read_file(directory .. "/state/fnet/history")
    assert.matches("print(t:beta())\nprint(t.alpha + 9000)\n", history, 1, true)
    local listing = assert(io.popen("ls -l " .. command.quote(directory .. "/state/fnet/history")))
    assert.matches("^%-rw%-%-%-%-%-%-%-", listing:read("a"))
    listing:close()

    session {
      { "t = { alpha = 41000 }\n", "t = { alpha" },
      { "\27[A\27[A\n", "50000" }, -- two lines up: the sum of the session before
    }
  end)

  on_terminal("works without a place for the history", function()
    command.write_file(directory .. "/state-is-a-file", "")
    local line = command.line(command.fnet, {}, { XDG_STATE_HOME = directory .. "/state-is-a-file" })
    local result = command.shell(directory, "(sleep 0.5; printf 'print(6 * 7)\\n\\004'; sleep 0.5) | "
      .. "script -qec " .. command.quote(line) .. " /dev/null")
    assert.matches("42", result.output, 1, true)
    assert.equal(0, result.status)
  end)
end)
