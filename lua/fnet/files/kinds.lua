--- What a file is, by its first bytes: for messages where another file was expected. Nothing is promised of the
-- rest of the file.

local files = require "fnet.files"

local kinds = {}

--- So many bytes tell every kind.
kinds.LEAD = 512

local TEXT_CONTROLS = "[%z\1-\8\11\14-\31\127]" -- no text has one of these

local PYTORCH_WAY = 'in Python, where the model is: safetensors.torch.save_file(model.state_dict(), '
  .. '"model.safetensors")'
local PICKLE_WAY = "reading it would run what is in it. " .. PYTORCH_WAY:gsub("^i", "I")
--- How whoever has a model in Keras gets its weights to fnet.
kinds.KERAS_WAY = "in Python, where the model is: safetensors.numpy.save_file({w.path: w.numpy() for w in "
  .. 'model.weights}, "model.safetensors")'
local ORIGINAL_WAY = "take the safetensors files of the original model"
local PICTURE_WAY = "save it as PNG or JPEG"
local SOUND_WAY = 'in Python: numpy.save("sound.npy", scipy.io.wavfile.read("sound.wav")[1])'
local TABLE_WAY = "export the table as CSV"
local MATLAB_WAY = 'in Python: numpy.savez("arrays.npz", **scipy.io.loadmat("file.mat"))'
local FRAME_WAY = 'in Python: pandas.read_%s("table.%s").to_csv("table.csv", index=False)'
local TENSORS, TENSORS_READER = "a safetensors file", "fnet.read_tensors or model:load_foreign"

-- By the beginning: { pattern, what it is, reader } or { pattern, what it is, nil, way out }; the first one counts.
local BEGINNINGS = {
  -- The length of a safetensors header, 2 to 84 million, and its first letter.
  { '^...[%z-\4]%z%z%z%z{"__metadata__":{"fnet%.architecture"', "a model of fnet's", "fnet.load",
    key = "safetensors" },
  { '^...[%z-\4]%z%z%z%z{"__metadata__":{"fnet%.checkpoint"', "a checkpoint of fnet's", "fnet.checkpoint",
    key = "safetensors" },
  { "^[^%z\1]..[%z-\4]%z%z%z%z{", TENSORS, TENSORS_READER, key = "safetensors" },
  { "^.[^%z].[%z-\4]%z%z%z%z{", TENSORS, TENSORS_READER, key = "safetensors" },
  { "^\x93NUMPY", "a .npy file of NumPy's", "fnet.data.read_npy", key = "npy" },
  { "^\x89PNG\r\n\x1a\n", "a PNG picture", "fnet.data.read_image", key = "picture" },
  { "^\xff\xd8\xff", "a JPEG picture", "fnet.data.read_image", key = "picture" },
  { "^\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes it (.h5)", "model:load_foreign", key = "keras" },
  { "^\x80[\2-\5]", "a Python pickle, as PyTorch and scikit-learn write it", nil, PICKLE_WAY },
  { "^GGUF", "a GGUF file of llama.cpp's", nil, ORIGINAL_WAY },
  { "^gg[mj][lt]", "a GGML file of llama.cpp's", nil, ORIGINAL_WAY },
  { "^lmgg", "a GGML file of llama.cpp's", nil, ORIGINAL_WAY },
  { "^....TFL3", "a TensorFlow Lite model", nil, kinds.KERAS_WAY },
  { "^\8\1\x12", "a SavedModel of TensorFlow's", nil, kinds.KERAS_WAY },
  { "^\8[\2-\x20][\x12\x1a\x22\x28\x32\x3a\x42]", "an ONNX model", "fnet.load_onnx", key = "onnx" },
  { "^MATLAB ", "a MATLAB file", nil, MATLAB_WAY },
  { "^PAR1", "a Parquet table", nil, FRAME_WAY:format("parquet", "parquet") },
  { "^ARROW1", "an Arrow table", nil, FRAME_WAY:format("feather", "feather") },
  { "^\xd0\xcf\x11\xe0", "a document of Microsoft Office's", nil, TABLE_WAY },
  { "^SQLite format 3%z", "an SQLite database", nil, TABLE_WAY },
  { "^GIF8", "a GIF picture", nil, PICTURE_WAY },
  { "^BM....%z%z%z%z", "a BMP picture", nil, PICTURE_WAY },
  { "^RIFF....WEBP", "a WebP picture", nil, PICTURE_WAY },
  { "^RIFF....WAVE", "a WAV recording", nil, SOUND_WAY },
  { "^II%*%z", "a TIFF picture", nil, PICTURE_WAY },
  { "^MM%z%*", "a TIFF picture", nil, PICTURE_WAY },
  { "^....ftyp[ahm][ve][ifa]", "an AVIF or HEIC picture", nil, PICTURE_WAY },
  { "^%%PDF", "a PDF document" },
  { "^%z%z[\8\9\11-\14][\1-\8]", "an IDX file", "fnet.data.read_idx", key = "idx" },
  { "^\x1f\x8b", "compressed by gzip, as IDX files are", "fnet.data.read_idx", key = "gzip" },
  { "^BZh", "compressed by bzip2", nil, "unpack it: bunzip2" },
  { "^\xfd7zXZ", "compressed by xz", nil, "unpack it: unxz" },
  { "^%(\xb5/\xfd", "compressed by Zstandard", nil, "unpack it: unzstd" },
  { "^7z\xbc\xaf", "a 7z archive", nil, "unpack it" },
  { "^" .. ("."):rep(257) .. "ustar", "a tar archive", nil, "unpack it: tar xf" },
  { "^version https://git%-lfs", "the pointer that Git LFS puts in the place of a large file", nil,
    "`git lfs pull` fetches the file itself" },
  { "^%s*<[!%a]", "a page of HTML or XML", nil, "was it downloaded from the right address?" },
  { "^%s*{", "a text that looks like JSON" },
}

-- By the name of a zip archive's first member.
local MEMBERS = {
  { "%.npy$", "a .npz archive of NumPy's", "fnet.data.read_npz", key = "npz" },
  { "%.pkl$", "a PyTorch archive (a zip with a pickle)", nil, PICKLE_WAY },
  { "^metadata%.json$", "a .keras archive", "model:load_foreign", key = "keras" },
  { "^config%.json$", "a .keras archive", "model:load_foreign", key = "keras" },
  { "%.h5$", "a .keras archive", "model:load_foreign", key = "keras" },
  { "^%[Content_Types%]%.xml$", "a document of Microsoft Office's", nil, TABLE_WAY },
  { "^mimetype$", "a document of LibreOffice's", nil, TABLE_WAY },
  { "", "a zip archive", nil, "unpack it", key = "npz" }, -- for the reader of .npz to say what is wrong
}

---@class files.Kind
---@field what string such as "a PNG picture"
---@field reader string? the function that reads it
---@field way string? what to do, where there is none
---@field key string? "picture", "safetensors", "npy", "npz", "keras", "onnx", "idx", "gzip"

local function look_up(list, text)
  for _, row in ipairs(list) do
    if text:find(row[1]) then return { what = row[2], reader = row[3], way = row[4], key = row.key } end
  end
end

--- Whether a file that begins so is text in UTF-8.
---@param lead string its first bytes
---@return boolean
function kinds.is_text(lead)
  lead = lead:sub(1, kinds.LEAD)
  local _, stop = utf8.len(lead) -- a letter may be cut off at the end
  return lead ~= "" and not lead:find(TEXT_CONTROLS) and not (stop and stop < kinds.LEAD - 3)
end

-- What a text without any sign of its own is.
local function text_kind(lead)
  if not kinds.is_text(lead) then return nil end
  local line = lead:match "^[^\r\n]*"
  if line:find "[,;\t]" then
    return { what = "a text, a table by its first line", reader = "fnet.data.read_csv" }
  end
  return { what = "a text" }
end

--- What a file is whose first bytes these are, up to kinds.LEAD of them; nil where nothing tells.
---@param lead string
---@return files.Kind?
function kinds.of(lead)
  lead = lead:sub(1, kinds.LEAD)
  if lead:find "^PK\3\4" and #lead >= 30 then
    return look_up(MEMBERS, lead:sub(31, 30 + string.unpack("<I2", lead, 27)))
  end
  return look_up(BEGINNINGS, lead) or text_kind(lead)
end

--- The first bytes of a file, kinds.LEAD of them where there are so many.
---@param path string
---@return string? lead nil where they cannot be read, or no second time
---@return string? message, integer? code
function kinds.lead(path)
  return files.open(path, function(input)
    if not input:size() then files.fault "is a pipe, which can be read only once; save it as a file" end
    files.sound(input:part("plain", 0))
    return files.sound(input:bytes(kinds.LEAD))
  end)
end

--- The sentence about such a file: "is a PNG picture; fnet.data.read_image reads it".
---@param kind files.Kind
---@return string
function kinds.sentence(kind)
  if kind.reader then return ("is %s; %s reads it"):format(kind.what, kind.reader) end
  return ("is %s, which fnet does not read%s"):format(kind.what, kind.way and ": " .. kind.way or "")
end

--- A fault where a file is known to be something else than its reader expects.
---@param lead string its first bytes
---@param expected? string the key of the kind that it should be, for a reader with a sentence of its own for files
--- that fnet has no way for, such as a text
function kinds.refuse(lead, expected)
  local kind = kinds.of(lead)
  if not kind or expected and (kind.key == expected or not (kind.reader or kind.way)) then return end
  files.fault("%s", kinds.sentence(kind))
end

return kinds
