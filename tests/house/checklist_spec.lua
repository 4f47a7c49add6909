--- The checklist "How to add an operation" of src/README.md is true: its steps, taken from the page and followed in
-- a copy of the sources, give an operation that passes its tests. The copy has what was compiled already, so the
-- build makes only what the steps change.

local command = require "tests.support.command"

-- The steps: { path =, below =, text = } for lines to be put below another one, { path =, text = } for a new file.
local function steps_of(page)
  local steps = {}
  local list = page:match "\n## How to add an operation\n(.-)\n## "
  for prose, text in list:gmatch "(.-)\n```%l+\n(.-\n)```" do
    local line = prose:gsub("\n%s*", " ")
    local path, below = line:match "In `([^`]+)`, below `([^`]+)`:%s*$"
    path = path or assert(line:match "As `([^`]+)`:%s*$", line)
    steps[#steps + 1] = { path = path, below = below, text = text }
  end
  return steps
end

-- A text with lines put below the one that begins with `below`.
local function with(text, below, lines)
  local first = assert(("\n" .. text):find("\n" .. below, 1, true), "there is no line that begins with " .. below)
  local last = assert(text:find("\n", first, true))
  return text:sub(1, last) .. lines .. text:sub(last + 1)
end

describe("the checklist for a new operation", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  it("gives an operation that passes its tests", function()
    local function run(script)
      local result = command.shell(directory, script)
      assert.equal(0, result.status, result.output .. result.errors)
      return result.output
    end
    run("from=" .. command.quote(command.directory) .. [[

      cp -a "$from/src" "$from/lua" "$from/Makefile" .
      mkdir -p tests build/release/tests
      cp -a "$from/tests/c" "$from/tests/house" "$from/tests/support" "$from/tests/tensor" tests
      for path in src embedded.c embedded.o tests/c compile.txt modules.txt; do
        cp -a "$from/build/release/$path" "build/release/$path" 2>/dev/null || true # what is not there is made
      done]])
    local steps = steps_of(command.read_file "src/README.md")
    assert.equal(4, #steps)
    for _, step in ipairs(steps) do
      local path = directory .. "/" .. step.path
      command.write_file(path, step.below and with(command.read_file(path), step.below, step.text) or step.text)
    end
    -- The release build, whatever the build is that this spec runs in.
    run("env -u MAKEFLAGS -u MFLAGS make -j2 VARIANT=release fnet build/release/documented.txt " ..
      "build/release/tests/c/kernels/elementwise_test")
    assert.matches("%d+ passed, 0 failed\n$", run "build/release/tests/c/kernels/elementwise_test")
    local specs = "tests/tensor/cube_spec.lua tests/tensor/errors_spec.lua tests/tensor/grad_rules_spec.lua"
    local met = run("busted --lua=./fnet --output=TAP " .. specs .. " tests/house/docs_spec.lua")
    assert.matches("ok %d+ %- cube is x", met)
    assert.matches("ok %d+ %- the rules of cube,", met)
    assert.matches("^tensor:cube%(%)\n\n  x to the third power%.", run "./fnet --help tensor.cube")
  end)
end)
