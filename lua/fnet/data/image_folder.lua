--- Folders of pictures as data sets: one folder of PNG and JPEG files for each class.
-- Invariant: memory is taken for the result and for little more: each picture goes straight to its place.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local dataset = require "fnet.data.dataset"
local images = require "fnet.data.images"
local files = require "fnet.files"

local OPTIONS = { "height", "width", "grey", "colour", "classes", "like", "skip", "background", "gamma",
  "orientation" }
local ENDINGS = { png = true, jpg = true, jpeg = true, jpe = true, jfif = true }

-- ---- options ----

local function check_classes(classes)
  if classes == nil then return end
  local fits, known = type(classes) == "table" and core.length(classes) > 0, {}
  for _, name in ipairs(fits and expect.list("read_images: classes", classes) or {}) do
    fits = fits and type(name) == "string"
    if known[name] then core.raise("read_images: classes: has '%s' twice", name) end
    known[name] = true
  end
  expect.that(fits, "read_images: classes", "a list of names", classes)
end

-- The options that make pictures as those of another data set are.
local function as_in(set, options)
  local x = type(set) == "table" and (set.whole or set).x -- of the whole: a part would copy its samples
  local fits = core.is_tensor(x) and x.dtype == "uint8" and set.classes ~= nil
    and (x.rank == 3 or x.rank == 4 and x.shape[4] == 3)
  expect.that(fits, "read_images: like", "a data set from read_images", set)
  for _, name in ipairs { "height", "width", "grey", "colour", "classes" } do
    if options[name] ~= nil then
      core.raise("read_images: expected like or %s, not both: %s is that of the data set", name, name)
    end
  end
  local shape = x.shape
  return { height = shape[2], width = shape[3], grey = #shape == 3, colour = #shape == 4, classes = set.classes }
end

local function read_options(options)
  options = expect.options("read_images", options, OPTIONS, { "grey", "colour", "skip", "gamma", "orientation" })
  if (options.height == nil) ~= (options.width == nil) then
    core.raise "read_images: expected both height and width, or neither"
  end
  if options.height then
    expect.count("read_images: height", options.height, 1, 65535)
    expect.count("read_images: width", options.width, 1, 65535)
  end
  if options.grey and options.colour then core.raise "read_images: expected grey or colour, not both" end
  check_classes(options.classes)
  local form = options.like == nil and options or as_in(options.like, options)
  return { height = form.height, width = form.width, grey = form.grey, colour = form.colour,
    classes = form.classes, scale = options.like and options.like.scale or 1 / 255, skip = options.skip,
    decoding = images.decoding("read_images", options) }
end

-- ---- files ----

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

-- The paths of all pictures with their labels, and the names of the classes: the given ones, else those of the
-- folders.
local function find(path, classes)
  local folders = names_in(path, core.is_directory)
  classes = classes or folders
  local label_of, found = {}, {}
  for label, name in ipairs(classes) do label_of[name] = label end
  for _, folder in ipairs(folders) do
    for _, name in ipairs(names_in(join(path, folder), is_picture)) do
      if not label_of[folder] then
        files.fault("%s: holds pictures, but there is no class of that name%s; known are %s", join(path, folder),
          naming.hint(folder, classes), table.concat(classes, ", "))
      end
      found[#found + 1] = { path = join(join(path, folder), name), label = label_of[folder] }
    end
  end
  if #found == 0 then
    files.fault("%s: holds no folder with PNG or JPEG files; expected one for each class", path)
  end
  return found, classes
end

-- ---- pictures ----

-- The memory of the old one serves the next picture.
local function replaced(old, new)
  if new ~= old then old:release() end
  return new
end

local function read_picture(input, form)
  local picture = images.decode(input, form.decoding)
  if form.grey then picture = replaced(picture, images.grey(picture)) end
  if form.height then picture = replaced(picture, images.resize(picture, form.height, form.width)) end
  return form.colour and replaced(picture, images.colour(picture)) or picture
end

local function check_shape(x, picture, path)
  local shape = { table.unpack(x.shape, 2) }
  if is.same_shape(shape, picture.shape) then return end
  files.fault("%s: is a picture %s, but the first one is %s; { height = , width = } resizes all, { grey = true } "
    .. "drops the colours, { colour = true } gives all of them three channels", path, say.shape(picture.shape),
    say.shape(shape))
end

-- KiB that all of Lua may take before the collector is called. The memory of one picture serves the next only where
-- their sizes are the same; left alone, the collector waits until what was dropped is as large as what is kept.
local function memory_most() return collectgarbage "count" * 1.03 + (4 << 10) end

-- x: one row a picture; labels; and what was skipped.
local function read_all(path, found, form)
  local x, labels, skipped, most = nil, {}, {}, nil
  for _, file in ipairs(found) do
    local picture, message, code = files.open(file.path, read_picture, form)
    if picture then
      if not x then
        x = core.full({ #found, table.unpack(picture.shape) }, 0, "uint8", path)
        most = memory_most()
      end
      check_shape(x, picture, file.path)
      labels[#labels + 1] = file.label
      x[#labels]:copy(picture)
      picture:release()
    elseif form.skip and code ~= files.NO_MEMORY then
      skipped[#skipped + 1] = message
    else
      files.sound(nil, message, code)
    end
    if most and collectgarbage "count" > most then
      collectgarbage()
      most = memory_most()
    end
  end
  if #labels == 0 then
    files.fault("%s: none of its %d pictures can be read: %s", path, #found, skipped[1])
  end
  return x:slice(1, 1, #labels), labels, skipped
end

local function read_folder(path, form)
  local found, classes = find(path, form.classes)
  local x, labels, skipped = read_all(path, found, form)
  local set = dataset.new {
    x = x, y = core.tensor(labels, "int32"), classes = classes, scale = form.scale, source = path,
    name = path:match "[^/]+/*$",
  }
  return set, form.skip and skipped or nil
end

--- A data set from a folder that has one folder of PNG and JPEG files for each class, as read_image reads them.
-- Classes and files come in the order of their names, other files are left out; batches are floats from 0 to 1.
---@param path string
---@param options? table height, width: integer, all pictures are resized to that, else they must be of one size;
--- grey: true drops colours; colour: true gives grey pictures three channels. classes: string[], the names of the
--- classes in the order of their labels, by default the sorted names of the folders; a folder with pictures that is
--- none of them is refused, one that is missing is not. like: data.Dataset, one from read_images, usually the
--- training data, whose classes, size and colours are taken over. skip: true leaves out files that cannot be read,
--- and gives the list of what was wrong with them. background, gamma, orientation: as for read_image
---@return data.Dataset? set x: uint8 [count, height, width] or [count, height, width, 3]; y: int32 from 1;
--- classes: their names. nil where a file cannot be read or does not fit
---@return string|string[]|nil message why not; with skip: what was skipped, one message with its path each
---@return integer? code
return function(path, options)
  expect.path("read_images", path)
  return files.attempt("", read_folder, path, read_options(options))
end
