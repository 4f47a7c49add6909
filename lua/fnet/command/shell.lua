--- Shell: what bash, zsh and fish offer at Tab after the words of a command line. `fnet --complete WORD...` prints
-- it: a line for each candidate, with what is said of it behind a tab, and a line such as ":files" where the shell
-- adds names of files itself: ":files", ":scripts" (*.lua) or ":directories". src/tools/completion/ has the shells'
-- side. Invariant: the words come from the usage, the library's names from help, the options of a script from its
-- text; no script is run.

local core = require "fnet.core"
local files = require "fnet.files"
local usage = require "fnet.command.usage"

local HEAD = 1 << 16 -- bytes of a script in which its options are looked for

-- ---- what there is ----

local function is_option(word) return word:sub(1, 1) == "-" end

-- The options of fnet itself, each { word, what is said of it }, without those that follow --help.
local function own_options(text)
  local list, seen = {}, {}
  for _, row in ipairs(usage.rows((usage.part(text, "Options")))) do
    for word in (row[1] .. ","):gmatch "([^%s,]+)[^,]*,%s*" do
      if not seen[word] then seen[word], list[#list + 1] = true, { word, row[2] } end
    end
  end
  return list
end

-- The names of the library as far as the next dot, and the terms.
local function topics(prefix)
  local list = {}
  local index = require "fnet.command.topics"
  for i, name in ipairs(require("fnet.command.completion").topics(prefix)) do
    local topic = index.index().topics[name]
    list[i] = { name, topic and index.sentence(topic) or "" }
  end
  return list
end

-- The options that a text declares, as candidates; and those that take a value, by their flags.
local function declared(text)
  local list, values = {}, {}
  for i, option in ipairs(usage.declared(text)) do
    list[i] = { option.flag, option.text }
    values[option.flag] = option.value
  end
  if list[1] then list[#list + 1] = { "--help", "" } end
  return list, values
end

-- The beginning of a script; "" for what is no ordinary file, such as a pipe, which could be waited for.
local function read_script(path)
  return files.open(path, function(input)
    if not input:size() then return "" end
    files.sound(input:part("plain", 0))
    return files.sound(input:bytes(HEAD))
  end) or ""
end

-- ---- what fits ----

-- Behind a script or a command with options of its own: those, or what the option before takes.
local function after(text, words, choices, otherwise)
  local options, values = declared(text)
  local before, current = words[#words - 1], words[#words]
  if choices[before] then
    local list = {}
    for i, choice in ipairs(choices[before]) do list[i] = { choice, "" } end
    return list
  end
  local value = values[before]
  if value then return {}, value == "DIR" and ":directories" or value == "FILE" and ":files" or nil end
  if is_option(current) then return options end
  return {}, otherwise
end

-- Behind a command that runs a script: its own option, the script, or what fits behind that.
local function of_script(command, words, i)
  local first, list = i, {}
  while words[i] and is_option(words[i]) and i < #words do i = i + 2 end
  if i < #words then return after(read_script(words[i]), words, {}, ":files") end
  if i > #words then return {} end -- the value of an option
  for option, value in (i == first and command.takes or ""):gmatch "%f[^%s\0](%-%S+) (%S+)" do
    list[#list + 1] = { option, value }
  end
  return list, not is_option(words[i]) and ":scripts" or nil
end

local function of_command(command, words, i)
  if command.takes:find "%f[%a]script%f[%A]" then return of_script(command, words, i) end
  local sources = require "fnet.sources"
  local otherwise = command.takes:find "folder$" and ":directories" or ":files"
  return after(sources[usage.path_of(command.name)] or "", words, command.values, otherwise)
end

-- What the option takes that stands before the last word; nil where that is no such option.
local function of_option(option, current, text)
  if option == "-e" or option == "-l" or option == "--search" then return {} end
  if option ~= "--help" and option ~= "-h" then return nil end
  if not is_option(current) then return topics(current) end
  for _, row in ipairs(usage.rows((usage.part(text, "Options")))) do
    if row[1]:find "^%-%-help %-%-search" then return { { "--search", row[2] } } end
  end
end

-- What fits the last word: candidates, and which files.
local function candidates(words, text)
  local i, current = 1, words[#words]
  while i < #words and is_option(words[i]) and words[i] ~= "-" do
    if i == #words - 1 then
      local found = of_option(words[i], current, text)
      if found then return found end
    end
    i = i + ((words[i] == "-e" or words[i] == "-l") and 2 or 1)
  end
  if i == #words and is_option(current) then return own_options(text) end
  local commands = {}
  for k, command in ipairs(usage.commands(text)) do
    if i < #words and command.name == words[i] then return of_command(command, words, i + 1) end
    commands[k] = { command.name, command.takes }
  end
  if i < #words then return after(read_script(words[i]), words, {}, ":files") end
  return commands, ":scripts"
end

--- Prints what may stand in place of the last word.
---@param words string[] `arg`: those behind `fnet`, up to the one at the cursor, which may be empty
---@param text string the usage
return function(words, text)
  words = { table.unpack(words) }
  local option, value = (words[#words] or ""):match "^(%-%-[^=]+)=(.*)$"
  if option then words[#words], words[#words + 1] = option, value end
  if #words == 0 then words = { "" } end
  local current, lead = words[#words], option and option .. "=" or ""
  local list, more = candidates(words, text)
  for _, candidate in ipairs(list) do
    if candidate[1]:sub(1, #current) == current then
      print(lead .. candidate[1] .. "\t" .. core.visible(candidate[2]))
    end
  end
  if more then print(more) end
end
