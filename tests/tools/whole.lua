--- Sees to it that a run of specs was whole; busted loads it in front of every run (.busted). A file or a describe
-- that declares no test is an error, whatever filters leave of it, and so is a run in which nothing was tested.
-- Invariant: the file that -Xhelper names holds `passed failed left-out` only when the last spec has ended, so what
-- a spec prints, or an os.exit in it, is not taken for them.

local busted = require "busted"

local path = arg[1]
local passed, failed, left_out = 0, 0, 0
local open = {} -- the blocks that are being read, the innermost last: { declares = boolean }

local function fail(element, message)
  busted.publish({ "error", element.descriptor or "suite" }, element, nil, message)
end

local function block_start()
  open[#open + 1] = { declares = false }
  return nil, true
end

local function block_end(element)
  if not table.remove(open).declares then fail(element, "declares no test: leave tests out with pending()") end
  return nil, true
end

local function declare()
  open[#open].declares = true
  return nil, true
end

local function test_end(_, _, status)
  if status == "success" then
    passed = passed + 1
  elseif status == "pending" then
    left_out = left_out + 1
  else
    failed = failed + 1
  end
  return nil, true
end

-- What fails outside of a test: in a file, a setup, a folder that is not there.
local function count_outside(element)
  if element.descriptor ~= "it" then failed = failed + 1 end
  return nil, true
end

local function suite_end(suite)
  if passed + failed + left_out == 0 then fail(suite, "nothing was tested") end
  return nil, true
end

local function write_figures()
  if not path then return nil, true end
  local file = assert(io.open(path, "w"))
  assert(file:write(("%d %d %d\n"):format(passed, failed, left_out)))
  assert(file:close())
  return nil, true
end

local first = { priority = 1 } -- before the summary is printed, and before a filter takes a test away
busted.subscribe({ "error" }, count_outside)
busted.subscribe({ "failure" }, count_outside)
busted.subscribe({ "test", "end" }, test_end)
busted.subscribe({ "exit" }, write_figures)
busted.subscribe({ "suite", "start" }, function()
  for _, kind in ipairs { "file", "describe" } do
    busted.subscribe({ kind, "start" }, block_start, first)
    busted.subscribe({ kind, "end" }, block_end, first)
  end
  for _, kind in ipairs { "describe", "it", "pending" } do
    busted.subscribe({ "register", kind }, declare, first)
  end
  busted.subscribe({ "suite", "end" }, suite_end, first)
  return nil, true
end)
