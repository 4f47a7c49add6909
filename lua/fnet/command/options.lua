--- Command-line options of a script: declared once, parsed, checked and shown by --help.

local naming = require "fnet.base.naming"
local core = require "fnet.core"

local function fail(script, message)
  io.stderr:write(script, ": ", message, "\n", "Try --help.\n")
  os.exit(1, true)
end

local function flag_of(name) return "--" .. name:gsub("_", "-") end

local function help(script, about, specs)
  print(about .. "\n\nusage: fnet " .. script .. " [options]\n")
  for _, spec in ipairs(specs) do
    local name, default, text = spec[1], spec[2], spec[3]
    local value = default == false and "" or " " .. (spec.value or (type(default) == "number" and "N" or "TEXT"))
    local shown = default and default ~= "" and (" (%s)"):format(tostring(default)) or ""
    print(("  %-20s %s%s"):format(flag_of(name) .. value, text, shown))
  end
  print(("  %-20s %s"):format("--help", "this text"))
  os.exit(0, true)
end

-- The value of an option from its text; nil and what was expected where it does not fit.
local function convert(spec, text)
  local default = spec[2]
  if math.type(default) == "integer" then
    local value = math.tointeger(tonumber(text))
    local low, high = spec.low or math.mininteger, spec.high or math.maxinteger
    if not value or value < low or value > high then
      local bound = spec.low and spec.high and (" from %d to %d"):format(low, high) or
        spec.low and " of at least " .. low or ""
      return nil, "a whole number" .. bound
    end
    return value
  elseif math.type(default) == "float" then
    local value = tonumber(text)
    if not value or value ~= value or value < (spec.low or -math.huge) or value > (spec.high or math.huge) then
      return nil, "a number" .. (spec.low and spec.high and (" from %g to %g"):format(spec.low, spec.high) or
        spec.low and " of at least " .. spec.low or "")
    end
    return value
  end
  return text
end

--- Parses a script's arguments. Prints the help and ends the program for --help; for an unknown option or a
-- wrong value, says so on stderr and ends it with status 1.
---@param arguments string[] the global `arg`
---@param about string one sentence on what the script does
---@param specs table[] each {name, default, description, low=, high=, value=}; a default of false makes a switch,
--- of "" an optional text, a whole number or a float asks for one
---@return table values by name
return function(arguments, about, specs)
  if type(arguments) ~= "table" or type(specs) ~= "table" then
    core.raise("options: expected the script's arguments (arg), a sentence and a list of options")
  end
  local script, values, by_flag = arguments[0] or "script", {}, {}
  for _, spec in ipairs(specs) do
    values[spec[1]] = spec[2]
    by_flag[flag_of(spec[1])] = spec
  end
  local i = 1
  while i <= #arguments do
    local flag, text = arguments[i]:match "^(%-%-[^=]+)=(.*)$"
    flag = flag or arguments[i]
    if flag == "--help" or flag == "-h" then help(script, about, specs) end
    local spec = by_flag[flag]
    if not spec then
      local known = {}
      for _, each in ipairs(specs) do known[#known + 1] = flag_of(each[1]) end
      local near = naming.nearest(flag, known)
      fail(script, ("unknown option '%s'%s; known are %s"):format(arguments[i],
        near and (" (did you mean '%s'?)"):format(near) or "", table.concat(known, " ")))
    end
    if spec[2] == false then
      if text then fail(script, flag .. " takes no value") end
      values[spec[1]] = true
    else
      if not text then
        i = i + 1
        text = arguments[i] or fail(script, flag .. " needs a value")
      end
      local value, expected = convert(spec, text)
      if value == nil then fail(script, ("%s: expected %s, got '%s'"):format(flag, expected, text)) end
      values[spec[1]] = value
    end
    i = i + 1
  end
  return values
end
