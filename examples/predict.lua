-- What does a trained network make of your own photo?
--   fnet examples/fashion.lua --save clothes.safetensors
--   fnet examples/predict.lua clothes.safetensors photo.jpg
-- The photo becomes what Fashion-MNIST holds: grey, bright on black, the thing in the middle of 28 x 28 pixels.
-- Look at: the small picture, which is all that the network sees, and how sure it is.
-- Change next: the same thing on a patterned cloth, or lying on its side; a network with --hidden 16.

local fnet = require "fnet"
local data, report = fnet.data, fnet.report

local SIZE = 28 -- pixels of a picture; the longer side of the thing fills it
local CLASSES = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
}

local function fail(message)
  io.stderr:write("predict.lua: ", message, "\n")
  os.exit(1, true)
end

local USAGE = "usage: fnet examples/predict.lua MODEL PICTURE"
if arg[1] == "--help" or arg[1] == "-h" then
  print("Says what a network that fnet saved makes of a photo, a PNG or JPEG file.\n\n" .. USAGE)
  os.exit(0, true)
end
if #arg ~= 2 or arg[1]:sub(1, 1) == "-" then fail(USAGE) end

-- The first and last position of an axis at which something is brighter than the limit; nil where nothing is.
local function extent(brightest, limit)
  local first, last
  for i = 1, #brightest do
    if brightest[i] > limit then first, last = first or i, i end
  end
  return first, last
end

-- Whether it is one of the data set's pictures already: of their size, on black, the thing from edge to edge.
local function is_ready(grey)
  local function fills(brightest)
    local first, last = extent(brightest, 0)
    return first == 1 and last == SIZE
  end
  return grey.shape[1] == SIZE and grey.shape[2] == SIZE and grey:min():item() == 0
    and (fills(grey:max(1)) or fills(grey:max(2)))
end

-- The part of the picture that holds the thing, as large as it fits, in the middle of SIZE x SIZE.
local function centred(picture)
  local top, bottom = extent(picture:max(2), 0.2)
  local left, right = extent(picture:max(1), 0.2)
  local part = picture:slice(1, top, bottom):slice(2, left, right)
  local height, width = bottom - top + 1, right - left + 1
  local scale = SIZE / math.max(height, width)
  height, width = math.max(1, math.floor(height * scale + 0.5)), math.max(1, math.floor(width * scale + 0.5))
  local whole = fnet.zeros { SIZE, SIZE }
  local y, x = (SIZE - height) // 2, (SIZE - width) // 2
  whole:slice(1, y + 1, y + height):slice(2, x + 1, x + width):copy(data.resize(part, height, width))
  return whole
end

-- The photo as the data set has pictures: the thing bright on black, in the middle, as large as it fits.
local function like_the_data_set(grey)
  local height, width = grey.shape[1], grey.shape[2]
  local border = fnet.concat { grey:row(1), grey:row(height), grey:select(2, 1), grey:select(2, width) }
  local background = border:mean():item()
  if background > 0.5 then grey, background = 1 - grey, 1 - background end -- a negative of the data set
  if is_ready(grey) then return grey end
  local range = grey:max():item() - background
  if range < 0.05 then fail(arg[2] .. ": nothing can be seen in the picture") end
  return centred(((grey - background) / range):clamp(0, 1)) -- the mean of the border becomes 0
end

local model, about = fnet.load(arg[1])
if not model then fail(about) end
local photo, message = data.read_image(arg[2])
if not photo then fail(message) end

local picture = like_the_data_set(data.grey(photo):float() / 255)
local classes = about.data and about.data.classes or CLASSES
local fits, output = pcall(fnet.predict, model, picture)
if not fits or output.rank ~= 1 or #output ~= #classes then
  fail(("%s: expected a model that takes a picture of 28 x 28 and gives %d probabilities, such as the one that "
    .. "examples/fashion.lua --save writes"):format(arg[1], #classes))
end

print(report.picture(picture))
print()
print(report.distribution(classes, output))
