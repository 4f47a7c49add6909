--- The reader of HDF5, alone and in a .keras archive.

local keras = require "fnet.save.keras"
local answer = require "tests.fuzz.readers".answer

return function(path)
  answer(path, keras.describe(path))
  answer(path, keras.read(path, function() return true end))
end
