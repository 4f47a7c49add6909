--- The interactive mode on a terminal: keys, Ctrl-C, pasted texts, stops, another width, completion, the history.

local command = require "tests.support.command"

describe("a session on a terminal", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  --- Types each step's keys on a pseudo-terminal, waiting for what the step shows before going on.
  ---@param steps table[]  pairs of keys and what to await, as text; `shell`: a script that runs before
  ---@return string screen  all that was shown
  ---@param environment table<string, string>?
  local function session(steps, environment)
    local variables = { XDG_STATE_HOME = directory .. "/state", TERM = "xterm", LC_ALL = "C.UTF-8" }
    for name, value in pairs(environment or {}) do variables[name] = value end
    local line = command.hears_interrupts .. command.line(command.fnet, {}, variables)
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
      script[#script + 1] = step.shell
      script[#script + 1] = ("printf %%s %s >&3"):format(command.quote(step[1]))
      script[#script + 1] = "await " .. command.quote(step[2])
    end
    script[#script + 1] = [[
      printf '\004' >&3
      ( sleep 30; kill $terminal ) >/dev/null 2>&1 &
      guard=$!
      wait $terminal || echo "ended with status $?"
      kill $guard
      exec 3>&-]]
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

  on_terminal("reads lines of any length", function()
    local entries = ("1, "):rep(4000)
    session {
      numbered,
      { "t = { " .. entries .. "}\n", "[2]> " },
      { "print('entries', #t)\n", "entries\t4000" },
    }
  end)

  on_terminal("takes a pasted text as it is, and runs all its lines", function()
    local text = "function add(a,\tb)\n\treturn\ta + b\nend\nlocal x = 'é\t日本'\nprint('sum', add(1, 2), #x)"
    local screen = session {
      numbered,
      { "\27[200~" .. text .. "\27[201~\n", "sum\t3\t9" },
      { "print('\27[200~\27[20\t[\27[201~' == '\\27[20\\t[', 'whole')\n", "true\twhole" },
    }
    assert.matches("\27[?2004h", screen, 1, true)
    local history = command.read_file(directory .. "/state/fnet/history")
    assert.matches("\treturn\ta + b\nend\n", history, 1, true)
  end)

  on_terminal("passes letters on in the locale C, and bytes that are none", function()
    session({
      numbered,
      { "print(('é日'):byte(1, -1))\n", "195\t169\t230\t151\t165" },
      { "print(('\xE9x\xFF'):byte(1, -1))\n", "233\t120\t255" },
    }, { LC_ALL = "C" })
  end)

  on_terminal("draws the line again when it goes on after a stop, and gives the terminal back meanwhile", function()
    for _, signal in ipairs { "STOP", "TSTP" } do
      local screen = session {
        numbered,
        { "print(('process=%d'):format(io.open('/proc/self/stat'):read 'n'))\n", "[2]> " },
        { "print('ha", "print('ha" },
        { "", "[2]> ",
          shell = "pid=$(sed -n 's/.*process=\\([0-9][0-9]*\\).*/\\1/p' screen); "
            .. "kill -" .. signal .. " $pid; sleep 0.3; kill -CONT $pid $terminal; sleep 0.3" },
        { "llo')\n", "hallo" },
      }
      assert.is_true(select(2, screen:gsub("print%('ha", "")) >= 2, signal)
      if signal == "TSTP" then assert.matches("print%('ha[^\n]*\27%[%?2004l.*print%('ha", screen) end
    end
  end)

  on_terminal("is plain lines where the terminal cannot draw", function()
    for _, name in ipairs { "dumb", "" } do
      local screen = session({ numbered, { "print('é', 6 * 7)\n", "é\t42" } }, { TERM = name })
      assert.not_matches("\27", screen, 1, true)
    end
  end)

  on_terminal("ends a coroutine's loop by one Ctrl-C", function()
    session {
      numbered,
      { "kept = 'ke' .. 'pt' coroutine.wrap(function() coroutine.wrap(function() io.write('rea', 'dy') io.flush() "
        .. "while true do local t = {} end end)() end)()\n", "ready" },
      { "\3", "[2]> " },
      { "print('still', kept)\n", "still\tkept" },
    }
  end)

  -- With libedit or readline, which bring lines back.
  local function edits()
    local screen = session { numbered, { "print(6 * 7)\n", "[2]> " }, { "\27[A\n", "[3]> " } }
    return select(2, screen:gsub("42\r?\n", "")) == 2
  end

  local function in_editor(name, test)
    on_terminal(name, function()
      if not edits() then return pending "built without libedit and readline" end
      test()
    end)
  end

  in_editor("completes names and keeps its history", function()
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

  in_editor("completes the names of files, and of folders with a slash", function()
    command.write_file(directory .. "/notes-of-today.txt", "written down")
    command.shell(directory, "mkdir -p folder && echo inside >folder/deeper.txt")
    session {
      numbered,
      { "print(io.open('notes-\t'):read 'a', 1)\n", "written down\t1" },
      { "print(io.open('fol\tdee\t'):read 'l', 2)\n", "inside\t2" },
      { "print(#'no-such-folder/\t', 3)\n", "15\t3" },
    }
  end)

  in_editor("draws a line of several rows again where the terminal has got another width", function()
    local screen = session {
      numbered,
      { "print('on ' .. io.popen('tty'):read() .. '.')\n", "[2]> " },
      { ("x"):rep(50), ("x"):rep(50) },
      { "", "[2]> ",
        shell = "stty -F $(sed -n 's:.*on \\(/dev/[a-z0-9/]*\\).*:\\1:p' screen) cols 20 && sleep 0.3" },
      { " = 6 * 7\n", "[3]> " },
      { "print(" .. ("x"):rep(50) .. ", 'whole')\n", "42\twhole" },
    }
    local from_third_row = "\27[2A\r\27[J[2]> " -- libedit, which fnet leads there
    local from_first_row = "\r\27[K\r[2]> " -- readline
    assert.is_truthy(screen:find(from_third_row, 1, true) or screen:find(from_first_row, 1, true), screen)
  end)

  in_editor("keeps the last thousand lines of a history that has got long", function()
    local lines = {}
    for i = 1, 2005 do lines[i] = "x = " .. i end
    command.shell(directory, "mkdir -p long/fnet")
    local path = directory .. "/long/fnet/history"
    command.write_file(path, table.concat(lines, "\n") .. "\n")
    session({ { "\27[A\27[A\nprint('value', x)\n", "value\t2004" } }, { XDG_STATE_HOME = directory .. "/long" })
    local kept = command.read_file(path)
    assert.equal(table.concat(lines, "\n", 1006) .. "\nx = 2004\nprint('value', x)\n", kept)
  end)

  on_terminal("keeps the history below HOME where XDG_STATE_HOME is no whole path", function()
    session({ numbered }, { XDG_STATE_HOME = "state-from-here", HOME = directory .. "/home" })
    assert.matches("^n = 0;", command.read_file(directory .. "/home/.local/state/fnet/history"))
    assert.not_equal(0, command.shell(directory, "test -e state-from-here").status)
  end)

  on_terminal("says on a terminal that cannot draw where a line was cut, and comes back after Ctrl-C", function()
    session({
      numbered,
      { "t = '" .. ("a"):rep(5000) .. "'\n", "the terminal cuts lines at 4095 bytes here, and this one was cut" },
      { "half a line", "half a line" },
      { "\3", "[3]> " },
      { "print(t, 6 * 7)\n", "nil\t42" },
    }, { TERM = "dumb" })
  end)
end)
