--- The pace of Lua's collector, which Lua 5.4 takes with its mode and Lua 5.5 one by one.

local collector = {}

local function set(mode, five_four, five_five)
  if _VERSION == "Lua 5.4" then return collectgarbage(mode, table.unpack(five_four)) end
  collectgarbage(mode)
  for name, value in pairs(five_five) do collectgarbage("param", name, value) end
end

--- It works in steps.
---@param pause integer percent of the memory after a cycle at which the next one begins
---@param multiplier integer how fast it works
---@param exponent integer a step comes after 2^exponent bytes
function collector.incremental(pause, multiplier, exponent)
  set("incremental", { pause, multiplier, exponent },
    { pause = pause, stepmul = multiplier, stepsize = 1 << exponent })
end

--- It looks at new objects more often than at old ones.
---@param minor integer percent of growth after which it looks at new objects
---@param major integer percent of growth after which it looks at all
function collector.generational(minor, major)
  set("generational", { minor, major }, { minormul = minor, minormajor = major })
end

--- As Lua begins.
function collector.usual() collector.incremental(200, 100, 13) end

return collector
