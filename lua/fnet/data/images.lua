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
  if not core.is_tensor(picture) or picture.rank ~= 2 and not (picture.rank == 3 and picture.shape[3] == 3)
    or picture:count() == 0 then
    core.raise(("%s: expected a picture [height, width] or [height, width, 3], got %s"):format(what,
      say.value(picture)))
  end
end

--- Reads a PNG or JPEG picture. Transparent pixels lie on white; 16 bits a channel become 8. The orientation that a
-- camera notes beside the pixels is not applied. Damaged files are refused.
---@param path string
---@return tensor? picture uint8 [height, width] or [height, width, 3]; nil where the file cannot be read
---@return string? message, integer? code
function images.read_image(path)
  expect.path("read_image", path)
  local bytes, message, code = files.read(path)
  if not bytes then return nil, message, code end
  local picture, problem = core.decode_image(bytes)
  if not picture then return nil, ("%s: %s"):format(path, problem) end
  return picture
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
    picture = core.no_grad(function() return (picture:float() * 255 + 0.5):clamp(0, 255):byte() end)
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
    local bright = (picture:to "float64" * weights):sum(3)
    if picture.dtype == "uint8" then return (bright + 0.5):clamp(0, 255):byte() end
    return bright:to(picture.dtype)
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
    local shape = picture.shape
    local down = axis_weights(shape[1], height)
    local across = axis_weights(shape[2], width):transpose()
    local channels = {}
    for c = 1, shape[3] or 1 do
      local plane = shape[3] and picture:select(3, c) or picture
      channels[c] = core.matmul(core.matmul(down, plane:to "float64"), across):reshape { height, width, 1 }
    end
    local whole = channels[1]
    for c = 2, #channels do whole = core.concat2(whole, channels[c], 3) end
    if not shape[3] then whole = whole:reshape { height, width } end
    if picture.dtype == "uint8" then return (whole + 0.5):clamp(0, 255):byte() end
    return whole:to(picture.dtype)
  end)
end

-- ---- folders ----

local function join(directory, name) return (directory:gsub("/$", "")) .. "/" .. name end

-- Sorted names in a directory that `wanted` accepts.
local function names_in(path, wanted)
  local names, message, code = core.list_directory(path)
  if not names then return nil, message, code end
  local list = {}
  for _, name in ipairs(names) do
    if wanted(join(path, name), name) then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function is_picture(_, name) return ENDINGS[(name:match "%.(%w+)$" or ""):lower()] ~= nil end

-- The picture in the form that the options ask for.
local function prepare(picture, options)
  if options.grey then picture = images.grey(picture) end
  if options.height then picture = images.resize(picture, options.height, options.width) end
  return picture
end

-- Appends the pictures of one class; nil and the reason where one does not fit.
local function read_class(path, label, options, pictures, labels)
  local names, message, code = names_in(path, is_picture)
  if not names then return nil, message, code end
  for _, name in ipairs(names) do
    local picture
    picture, message, code = images.read_image(join(path, name))
    if not picture then return nil, message, code end
    picture = prepare(picture, options)
    local first = pictures[1]
    if first and not is.same_shape(first.shape, picture.shape) then
      return nil, ("%s: is a picture %s, but the first one is %s; give { height = , width = } to resize all, "
        .. "{ grey = true } to drop the colours"):format(join(path, name), say.shape(picture.shape),
        say.shape(first.shape))
    end
    pictures[#pictures + 1], labels[#labels + 1] = picture, label
  end
  return true
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
  local classes, message, code = names_in(path, core.is_directory)
  if not classes then return nil, message, code end
  local pictures, labels = {}, {}
  for label, name in ipairs(classes) do
    local fine
    fine, message, code = read_class(join(path, name), label, options, pictures, labels)
    if not fine then return nil, message, code end
  end
  if #pictures == 0 then
    return nil, path .. ": holds no folder with PNG or JPEG files; expected one for each class"
  end
  local shape = pictures[1].shape
  local bytes = {}
  for i, picture in ipairs(pictures) do bytes[i] = picture:bytes() end
  return dataset.new {
    x = core.from_bytes(table.concat(bytes), { #pictures, table.unpack(shape) }, "uint8"),
    y = core.tensor(labels, "int32"), classes = classes, scale = 1 / 255, source = path,
    name = path:match "[^/]+/*$",
  }
end

return images
