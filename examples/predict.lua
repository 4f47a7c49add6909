-- What does a trained network make of your own photo?
--   fnet examples/predict.lua fashion.model photo.jpg
-- fashion.model is what model:save("fashion.model") wrote at the end of a script such as examples/fashion.lua.
-- The photo becomes what Fashion-MNIST holds: grey, bright on black, the thing in the middle of 28 x 28 pixels.

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

if #arg ~= 2 or arg[1]:sub(1, 1) == "-" then fail "usage: fnet examples/predict.lua MODEL PICTURE" end

-- Background to black: where the border of the photo is bright, the photo is a negative of the data set.
local function on_black(grey)
  local height, width = grey.shape[1], grey.shape[2]
  local border = fnet.concat { grey:row(1), grey:row(height), grey:select(2, 1), grey:select(2, width) }
  local background = border:mean():item()
  if background > 0.5 then grey, background = 1 - grey, 1 - background end
  -- The mean of the background becomes 0, and the brightest pixel 1.
  return ((grey - background) / math.max(grey:max():item() - background, 1e-6)):clamp(0, 1)
end

-- The first and last position of an axis at which the thing can be seen.
local function extent(brightest)
  local first, last = nil, #brightest
  for i = 1, #brightest do
    if brightest[i] > 0.2 then first, last = first or i, i end
  end
  return first or 1, first and last or #brightest
end

-- The part of the picture that holds the thing, as large as it fits, in the middle of SIZE x SIZE.
local function centred(picture)
  local top, bottom = extent(picture:max(2))
  local left, right = extent(picture:max(1))
  local part = picture:slice(1, top, bottom):slice(2, left, right)
  local height, width = bottom - top + 1, right - left + 1
  local scale = SIZE / math.max(height, width)
  height, width = math.max(1, math.floor(height * scale + 0.5)), math.max(1, math.floor(width * scale + 0.5))
  local whole = fnet.zeros { SIZE, SIZE }
  local y, x = (SIZE - height) // 2, (SIZE - width) // 2
  whole:slice(1, y + 1, y + height):slice(2, x + 1, x + width):copy(data.resize(part, height, width))
  return whole
end

local model, about = fnet.load(arg[1])
if not model then fail(about) end
local photo, message = data.read_image(arg[2])
if not photo then fail(message) end

local picture = centred(on_black(data.grey(photo):float() / 255))
local output = fnet.predict(model, picture)
if output.rank ~= 1 then fail(arg[1] .. " is no model for pictures of 28 x 28") end
local classes = about.data and about.data.classes or CLASSES
if #classes ~= #output then fail(("%s tells %d classes apart, expected %d"):format(arg[1], #output, #classes)) end

print(report.picture(picture))
print()
print(report.distribution(classes, output))
