--- The language side of the interactive mode: which lines make up a chunk, what a prompt says, what Tab
--- offers. Used by the `fnet` command only. Invariant: completion looks values up with rawget and
--- debug.getmetatable alone, so pressing Tab never runs code of the user; globals are captured here, so a
--- session that overwrites them keeps its prompt.

local globals, getmetatable = _G, debug.getmetatable
local load, next, pcall, rawget, rawset, require, setmetatable, tostring, type =
  load, next, pcall, rawget, rawset, require, setmetatable, tostring, type
local sort = table.sort
local find, gmatch, gsub, match, sub = string.find, string.gmatch, string.gsub, string.match, string.sub

local repl = {}

local KEYWORDS = "and break do else elseif end false for function goto if in local nil not or repeat return then "
  .. "true until while"

-- A global that is called with a name or with words; alone, an expression too, it says what it does.
local function make(name, usage, f)
  if rawget(globals, name) ~= nil then return end
  rawset(globals, name, setmetatable({}, {
    __call = function(_, text) return f(text) end,
    __tostring = function() return usage end,
  }))
end

--- Makes the library the global `fnet`, its help and its search the globals `help` and `search`, unless the session
--- has something there already. Raises what `require "fnet"` raises.
function repl.open()
  local fnet = require "fnet"
  require("fnet.base.later").load() -- for completion, which only looks
  if rawget(globals, "fnet") == nil then rawset(globals, "fnet", fnet) end
  make("help", 'help "nn.Dense" tells about a name, help "nn" lists what it holds, help() is an overview',
    fnet.help)
  make("search", 'search "early stopping" finds names by words, and by what PyTorch, Keras and NumPy call them',
    require("fnet.command.search").search)
end

-- What the global of this name says as text; the default where there is none.
local function prompt(variable, default)
  local value = rawget(globals, variable)
  if value == nil then return default end
  local ok, text = pcall(tostring, value)
  return ok and text or default
end

--- Reads one chunk: lines until they compile, or fail for another reason than their end. A chunk that is an
--- expression returns its values.
---@param read_line fun(prompt: string): string|false|nil  false after Ctrl-C, nil at the end of the input
---@return function|false|nil chunk  false when the lines were no chunk, nil at the end of the input
---@return string? message  why they were no chunk; nil after Ctrl-C
function repl.read(read_line)
  local line = read_line(prompt("_PROMPT", "> "))
  if not line then return line end
  local text = gsub(line, "^=", "return ") -- "= expression", the way of Lua 5.1
  local chunk = load("return " .. text, "=stdin")
  if chunk then return chunk end
  while true do
    local message
    chunk, message = load(text, "=stdin")
    if chunk then return chunk end
    if sub(message, -5) ~= "<eof>" then return false, message end -- more lines would not help
    line = read_line(prompt("_PROMPT2", ">> "))
    if line == false then return false end
    if line == nil then return false, message end
    text = text .. "\n" .. line
  end
end

-- What indexing a value finds: its own fields, and what it has not itself, along `__index`. A userdata whose
-- `__index` is a function may name its methods in the `methods` field of its metatable.
local function fields_of(value)
  local fields = {}
  for _ = 1, 16 do -- a chain of metatables may be a ring
    for name, field in next, type(value) == "table" and value or {} do
      if fields[name] == nil then fields[name] = field end
    end
    local metatable = getmetatable(value)
    if type(metatable) ~= "table" then break end
    value = rawget(metatable, "__index")
    if type(value) ~= "table" then value = rawget(metatable, "methods") end
    if type(value) ~= "table" then break end
  end
  return fields
end

--- What may stand at the cursor: global names and keywords, fields after "a.b.", methods after "a.b:".
---@param line string  the text before the cursor
---@return string[] names  sorted, each the whole last name; a tab where the line is blank so far
function repl.complete(line)
  if not find(line, "%S") then return { "\t" } end
  local path = match(line, "[%a_][%w_.:]*$") or ""
  local before = sub(line, 1, #line - #path)
  -- Part of a number, or a field of what only running the line could tell.
  if find(before, "[%w_:%]%)\"']$") or find(before, "[^.]%.$") then return {} end

  local value, separator = globals, ""
  local owners, prefix = match(path, "^(.*[.:])([%w_]*)$")
  prefix = prefix or path
  for name, mark in gmatch(owners or "", "([%w_]*)([.:])") do
    value, separator = fields_of(value)[name], mark
  end

  local names, fields = {}, fields_of(value)
  for word in gmatch(separator == "" and KEYWORDS or "", "%a+") do fields[word] = true end
  for name, field in next, fields do
    if type(name) == "string" and find(name, "^[%a_][%w_]*$") and sub(name, 1, #prefix) == prefix
      and (separator ~= ":" or type(field) == "function") then
      names[#names + 1] = name
    end
  end
  sort(names)
  return names
end

return repl
