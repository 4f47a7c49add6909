--- Command-line options of a script: declared once, parsed, checked and shown by --help.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local core = require "fnet.core"

local EXAMPLE = 'fnet.options(arg, "Trains a network.", { { "epochs", 5, "rounds of training" } })'

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
  local kind, low, high, value = math.type(spec[2]), spec.low, spec.high, decimal.value(text)
  if not kind then return text end
  if kind == "integer" then value = math.tointeger(value) end
  if value and value >= (low or -math.huge) and value <= (high or math.huge) then return value end
  local what, range = "a number", " from %g to %g"
  if kind == "integer" then what, range = "a whole number", " from %d to %d" end
  return nil, what .. (low and high and range:format(low, high) or low and " of at least " .. low or "")
end

local function is_spec(spec)
  if type(spec) ~= "table" or type(spec[1]) ~= "string" or type(spec[3]) ~= "string" then return false end
  return type(spec[2]) == "number" or type(spec[2]) == "string" or spec[2] == false
end

-- Raises where the declaration would be passed over, or fail later.
local function check(arguments, about, specs)
  if type(arguments) ~= "table" or type(about) ~= "string" or type(specs) ~= "table" then
    core.raise("options: expected the script's arguments, a sentence and a list of options, such as %s", EXAMPLE)
  end
  expect.list("options: specs", specs)
  for _, key in ipairs(naming.keys(specs)) do
    if type(key) ~= "number" or not is_spec(specs[key]) then
      core.raise("%s: expected { name, default, description } in a list, the default a number, a text or false: %s",
        naming.part("options: specs", key), EXAMPLE)
    end
  end
end

--- Parses a script's arguments. Prints the help and ends the program for --help; for an unknown option or a
-- wrong value, says so on stderr and ends it with status 1.
---@param arguments string[] the global `arg`
---@param about string one sentence on what the script does
---@param specs table[] each {name, default, description, low=, high=, value=}; a default of false makes a switch,
--- of "" an optional text, a whole number or a float asks for one
---@return table values by name
return function(arguments, about, specs)
  check(arguments, about, specs)
  local script, values, flags, by_flag = arguments[0] or "script", {}, {}, {}
  for i, spec in ipairs(specs) do
    values[spec[1]], flags[i] = spec[2], flag_of(spec[1])
    by_flag[flags[i]] = spec
  end
  local i = 1
  while i <= #arguments do
    local flag, text = arguments[i]:match "^(%-%-[^=]+)=(.*)$"
    flag = flag or arguments[i]
    if flag == "--help" or flag == "-h" then help(script, about, specs) end
    local spec = by_flag[flag]
    if not spec then
      fail(script, ("unknown option '%s'%s; known are %s"):format(arguments[i], naming.hint(flag, flags),
        table.concat(flags, " ")))
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
