--- The layer that runs, in front of the errors of what it calls: "layer 2, Lambda(): matmul: ...".
-- Invariant: the layer is looked for on the stack when an error of the library is raised, so that a forward pays
-- nothing; errors that a script raises itself stay as they are.

local core = require "fnet.core"
local is_own = require("fnet.base").is_own
local module = require "fnet.nn.module"

-- Whether only the library's functions run from one level of the stack to another; in the place of a tail call's
-- frame a script's function may have been.
local function is_library(first, last)
  for level = first + 1, last do
    local frame = debug.getinfo(level, "St")
    if frame.what ~= "C" and not is_own(frame.source) or frame.istailcall then return false end
  end
  return true
end

-- The innermost layer that runs, and whether only the library's functions run inside it. Where no model runs, this
-- is all that an error costs: nothing is asked of a frame that is dear to answer.
local function running()
  local first = 3 -- above this function and its caller is what raises the error
  for level = first, math.huge do
    local frame = debug.getinfo(level, "f")
    if not frame then return nil end
    if frame.func == module.run then
      local _, layer = debug.getlocal(level, 1)
      return layer, is_library(first, level)
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
