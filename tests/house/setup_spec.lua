--- What `make test` and its like install on a bare machine: src/tools/setup.sh with a PATH on which there is
-- little, and with an apt-get that only notes what it is asked for.

local command = require "tests.support.command"

describe("setup.sh", function()
  local directory
  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  -- Runs it where there is nothing but the shell's tools and the programs given: { name = script }.
  local function on_bare_machine(programs, goals)
    local script = { [[rm -rf bin asked && mkdir bin
      for name in sh env dirname sed cut ls mktemp rm grep awk sort paste tr uname; do
        ln -s "$(command -v $name)" bin/$name || exit 1
      done]] }
    for name, text in pairs(programs) do
      script[#script + 1] = ("printf '#!/bin/sh\\n%%s\\n' %s >bin/%s && chmod +x bin/%s"):format(
        command.quote(text), name, name)
    end
    script[#script + 1] = ("exec env -i HOME=%s PATH=%s/bin sh %s/src/tools/setup.sh %s"):format(directory,
      directory, command.quote(command.directory), goals)
    return command.shell(directory, table.concat(script, "\n"))
  end

  it("installs at once what is required and what is optional", function()
    local result = on_bare_machine({ id = "echo 0", ["apt-cache"] = "echo offered",
      ["apt-get"] = ('echo "$* " >>%s/asked'):format(directory) }, "test")
    assert.equal(0, result.status, result.errors)
    local asked = command.read_file(directory .. "/asked")
    for package in ("gcc make pkg-config liblua5.4-dev zlib1g-dev lua5.4 lua-busted lua-luv openmpi-bin " ..
      "libopenmpi-dev mpich libmpich-dev cmark-gfm mandoc curl wget libedit-dev"):gmatch "%S+" do
      assert.is_truthy(asked:find(" " .. package .. " ", 1, true), package .. " is not among" .. asked)
      assert.matches("setup.sh:   " .. package, result.errors, 1, true)
    end
  end)

  it("names the packages of other systems where apt-get is not there", function()
    local result = on_bare_machine({}, "test")
    assert.equal(1, result.status)
    assert.matches("missing here (under Debian's names): gcc libc6-dev make pkg-config liblua5.4-dev",
      result.errors, 1, true)
    for _, line in ipairs { "Fedora:  sudo dnf install [^\n]*openmpi%-devel", "Arch:    sudo pacman %-S [^\n]*lua",
      "brew:    brew install [^\n]*pkgconf" } do
      assert.matches(line, result.errors)
    end
  end)

  it("says which goals there are", function()
    local result = on_bare_machine({}, "tests")
    assert.equal(1, result.status)
    assert.matches("unknown goal 'tests'; there are build, docs, fashion, test, long", result.errors, 1, true)
  end)
end)
