--- Pictures from PNG and JPEG files, folders of them as data sets, and resizing.
-- Invariant: pictures are uint8, [height, width] for grey ones and [height, width, 3] for red, green, blue.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"
local dataset = require "fnet.data.dataset"
local files = require "fnet.files"

local images = {}

local ENDINGS = { png = true, jpg = true, jpeg = true }

local function check_picture(what, picture)
  local fits = core.is_tensor(picture) and picture:count() > 0
    and (picture.rank == 2 or picture.rank == 3 and picture.shape[3] == 3)
  expect.that(fits, what, "a picture [height, width] or [height, width, 3]", picture)
end

-- Values from 0 to 255 as uint8, rounded.
local function to_bytes(values) return (values + 0.5):clamp(0, 255):byte() end

-- Doubles in the type of the picture that they were made of.
local function in_type_of(picture, values)
  return picture.dtype == "uint8" and to_bytes(values) or values:to(picture.dtype)
end

--- Reads a PNG or JPEG picture. Transparent pixels lie on white; 16 bits a channel become 8. The orientation that a
-- camera notes beside the pixels is not applied. Damaged files are refused.
---@param path string
---@return tensor? picture uint8 [height, width] or [height, width, 3]; nil where the file cannot be read
---@return string? message, integer? code
function images.read_image(path)
  expect.path("read_image", path)
  return files.load(path, function(bytes) return files.sound(core.decode_image(bytes)) end)
end

--- Writes a picture as a PNG file.
---@param path string
---@param picture tensor [height, width] or [height, width, 3]: uint8, or floats from 0 (black) to 1
---@return boolean? true nil where the file cannot be written
---@return string? message, integer? code
function images.write_png(path, picture)
  expect.path("write_png", path)
  check_picture("write_png", picture)
  if picture.dtype ~= "uint8" then
    picture = core.no_grad(function() return to_bytes(picture:float() * 255) end)
  end
  local bytes, problem = core.encode_png(picture)
  if not bytes then return nil, ("%s: %s"):format(path, problem) end
  return core.write_file(path, { bytes })
end

--- The brightness of a colour picture: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), rounded for uint8.
---@param picture tensor [height, width, 3]; a grey one [height, width] stays as it is
---@return tensor picture [height, width] of the same type
function images.grey(picture)
  check_picture("grey", picture)
  if picture.rank == 2 then return picture end
  return core.no_grad(function()
    local weights = core.tensor({ 0.299, 0.587, 0.114 }, "float64")
    return in_type_of(picture, (picture:to "float64" * weights):sum(3))
  end)
end

-- The weights [to, from] that resize one axis. Smaller: each new pixel is the average of the area that it covers.
-- Larger: linear between the centres of the old ones, which the borders continue.
local function axis_weights(from, to)
  local rows, ratio = {}, from / to
  for i = 1, to do
    local row = {}
    for k = 1, from do row[k] = 0 end
    if ratio >= 1 then
      local low, high = (i - 1) * ratio, i * ratio
      for k = math.floor(low) + 1, math.min(from, math.ceil(high)) do
        row[k] = math.max(0, math.min(high, k) - math.max(low, k - 1)) / ratio
      end
    else
      local centre = (i - 0.5) * ratio + 0.5
      local left = math.floor(centre)
      local a, b = math.max(1, left), math.min(from, left + 1)
      row[a] = row[a] + 1 - (centre - left)
      row[b] = row[b] + centre - left
    end
    rows[i] = row
  end
  return core.tensor(rows, "float64")
end

-- [from, other, channels] -> [other, to, channels]: done twice, it resizes both axes and leaves them in place.
local function resize_first(values, to)
  local from, other, channels = table.unpack(values.shape)
  local resized = core.matmul(axis_weights(from, to), values:reshape { from, other * channels })
  return resized:reshape({ to, other, channels }):transpose(1, 2):contiguous()
end

--- A picture in another size: averaged over areas where an axis gets shorter, linear where it gets longer.
---@param picture tensor [height, width] or [height, width, 3]
---@param height integer
---@param width integer
---@return tensor picture of the same type; uint8 is rounded
function images.resize(picture, height, width)
  check_picture("resize", picture)
  height = expect.count("resize: height", height, 1, 65535)
  width = expect.count("resize: width", width, 1, 65535)
  return core.no_grad(function()
    local from_height, from_width, channels = table.unpack(picture.shape)
    local values = picture:to("float64"):reshape { from_height, from_width, channels or 1 }
    values = resize_first(resize_first(values, height), width)
    return in_type_of(picture, values:reshape { height, width, channels })
  end)
end

-- ---- folders ----

local function join(directory, name) return (directory:gsub("/$", "")) .. "/" .. name end

-- Sorted names in a directory that `wanted` accepts.
local function names_in(path, wanted)
  local list = {}
  for _, name in ipairs(files.sound(core.list_directory(path))) do
    if wanted(join(path, name), name) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function is_picture(_, name) return ENDINGS[(name:match "%.(%w+)$" or ""):lower()] ~= nil end

-- Appends the pictures of one class, in the form that the options ask for.
local function read_class(path, label, options, pictures, labels)
  for _, name in ipairs(names_in(path, is_picture)) do
    local picture = files.sound(images.read_image(join(path, name)))
    if options.grey then picture = images.grey(picture) end
    if options.height then picture = images.resize(picture, options.height, options.width) end
    local first = pictures[1] or picture
    if not is.same_shape(first.shape, picture.shape) then
      files.fault("%s: is a picture %s, but the first one is %s; give { height = , width = } to resize all, "
        .. "{ grey = true } to drop the colours", join(path, name), say.shape(picture.shape),
        say.shape(first.shape))
    end
    pictures[#pictures + 1], labels[#labels + 1] = picture, label
  end
end

local function read_classes(path, options)
  local classes, pictures, labels, bytes = names_in(path, core.is_directory), {}, {}, {}
  for label, name in ipairs(classes) do read_class(join(path, name), label, options, pictures, labels) end
  if #pictures == 0 then
    files.fault("%s: holds no folder with PNG or JPEG files; expected one for each class", path)
  end
  for i, picture in ipairs(pictures) do bytes[i] = picture:bytes() end
  return dataset.new {
    x = core.from_bytes(table.concat(bytes), { #pictures, table.unpack(pictures[1].shape) }, "uint8"),
    y = core.tensor(labels, "int32"), classes = classes, scale = 1 / 255, source = path,
    name = path:match "[^/]+/*$",
  }
end

--- A data set from a folder that has one folder of PNG and JPEG files for each class. Classes and files come in the
-- order of their names, other files are left out; batches are floats from 0 to 1.
---@param path string
---@param options? table height, width: all pictures are resized to that, else they must be of one size; grey:
--- true drops colours
---@return data.Dataset? set x: uint8 [count, height, width] or [count, height, width, 3]; y: int32 from 1;
--- classes: the names of the folders. nil where a file cannot be read or does not fit
---@return string? message, integer? code
function images.read_images(path, options)
  expect.path("read_images", path)
  options = expect.options("read_images", options, { "height", "width", "grey" })
  if (options.height == nil) ~= (options.width == nil) then
    core.raise "read_images: expected both height and width, or neither"
  end
  if options.height then
    expect.count("read_images: height", options.height, 1, 65535)
    expect.count("read_images: width", options.width, 1, 65535)
  end
  return files.attempt("", read_classes, path, options)
end

return images
