--- The variables of an interactive session: locals at the top level of a line, or of the script that was run
--- before, live on for the lines that come after. Used by the `fnet` command only.
-- They are Lua's own variables, not copies: a chunk returns a function that holds its locals, its holder; where a
-- later chunk names one, it is an upvalue of that chunk, joined to the one of the holder. So functions share a
-- variable whichever line they came from; and a second `local x` makes a new variable, while functions of earlier
-- lines keep the one they saw, as in a script.
-- A chunk is a block: what it declares <close> is closed when its line has run. A line that fails leaves none.

local getlocal, getupvalue, upvaluejoin = debug.getlocal, debug.getupvalue, debug.upvaluejoin
local load, loadfile, next, open, select, type = load, loadfile, next, io.open, select, type
local concat, sort = table.concat, table.sort
local find, gmatch, match, sub = string.find, string.gmatch, string.match, string.sub

local session = {}

-- By name: a function of which the variable is an upvalue, the index of that upvalue, and whether it is constant
-- (declared <const> or <close>).
local variables = {}
local pending -- where the chunk that was loaded last ends with its holder: says whether a variable is constant

local WORDS = {} -- that no variable can have as its name; `_ENV` and `_`, the last value, are not the session's
for word in gmatch("and break do else elseif end false for function goto if in local nil not or repeat return then "
  .. "true until while _ENV _", "%S+") do
  WORDS[word] = true
end

-- The names in a text that could be those of variables, sorted. Too many do no harm.
local function names_in(text)
  local seen, names = {}, {}
  for name in gmatch(text, "%f[%w_][%a_][%w_]*") do
    if not seen[name] and not WORDS[name] then seen[name], names[#names + 1] = true, name end
  end
  sort(names)
  return names
end

-- A function that gives, called with an empty environment, the locals that it sees of these names. Constants that
-- the compiler puts in place of their names are no upvalues: hence the table.
local function holder_of(names)
  local fields = {}
  for i = 1, #names do fields[i] = names[i] .. "=" .. names[i] end
  return "function(_ENV) return {" .. concat(fields, ",") .. "} end"
end

-- The chunk's text with its holder as first result, and the text in front of its own `return` or end; nil where it
-- ends with a label, behind which nothing may stand.
local function with_holder(text, names)
  local holder = holder_of(names)
  local whole = text .. "\nreturn " .. holder
  if load(whole) then return whole, text end
  for place in gmatch(text, "()%f[%w_]return%f[^%w_]") do
    local before, results = sub(text, 1, place - 1), sub(text, place + 6)
    if load(before) and load("return" .. results) then -- no other `return` stands at the top level
      whole = before .. "return " .. holder .. ", " .. results
      return load(whole) and whole or before .. "return " .. holder .. results, before
    end
  end
end

--- Compiles a chunk that sees the session's variables and leaves its own.
---@param text string
---@param chunk_name string
---@return function? chunk its results go through session.keep
---@return string? message why the text is no chunk
function session.load(text, chunk_name)
  local plain, message = load(text, chunk_name, "t")
  pending = nil
  if not plain then return nil, message end
  local names, declared = names_in(text), {}
  for i = 1, #names do
    local name, variable = names[i], variables[names[i]]
    if variable then declared[#declared + 1] = name .. (variable.constant and " <const>" or "") end
  end
  local head, tail = "", ""
  if #declared > 0 then
    head, tail = "local " .. concat(declared, ", ") .. " = ...; return function(...) ", "\nend"
  end
  local whole, before
  if find(text, "%f[%w_]local%f[^%w_]") then whole, before = with_holder(text, names) end
  if whole then
    function pending(name)
      local may_be = find(text, "<", 1, true) or variables[name] and variables[name].constant
      return may_be and not load(head .. before .. "\n" .. name .. " = nil" .. tail)
    end
  elseif #declared == 0 then
    return plain
  end
  local chunk
  if whole then chunk = load(head .. whole .. tail, chunk_name, "t") end
  if not chunk then -- a limit of the compiler, or a constant that is assigned to
    pending = nil
    chunk, message = load(head .. text .. tail, chunk_name, "t")
  end
  if not chunk or #declared == 0 then return chunk, message end
  chunk = chunk()
  for i = 1, 255 do
    local variable = variables[getupvalue(chunk, i)]
    if variable then upvaluejoin(chunk, i, variable.holder, variable.index) end
  end
  return chunk
end

--- Compiles a file, as loadfile does, into a chunk that leaves its variables.
---@param path string
---@return function? chunk its results go through session.keep
---@return string? message why there is none
function session.load_file(path)
  local file <close> = open(path, "rb")
  local text = file and file:read "a"
  if not text then return loadfile(path) end -- says why not
  text = match(text, "^\xEF\xBB\xBF(.*)") or text
  if sub(text, 1, 1) == "#" then text = match(text, "\n.*") or "" end
  if sub(text, 1, 1) == "\27" then return load(text, "@" .. path, "b") end
  return session.load(text, "@" .. path)
end

--- Keeps the variables of the chunk that was loaded last.
---@param ... any its results
---@return any ... those that are the chunk's own
function session.keep(...)
  local is_constant, holder = pending, ...
  pending = nil
  local is_holder = type(holder) == "function" and getlocal(holder, 1) == "_ENV" -- else it returned from a block
  if not (is_constant and is_holder) then return ... end
  local values = holder {}
  for i = 1, 255 do
    local name = getupvalue(holder, i)
    if not name then break end
    values[name] = nil
    variables[name] = { holder = holder, index = i, constant = is_constant(name) }
  end
  for name, value in next, values do
    variables[name] = { holder = function() return value end, index = 1, constant = true }
  end
  return select(2, ...)
end

--- The session's variables as they are now.
---@return table<string, any> values by name; those that are nil are left out
function session.values()
  local values = {}
  for name, variable in next, variables do
    local _, value = getupvalue(variable.holder, variable.index)
    values[name] = value
  end
  return values
end

return session
