--- fnet.data: data sets and their batches.

local check = require "fnet.check"
local core = require "fnet.core"
local dataset = require "fnet.data.dataset"
local images = require "fnet.data.images"
local npy = require "fnet.data.npy"
local transforms = require "fnet.data.transforms"

local data = {
  Dataset = dataset.new,
  fashion_mnist = require "fnet.data.fashion",
  read_csv = require "fnet.data.table",
  standardise = require "fnet.data.standardise",
  read_npy = npy.read_npy, write_npy = npy.write_npy, read_npz = npy.read_npz, write_npz = npy.write_npz,
  --- Reads an IDX file, plain or gzip-compressed.
  ---@param path string
  ---@param options? table limit: bytes of elements, 4 GiB; labels: number of classes, for labels from 1
  ---@return tensor? tensor nil where the file cannot be read or is damaged
  ---@return string? message, integer? code
  read_idx = function(path, options) return core.read_idx(path, options) end,
}
for _, part in ipairs { transforms.public, images } do
  for name, f in pairs(part) do data[name] = f end
end

return check.named("fnet.data", data)
