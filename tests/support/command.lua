--- Runs command lines for the specs of the interpreter. Used with `require "tests.support.command"`.

local command = {}

local pipe = assert(io.popen("pwd"))
command.directory = pipe:read("l") -- the project's, from which the tests run
pipe:close()

--- The interpreter under test, as an absolute path.
command.fnet = os.getenv("FNET") or "./fnet"
if command.fnet:sub(1, 1) ~= "/" then command.fnet = command.directory .. "/" .. command.fnet end

--- Whether that is the release build: of other builds, modules that lie in build/release may be older.
command.release = command.fnet:gsub("/%./", "/") == command.directory .. "/fnet"

--- Whether it counts what is executed (make coverage): what fails on purpose then fails the counters' files too.
command.counts = command.fnet:find("/coverage/", 1, true) ~= nil

--- The version of Lua that the specs run in, "5.4".
command.lua_version = _VERSION:match "%d+%.%d+"

--- A variable of the environment that Lua of this version reads first: "LUA_PATH_5_4".
---@param name string "LUA_PATH"
---@return string
function command.versioned(name) return name .. "_" .. command.lua_version:gsub("%.", "_") end

--- Stock Lua of the same version, to compare with; nil where there is none.
command.lua = nil
for _, name in ipairs { "lua%s", "lua-%s", "lua" .. command.lua_version:gsub("%.", ""), "lua" } do
  name = name:format(command.lua_version)
  if os.execute(("%s -e 'os.exit(_VERSION == \"%s\")' >/dev/null 2>&1 </dev/null"):format(name, _VERSION)) then
    command.lua = name
    break
  end
end

--- What comes in front of stock Lua: variables by which it finds the library; nil where it cannot, or where this is
--- no release build.
---@return string?
function command.stock_library()
  local core <close> = command.lua and command.release and io.open("build/release/fnet/core.so", "rb") or nil
  if not core then return nil end
  return ([[LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/build/release/?.so;'"${LUA_CPATH:-;}" ]])
    :gsub("%%s", command.directory)
end

--- What comes in front of a command that a shell starts in the background: there Ctrl-C would be ignored, and under
--- nohup the end of the terminal.
command.hears_interrupts = "env --default-signal=INT,HUP "

---@param text string
---@return string  one word for the shell
function command.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- A Python, as a word for the shell: with packages where tests/tools/python.sh could install them.
command.python = os.getenv "FNET_PYTHON"
if not command.python then
  local installed = io.open "build/python/bin/python"
  command.python = installed and command.directory .. "/build/python/bin/python" or "python3"
  if installed then installed:close() end
end
command.python = command.quote(command.python)

local has = {}
--- Whether that Python has the modules.
---@param modules string "numpy, onnx"
---@return boolean
function command.python_has(modules)
  if has[modules] == nil then
    has[modules] = os.execute(("%s -c 'import %s' >/dev/null 2>&1"):format(command.python, modules)) == true
  end
  return has[modules]
end

---@param path string
---@param content string
function command.write_file(path, content)
  os.remove(path) -- closing a file that was cut to nothing waits for the disk on ext4
  local file = assert(io.open(path, "wb"))
  assert(file:write(content))
  assert(file:close())
end

---@param path string
---@return string
function command.read_file(path)
  local file = assert(io.open(path, "rb"))
  local content = file:read("a")
  file:close()
  return content
end

--- A path at which there is nothing, in a folder in which there is: for errors about files that are missing.
---@return string path
function command.absent()
  local path = os.tmpname()
  os.remove(path)
  return path
end

---@return string path  of a new empty directory
function command.make_directory()
  local path = command.absent()
  assert(os.execute("mkdir " .. command.quote(path)))
  return path
end

---@param path string
function command.remove_directory(path)
  os.execute("rm -rf " .. command.quote(path))
end

--- Runs a shell script.
---@param directory string  where it runs; its outputs are kept there too
---@param script string
---@param input string?  standard input; default empty
---@return {output: string, errors: string, status: integer} result  status as a shell has it: 128 + signal
function command.shell(directory, script, input)
  command.write_file(directory .. "/.input", input or "")
  local line = ("cd %s && { %s\n} <.input >.output 2>.errors"):format(command.quote(directory), script)
  for _, name in ipairs { ".output", ".errors" } do os.remove(directory .. "/" .. name) end -- as in write_file
  local _, kind, code = os.execute(line)
  return {
    output = command.read_file(directory .. "/.output"),
    errors = command.read_file(directory .. "/.errors"),
    status = kind == "signal" and 128 + code or code,
  }
end

--- A command line whose environment has none of the variables that the interpreter runs code from.
---@param program string
---@param arguments string[]
---@param environment table<string, string>?
---@return string
function command.line(program, arguments, environment)
  local words = { "env -u LUA_INIT -u " .. command.versioned "LUA_INIT" }
  for name, value in pairs(environment or {}) do words[#words + 1] = name .. "=" .. command.quote(value) end
  words[#words + 1] = command.quote(program)
  for _, argument in ipairs(arguments) do words[#words + 1] = command.quote(argument) end
  return table.concat(words, " ")
end

return command
