--- data: data sets and their batches.

local core = require "fnet.core"
local dataset = require "fnet.data.dataset"
local later = require "fnet.base.later"
local transforms = require "fnet.data.transforms"

local data = {
  Dataset = dataset.new,
  fashion_mnist = require "fnet.data.fashion",
  standardise = require "fnet.data.standardise",
  --- Reads an IDX file, plain or gzip-compressed.
  ---@param path string
  ---@param options? table limit: bytes of elements, 4 GiB; labels: number of classes, for labels from 1
  ---@return tensor? tensor nil where the file cannot be read or is damaged
  ---@return string? message, integer? code
  read_idx = function(path, options) return core.read_idx(path, options) end,
}
for name, f in pairs(transforms) do data[name] = f end

return later.names("fnet.data", data, {
  ["fnet.data.table"] = "read_csv",
  ["fnet.data.open"] = { "open_npy", "open_idx" },
  ["fnet.files.npy"] = { "read_npy", "write_npy", "read_npz", "write_npz" },
  ["fnet.data.images"] = { "read_image", "write_png", "grey", "colour", "resize" },
  ["fnet.data.image_folder"] = "read_images",
}, {
  DataLoader = "a data set gives its batches: for x, y in set:batches { size = 32, shuffle = true } do",
  TensorDataset = "Dataset", ImageFolder = "read_images", image_dataset_from_directory = "read_images",
  imread = "read_image", imwrite = "write_png", kfold = "it is a method: for train, valid in set:folds(5) do",
  KFold = "it is a method: for train, valid in set:folds(5) do",
  memmap = "open_npy", mmap_mode = "open_npy", split = "it is a method: local train, valid = set:split(0.8)",
  random_split = "it is a method: local train, valid = set:split(0.8)",
  train_test_split = "it is a method: local train, valid = set:split(0.8)",
})
