--- What Tab offers at the prompt: names and fields, in a text what help knows or files. Used by the `fnet` command
--- only. Invariant: values are looked up with rawget and debug.getmetatable alone, and a tensor's properties
--- through the library, so pressing Tab never runs code of the user.

local core = require "fnet.core"
local session = require "fnet.command.session"

local globals, getmetatable = _G, debug.getmetatable
local ipairs, next, rawget, require, type = ipairs, next, rawget, require, type
local byte, find, gmatch, gsub, match, rep, sub =
  string.byte, string.find, string.gmatch, string.gsub, string.match, string.rep, string.sub
local concat, sort = table.concat, table.sort

local completion = {}

local KEYWORDS = "and break do else elseif end false for function goto if in local nil not or repeat return then "
  .. "true until while"

-- ---- what there is ----

-- What indexing a value finds: its own fields, and what it has not itself, along `__index`. A userdata whose
-- `__index` is a function may name its methods and its properties in fields of its metatable.
local function fields_of(value)
  local fields = {}
  for _ = 1, 16 do -- a chain of metatables may be a ring
    for name, field in next, type(value) == "table" and value or {} do
      if fields[name] == nil then fields[name] = field end
    end
    local metatable = getmetatable(value)
    if type(metatable) ~= "table" then break end
    local properties = rawget(metatable, "properties")
    for _, name in ipairs(type(properties) == "table" and properties or {}) do
      fields[name] = core.is_tensor(value) and value[name] or false
    end
    value = rawget(metatable, "__index")
    if type(value) ~= "table" then value = rawget(metatable, "methods") end
    if type(value) ~= "table" then break end
  end
  return fields
end

-- The names of a table that begin so and fit, sorted.
local function beginning_with(prefix, list, fits)
  local names = {}
  for name, value in next, list do
    if type(name) == "string" and sub(name, 1, #prefix) == prefix and fits(name, value) then
      names[#names + 1] = name
    end
  end
  sort(names)
  return names
end

local function complete_name(line)
  local path = match(line, "[%a_][%w_.:]*$") or ""
  local before = sub(line, 1, #line - #path)
  -- Part of a number, or a field of what only running the line could tell.
  if find(before, "[%w_:%]%)\"']$") or find(before, "[^.]%.$") then return {}, 0 end

  local owners, prefix = match(path, "^(.*[.:])([%w_]*)$")
  prefix = prefix or path
  local fields, separator = fields_of(globals), ""
  for name, value in next, session.values() do fields[name] = value end
  for name, mark in gmatch(owners or "", "([%w_]*)([.:])") do
    fields, separator = fields_of(fields[name]), mark
  end
  for word in gmatch(separator == "" and KEYWORDS or "", "%a+") do fields[word] = true end
  return beginning_with(prefix, fields, function(name, field)
    return find(name, "^[%a_][%w_]*$") and (separator ~= ":" or type(field) == "function")
  end), #prefix
end

--- Names that help knows, up to the next dot, and terms of one word.
---@param prefix string  how they begin
---@return string[] names  sorted
function completion.topics(prefix)
  local known = {}
  for _, name in ipairs(require("fnet.command.help").names()) do
    if sub(name, 1, #prefix) == prefix then known[prefix .. match(sub(name, #prefix + 1), "^%.?[^.]*")] = true end
  end
  for _, term in ipairs(require("fnet.command.terms").list) do
    if not find(term.name, " ", 1, true) then known[term.name] = true end
  end
  return beginning_with(prefix, known, function() return true end)
end

local function complete_topic(prefix) return completion.topics(prefix), #prefix end

local function complete_file(path, list_directory)
  local directory, prefix = match(path, "^(.*/)([^/]*)$")
  local known = {}
  for _, name in ipairs(list_directory(directory or ".")) do known[name] = true end
  return beginning_with(prefix or path, known, function(name)
    return not find(name, "[\"'\\%c]") and (sub(name, 1, 1) ~= "." or find(prefix or path, "^%."))
  end), #(prefix or path)
end

-- What stands before and inside of a text that is still open at the end of a line; nil where the line ends in
-- code, and true where it ends in a comment or a long text.
local function open_text(line)
  local i = 1
  while i <= #line do
    local quote = match(line, "^[\"']", i)
    local level = match(line, "^%[(=*)%[", i) or match(line, "^%-%-%[(=*)%[", i)
    if quote then
      local last = i + 1
      while last <= #line and sub(line, last, last) ~= quote do
        last = last + (sub(line, last, last) == "\\" and 2 or 1)
      end
      if last > #line then return sub(line, 1, i - 1), sub(line, i + 1) end
      i = last + 1
    elseif level then
      local _, last = find(line, "]" .. level .. "]", i, true)
      if not last then return true end
      i = last + 1
    elseif find(line, "^%-%-", i) then
      return true
    else
      i = i + 1
    end
  end
end

--- What may stand at the cursor: global names, variables and keywords, fields after "a.b.", methods after "a.b:";
--- in a text files, after `help` what it knows.
---@param line string  the text before the cursor
---@param list_directory fun(path: string): string[]  directories with "/" at their ends
---@return string[] names  sorted, each the whole last name; a tab where the line is blank so far
---@return integer size  how many bytes of it are there already
function completion.complete(line, list_directory)
  if not find(line, "%S") then return { "\t" }, 0 end
  local topic = match(line, "^%s*help%s+([%w_.:]*)$") or match(line, "^%s*%?%s*([%w_.:]*)$")
  if topic then return complete_topic(topic) end
  local before, text = open_text(line)
  if not before then return complete_name(line) end
  if before == true then return {}, 0 end
  if find(before, "%f[%w_]help%s*%(?%s*$") then return complete_topic(text) end
  return complete_file(text, list_directory)
end

-- ---- what is done with it ----

-- Names side by side.
local function listing(names, width)
  local widest, rows = 0, {}
  for _, name in ipairs(names) do widest = #name > widest and #name or widest end
  local columns = (width + 2) // (widest + 2)
  if columns < 1 then columns = 1 end
  local count = (#names + columns - 1) // columns
  for i, name in ipairs(names) do
    local row = (i - 1) % count + 1
    rows[row] = (rows[row] or "") .. name .. rep(" ", i + count <= #names and widest + 2 - #name or 0)
  end
  return concat(rows, "\n")
end

--- What a Tab does: goes on as far as all names agree; where it cannot, shows them.
---@param line string  the text before the cursor
---@param list_directory fun(path: string): string[]
---@return string? text  to be put in
---@return string? shown  the names
function completion.advise(line, list_directory)
  local names, size = completion.complete(line, list_directory)
  if #names == 0 then return nil end
  local common = names[1]
  for _, name in ipairs(names) do
    while sub(name, 1, #common) ~= common do common = sub(common, 1, -2) end
  end
  common = gsub(common, "[\xC0-\xFF][\x80-\xBF]*$", function(letter) -- no half of a letter
    local first = byte(letter)
    return #letter < (first < 0xE0 and 2 or first < 0xF0 and 3 or 4) and "" or letter
  end)
  local text = sub(common, size + 1)
  if text ~= "" then return text end
  if #names > 1 then return nil, listing(names, core.terminal(1) or 80) end
end

return completion
