--- Pictures from PNG and JPEG files, and resizing. Folders of them are in image_folder.lua.
-- Invariant: pictures are [height, width] for grey ones and [height, width, 3] for red, green, blue; those from
-- files are uint8.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local processes = require "fnet.base.processes"
local files = require "fnet.files"
local kinds = require "fnet.files.kinds"

local images = {}

local PIECE = 1 << 20 -- bytes that a pipe is asked for at a time
local MOST = 512 << 20 -- bytes of a file: eight for each of 67,108,864 pixels

local function check_picture(what, picture)
  local fits = core.is_tensor(picture) and picture:count() > 0
    and (picture.rank == 2 or picture.rank == 3 and picture.shape[3] == 3)
  expect.that(fits, what, "a picture [height, width] or [height, width, 3]", picture)
end

--- The options of read_image, checked, with their defaults.
---@param what string the function, for messages
---@param options table with other options besides
---@return table { background = , gamma = , orientation = }
function images.decoding(what, options)
  local background = options.background == nil and 255 or options.background
  return { background = expect.count(what .. ": background", background, 0, 255), gamma = options.gamma == true,
    orientation = options.orientation ~= false }
end

-- All bytes of a file that begins as a picture does; of another one the beginning, from which it cannot be decoded.
local function bytes_of(input)
  files.sound(input:part("plain", 0))
  local size, lead = input:size(), files.sound(input:bytes(kinds.LEAD))
  local kind = kinds.of(lead)
  if not kind or kind.key ~= "picture" then
    kinds.refuse(lead, "picture")
    return lead
  end
  local function limit(bytes)
    if bytes > MOST then files.fault("is larger than %d bytes, which no picture that fnet reads takes", MOST) end
  end
  if size then
    limit(size)
    files.sound(input:part("plain", 0))
    return files.sound(input:elements("u8", false, { size }))
  end
  local pieces, count = { lead }, #lead
  repeat
    local piece = files.sound(input:bytes(PIECE))
    pieces[#pieces + 1], count = piece, count + #piece
    limit(count)
  until #piece < PIECE
  return table.concat(pieces)
end

--- A picture from a file that files.open has opened.
---@param input userdata
---@param decoding table from images.decoding
---@return tensor picture uint8
function images.decode(input, decoding)
  return files.sound(core.decode_image(bytes_of(input), decoding.background, decoding.gamma, decoding.orientation))
end

--- Reads a PNG or JPEG picture, as Pillow and OpenCV do: the values are those of the file, transparent pixels lie
-- on white, 16 bits a channel become the upper 8, printer's colours (CMYK) red, green and blue, and the picture
-- stands as the camera was held (EXIF). Damaged files are refused, and those of more than 67,108,864 pixels.
---@param path string
---@param options? table background: number, the grey that transparent pixels lie on, 0 (black) to 255 (white, the
--- default); gamma: values of a PNG become those of sRGB where its gAMA chunk says that they are others, false;
--- orientation: turned as the EXIF data say, true
---@return tensor? picture uint8 [height, width] or [height, width, 3]; nil where the file cannot be read
---@return string? message, integer? code
function images.read_image(path, options)
  expect.path("read_image", path)
  options = expect.options("read_image", options, { "background", "gamma", "orientation" },
    { "gamma", "orientation" })
  return files.open(path, images.decode, images.decoding("read_image", options))
end

--- The bytes of a PNG file.
---@param what string the function, for messages
---@param picture tensor as write_png takes it
---@return string? bytes nil where the picture is too large
---@return string? message
function images.encode_png(what, picture)
  if core.is_tensor(picture) and picture.rank == 3 and picture.shape[3] == 1 then
    picture = picture:detach():squeeze(3) -- as a network with one channel gives it
  end
  check_picture(what, picture)
  if picture.dtype ~= "uint8" then
    picture = core.no_grad(function()
      local broken = math.tointeger(picture:ne(picture):sum():item())
      if broken > 0 then core.raise("%s: expected numbers, got a picture with nan, %d times", what, broken) end
      return (picture:float() * 255 + 0.5):clamp(0, 255):byte()
    end)
  end
  return core.encode_png(picture)
end

--- Writes a picture as a PNG file.
---@param path string
---@param picture tensor # [height, width], [height, width, 1] or [height, width, 3]: uint8, or floats from 0
--- (black) to 1; what lies beyond becomes black or white
---@return boolean? true nil where the file cannot be written
---@return string? message, integer? code
function images.write_png(path, picture)
  expect.path("write_png", path)
  local bytes, problem = images.encode_png("write_png", picture)
  if not bytes then return nil, ("%s: %s"):format(path, problem) end
  return processes.write_file(path, { bytes })
end

--- The brightness of a colour picture: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), rounded for whole
-- numbers.
---@param picture tensor # [height, width, 3]; a grey one [height, width] stays as it is
---@return tensor picture [height, width] of the same type
function images.grey(picture)
  check_picture("grey", picture)
  return picture.rank == 2 and picture or core.grey(picture)
end

--- A grey picture in three equal channels.
---@param picture tensor # [height, width]; a colour picture [height, width, 3] stays as it is
---@return tensor picture [height, width, 3] of the same type
function images.colour(picture)
  check_picture("colour", picture)
  if picture.rank == 3 then return picture end
  local height, width = table.unpack(picture.shape)
  return picture:detach():reshape({ height, width, 1 }):expand({ height, width, 3 }):contiguous()
end

--- A picture in another size: averaged over areas where an axis gets shorter, linear where it gets longer. Of whole
-- numbers the result is exact before it is rounded, halves upwards.
---@param picture tensor # [height, width] or [height, width, 3]
---@param height integer
---@param width integer
---@return tensor picture of the same type
function images.resize(picture, height, width)
  check_picture("resize", picture)
  height = expect.count("resize: height", height, 1, 65535)
  width = expect.count("resize: width", width, 1, 65535)
  return core.resize(picture, height, width)
end

return images
