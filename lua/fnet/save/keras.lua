--- Weights as Keras saves them by itself: .weights.h5 and .h5 (HDF5), and .keras, a zip archive with such a file
-- and the description of the layers.

local files = require "fnet.files"
local hdf5 = require "fnet.files.hdf5"
local json = require "fnet.files.json"
local kinds = require "fnet.files.kinds"
local zip = require "fnet.files.zip"

local keras = {}

local CONFIG_MOST = 8 << 20 -- bytes; its JSON takes many times that
local PIECE = 1 << 20
local WEIGHTS, CONFIG = "model.weights.h5", "config.json"

-- Reads a member to its end, for its checksum; its text where it is to be kept.
local function read_member(input, member, keeps)
  return files.sound(files.attempt(("'%s' "):format(member.name), zip.content, input, member, CONFIG_MOST,
    function(content, size)
      if keeps then return files.sound(content:bytes(size)) end
      for at = 0, size - 1, PIECE do files.sound(content:bytes(math.min(PIECE, size - at))) end
      return true
    end))
end

-- Where the weights lie in an archive, how many bytes they have, and, where it is read and not only described, the
-- description of the layers. Keras stores the weights as they are.
local function look_into_archive(input, reads)
  local members = {}
  for _, member in ipairs(zip.members(input)) do members[member.name] = member end
  local weights, config = members[WEIGHTS], members[CONFIG]
  if not weights or weights.size ~= weights.packed then
    files.fault("is a .keras archive without '%s' as Keras stores it; %s", WEIGHTS, kinds.KERAS_WAY)
  end
  if not reads then return zip.locate(input, weights), weights.size end
  read_member(input, weights)
  return zip.locate(input, weights), weights.size, config and read_member(input, config, true)
end

-- The datasets, as hdf5.datasets gives them; and of a .keras archive its description of the layers, JSON.
local function read_datasets(input, wanted)
  files.sound(input:part("plain", 0))
  local is_archive = files.sound(input:bytes(2)) == "PK"
  local first, size, config = 0, input:size(), nil
  if not size then files.fault "is no ordinary file, whose parts can be read in any order" end
  if is_archive then first, size, config = look_into_archive(input, wanted ~= nil) end
  return hdf5.datasets(input, first, size, wanted), config
end

--- What a file of Keras holds, without its elements.
---@param path string .h5 or .keras
---@return { name: string, type: string, shape: integer[] }[]? datasets nil where it cannot be read or is damaged
---@return string? message
---@return integer? code
function keras.describe(path) return files.open(path, function(input) return (read_datasets(input)) end) end

-- "BatchNormalization" as "batch_normalization".
local function snake_case(name)
  return (name:gsub("(%u+)(%u%l)", "%1_%2"):gsub("([%l%d])(%u)", "%1_%2"):lower())
end

-- Adds the epsilons of a model's layers by the names that Keras gives these in the file: the class, and from the
-- second one on a number.
local function add_epsilons(config, path, list)
  local layers = type(config) == "table" and type(config.config) == "table" and config.config.layers
  local counts = {}
  for _, layer in ipairs(type(layers) == "table" and layers or {}) do
    if type(layer) ~= "table" or type(layer.class_name) ~= "string" then return end
    local name = snake_case(layer.class_name)
    local count = counts[name] or 0
    counts[name] = count + 1
    name = ("%slayers/%s%s"):format(path, name, count > 0 and "_" .. count or "")
    local epsilon = type(layer.config) == "table" and layer.config.epsilon
    if type(epsilon) == "number" and epsilon >= 0 and epsilon <= 1 then list[name] = epsilon end
    add_epsilons(layer, name .. "/", list)
  end
end

--- Reads the weights.
---@param path string
---@param wanted fun(name: string): boolean which tensors
---@return table<string, tensor>? tensors nil where the file cannot be read
---@return table<string, number>|string epsilons by layer, of a .keras archive; or the message
---@return integer? code
function keras.read(path, wanted)
  local epsilons = {}
  local tensors, message, code = files.open(path, function(input)
    local datasets, config = read_datasets(input, wanted)
    local result = {}
    for _, dataset in ipairs(datasets) do result[dataset.name] = dataset.tensor end
    if config then add_epsilons(json.decode(config, 256), "", epsilons) end
    return result
  end)
  if not tensors then return nil, message, code end
  return tensors, epsilons
end

return keras
