--- Writes the corpus: `./fnet tests/fuzz/record.lua`. Small files that each reader reads, of many kinds, and a few
-- that it refuses late. Those of other programs are links to tests/fixtures; checkpoint/frozen once led to a fault.

local fnet = require "fnet"
local command = require "tests.support.command"
local png = require "tests.support.png"
local nn, data = fnet.nn, fnet.data

local corpus = command.directory .. "/tests/fuzz/corpus/"

fnet.seed(1)

-- The path of a new file.
local function place(target, name)
  os.execute("mkdir -p " .. corpus .. target)
  os.remove(corpus .. target .. "/" .. name)
  return corpus .. target .. "/" .. name
end

local function put(target, name, content) command.write_file(place(target, name), content) end

local function link(target, name, fixture)
  place(target, name)
  os.execute(("ln -s ../../../fixtures/%s %s%s/%s"):format(fixture, corpus, target, name))
end

local function gzip(content, flags)
  local path = os.tmpname()
  command.write_file(path, content)
  local pipe = assert(io.popen(("gzip -nc %s < %s"):format(flags or "", path)))
  local result = pipe:read "a"
  pipe:close()
  os.remove(path)
  return result
end

-- IDX: big-endian, of each type and up to eight axes.
local function idx(code, shape, content)
  local parts = { string.pack(">BBBB", 0, 0, code, #shape) }
  for _, length in ipairs(shape) do parts[#parts + 1] = string.pack(">I4", length) end
  return table.concat(parts) .. content
end
put("idx", "labels", idx(8, { 6 }, "\0\1\2\3\9\5"))
put("idx", "pictures", idx(8, { 2, 3, 4 }, ("\0\127\255"):rep(8)))
put("idx", "signed", idx(9, { 2, 2 }, "\1\255\128\127"))
put("idx", "short", idx(11, { 3 }, string.pack(">i2i2i2", 1, -2, 32767)))
put("idx", "int", idx(12, { 1, 2, 1 }, string.pack(">i4i4", 1, -2147483648)))
put("idx", "float", idx(13, { 2, 2 }, string.pack(">ffff", 1, -2, 1e30, 0.5)))
put("idx", "double", idx(14, { 2 }, string.pack(">dd", 1, 1e300)))
put("idx", "empty", idx(8, { 0, 28, 28 }, ""))
put("idx", "axes", idx(8, { 1, 2, 1, 2, 1, 2, 1, 1 }, ("x"):rep(8)))

local text = "name,size\nalpha,1\nbeta,2.5\n"
put("gzip", "text", gzip(text))
put("gzip", "stored", gzip(text, "-1"))
put("gzip", "members", gzip(text) .. gzip(text:reverse(), "-9"))
put("gzip", "long", gzip(text:rep(3000)))
put("gzip", "empty", gzip "")
put("gzip", "deflated", gzip(text:rep(3)):sub(11, -9))

local tables = {
  plain = text, crlf = "a,b\r\n1,2\r\n3,4\r\n", cr = "a\r1\r2\r", quoted = '"a ""b""","c,d"\n"1\n2",3\n',
  missing = "a,b,c\n1,,x\n2,NA,y\n?,3,x\n", blanks = "  1.5   2  x\n 3 \t4  y\n", tabs = "a\tb\n1\t2\n",
  semicolons = "a;b\n1,5;2\n3,25;4\n", mark = "\xEF\xBB\xBFa,b\n1,2\n", letters = "n\xC3\xA4me,\xE6\x97\xA5\n1,2\n",
  numbers = "x,y\n1e5,-0\n.5,+7\ninf,1e-320\n0x10,12345678901234567890\n",
  one = "a\n\n1\n\n2", wide = "a,b\n1,2,3\n",
}
for name, content in pairs(tables) do
  put("csv", name, content)
  put("table", name, content)
end
put("table", "compressed", gzip(text .. "gamma,3\n"))

local colours = fnet.tensor({ 0, 255, 9, 200, 31, 7, 1, 99, 50, 3, 4, 7 }, "uint8"):reshape { 2, 2, 3 }
assert(data.write_png(place("image", "colour.png"), colours))
assert(data.write_png(place("image", "grey.png"), colours:reshape { 3, 4 }))
for _, name in ipairs { "grey", "colour", "progressive", "cmyk", "ycck", "scans" } do
  link("image", name .. ".jpg", "images/" .. name .. ".jpg")
end
for _, kind in ipairs { { 0, 1 }, { 0, 16 }, { 2, 8 }, { 3, 4 }, { 4, 8 }, { 6, 16 } } do
  local palette = { png.chunk("PLTE", ("\0\50\200"):rep(16)), png.chunk("tRNS", "\0\128") }
  local bytes = png.encode { height = 5, width = 6, kind = kind[1], depth = kind[2], interlaced = kind[2] > 4,
    before = kind[1] == 3 and palette or { png.chunk("gAMA", "\0\0\177\143") },
    at = function(y, x) return x * y % (1 << kind[2]), x, y, x + y end }
  put("image", ("type%d_%d.png"):format(kind[1], kind[2]), bytes)
end

assert(data.write_npy(place("npy", "vector"), fnet.rand { 3 }))
assert(data.write_npy(place("npy", "matrix"), fnet.rand { 2, 3 }))
assert(data.write_npy(place("npy", "empty"), fnet.zeros { 0, 4 }))
local function npy(header, content, version)
  header = header .. "\n"
  return "\x93NUMPY" .. (version == 2 and "\2\0" .. string.pack("<s4", header)
    or "\1\0" .. string.pack("<s2", header)) .. content
end
for _, kind in ipairs { "|u1", "|b1", "|i1", "<i2", ">i4", "<i8", "<u2", ">f4", "<f8", "<f2", "<c8", "|O",
  "<U3" } do
  local width = tonumber(kind:sub(3)) or 8
  put("npy", "type_" .. kind:gsub("[<>|]", { ["<"] = "l", [">"] = "b", ["|"] = "n" }),
    npy(("{'descr': '%s', 'fortran_order': False, 'shape': (2,), }"):format(kind), ("\1"):rep(2 * width)))
end
put("npy", "version2", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", ("\0"):rep(16), 2))
put("npy", "scalar", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", ("\0"):rep(4)))
put("npy", "records", npy("{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,), }",
  ("\0"):rep(8)))
for _, name in ipairs { "fortran.npy", "objects.npy" } do link("npy", name, "numpy/" .. name) end

local pair = { x = fnet.rand { 2, 3 }, y = fnet.tensor({ 1, 2 }, "int32") }
assert(data.write_npz(place("npz", "stored.npz"), pair))
assert(data.write_npz(place("npz", "deflated.npz"), pair, { compress = true }))
assert(data.write_npz(place("npz", "zeros.npz"), { x = fnet.zeros { 300 } }, { compress = true }))
assert(data.write_npz(place("npz", "none.npz"), {}))
link("npz", "numpy.npz", "numpy/deflated.npz")

assert(fnet.write_tensors(place("safetensors", "two"), pair, { what = "two" }))
assert(fnet.write_tensors(place("safetensors", "none"), {}))
local function safetensors(header, content)
  return string.pack("<s8", header) .. content
end
put("safetensors", "half", safetensors('{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},'
  .. '"y":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}}', "\0\63\0\64\0\60"))
put("safetensors", "whole", safetensors('{"x":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]},'
  .. '"y":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}', "\1\0\0\0\0\0\0\0\1"))
link("safetensors", "python", "pytorch/model.safetensors")

local texts = {
  object = '{"a":[1,-2.5,3e10,true,false,null],"b":{"c":"d"},"":[]}', text = '"\\u00e9\\ud83d\\ude00\\n\\"x\\/"',
  deep = ("["):rep(20) .. ("]"):rep(20), number = "-0.0e-5", spaces = " \t\r\n { \"a\" : [ ] } ", null = "null",
  ["false"] = "false",
}
for name, content in pairs(texts) do put("json", name, content) end

assert(data.vocabulary("a cat, the cat"):save(place("vocabulary", "words")))
assert(data.vocabulary("Fluß", { split = "characters", lower = true }):save(place("vocabulary", "characters")))
put("vocabulary", "own", '{"lower":true,"split":"own","tokens":["<pad>","<unknown>"]}')

link("keras", "model.keras", "keras/model.keras")
link("keras", "model.weights.h5", "keras/model.weights.h5")

local models = {
  dense = nn.Dense(2, 3),
  conv = nn.Sequential { nn.Conv2D(1, 2, 3, { padding = 1 }), nn.BatchNorm(2), nn.ReLU(), nn.MaxPool2D(2),
    nn.Flatten(), nn.Dense(8, 2, { bias = false }), nn.Softmax() },
  set = nn.Sequential { nn.Dense(2, 2), nn.Dropout(0.3), nn.Dense(2, 2) },
  parallel = nn.Parallel { nn.Dense(2, 1), nn.Dense(2, 2) },
  embedding = nn.Sequential { nn.Embedding(4, 2), nn.Flatten() },
}
models.set[2].rate = 0.1
models.set[3].weight = models.set[1].weight
models.set[1]:freeze()
for name, model in pairs(models) do
  assert(model:save(place("model", name), { script = false, metrics = { loss = 0.5 } }))
end

for _, name in ipairs { "pytorch_dense", "pytorch_dense_7", "pytorch_two", "pytorch_tokens", "pytorch_gru",
  "pytorch_rnn", "keras_pictures" } do
  link("onnx", name .. ".onnx", "onnx/" .. name .. ".onnx")
end
for _, name in ipairs { "dense", "conv", "parallel", "embedding" } do
  local inputs = { conv = { 4, 4, 1 }, embedding = { 3 } }
  assert(models[name]:eval():export_onnx(place("onnx", name), { input = inputs[name] }))
end

local function checkpoint(name, steps)
  fnet.seed(1)
  local model = nn.Sequential { nn.Dense(2, 2), nn.Dropout(0.5) }
  local optim = fnet.optim.SGD(model:parameters(), { lr = 0.1, momentum = 0.9 })
  local directory = command.make_directory()
  local saved = assert(fnet.checkpoint(directory, { model = model, optim = optim, script = false }))
  saved.values.note = { "a", 1.5, fnet.ones { 2 } }
  for _ = 1, steps do
    optim:zero_grad()
    model(fnet.rand { 1, 2 }):sum():backward()
    optim:step()
  end
  assert(saved:save())
  saved:close()
  put("checkpoint", name, command.read_file(directory .. "/checkpoint.safetensors"))
  command.remove_directory(directory)
end
checkpoint("fresh", 0)
checkpoint("trained", 2)

-- What begins as a file of another program, PyTorch's pickles among them.
local foreign = {
  pickle = "\x80\2}q\0X\6\0\0\0weightq\1ctorch._utils\n_rebuild_tensor_v2\nq\2.",
  torch = "\x80\2\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.",
  hdf5 = "\x89HDF\r\n\x1a\n" .. ("\0"):rep(40),
  onnx = "\8\8\x12\7pytorch\x1a\5", gguf = "GGUF\3\0\0\0" .. ("\0"):rep(16), tar = ("x"):rep(257) .. "ustar\0",
  gif = "GIF89a\1\0\1\0\0\0\0;", bmp = "BM" .. ("\0"):rep(30), pdf = "%PDF-1.7\n", html = "<!DOCTYPE html><p>",
  text = "just some words\n", zero = "\0", npy = "\x93NUMPY\1\0", png = "\x89PNG\r\n\x1a\n",
  jpeg = "\xFF\xD8\xFF\xE0",
  idx = idx(8, { 2 }, "ab"), gzip = gzip(idx(8, { 2 }, "ab")),
  header = ('{"a":1}'):rep(2), riff = "RIFF\0\0\0\0WEBP",
}
for name, content in pairs(foreign) do put("info", name, content) end
local archive = command.read_file(corpus .. "npz/stored.npz")
put("info", "archive", (archive:gsub("x%.npy", "a.pkl")))
for _, name in ipairs { "model/set", "checkpoint/trained", "npz/deflated.npz" } do
  put("info", name:match "(%w+)/", command.read_file(corpus .. name))
end

for i = 1, 8 do
  local bytes = {}
  for k = 1, 200 do bytes[k] = string.char(math.random(0, 255)) end
  put("calls", "random" .. i, table.concat(bytes))
end
