--- A checkpoint that a training is to go on from: it does, or says why not and is left as it was. The checksum of
-- the file is put right first, because it would hide the rest.

local fnet = require "fnet"
local core = require "fnet.core"
local answer = require "tests.fuzz.readers".answer

local CHECKSUM = '"fnet.checksum":"'

-- As the writer of safetensors has it: of the whole file, with zeros in the place of the checksum.
local function sign(bytes)
  local _, last = bytes:find(CHECKSUM, 1, true)
  if not last or #bytes < last + 64 then return bytes end
  local front, back = bytes:sub(1, last), bytes:sub(last + 65)
  return front .. core.sha256(front, ("0"):rep(64), back) .. back
end

return function(path, bytes)
  fnet.seed(1)
  local model = fnet.nn.Sequential { fnet.nn.Dense(2, 2), fnet.nn.Dropout(0.5) }
  local optim = fnet.optim.SGD(model:parameters(), { lr = 0.1, momentum = 0.9 })
  local before = model:sha256()
  local directory = path:match "^(.*)/"
  local file = assert(io.open(path, "r+b"))
  file:write(sign(bytes))
  file:close()
  local checkpoint = answer(path, fnet.checkpoint(directory,
    { model = model, optim = optim, resume = true, script = false }))
  if checkpoint then
    for _ in checkpoint:epochs(0) do assert(false) end
    checkpoint:close()
  else
    assert(model:sha256() == before, "the model is another one")
  end
  os.remove(directory .. "/lock")
end
