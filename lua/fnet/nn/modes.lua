--- Training and evaluation mode. What a script says of a module, with eval(), is remembered: the library, which
-- switches a whole model for a training or an evaluation, leaves such a part as it is. Invariant: only a script's
-- own words, train and eval, change what is remembered.

local contents = require "fnet.nn.contents"

local modes = {}

local SAID = {} -- the key of what a script has put into evaluation mode itself

-- Training is the default of every class, so a module has a field of its own, false, only in evaluation mode; then
-- module.lua sees that a script sets it.
local function set(module, training) rawset(module, "training", training and nil) end

--- What a script says: the mode of a model and of all in it.
---@param model nn.Module
---@param training boolean
function modes.say(model, training)
  for _, module in ipairs(contents.modules(model)) do
    set(module, training)
    if training then rawset(module, SAID, nil) end
  end
  if not training then rawset(model, SAID, true) end
end

--- What a script says with `module.training = true` or false: the mode of this module alone.
---@param module nn.Module
---@param training boolean
function modes.say_one(module, training)
  set(module, training)
  rawset(module, SAID, not training or nil)
end

--- Puts a model and all in it into evaluation mode for the library: that is not remembered.
---@param model nn.Module
---@return nn.Module model
function modes.rest(model)
  for _, module in ipairs(contents.modules(model)) do set(module, false) end
  return model
end

-- Modes by their modules, which have them again when it is closed.
local Restored = {}

function Restored:__close()
  for module, mode in next, self do set(module, mode) end
end

--- Calls a function while a model is in training or in evaluation mode; afterwards every module is in the mode in
-- which it was, also when the function raised. A part that a script has put into evaluation mode is not trained,
-- nor what is in it; but the model itself is.
---@param model nn.Module
---@param training boolean
---@param f fun(...): any
---@param ... any arguments of f
---@return any ... what f returns
function modes.with(model, training, f, ...)
  local stays = {}
  local before <close> = setmetatable(contents.visit(model, nil, function(module, owner)
    stays[module] = owner and (rawget(module, SAID) or stays[owner])
    return module.training
  end), Restored)
  for module in next, before do
    if not (training and stays[module]) then set(module, training) end
  end
  return f(...)
end

return modes
