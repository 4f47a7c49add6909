--- What a file is, by its first bytes, for files of all kinds: `fnet info`, and each reader with what it does not
-- read.

local fnet = require "fnet"
local info = require "fnet.command.info"
local answer = require "tests.fuzz.readers".answer

local said

print = function(text) said = said .. text .. "\n" end -- luacheck: globals print
local errors = { write = function(_, ...) said = said .. table.concat { ... } end }

return function(path)
  local stderr = io.stderr
  said = ""
  rawset(io, "stderr", errors)
  local ok, message = pcall(info, { path })
  rawset(io, "stderr", stderr)
  assert(ok, message)
  assert(said:find(path, 1, true), said)
  answer(path, fnet.read_tensors(path))
  answer(path, fnet.load(path))
  answer(path, fnet.data.read_npy(path))
  answer(path, fnet.data.read_npz(path))
  answer(path, fnet.data.read_idx(path))
  answer(path, fnet.data.open_idx(path))
  answer(path, fnet.data.read_image(path))
  answer(path, fnet.data.read_csv(path, { target = false }))
end
