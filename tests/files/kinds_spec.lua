--- Files of other programs, recognised by their first bytes.

local fnet = require "fnet"
local command = require "tests.support.command"
local kinds = require "fnet.files.kinds"
local zip = require "fnet.files.zip"

-- A zip archive with one member of that name.
local function archive(name)
  return table.concat(zip.archive({ { name = name, pieces = { "content" } } }))
end

local function what(lead)
  local kind = kinds.of(lead)
  return kind and kind.what
end

local PICKLE = "a Python pickle, as PyTorch and scikit-learn write it"
local TABLE = "a text, a table by its first line"
local PYTORCH = "is a PyTorch archive (a zip with a pickle), which fnet does not read: reading it would run what "
  .. 'is in it. In Python, where the model is: safetensors.torch.save_file(model.state_dict(), "model.safetensors")'

describe("the kind of a file", function()
  it("is known by its first bytes", function()
    for lead, expected in pairs {
      ["\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\2M"] = PICKLE,
      ["\x80\4\x95\x10\0\0\0\0"] = PICKLE,
      ["\x89HDF\r\n\x1a\n\0"] = "an HDF5 file, as Keras writes it (.h5)",
      ["\8\7\x12\7pytorch\x1a\5"] = "an ONNX model", ["\8\10:\xf0\1\n"] = "an ONNX model",
      ["\8\1\x12\x90\x40\n"] = "a SavedModel of TensorFlow's",
      ["\x1c\0\0\0TFL3"] = "a TensorFlow Lite model",
      ["GGUF\3\0\0\0"] = "a GGUF file of llama.cpp's", ["PAR1\x15\4"] = "a Parquet table",
      ["\0\0\8\3\0\0\0\2"] = "an IDX file", ["\x1f\x8b\8\0"] = "compressed by gzip, as IDX files are",
      ["GIF89a\1\0"] = "a GIF picture", ["RIFF\x24\0\0\0WEBPVP8 "] = "a WebP picture",
      ["\x40\0\0\0\0\0\0\0{}"] = "a safetensors file",
      ["\0\1\0\0\0\0\0\0{}"] = "a safetensors file",
      ["\x28\xb5\x2f\xfd\4"] = "compressed by Zstandard", ["RIFF\x24\0\0\0WAVEfmt "] = "a WAV recording",
      [("a"):rep(257) .. "ustar\0"] = "a tar archive",
      ["\0\0\0 ftypavif"] = "an AVIF or HEIC picture", ["\0\0\0 ftypheic"] = "an AVIF or HEIC picture",
      ["version https://git-lfs.github.com/spec/v1\n"] =
        "the pointer that Git LFS puts in the place of a large file",
      ["<!DOCTYPE html>\n<title>404"] = "a page of HTML or XML", ["{\"a\": 1}"] = "a text that looks like JSON",
      ["a,b\n1,2\n"] = TABLE, ["h\xc3\xb6he;breite\n"] = TABLE,
      ["just words\n"] = "a text", [("\xc3\xa4"):rep(300)] = "a text", ["x" .. ("\xc3\xa4"):rep(300)] = "a text",
    } do
      assert.equal(expected, what(lead), lead)
    end
    for _, lead in ipairs { "", "\0\0\7\3", "\0\0\0\0\0\0\0\0{}", "\1\0\0\0\0\0\0\0{}", "\xff\xfe\0\1",
      "caf\xe9,a\n" } do
      assert.is_nil(what(lead))
    end
  end)

  it("of a zip archive by its first member", function()
    for name, expected in pairs {
      ["model/data.pkl"] = "a PyTorch archive (a zip with a pickle)", ["metadata.json"] = "a .keras archive",
      ["a.npy"] = "a .npz archive of NumPy's", ["layers/dense/vars/0.npy"] = "a .npz archive of NumPy's",
      ["[Content_Types].xml"] = "a document of Microsoft Office's", ["notes.txt"] = "a zip archive",
    } do
      assert.equal(expected, what(archive(name)))
    end
    assert.is_nil(what "PK\3\4")
  end)

  it("is said wherever another one is expected", function()
    local path = os.tmpname()
    local function refused(bytes, message, read)
      command.write_file(path, bytes)
      local value, got = read(path)
      assert.is_nil(value)
      assert.equal(path .. ": " .. message, got)
    end
    refused(archive "archive/data.pkl", PYTORCH, fnet.load)
    refused(archive "archive/data.pkl", PYTORCH, fnet.read_tensors)
    refused(archive "archive/data.pkl", PYTORCH, fnet.data.read_npz)
    refused(archive "a.npy", "is a .npz archive of NumPy's; fnet.data.read_npz reads it", fnet.load)
    refused(archive "notes.txt", "holds no .npy file, but 'notes.txt'", fnet.data.read_npz)
    refused("\x93NUMPY\1\0", "is a .npy file of NumPy's; fnet.data.read_npy reads it", fnet.read_tensors)
    refused(archive "config.json", "is a .keras archive; model:load_foreign reads it", fnet.load)
    refused("\x89HDF\r\n\x1a\n\0", "is an HDF5 file, as Keras writes it (.h5); model:load_foreign reads it",
      fnet.read_tensors)
    refused("a,b\n", "is a text, a table by its first line; fnet.data.read_csv reads it", fnet.load)
    refused("\x89PNG\r\n\x1a\n", "is a PNG picture; fnet.data.read_image reads it", fnet.data.read_npy)
    refused("\x93NUMPY\1\0", "is a .npy file of NumPy's; fnet.data.read_npy reads it", fnet.data.read_npz)
    local tensors = "is a safetensors file; fnet.read_tensors or model:load_foreign reads it"
    refused("\2\0\0\0\0\0\0\0{}", tensors, fnet.data.read_npz)
    refused("\2\0\0\0\0\0\0\0{}", tensors, fnet.data.read_npy)
    os.remove(path)
  end)

  it("tells a model from a checkpoint and from tensors", function()
    local directory = command.make_directory()
    local model = fnet.nn.Sequential { fnet.nn.Dense(2, 1) }
    assert(model:save(directory .. "/model", { script = false }))
    assert(fnet.write_tensors(directory .. "/tensors", { a = fnet.zeros { 2 } }))
    model[1].bias = nil -- no file describes it now
    local checkpoint = assert(fnet.checkpoint(directory, { model = model }))
    assert(checkpoint:save())
    for name, sentence in pairs {
      model = "is a model of fnet's; fnet.load reads it",
      tensors = "is a safetensors file; fnet.read_tensors or model:load_foreign reads it",
      ["checkpoint.safetensors"] = "is a checkpoint of fnet's; fnet.checkpoint reads it",
    } do
      for _, read in ipairs { fnet.load_onnx, fnet.data.read_npy, fnet.data.read_image } do
        local path = directory .. "/" .. name
        assert.same({ n = 2, path .. ": " .. sentence }, { n = 2, select(2, read(path)) })
      end
    end
    checkpoint:close()
    command.remove_directory(directory)
  end)

  it("is asked only of what is no safetensors file", function()
    local path = os.tmpname()
    -- The length of the header, 0x3a0308, begins as an ONNX model does.
    local names, count = {}, 0x3a0308 - 2
    names[1] = '{"__metadata__":{"a":"' .. ("x"):rep(count - 22) .. '"}}'
    command.write_file(path, string.pack("<I8", #names[1]) .. names[1])
    assert.is_table(fnet.read_tensors(path))
    os.remove(path)
  end)
end)
