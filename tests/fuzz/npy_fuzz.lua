--- The readers of .npy: whole, and by rows, which must be those of the whole.

local fnet = require "fnet"
local data = fnet.data
local answer = require "tests.fuzz.readers".answer

local function first_row(x)
  local next_batch = data.Dataset { x = x, y = x }:batches { size = 1 }
  return (next_batch())
end

return function(path)
  local whole = answer(path, data.read_npy(path))
  local rows = answer(path, data.open_npy(path))
  if whole and rows and whole:count() > 0 then
    assert(fnet.sha256(first_row(rows)) == fnet.sha256(first_row(whole)), "another row")
  end
  if rows then rows:close() end
end
