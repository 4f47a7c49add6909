--- `fnet run model picture...`: what a saved classifier makes of pictures.

local core = require "fnet.core"
local command = require "fnet.command.model"
local report = require "fnet.report"

--- Prints the probabilities of the classes for each picture.
---@param arguments string[] the model's path, then those of the pictures: PNG, JPEG, or .npy
---@return boolean succeeded
return function(arguments)
  if #arguments < 2 then return command.fail("run",
    "which model and pictures? fnet run model.safetensors picture.png") end
  local model, about = command.load(arguments[1])
  if not model then return command.fail("run", "%s", about) end
  if not about.data or type(about.data.shape) ~= "table" then
    return command.fail("run", "%s does not say what its samples look like; save it with { data = train }",
      arguments[1])
  end
  local fine = true
  for i = 2, #arguments do
    local path = arguments[i]
    local sample, message = command.read_sample(path, about.data)
    if sample then
      local output = command.probabilities(core.no_grad(model, sample))
      local names = command.class_names(about.data, #output)
      local best = output:argmax():item()
      print(("%s: %s, %.1f%%"):format(path, names[best], 100 * output[best]))
      print(report.distribution(names, output))
    else
      fine = command.fail("run", "%s", message)
    end
  end
  return fine
end
