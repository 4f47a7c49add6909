--- `fnet run model picture...`: what a saved classifier makes of pictures.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local command = require "fnet.command.model"
local data = require("fnet").data
local report = require "fnet.report"

-- True for a picture with dark ink on light paper, by its border.
local function is_light(picture)
  local height, width = table.unpack(picture.shape)
  local sum = picture[1]:sum() + picture[height]:sum()
    + picture:slice(2, 1, 1):sum() + picture:slice(2, width, width):sum()
  return sum:item() / (2 * (height + width)) > 127.5
end

-- A picture as the model's training data, whose shape and scale the file says, had them: grey where those were, of
-- their size, light ink on dark paper. Or nil and why it is none.
local function read_sample(path, about)
  local read = path:find "%.npy$" and data.read_npy or data.read_image -- [height, width] or [height, width, 3]
  local picture, message = read(path)
  if not picture then return nil, message end
  local shape = { table.unpack(about.shape) }
  if #shape == 2 and picture.rank == 3 then picture = data.grey(picture) end
  if #shape == 3 and shape[3] == 3 and picture.rank == 2 then picture = data.colour(picture) end
  if picture.rank >= 2 and #shape >= 2 and (picture.shape[1] ~= shape[1] or picture.shape[2] ~= shape[2]) then
    picture = data.resize(picture, shape[1], shape[2])
  end
  local is_grey = picture.dtype == "uint8" and picture.rank == 2 and #shape == 2
  if is_grey and is_light(picture) then picture = 255 - picture:float() end
  if not is.same_shape(picture.shape, shape) then
    return nil, ("%s: is a sample of %s, the model expects %s"):format(path, say.shape(picture.shape),
      say.shape(shape))
  end
  return picture:float() * (about.scale or 1)
end

-- Probabilities from what a model gives: of logits their softmax.
local function probabilities(output)
  local fine = output:min():item() >= 0 and math.abs(output:sum():item() - 1) < 1e-3
  return fine and output or core.softmax(output)
end

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
  local classes = type(about.data.classes) == "table" and about.data.classes or {}
  local fine = true
  for i = 2, #arguments do
    local path = arguments[i]
    local sample, message = read_sample(path, about.data)
    if sample then
      local output = probabilities(core.no_grad(model, sample))
      local names, best = {}, output:argmax():item()
      for class = 1, #output do names[class] = classes[class] or ("class %d"):format(class) end
      print(("%s: %s, %.1f%%"):format(path, names[best], 100 * output[best]))
      print(report.distribution(names, output))
    else
      fine = command.fail("run", "%s", message)
    end
  end
  return fine
end
