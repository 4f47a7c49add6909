--- Annotations: what the comments above functions, classes and values say, read from the library's own sources. The
-- sources are those inside the executable, or the files that `require` finds. Nothing is kept twice: what `help`
-- shows and what the tests compare with the code is this text.

local later = require "fnet.base.later"

local annotations = {}

--- The words of types that are no class of fnet's.
annotations.BASIC = { any = true, boolean = true, ["false"] = true, ["function"] = true, fun = true, integer = true,
  ["nil"] = true, number = true, string = true, table = true, tensor = true, userdata = true }

---@class annotations.Entry
---@field file string such as "lua/fnet/nn/dense.lua"
---@field line integer of the code below the comment
---@field code string that line
---@field owner string? "Dense" of `function Dense:forward(x)`
---@field name string? "forward"
---@field text string the description
---@field parameters { name: string, optional: boolean, type: string, text: string }[]
---@field returns string[]
---@field class string? "nn.Dense" of a class, or of a type that has a name
---@field alias string? what such a type is, "string|nn.Module"
---@field parent string? what the class inherits from
---@field fields { name: string, optional: boolean?, type: string, text: string }[] of a class
---@field marks string[] of a class: lines that editors alone understand, such as "---@operator len: integer"

--- Splits "type rest": types have spaces only inside brackets, and after , : and |. A # in front of the rest, which
-- keeps a shape in brackets from being read as a part of the type, is left out.
---@param text string
---@return string type, string rest
function annotations.split_type(text)
  local depth = 0
  for i = 1, #text do
    local c = text:sub(i, i)
    if c:find "[%(%[{<]" then depth = depth + 1 elseif c:find "[%)%]}>]" then depth = depth - 1 end
    if c == " " and depth == 0 and not text:find("^[,:|]", i - 1) then
      return text:sub(1, i - 1), (text:sub(i + 1):gsub("^%s*#?%s*", ""))
    end
  end
  return text, ""
end

local NO_NAMES = { ["true"] = true, ["false"] = true, ["nil"] = true }

--- The options that the text of a table describes: "lr: 1e-3; beta1, beta2: 0.9. schedule: of the rate".
---@param text string
---@return { name: string, text: string, type: string? }[] options in their order, types left out; none where the
--- text does not begin with a name
function annotations.options(text)
  local options, from = {}, nil
  text = "; " .. text
  local function close(last)
    for i = from and from.first or #options + 1, #options do options[i].text = text:sub(from.at, last) end
  end
  for first, names, at in text:gmatch "()[;.] ([%a_][%w_, ]*): ()" do
    if not names:gsub(", ", ","):find " " and not NO_NAMES[names] and (first == 1 or from) then
      close(first - 1)
      from = { first = #options + 1, at = at }
      for name in names:gmatch "[%w_]+" do options[#options + 1] = { name = name } end
    end
  end
  close(#text)
  return options
end

local function join(text, more) return text == "" and more or more == "" and text or text .. " " .. more end

-- A comment as tags, each with the text beside it and that in the lines below it; what is above them is a "text".
local function tags_of(block)
  local tags = { { "text", "", "" } }
  for _, line in ipairs(block) do
    local content = line:match "^%s*%-%-%-?%s*(.-)%s*$"
    local tag, beside = content:match "^@(%a+)%s*(.*)$"
    if tag then tags[#tags + 1] = { tag, beside, "" } else tags[#tags][3] = join(tags[#tags][3], content) end
  end
  return tags
end

-- What a line of code defines: its owner and its name, nil where there is none.
local function name_of(code)
  local path = code:match "^%s*local%s+function%s+([%w_]+)" or code:match "^%s*function%s+([%w_.:]+)"
    or code:match "^%s*local%s+([%w_]+)%s*[=,]" or code:match "^%s*([%w_.]+)%s*="
  if not path then return nil, code:match "[%(%s]\"([%w_]+)\"" end -- activation("ReLU", ...)
  local owner, name = path:match "^(.*)[.:]([%w_]+)$"
  return owner, name or path
end

local function entry_of(file, line, code, block)
  local entry = { file = file, line = line, code = code, text = "", parameters = {}, returns = {}, fields = {},
    marks = {} }
  entry.owner, entry.name = name_of(code)
  local before = "" -- the comment that stands above a @field
  for _, piece in ipairs(tags_of(block)) do
    local tag, beside, below = table.unpack(piece)
    local text = join(beside, below)
    if tag == "text" then
      entry.text = text
    elseif tag == "class" then
      local declared = beside:gsub("^%(partial%)%s*", "") -- one of several parts
      entry.class = declared:match "^[%w_.]+"
      entry.parent = declared:match "^[%w_.]+%s*:%s*([%w_.]+)" or ""
      before = below
    elseif tag == "alias" then
      entry.class, entry.alias = beside:match "^(%S+)%s+(.*)$"
      entry.parent = ""
    elseif tag == "return" then
      table.insert(entry.returns, text)
    elseif tag == "param" then
      local name, mark, rest = text:match "^([%w_.]*)(%??)%s*(.*)$"
      local kind, about = annotations.split_type(rest)
      table.insert(entry.parameters, { name = name, optional = mark == "?", type = kind, text = about })
    elseif tag == "operator" or tag == "overload" or tag == "field" and beside:find "^%[" then
      entry.marks[#entry.marks + 1] = ("---@%s %s"):format(tag, beside)
      before = below
    elseif tag == "field" then
      local is_method = beside:find "^%S+ fun%(" -- has its comment above it: what is below is the next one's
      local name, mark, rest = (is_method and beside or text):match "^([%w_.]*)(%??)%s*(.*)$"
      local kind, about = annotations.split_type(rest)
      table.insert(entry.fields,
        { name = name, optional = mark == "?" or nil, type = kind, text = join(before, about) })
      before = is_method and below or ""
    end
  end
  return entry
end

--- Reads a source.
---@param file string its name, for the entries
---@param text string
---@return annotations.Entry[] entries in their order
---@return string header what the file's first comment says
function annotations.parse(file, text)
  local entries, block, number, header = {}, {}, 0, ""
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if line:find "^%s*%-%-%-" or #block > 0 and line:find "^%s*%-%-" then
      block[#block + 1] = line
    else
      local first = #block > 0 and number == #block + 1
      if first then header = entry_of(file, 0, "", block).text end
      -- A class may end its file's declarations without code below it, and a type has none.
      local is_whole = #block > 0 and (block[#block]:find "@field" or block[#block]:find "@alias")
      if #block > 0 and not first and (line:find "%S" or is_whole) then
        entries[#entries + 1] = entry_of(file, number, line, block)
      end
      block = {}
    end
  end
  return entries, header
end

-- The texts of the library's modules by their paths, such as "lua/fnet/nn/init.lua".
local function sources()
  local embedded = package.preload["fnet.sources"]
  if embedded then return embedded() end
  require "fnet.tensor.methods" -- declarations, which nothing else loads
  local found = {}
  for name in pairs(package.loaded) do
    local path = name:find "^fnet%f[.\0]" and package.searchpath(name, package.path)
    local file <close> = path and io.open(path, "rb")
    if file then found["lua/" .. path:match ".*(fnet/.*)"] = file:read "a" end
  end
  return found
end

--- The name of the module in a file of the library: "fnet.nn" for "lua/fnet/nn/init.lua".
---@param path string
---@return string? name nil for a path that is none of the library's
function annotations.module(path)
  local below = path:match ".*fnet/(.*)%.lua$"
  return below and ("fnet." .. below:gsub("/", ".")):gsub("%.init$", "")
end

--- The annotations of the whole library.
---@return table<string, { entries: annotations.Entry[], header: string }> modules by name, such as "fnet.nn"
function annotations.read()
  later.load()
  local modules = {}
  for path, text in pairs(sources()) do
    local entries, header = annotations.parse(path, text)
    modules[annotations.module(path)] = { entries = entries, header = header }
  end
  return modules
end

return annotations
