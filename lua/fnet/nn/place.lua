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

-- The innermost module whose forward is running, and whether only the library's functions run inside it.
local function running()
  local own, level = true, 3 -- above this function and its caller is what raises the error
  while true do
    local frame = debug.getinfo(level, "fSt")
    if not frame then return nil end
    local name, self = debug.getlocal(level, 1)
    own = own and (frame.what == "C" or module.is_own(frame.source))
    if name == "self" and module.is_module(self) then
      if frame.func == Sequential.forward then return in_loop(level) or self, own end
      if frame.func == self.forward then return self, own end
    end
    own = own and not frame.istailcall -- a script's function may have been in its place
    level = level + 1
  end
end

core.place(function(message)
  local layer, own = running()
  if not layer or message == "interrupted" then return message end
  local name = module.Module.name(layer)
  local path = name:sub(1, #name - #module.title(layer)) -- of the layers around it, "" where there are none
  local said = path == "" and name or path
  if message:sub(1, #said) == said or path == "" and module.is_module(layer[1]) then return message end
  -- A layer's own operation is no name that the script has written.
  return name .. ": " .. (own and message:gsub("^[%l%d_]+: ", "") or message)
end)
