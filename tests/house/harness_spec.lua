--- What runs the tests (tests/tools): nothing counts as passed that was cut short, left out in silence, or is of an
-- earlier run. Each case runs test.sh in a folder of its own, on programs and specs that go wrong in one way.

local command = require "tests.support.command"

local GOOD = 'describe("x", function() it("passes", function() end) end)\n'

local directory
before_each(function()
  directory = command.make_directory()
  local copied = command.shell(directory, ([[
    mkdir -p tests/tools bin
    cd %s && cp .busted "$OLDPWD" && cp tests/tools/test.sh tests/tools/part.sh tests/tools/verdict.sh \
      tests/tools/whole.lua "$OLDPWD/tests/tools"]]):format(command.quote(command.directory)))
  assert.same({ "", 0 }, { copied.errors, copied.status })
end)
after_each(function() command.remove_directory(directory) end)

local function put(path, text) command.write_file(directory .. "/" .. path, text) end

-- A C program of tests, played by a script.
local function program(script)
  put("program", "#!/bin/sh\n" .. script .. "\n")
  return command.shell(directory, "chmod +x program").status
end

-- Runs test.sh on the specs, and on the program where there is one; gives the last line, all lines, and the status.
local function test(environment)
  -- A name without blanks, since busted quotes nothing.
  local line = ("ln -sf %s fnet; %s sh tests/tools/test.sh asan fnet $(ls -d ./program 2>/dev/null)"):format(
    command.quote(command.fnet), environment or "")
  local result = command.shell(directory, line)
  return result.output:match "([^\n]*)\n$", result.output .. result.errors, result.status
end

-- The run is red, for this reason.
local function red(reason, environment)
  local last, output, status = test(environment)
  assert.matches("^%d+ passed, [1-9]%d* failed$", last, output)
  assert.not_equal(0, status)
  assert.is_truthy(output:find(reason, 1, true), output)
end

describe("make test", function()
  it("adds up what programs and specs report at their end", function()
    program "echo '100 passed, 0 failed'; echo '2 passed, 0 failed'"
    put("tests/a_spec.lua", GOOD .. 'print("9 passed, 9 failed")\n')
    put("tests/b_spec.lua", 'it("is left out", function() pending "no such thing" end)\n' .. GOOD)
    local last, output, status = test()
    assert.same({ "4 passed, 0 failed", 0 }, { last, status }, output)
    assert.is_truthy(output:find("\n1 left out", 1, true), output)
  end)

  for reason, script in pairs {
    ["ended with status 0 before it reported its figures"] = "echo '2 passed, 0 failed'; echo more; exit 0",
    ["ended with status 3"] = "echo '2 passed, 0 failed'; exit 3",
    ["ended with status 137"] = "echo '2 passed, 0 failed'; kill -9 $$",
    ["tested nothing"] = "echo '0 passed, 0 failed'",
  } do
    it("is red where a program " .. reason, function()
      put("tests/a_spec.lua", GOOD)
      program(script)
      red("./program " .. reason)
    end)
  end

  local LEAVES = 'print "9 successes / 0 failures / 0 errors / 0 pending : 1 s\\n9 passed, 0 failed" os.exit(0)'
  for what, case in pairs {
    ["leaves"] = { "before it reported", GOOD .. LEAVES },
    ["is killed"] = { "before it reported", GOOD .. 'os.execute "kill -9 $PPID"' },
    ["is no Lua"] = { "unexpected symbol near <eof>", "describe(" },
    ["raises an error outside of a test"] = { "on the way", GOOD .. 'error "on the way"' },
    ["tests nothing"] = { "declares no test", "local _ = 1" },
    ["has an empty block"] = { "declares no test", GOOD .. 'describe("y", function() end)' },
    ["has a setup that fails"] = { "no setup", 'setup(function() error "no setup" end) ' .. GOOD },
  } do
    it("is red where a spec " .. what, function()
      put("tests/a_spec.lua", case[2])
      put("tests/b_spec.lua", GOOD)
      red(case[1])
    end)
  end

  it("is red where there are no specs, or none was run", function()
    program "echo '2 passed, 0 failed'"
    red "No test files found"
    put("tests/a_spec.lua", 'describe("needs a #browser", function() it("passes", function() end) end)')
    red "nothing was tested"
  end)

  it("is red where a log cannot be written, and where that of an earlier run stays", function()
    put("tests/a_spec.lua", GOOD)
    program "echo '2 passed, 0 failed'"
    put("bin/tee", "#!/bin/sh\nPATH=${PATH#*:} tee \"$1\"\nexit 1\n")
    put("bin/rm", "#!/bin/sh\nexit 1\n")
    command.shell(directory, "chmod +x bin/*; mv bin/rm bin/no-rm")
    red("was not written to its log", "PATH=$PWD/bin:$PATH")
    command.shell(directory, "rm bin/tee; mv bin/no-rm bin/rm")
    red("cannot be made anew", "PATH=$PWD/bin:$PATH")
  end)

  it("is red where a sanitizer reported, in whatever process", function()
    put("tests/a_spec.lua", GOOD)
    program "echo 'ERROR: AddressSanitizer: of a child' >build/asan/logs/report.1; echo '2 passed, 0 failed'"
    red "of a child"
  end)
end)

describe("a part of the tests, such as make test-long", function()
  -- The last line, all lines, and the status.
  local function part()
    local line = "ln -sf %s fnet; sh tests/tools/part.sh long fnet 'tests/a_spec.lua tests/b_spec.lua' ./program"
    local result = command.shell(directory, line:format(command.quote(command.fnet)))
    return result.output:match "([^\n]*)\n$", result.output .. result.errors, result.status
  end

  it("adds up what programs and specs report at their end", function()
    program "echo '100 passed, 0 failed'; echo '2 passed, 0 failed'"
    put("tests/a_spec.lua", GOOD)
    put("tests/b_spec.lua", GOOD)
    local last, output, status = part()
    assert.same({ "4 passed, 0 failed", 0 }, { last, status }, output)
  end)

  it("is red where a spec leaves or a program fails", function()
    program "echo '2 passed, 0 failed'; exit 1"
    put("tests/a_spec.lua", GOOD .. "os.exit(0)")
    put("tests/b_spec.lua", GOOD)
    local last, output, status = part()
    assert.same({ "2 passed, 2 failed", 1 }, { last, status }, output)
  end)
end)

describe("specs", function()
  it("of every folder run in stock Lua, but those of the command", function()
    local listed = { ["tests/program"] = true }
    for _, folder in ipairs(dofile(".busted").library.ROOT) do listed[folder] = true end
    local folders = command.shell(directory, "cd " .. command.quote(command.directory) ..
      " && ls -d tests/*/*_spec.lua | sed 's,/[^/]*$,,' | LC_ALL=C sort -u").output
    assert.matches("tests/base\n", folders)
    for folder in folders:gmatch "[^\n]+" do assert.is_true(listed[folder], folder .. " is not in .busted") end
  end)
end)
