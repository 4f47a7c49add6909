--- Usage: the text in which `fnet --help` explains the command, taken apart for the manual page and for what a
-- shell offers at Tab. Invariant: options, commands and variables are written nowhere else, so that neither can say
-- another.

local usage = {}

---@class annotations.Command
---@field name string "export"
---@field takes string what follows it: "model [--to c|onnx|html] file"
---@field values table<string, string[]> the few words that an option takes: { ["--to"] = { "c", "onnx", "html" } }

--- The rows of a text's part: what stands left, and what is said of it on the right, two blanks or more away and
-- in the lines below.
---@param text string
---@return string[][] rows such as { "-e code", "run the string `code`" }
function usage.rows(text)
  local rows = {}
  for line in text:gmatch "[^\n]+" do
    local left, right = line:match "^  (%S.-)  +(%S.*)$"
    local more = line:match "^   +(%S.*)$"
    if left then
      rows[#rows + 1] = { left, right }
    elseif more and rows[1] then
      rows[#rows][2] = rows[#rows][2] .. " " .. more
    end
  end
  return rows
end

--- The parts of the text: that which begins with a line that starts with the title, up to an empty line or the next
-- part.
---@param text string
---@param title string "Options", "Examples" or "Environment"
---@return string part the lines below that line
---@return string line that line
function usage.part(text, title)
  local line, rest = ("\n" .. text .. "\n"):match("\n(" .. title .. "[^\n]*:)\n(.*)$")
  return (rest .. "\n"):match "^(.-\n)%f[^ \n]" or rest, line
end

--- How the command is called.
---@param text string
---@return string[] synopses such as "fnet [options] info file..."
function usage.synopses(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    local synopsis = line:match "^usage: (fnet .*)$" or list[1] and line:match "^       (fnet .*)$"
    if synopsis then list[#list + 1] = synopsis end
  end
  return list
end

--- The words that are commands, in the order of the synopses.
---@param text string
---@return annotations.Command[]
function usage.commands(text)
  local list = {}
  for _, synopsis in ipairs(usage.synopses(text)) do
    local name, takes = synopsis:match "^fnet %[options%] (%l+) (.*)$"
    if name then
      local values = {}
      for option, words in takes:gmatch "(%-%-%l+) (%l+|[%l|]+)" do
        values[option] = {}
        for word in words:gmatch "%l+" do table.insert(values[option], word) end
      end
      list[#list + 1] = { name = name, takes = takes, values = values }
    end
  end
  return list
end

--- The options that a script, or a command of fnet, declares in the call of `options`, by its text: nothing of it
-- is run.
---@param text string
---@return { flag: string, value: string?, text: string }[] options value: what stands for it in the script's
--- --help, nil for a switch
function usage.declared(text)
  local list = {}
  local call = text:match "%f[%w_]options(%b())"
  for entry in (call or ""):sub(2):gmatch "%b{}" do
    for row in entry:sub(2):gmatch "%b{}" do
      local name, default, rest = row:match '^{%s*"(%l[%w_]*)",%s*([^,]+),%s*(".*)}$'
      if name then
        local value = default ~= "false" and (rest:match 'value = "([^"]*)"' or default:find '^"' and "TEXT" or "N")
        list[#list + 1] = { flag = "--" .. name:gsub("_", "-"), value = value or nil, text = rest:match '^"(.-)"' }
      end
    end
  end
  return list
end

--- The source of a command.
---@param name string such as "init"
---@return string path "lua/fnet/command/experiment.lua"
function usage.path_of(name)
  return "lua/" .. require("fnet.command")[name]:gsub("%.", "/") .. ".lua"
end

return usage
