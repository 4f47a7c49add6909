--- A file as samples for a saved model: pictures and .npy, one sample or a batch, in the form of what the model
-- was trained on. Invariant: bytes are scaled as its data set scaled them, floats are taken to be what the network
-- sees. A photo of dark ink on light paper is inverted where the training saw light on dark; an array never is.

local images = require "fnet.data.images"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local files = require "fnet.files"
local functions = require "fnet.tensor.functions"
local kinds = require "fnet.files.kinds"
local npy = require "fnet.files.npy"
local facts = require "fnet.save.samples"

local SIDE_MOST, PIXELS_MOST = 65535, 1 << 26 -- of a picture, as resize and read_image have them
local TOLERANCE = 1e-3 -- of the range of floats, for what rounding adds

-- The array of a file, [height, width] or [height, width, 3] of a picture; and whether it is a picture.
local function read_array(path)
  local kind = kinds.of(files.sound(kinds.lead(path)))
  if kind and kind.key == "npy" then return files.sound(npy.read_npy(path)), false end
  if kind and kind.reader ~= "fnet.data.read_image" then
    files.fault("%s: %s; expected a picture or .npy", path, kinds.sentence(kind))
  end
  return files.sound(images.read_image(path)), true
end

-- ---- shapes ----

local function is_colour(picture) return picture.rank == 3 and picture.shape[3] == 3 end

-- The samples that an array holds: itself, or its rows; and whether it is a batch.
local function split(array, shape)
  local axes, rank = #shape, array.rank
  local single = rank <= axes
  if axes == 3 and rank == 3 then single = array.shape[3] == shape[3] or is_colour(array) end -- else grey ones
  if axes == 2 and rank == 3 then single = is_colour(array) and shape[2] ~= 3 end
  if single then return { array }, false end
  local rows = {}
  for i = 1, #array do rows[i] = array:select(1, i) end
  return rows, true
end

-- A sample in the shape that the model takes: pictures become grey, or of three channels, and of its size; light
-- ink on dark paper where `inverts`, and the model's pictures are grey.
local function fit(sample, shape, inverts)
  local axes = #shape
  local wants_grey = axes == 2 or axes == 3 and shape[3] == 1
  local is_picture = axes >= 2 and (sample.rank == 2 or sample.rank == 3) and sample:count() > 0
  if is_picture and sample.rank == 3 and sample.shape[3] == 1 then
    sample = sample:reshape { sample.shape[1], sample.shape[2] }
  end
  if is_picture and (sample.rank == 2 or is_colour(sample)) and (wants_grey or shape[3] == 3) then
    if math.max(shape[1], shape[2]) > SIDE_MOST or shape[1] * shape[2] > PIXELS_MOST then
      files.fault("would become a picture of %s; the limit is %d pixels", say.shape(shape), PIXELS_MOST)
    end
    local is_grey = sample.rank == 2
    if wants_grey then sample = images.grey(sample) end
    if sample.shape[1] ~= shape[1] or sample.shape[2] ~= shape[2] then
      sample = images.resize(sample, shape[1], shape[2])
    end
    if inverts and wants_grey and is_grey and facts.is_light(sample:unsqueeze(1)) then
      sample = 255 - sample:float()
    end
    if not wants_grey and is_grey then sample = images.colour(sample) end
  end
  if wants_grey and axes == 3 and sample.rank == 2 then sample = sample:reshape(shape) end
  if not is.same_shape(sample.shape, shape) then
    files.fault("is a sample of %s, the model expects %s", say.shape(sample.shape), say.shape(shape))
  end
  return sample:contiguous()
end

-- ---- numbers ----

-- What the numbers of an array have to be multiplied by. A fault where they are none that the model was trained on.
local function factor_of(array, about)
  if array:count() == 0 then files.fault "holds no sample" end
  local low, high = array:min():item(), array:max():item()
  if low - low ~= 0 or high - high ~= 0 then files.fault "holds a value that is not finite" end
  local range, scale = facts.numbers(about)
  if is.float(array) then
    local slack = about.type ~= "float32" and about.type ~= "float64" and TOLERANCE * (range[2] - range[1])
    if slack and (low < range[1] - slack or high > range[2] + slack) then
      files.fault("holds floats from %g to %g, the model saw %g to %g; bytes (uint8) would be scaled", low, high,
        range[1], range[2])
    end
    return 1
  end
  if #about.shape < 2 and about.range then return 1 end -- a row of a table is no picture
  if low < 0 or high > 255 then
    files.fault("holds whole numbers from %d to %d, expected bytes, 0 to 255", low, high)
  end
  return scale or files.fault("holds bytes, the model saw floats%s; give those, in a .npy",
    range and (" from %g to %g"):format(range[1], range[2]) or "")
end

-- ---- the interface ----

local function read(path, about)
  local array, is_picture = read_array(path)
  return files.sound(files.attempt(path .. ": ", function()
    local shape = { table.unpack(about.shape) }
    if about.type == "int32" and is.float(array) then
      files.fault("holds %s, the model was trained on whole numbers", array.dtype)
    end
    local factor = about.type == "int32" and 1 or factor_of(array, about)
    local rows, several = split(array, shape)
    for i, row in ipairs(rows) do
      local sample = fit(row, shape, is_picture and not about.light)
      rows[i] = about.type == "int32" and sample:int() or sample:float() * factor
    end
    local batch = functions.constructors.stack(rows)
    local transform = facts.transform(about)
    if transform then batch = transform(batch, core.full({ #rows }, 1, "int32")) end
    return { batch = batch, several = several }
  end))
end

--- The samples of a file.
---@param path string a picture, or .npy with a sample or a batch of them
---@param about table what the model's file says of its data: shape, type, range, scale, normalise
---@return { batch: tensor, several: boolean }? samples [count, ...shape] as the network saw them in training;
--- several: the file holds a batch. nil where the file cannot be read or does not fit
---@return string? message, integer? code
return function(path, about) return files.attempt("", read, path, about) end
