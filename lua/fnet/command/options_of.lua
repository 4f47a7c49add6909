--- Options of: the names in a table of options, with their types, out of the text that describes it.
-- Invariant: a type is what the text of an option begins with, "data.Dataset, the training set", or what it leaves
-- no doubt of, as a default such as 1e-3; else it is any, so that no right script is warned.

local annotations = require "fnet.command.annotations"
local topics = require "fnet.command.topics"

-- What a text says where an option takes more than the names in quotes.
local FURTHER = { "number", "function", "pair", "layer", "list", "table", "{", "(" }

local SWITCHES = { "^whether ", "^true %l", "^false %l", "^true$", "^false$", ", true$", ", false$" }

local function owner_of(topic) return topic.name:match "^(.*%.)" or "" end

-- The names in quotes that are all that an option takes; nil where it takes something else too.
local function choices(text)
  if not text:find '^"' then return nil end
  local rest, names = text:gsub('%b""', ""), {}
  for _, word in ipairs(FURTHER) do
    if rest:find(word, 1, true) then return nil end
  end
  for name in text:gmatch '%b""' do
    if not names[name] then names[#names + 1], names[name] = name, true end
  end
  return table.concat(names, "|")
end

local function blank(part) return ("_"):rep(#part) end

-- The type that a text begins with, up to its first comma, and the rest; nil where it begins with words.
local function written(text)
  local flat = text:gsub("%b()", blank):gsub("%b{}", blank):gsub("%b<>", blank):gsub(", %.%.%.", blank)
  local kind = text:sub(1, (flat:find(", ", 1, true) or #text + 1) - 1)
  local names = kind:gsub('%b""', "any"):gsub("%.%.%.", "any"):gsub("[%w_]+%??: ", "") -- but of parameters, fields
  if kind:find '^"[^"]*"$' or kind == "false" or names:find "[^%w_.%[%]{}<>()|?,: ]" then return nil end
  for name in names:gmatch "[^%[%]{}<>()|?,: ]+" do
    local is_known = annotations.BASIC[name] or topics.index().classes[name] or name:find "%.Options$"
    if not is_known then return nil end
  end
  return kind, text:sub(#kind + 3)
end

-- The type of an option, and what is said of it beside.
local function type_in(text)
  local kind, rest = written(text)
  if kind then return kind, rest end
  local names = choices(text)
  if names then return names, text end
  for _, pattern in ipairs(SWITCHES) do
    if text:find(pattern) then return "boolean", text end
  end
  local number = text:match "^([%d.e-]+)%f[ ,\0]" or text:match ", ([%d.e-]+)$"
  return tonumber(number) and not text:find " or " and "number" or "any", text
end

-- The same; the type is that of another function's option, where the text says so: "as for nn.RNN".
local function type_of(topic, option)
  local other = option.text:match "^as for ([%w_.]+)"
  if not other then return type_in(option.text) end
  local known = topics.index().topics
  local referred = known[other:match "^fnet%.(.*)" or owner_of(topic) .. other] or known[other]
  for _, parameter in ipairs(referred and referred.entry.parameters or {}) do
    for _, their in ipairs(annotations.options(parameter.text)) do
      if their.name == option.name then return (type_of(referred, their)), option.text end
    end
  end
  return "any", option.text
end

--- The class of a table of options.
---@param topic annotations.Topic the function that takes it
---@param parameter { name: string, type: string, text: string } of the function
---@return string? class such as "nn.Dense.Options"; nil where the text lists no names
---@return { name: string, type: string, text: string }[]? fields
---@return boolean? is_open the script has names of its own besides
return function(topic, parameter)
  local listed = annotations.options(parameter.text)
  if parameter.type ~= "table" or #listed == 0 then return nil end
  for _, option in ipairs(listed) do option.type, option.text = type_of(topic, option) end
  local prefix = owner_of(topic) == "" and "fnet." or ""
  return prefix .. topic.name .. "." .. parameter.name:gsub("^%l", string.upper), listed,
    parameter.text:find("every other name", 1, true) ~= nil
end
