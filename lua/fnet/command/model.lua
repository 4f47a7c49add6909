--- What the commands `fnet run` and `fnet eval` share: their arguments, the model, and pictures as it expects them.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local data = require("fnet").data
local load = require("fnet").load

local command = {}

--- Says on stderr why the command ends.
---@param name string the command
---@param format string
---@param ... any
---@return boolean succeeded false
function command.fail(name, format, ...)
  io.stderr:write("fnet ", name, ": ", format:format(...), "\n")
  return false
end

--- The model of a file and what the file says about its samples.
---@param path string
---@return nn.Module? model
---@return table|string about, or the message
function command.load(path)
  local ok, model, about = pcall(load, path)
  if not ok then return nil, (tostring(model):gsub("^load: ", "")) end
  return model, about
end

-- True for a picture with dark ink on light paper, by its border.
local function is_light(picture)
  local height, width = table.unpack(picture.shape)
  local sum = picture[1]:sum() + picture[height]:sum()
    + picture:slice(2, 1, 1):sum() + picture:slice(2, width, width):sum()
  return sum:item() / (2 * (height + width)) > 127.5
end

--- A picture as the model's training data had them: grey where those were, of their size, light ink on dark paper.
---@param path string
---@param about table of the data set: shape, scale
---@return tensor? sample float32
---@return string? message
function command.read_sample(path, about)
  local read = path:find "%.npy$" and data.read_npy or data.read_image -- [height, width] or [height, width, 3]
  local picture, message = read(path)
  if not picture then return nil, message end
  local shape = { table.unpack(about.shape) }
  if #shape == 2 and picture.rank == 3 then picture = data.grey(picture) end
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

--- Names of the classes, numbers where the file has none.
---@param about table? of the data set
---@param count integer
---@return string[]
function command.class_names(about, count)
  local names = {}
  for i = 1, count do
    names[i] = about and type(about.classes) == "table" and about.classes[i] or ("class %d"):format(i)
  end
  return names
end

--- Probabilities from what a model gives: of logits their softmax.
---@param output tensor [classes]
---@return tensor
function command.probabilities(output)
  local fine = output:min():item() >= 0 and math.abs(output:sum():item() - 1) < 1e-3
  return fine and output or core.softmax(output)
end

return command
