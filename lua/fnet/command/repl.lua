--- The language side of the interactive mode: which lines make up a chunk, what a prompt says, how results are
--- shown. Used by the `fnet` command only. Invariant: globals are captured here, so a session that overwrites them
--- keeps its prompt.

local completion = require "fnet.command.completion"
local core = require "fnet.core"
local page = require "fnet.command.page"
local session = require "fnet.command.session"
local show = require "fnet.command.show"
local suggest = require "fnet.command.suggest"
local try = require "fnet.base.try"

local globals = _G
local error, load, rawget, rawset, require, setmetatable, tostring =
  error, load, rawget, rawset, require, setmetatable, tostring
local exit = os.exit
local find, format, gmatch, gsub, match, sub =
  string.find, string.format, string.gmatch, string.gsub, string.match, string.sub
local pack, remove, unpack = table.pack, table.remove, table.unpack

local repl = { complete = completion.advise }

-- ---- what everybody tries ----

local made = {} -- the globals made here, by name

-- A global that is called with a name or with words; alone, an expression too, it says what it does.
local function make(name, usage, f)
  if rawget(globals, name) ~= nil then return end
  made[name] = setmetatable({}, {
    __call = function(_, ...) return f(...) end,
    __tostring = function() return usage end,
  })
  rawset(globals, name, made[name])
end

--- Makes the library the global `fnet`, its help and its search the globals `help` and `search`, and `exit` and
--- `quit` what ends the session, unless the session has something there already. Raises what `require "fnet"` does.
function repl.open()
  local fnet = require "fnet"
  require("fnet.base.later").load() -- for completion, which only looks
  if rawget(globals, "fnet") == nil then rawset(globals, "fnet", fnet) end
  make("help", 'help "nn.Dense" tells about a name, help "nn" lists what it holds, help() is an overview',
    function(name) page(fnet.help(name)) end)
  make("search", 'search "early stopping" finds names by words, and by what PyTorch, Keras and NumPy call them',
    function(words) page(require("fnet.command.search").search(words)) end)
  for _, name in ipairs { "exit", "quit" } do
    make(name, name .. " ends the session", function(status)
      if status == nil then status = true end
      exit(status, true)
    end)
  end
end

local function is_ours(name) return made[name] ~= nil and rawget(globals, name) == made[name] end

-- Lua for what is no Lua: `?`, `?nn.Dense`, `nn.Dense?`, `help nn`, `search early stopping`.
local function translate(line)
  local name, words = match(line, "^%s*(%a+)%s+(.-)%s*$")
  if not (name == "help" or name == "search") or load(line) or load("return " .. line) then
    name, words = "help", match(line, "^%s*%?%s*(.-)%s*$") or match(line, "^%s*([%w_.:]+)%s*%?%s*$")
  end
  if not words or not is_ours(name) then return line end
  return words == "" and name .. "()" or format("%s(%q)", name, words)
end

-- ---- reading ----

local queue = {} -- the lines of a pasted text that are to be run
local running = false -- a chunk was given out, and its results have not been shown: it failed
local bare -- the name that the chunk consists of

-- What the global of this name says as text; the default where there is none.
local function prompt(variable, default)
  local value = rawget(globals, variable)
  if value == nil then return default end
  local ok, text = try(tostring, value)
  return ok and text or default
end

-- The next line, from what was pasted or from the reader.
local function next_line(read_line, shown)
  if #queue > 0 then return remove(queue, 1) end
  local text, message = read_line(shown)
  if not text then return text, message end
  for line in gmatch(text .. "\n", "(.-)\n") do queue[#queue + 1] = line end
  if #queue > 1 and queue[#queue] == "" then queue[#queue] = nil end
  return remove(queue, 1)
end

-- Whether the next line of a pasted text goes on with the statement before: none begins with such a word.
local function goes_on()
  local line = queue[1] or ""
  local first = match(line, "^%s*([%a_][%w_]*)")
  return first == "and" or first == "or" or find(line, "^%s*[%.:,%)%]}=%+%*/%%^<>&|]") and not find(line, "^%s*::")
end

local function ends_early(message) return message and sub(message, -5) == "<eof>" end

--- Reads one chunk: lines until they compile, or fail for another reason than their end. A chunk that is an
--- expression returns its values.
---@param read_line fun(prompt: string): string|false|nil, string?  false after Ctrl-C or with a message, nil at the
--- end of the input; a text of several lines is run line by line
---@return function|false|nil chunk  false when the lines were no chunk, nil at the end of the input
---@return string|boolean? message  why they were no chunk; nil after Ctrl-C; true where `exit` ended the input
function repl.read(read_line)
  local dropped = running and #queue or 0
  running = false
  if dropped > 0 then
    queue = {}
    return false, format("the rest of the pasted text was not run: %d line%s", dropped, dropped > 1 and "s" or "")
  end
  local line, message = next_line(read_line, prompt("_PROMPT", "> "))
  if not line then return line, message end
  local word = match(line, "^%s*(%a+)%s*$")
  if (word == "exit" or word == "quit") and is_ours(word) then return nil, true end
  bare = match(line, "^%s*([%a_][%w_]*)%s*$")
  local text = gsub(translate(line), "^=", "return ") -- "= expression", the way of Lua 5.1
  while true do
    local expression, why = load("return " .. text, "=stdin")
    local statement
    if not expression then statement, message = load(text, "=stdin") end
    if (expression or statement) and not goes_on() then
      running = true
      local chunk, refused = session.load(expression and "return " .. text or text, "=stdin")
      return chunk or false, refused
    elseif not (expression or statement or ends_early(why) or ends_early(message)) then -- more would not help
      running = true
      return false, message
    end
    local more, refused = next_line(read_line, prompt("_PROMPT2", ">> "))
    if more == false then return false, refused end
    if more == nil then return false, message or why end
    text = text .. "\n" .. more
  end
end

-- ---- showing ----

--- Prints the results of a chunk; the first one becomes the global `_`, unless it is nil. Raises what the session's
--- `print` raises.
---@param ... any
function repl.show(...)
  running = false
  local values = pack(session.keep(...))
  if values.n == 0 then return end
  if values[1] ~= nil then rawset(globals, "_", values[1]) end
  local ok, message = try(function()
    local width, texts = core.terminal(1) or 80, {}
    for i = 1, values.n do texts[i] = show(values[i], width) end
    local meant = values.n == 1 and values[1] == nil and bare and suggest.global(bare)
    if meant then texts[1] = format("nil, did you mean %s?", meant) end
    rawget(globals, "print")(unpack(texts, 1, values.n))
  end)
  if not ok then error(format("error calling 'print' (%s)", tostring(message)), 0) end
end

return repl
