--- Fashion-MNIST: finds the four IDX files, reads them, and checks that they belong together.
-- Invariant: what it returns holds pictures of 28 x 28 bytes and exactly one label, 1 to 10, for each.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local dataset = require "fnet.data.dataset"

local PACKAGE_DIRECTORY = "/usr/share/datasets/fashion-mnist" -- Debian's dataset-fashion-mnist
local CLASSES = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
}
local FILES = {
  "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}
local NO_ENTRY, NO_DIRECTORY = 2, 20 -- errno for a missing file, and for a path through something else

local function raise(format, ...) return core.raise("fashion_mnist: " .. format, ...) end

-- A file that is there but cannot be opened counts as found, so that the reader reports why.
local function exists(path)
  local file, _, code = io.open(path, "rb")
  if file then file:close() end
  return code ~= NO_ENTRY and code ~= NO_DIRECTORY
end

-- The path of each file that is there, and the names of those that are not.
local function locate(directory)
  local paths, missing = {}, {}
  for _, name in ipairs(FILES) do
    local plain = directory:gsub("/$", "") .. "/" .. name
    paths[name] = exists(plain .. ".gz") and plain .. ".gz" or exists(plain) and plain or nil
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
  local tensor, message = core.read_idx(path, options)
  return tensor or raise("%s", message)
end

local function load_part(paths, prefix, directory)
  local image_path, label_path = paths[prefix .. "-images-idx3-ubyte"], paths[prefix .. "-labels-idx1-ubyte"]
  local x = read(image_path)
  local shape = x.shape
  if x.dtype ~= "uint8" or #shape ~= 3 or shape[2] ~= 28 or shape[3] ~= 28 then
    raise("%s: expected pictures [count, 28, 28] of uint8, got %s of %s", image_path, say.shape(shape), x.dtype)
  end
  local y = read(label_path, { labels = #CLASSES })
  if #x ~= #y then raise("%s holds %d pictures, but %s %d labels", image_path, #x, label_path, #y) end
  return dataset.new {
    x = x, y = y, classes = CLASSES, scale = 1 / 255, source = directory, name = "Fashion-MNIST",
  }
end

--- Loads Fashion-MNIST: 60,000 training and 10,000 test pictures of clothes in ten classes.
-- The files, plain or .gz, are taken from options.dir; else from the directory in $FNET_DATA; else from the
-- first of these that holds all four: data/ beside the running script, data/ beside the directory of that
-- script, ./data, and where Debian's package dataset-fashion-mnist puts them. The source of the data sets
-- says which it was.
-- Raises an error when a named directory lacks a file, when no directory holds them (the error lists where it
-- looked), and when a file is damaged or does not fit the others.
---@param options? { dir?: string }  dir: the directory that holds the four files
---@return data.Dataset train  x: uint8 [60000, 28, 28], batches in [0, 1]; y: int32 [60000], 1 to 10
---@return data.Dataset test   the same with 10000 rows
local function fashion_mnist(options)
  options = expect.options("fashion_mnist", options, { "dir" })
  local directory, environment = options.dir, os.getenv("FNET_DATA")
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
  return load_part(paths, "train", source), load_part(paths, "t10k", source)
end

return fashion_mnist
