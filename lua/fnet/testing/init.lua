--- testing: assertions for specs of one's own. `require "fnet.testing"` in a spec registers them with luassert,
-- which busted brings: `assert.allclose(expected, got)`, `assert.is_not.allclose(...)`, and `assert.same` for
-- tensors. Without luassert each is a function that gives true, or false and a message:
-- `assert(fnet.testing.allclose(expected, got))`.

local assertions = require "fnet.testing.assertions"
local try = require "fnet.base.try"
local core = require "fnet.core"

local found, luassert = try(require, "luassert")
if not found then
  core.raise('fnet.testing: luassert is not found, which busted brings: "luarocks install busted"; without it ' ..
    "assert(fnet.testing.allclose(expected, got)) does what assert.allclose(expected, got) would do")
end
---@diagnostic disable-next-line: unresolved-require -- of busted
local registered = require("luassert.namespaces").assertion

-- An error of a wrong call names the line of luassert that called: it gets the spec's line.
local function at_spec(level, ok, ...)
  if ok then return ... end
  local message = ...
  local text = type(message) == "string" and message:match "^[^\n]-luassert[/\\]assert%.lua:%d+: (.*)$"
  if text then error(text, level + 2) end
  error(message, 0)
end

-- luassert puts a message of the spec's own, which comes last, in front of ours.
local function register(name, parameters)
  local check = assertions[name]
  local function callback(state, arguments, level)
    local values = { table.unpack(arguments, 1, parameters) }
    local ok, message = at_spec(level or 1, try(check, table.unpack(values, 1, parameters)))
    if arguments[parameters + 1] ~= nil then state.failure_message = arguments[parameters + 1] end
    arguments[1], arguments.n, arguments.nofmt = message or name .. ": expected it not to hold", 1, { true }
    return ok
  end
  require("say"):set("fnet.testing", "%s")
  luassert:register("assertion", name, callback, "fnet.testing", "fnet.testing")
end

-- got with each tensor in it that is the same as the one at its place in expected replaced by that very tensor, so
-- that luassert, which compares objects by their identity, finds them equal; in copies of the tables above it.
local function unify(expected, got, seen)
  if core.is_tensor(expected) and core.is_tensor(got) then
    return assertions.same(expected, got) and expected or got
  end
  if type(expected) ~= "table" or type(got) ~= "table" or seen[got] then return got end
  seen[got] = true -- a table may hold itself
  local copy
  for key, value in next, got do
    local unified = unify(rawget(expected, key), value, seen)
    if not rawequal(unified, value) then
      if not copy then
        copy = setmetatable({}, getmetatable(got))
        for k, v in next, got do rawset(copy, k, v) end
      end
      rawset(copy, key, unified)
    end
  end
  return copy or got
end

local PARAMETERS = { shape = 2, allclose = 4, gradcheck = 3, same_everywhere = 2, sha256 = 2, falls = 2 }
for name, count in next, PARAMETERS do register(name, count) end

-- busted loads modules anew for each file, but luassert only once: `same` is wrapped once.
local original = registered.same.original or registered.same.callback
luassert:register("assertion", "same", function(state, arguments, level)
  local expected, got = arguments[1], arguments[2]
  arguments[2] = unify(expected, got, {})
  if core.is_tensor(expected) and core.is_tensor(got) and arguments[3] == nil then
    arguments[3], arguments.n = select(2, assertions.same(expected, got)), 3
  end
  return original(state, arguments, (level or 1) + 1)
end, "assertion.same.positive", "assertion.same.negative")
registered.same.original = original

return assertions
