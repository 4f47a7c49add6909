--- What `require "fnet"` loads is what the Makefile puts into the executable as text; all else lies there
-- compressed, and takes longer to load.

local command = require "tests.support.command"

describe("the modules", function()
  it("that lie in the executable as text are those that `require \"fnet\"` loads", function()
    local directory <close> = setmetatable({ path = command.make_directory() },
      { __close = function(self) command.remove_directory(self.path) end })
    local function lines(script)
      local result = command.shell(directory.path, script)
      assert.same({ 0, "" }, { result.status, result.errors })
      return result.output
    end
    local there = "cd " .. command.quote(command.directory) .. " && "
    local loaded = lines(there .. command.quote(command.fnet) .. [[ -e '
      require "fnet"
      for name in pairs(package.loaded) do
        if name:find "^fnet" and package.searchpath(name, "lua/?.lua;lua/?/init.lua") then print(name) end
      end' | sort]])
    local text = lines(there .. [[
      printf 'print: ; @echo $(modules_as_text)\ninclude Makefile\n' |
      env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -f - print | tr ' ' '\n' |
      sed -e 's,^lua/,,' -e 's,\.lua$,,' -e 's,/init$,,' -e 's,/,.,g' | sort]])
    assert.equal(text, loaded)
  end)
end)
