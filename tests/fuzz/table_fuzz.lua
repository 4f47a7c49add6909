--- Tables of numbers and categories out of CSV, in several ways to understand the same file.

local read_csv = require "fnet".data.read_csv
local answer = require "tests.fuzz.readers".answer

local ways = {
  { target = false }, { target = "a" }, { target = false, header = false, missing = "drop" },
  { target = false, separator = " " }, { target = "a", separator = ";", decimal = "," },
}

return function(path)
  for _, way in ipairs(ways) do
    local set = answer(path, read_csv(path, way))
    if set then assert(#set >= 0) end
  end
end
