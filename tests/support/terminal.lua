--- Terminals for specs: one that is only pretended, inside this process, and a real one for a child process. Used
-- with `require "tests.support.terminal"`.

local command = require "tests.support.command"
local core = require "fnet.core"

local terminal = {}

--- Calls f while the library takes standard output and error for a terminal of so many columns.
---@param columns integer? nil: for no terminal
---@param environment table<string, string> the variables that there are
---@param f fun(): ...
---@return any what f returns
function terminal.pretend(columns, environment, f)
  local is_terminal, getenv = core.terminal, os.getenv
  rawset(core, "terminal", function() return columns end)
  rawset(os, "getenv", function(name) return environment[name] end)
  local ok, result = pcall(f)
  rawset(core, "terminal", is_terminal)
  rawset(os, "getenv", getenv)
  assert(ok, result)
  return result
end

--- Whether a real one can be had: with script(1) of util-linux.
terminal.real = os.execute "script -qec true /dev/null >/dev/null 2>&1 </dev/null" == true

--- Runs a script of Lua with fnet on a real terminal.
---@param columns integer
---@param environment string such as "LANG=C NO_COLOR=1"
---@param text string the script
---@return string output with plain ends of lines
function terminal.run(columns, environment, text)
  local directory = command.make_directory()
  command.write_file(directory .. "/script.lua", text)
  local bare = "env -u LC_ALL -u LC_CTYPE -u LANG -u NO_COLOR -u COLORTERM TERM=xterm"
  local inner = ("stty cols %d; %s %s %s"):format(columns, bare, environment,
    command.line(command.fnet, { "script.lua" }))
  local result = command.shell(directory, ("script -qec %s /dev/null"):format(command.quote(inner)))
  command.remove_directory(directory)
  return (result.output:gsub("\r\n", "\n"))
end

--- The columns that the widest line of a text takes.
---@param text string may have escape sequences of colours
---@return integer
function terminal.width(text)
  local most = 0
  for line in text:gsub("\27%[[%d;]*m", ""):gmatch "[^\n]+" do most = math.max(most, utf8.len(line) or #line) end
  return most
end

return terminal
