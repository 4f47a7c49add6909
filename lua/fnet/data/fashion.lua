--- Fashion-MNIST, and data sets in the same four IDX files, such as MNIST: finds the files, reads them, and checks
-- that they belong together.
-- Invariant: what it returns holds pictures of 28 x 28 bytes and exactly one label for each, which has a name.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local dataset = require "fnet.data.dataset"
local read_idx = require("fnet.files.idx").read_idx

local PACKAGE_DIRECTORY = "/usr/share/datasets/fashion-mnist" -- Debian's dataset-fashion-mnist
local CLASSES = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
}
-- MNIST, which comes in files of the same names, is known by its first labels.
local DIGITS = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }
local MNIST = { train = { 5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5 }, t10k = { 7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6 } }
local FILES = {
  "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}
local NO_ENTRY, NO_DIRECTORY = 2, 20 -- errno for a missing file, and for a path through something else

local function raise(format, ...) return core.raise("fashion_mnist: " .. format, ...) end

-- A file that is there but cannot be opened counts as found, so that the reader reports why.
local function exists(path)
  local _ <close>, _, code = core.open_input(path)
  return code ~= NO_ENTRY and code ~= NO_DIRECTORY
end

-- The path of each file that is there, and the names of those that are not. Some programs unpack the files as
-- train-images.idx3-ubyte.
local function locate(directory)
  local paths, missing = {}, {}
  for _, name in ipairs(FILES) do
    local plain = directory:gsub("/$", "") .. "/" .. name
    local dotted = plain:gsub("%-(idx%d%-ubyte)$", ".%1")
    for _, path in ipairs { dotted, dotted .. ".gz", plain, plain .. ".gz" } do
      if exists(path) then paths[name] = path end
    end
    if not paths[name] then missing[#missing + 1] = name .. ".gz" end
  end
  return paths, missing
end

-- The directory that holds the given file or directory; "" is the root.
local function parent(path)
  if path == "" then return "" end
  if path == "." then return ".." end
  if path:find("%.%.$") then return path .. "/.." end
  return path:match("^(.*)/[^/]*$") or "."
end

-- Looks where the files may be when nobody says where, at each place once.
local function find_anywhere()
  local script = type(arg) == "table" and type(arg[0]) == "string" and arg[0] or "./"
  local beside = parent(script)
  local package_directory = os.getenv("FNET_DATASET_DIR") or PACKAGE_DIRECTORY
  local looked, known = {}, {}
  for _, place in ipairs { beside .. "/data", parent(beside) .. "/data", "data", package_directory } do
    place = place:gsub("^%./", "")
    if not known[place] then
      known[place] = true
      local paths, missing = locate(place)
      if #missing == 0 then return paths, place end
      local lacks = #missing == #FILES and "all four files" or table.concat(missing, ", ")
      looked[#looked + 1] = ("  %s lacks %s"):format(place, lacks)
    end
  end
  return raise("no directory holds the data set:\n%s\n"
    .. "Run `make data`, or name the directory in { dir = ... } or in $FNET_DATA", table.concat(looked, "\n"))
end

-- A directory that somebody named is the only one that counts.
local function find_named(directory, origin)
  local paths, missing = locate(directory)
  if #missing == 0 then return paths, directory end
  return raise("%s (named by %s) lacks %s; fetch the files with `make data`, or name another directory",
    directory, origin, table.concat(missing, ", "))
end

local function read(path, options)
  local tensor, message = read_idx(path, options)
  return tensor or raise("%s", message)
end

local function begins_with(labels, first)
  if #labels < #first then return false end
  for i, digit in ipairs(first) do
    if labels[i] ~= digit + 1 then return false end
  end
  return true
end

local function load_part(paths, prefix, directory, classes)
  local image_path, label_path = paths[prefix .. "-images-idx3-ubyte"], paths[prefix .. "-labels-idx1-ubyte"]
  local x = read(image_path)
  local shape = x.shape
  if x.dtype ~= "uint8" or #shape ~= 3 or shape[2] ~= 28 or shape[3] ~= 28 then
    raise("%s: expected pictures [count, 28, 28] of uint8, got %s of %s", image_path, say.shape(shape), x.dtype)
  end
  local y = read(label_path, { labels = #(classes or CLASSES) })
  if #x ~= #y then raise("%s holds %d pictures, but %s %d labels", image_path, #x, label_path, #y) end
  local name = "Fashion-MNIST"
  if classes then name = nil
  elseif begins_with(y, MNIST[prefix]) then classes, name = DIGITS, "MNIST" end
  return dataset.new {
    x = x, y = y, classes = classes or CLASSES, scale = 1 / 255, source = directory, name = name,
  }
end

--- Loads Fashion-MNIST: 60,000 training and 10,000 test pictures of clothes in ten classes.
-- The files, plain or .gz, are taken from options.dir; else from the directory in $FNET_DATA; else from the
-- first of these that holds all four: data/ beside the running script, data/ beside the directory of that
-- script, ./data, and where Debian's package dataset-fashion-mnist puts them. The source of the data sets
-- says which it was. Of MNIST, which has files of the same names, the classes are "0" to "9".
-- Raises an error when a named directory lacks a file, when no directory holds them (the error lists where it
-- looked), and when a file is damaged or does not fit the others.
---@param options? table dir: string, the directory that holds the four files; classes: string[], the names of the
--- classes, for another data set in such files
---@return data.Dataset train  x: uint8 [60000, 28, 28], batches in [0, 1]; y: int32 [60000], 1 to 10
---@return data.Dataset test   the same with 10000 rows
local function fashion_mnist(options)
  options = expect.options("fashion_mnist", options, { "dir", "classes" })
  local directory, environment, classes = options.dir, os.getenv("FNET_DATA"), options.classes
  if classes ~= nil and (type(classes) ~= "table" or #classes == 0) then
    raise("classes: expected a list of names, got %s", say.value(classes))
  end
  if directory ~= nil and type(directory) ~= "string" then
    raise("dir: expected the path of a directory, got %s", type(directory))
  end
  local paths, source
  if directory then
    paths, source = find_named(directory, "dir")
  elseif environment and environment ~= "" then
    paths, source = find_named(environment, "$FNET_DATA")
  else
    paths, source = find_anywhere()
  end
  return load_part(paths, "train", source, classes), load_part(paths, "t10k", source, classes)
end

return fashion_mnist
