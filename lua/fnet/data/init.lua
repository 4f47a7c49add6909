--- data: data sets and their batches.

local dataset = require "fnet.data.dataset"
local later = require "fnet.base.later"
local transforms = require "fnet.data.transforms"

local data = {
  Dataset = dataset.new,
  fashion_mnist = require "fnet.data.fashion",
  standardise = require "fnet.data.standardise",
}
for name, f in pairs(transforms) do data[name] = f end

local SHEETS = "data.read_csv reads tables as text, such as CSV"
local PICTURES = "data.read_images reads a folder of pictures, one folder a class"

return later.names("fnet.data", data, {
  ["fnet.data.table"] = "read_csv",
  ["fnet.data.open"] = { "open_npy", "open_idx" },
  ["fnet.files.idx"] = { "read_idx" },
  ["fnet.files.npy"] = { "read_npy", "write_npy", "read_npz", "write_npz" },
  ["fnet.data.images"] = { "read_image", "write_png", "grey", "colour", "resize" },
  ["fnet.data.image_folder"] = "read_images",
  ["fnet.data.windows"] = "windows", ["fnet.data.sequences"] = { "sequences", "mask" },
  ["fnet.data.vocabulary"] = { "vocabulary", "read_vocabulary" },
}, {
  CIFAR10 = PICTURES, MNIST = "data.read_idx reads the files of MNIST",
  Compose = "transforms", ConcatDataset = "fnet.concat { a.x, b.x } joins their tensors",
  LabelEncoder = "read_csv takes categorical = { ... }", MinMaxScaler = "normalise",
  OneHotEncoder = "read_csv takes one_hot = { ... }", RandomSampler = "set:batches { size = 32, shuffle = true }",
  StandardScaler = "standardise", StratifiedKFold = "it is a method: for train, valid in set:folds(5) do",
  Subset = "it is a method: set:slice(first, last)",
  ToTensor = "data.Dataset { x = pictures, y = labels, scale = 1 / 255 } gives floats from 0 to 1",
  genfromtxt = "read_csv", loadtxt = "read_csv", load = "data.read_npy, data.read_npz, fnet.read_tensors",
  pack_padded_sequence = "recurrent layers take lengths: lstm(x, nil, lengths)",
  read_excel = SHEETS, read_parquet = SHEETS, read_table = "read_csv", save = "write_npy",
  savetxt = "write_npy", savez = "write_npz",
  DataLoader = "a data set gives its batches: for x, y in set:batches { size = 32, shuffle = true } do",
  TensorDataset = "Dataset", ImageFolder = "read_images", image_dataset_from_directory = "read_images",
  imread = "read_image", imwrite = "write_png", kfold = "it is a method: for train, valid in set:folds(5) do",
  KFold = "it is a method: for train, valid in set:folds(5) do",
  memmap = "open_npy", mmap_mode = "open_npy", split = "it is a method: local train, valid = set:split(0.8)",
  Tokenizer = "vocabulary", TextVectorization = "vocabulary", build_vocab_from_iterator = "vocabulary",
  pad_sequence = "sequences", pad_sequences = "sequences", collate_fn = "sequences",
  timeseries_dataset_from_array = "windows",
  WeightedRandomSampler = "batches takes weights: for x, y in set:batches { size = 32, weights = list } do",
  class_weight = "batches { balanced = true } draws all classes equally often; cross_entropy has weights, too",
  random_split = "it is a method: local train, valid = set:split(0.8)",
  train_test_split = "it is a method: local train, valid = set:split(0.8)",
})
