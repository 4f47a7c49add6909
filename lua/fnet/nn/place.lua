--- The layer that runs, in front of the errors of what it calls: "layer 2, Lambda(): matmul: ...".
-- Invariant: the layer is looked for on the stack when an error of the library is raised, so that a forward pays
-- nothing; errors that a script raises itself stay as they are.

local core = require "fnet.core"
local module = require "fnet.nn.module"
local Sequential = require "fnet.nn.sequential"

-- The layer that the loop of Sequential:forward, running at this level, is at. A forward that ends in a tail call
-- (return x:matmul(w)) has left the stack, but not the loop.
local function in_loop(level)
  for number = 1, math.huge do
    local name, value = debug.getlocal(level + 1, number)
    if name == nil or name == "layer" then return value end
  end
end

-- Whether only the library's functions run from one level of the stack to another; in the place of a tail call's
-- frame a script's function may have been.
local function is_library(first, last)
  for level = first + 1, last + 1 do
    local frame = debug.getinfo(level, "St")
    if frame.what ~= "C" and not module.is_own(frame.source) or frame.istailcall and level <= last then
      return false
    end
  end
  return true
end

-- The innermost module whose forward is running, and whether only the library's functions run inside it. Where
-- no model runs, this is all that an error costs: nothing is asked of a frame that is dear to answer.
local function running()
  local first = 3 -- above this function and its caller is what raises the error
  for level = first, math.huge do
    local frame = debug.getinfo(level, "f")
    if not frame then return nil end
    local name, self = debug.getlocal(level, 1)
    if name == "self" and module.is_module(self) then
      if frame.func == Sequential.forward then return in_loop(level) or self, is_library(first, level) end
      if frame.func == self.forward then return self, is_library(first, level) end
    end
  end
end

core.place(function(message)
  local layer, own = running()
  if not layer then return message end
  local name = module.Module.name(layer)
  local path = name:sub(1, #name - #module.title(layer)) -- of the layers around it, "" where there are none
  local said = path == "" and name or path
  if message:sub(1, #said) == said or path == "" and module.is_module(layer[1]) then return message end
  -- A layer's own operation is no name that the script has written.
  return name .. ": " .. (own and message:gsub("^[%l%d_]+: ", "") or message)
end)
