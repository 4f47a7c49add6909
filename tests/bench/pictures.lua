--- Pictures in another size, against copying the old one: photos to the size that networks take, a large one to
-- that of the lesson; and `read_images` on a folder of PNG files.

local core = require "fnet.core"
local command = require "tests.support.command"
local fnet = require "fnet"

local pictures = {}

local SECTION = "pictures in another size, against a copy of the old one"

local SIZES = { { 300, 400, 224 }, { 1200, 1600, 224 }, { 3000, 4000, 28 } } -- height and width before, side after
local FILES = 20

-- The time of one call in milliseconds, of as many as take some time together.
local function milliseconds(f)
  f():release() -- takes the memory
  local calls, started = 0, fnet.clock()
  repeat
    f():release()
    calls = calls + 1
  until fnet.clock() - started > 0.05
  return 1000 * (fnet.clock() - started) / calls
end

local function measure_resize(figures, options, threads)
  for _, size in ipairs(SIZES) do
    local height, width, side = table.unpack(size)
    local picture = fnet.rand({ height, width, 3 }, 0, 255.99):byte()
    local values, limits = {}, {}
    for run = 1, options.runs do
      limits[run] = milliseconds(function() return picture:clone() end)
      values[run] = milliseconds(function() return fnet.data.resize(picture, side, side) end)
    end
    figures:add { section = SECTION, name = ("%d x %d to %d x %d"):format(height, width, side, side), unit = "ms",
      values = values, limits = limits, threads = threads }
  end
end

local function measure_reading(figures, options)
  local directory = command.make_directory()
  local photo = fnet.data.resize(fnet.rand { 30, 40, 3 }, 300, 400)
  assert(os.execute("mkdir " .. command.quote(directory .. "/class")))
  for i = 1, FILES do assert(fnet.data.write_png(("%s/class/%d.png"):format(directory, i), photo)) end
  local values = {}
  for run = 1, options.runs do
    local started = fnet.clock()
    assert(fnet.data.read_images(directory, { height = 224, width = 224 }))
    values[run] = 1000 * (fnet.clock() - started) / FILES
  end
  command.remove_directory(directory)
  figures:add { section = SECTION, name = "a PNG file 300 x 400 to 224 x 224", unit = "ms", values = values,
    threads = fnet.threads() }
end

--- Measures and adds the figures.
---@param figures bench.Figures
---@param options {runs: integer}
function pictures.measure(figures, options)
  local available = fnet.threads()
  for _, threads in ipairs { 1, available > 1 and 2 or nil } do
    fnet.threads(threads)
    measure_resize(figures, options, threads)
  end
  fnet.threads(available)
  local has_libpng = core.decode_image(core.encode_png(fnet.zeros({ 1, 1 }, "uint8"))) ~= nil
  if has_libpng then measure_reading(figures, options) end
end

return pictures
