--- Pictures of a page: many small ones as one large one, the sheet, which travels as a single PNG. Each is shown by
-- the part of the sheet that it fills. Invariant: a sheet has at most BYTES_MOST before it is compressed.

local is = require "fnet.base.is"
local core = require "fnet.core"
local collect = require "fnet.measure.collect"
local rows_of = require "fnet.data.rows"

local pictures = {}

local SIDE_MOST = 64 -- pixels of a picture: larger ones are made smaller
local BYTES_MOST = 6 << 20
local PIECE = 64 -- pictures that are read at a time

---@class Sheet
---@field name string the id in the page
---@field png string
---@field count integer pictures
---@field columns integer of them side by side
---@field width integer of one of them
---@field height integer

--- Puts pictures side by side.
---@param name string letters
---@param all tensor uint8 [count, height, width] or [count, height, width, 3], at least one
---@return Sheet? nil where there is no PNG
---@return string? message
function pictures.sheet(name, all)
  local count, height, width, channels = table.unpack(all.shape)
  local columns = math.ceil(math.sqrt(count * height / width)) -- about as wide as it is high
  local lines = (count + columns - 1) // columns
  if lines * columns > count then
    local rest = { table.unpack(all.shape) }
    rest[1] = lines * columns
    local filled = core.full(rest, 0, "uint8")
    filled:slice(1, 1, count):copy(all)
    all = filled
  end
  local grid, whole = { lines, columns, height, width, channels }, { lines * height, columns * width, channels }
  local png, message = core.encode_png(all:reshape(grid):transpose(2, 3):contiguous():reshape(whole))
  if not png then return nil, message end
  return { name = name, png = png, count = count, columns = columns, width = width, height = height }
end

--- Where a picture is in its sheet.
---@param sheet Sheet
---@param number integer from 1
---@return integer x, integer y pixels, from 0
function pictures.place(sheet, number)
  return (number - 1) % sheet.columns * sheet.width, (number - 1) // sheet.columns * sheet.height
end

--- The shape of the pictures that the samples of a data set are: [height, width] or [height, width, 3].
---@param dataset data.Dataset
---@return integer[]? shape nil where they are none
function pictures.shape_of(dataset)
  local x = (dataset.whole or dataset).x
  if not is.array(x) then return nil end
  local shape, channels = x.shape, x.shape[4]
  local fits = x.rank == 3 or x.rank == 4 and (channels == 1 or channels == 3)
  if not fits or shape[2] < 2 or shape[3] < 2 then return nil end
  return { shape[2], shape[3], channels == 3 and 3 or nil }
end

-- How large a picture is on the sheet.
local function size_on_sheet(height, width)
  local scale = math.min(1, SIDE_MOST / math.max(height, width))
  return math.max(1, math.floor(height * scale + 0.5)), math.max(1, math.floor(width * scale + 0.5))
end

--- How many pictures of a data set a sheet has room for.
---@param shape integer[] what shape_of gives
---@return integer
function pictures.room(shape)
  local height, width = size_on_sheet(shape[1], shape[2])
  return BYTES_MOST // (height * width * (shape[3] or 1))
end

-- Numbers as bytes: those within 0 to 1 times 255, those within 0 to 255 as they are, others from the least, which
-- becomes black, to the greatest.
local function as_bytes(x)
  if x.dtype == "uint8" then return x end
  x = x:float()
  x = core.where(x:eq(x), x, 0):clamp(-1e30, 1e30) -- a nan is black
  local low, high = x:min():item(), x:max():item()
  if low >= 0 and high <= 1 then x = x * 255
  elseif low < 0 or high > 255 then x = (x - low) * (255 / math.max(high - low, 1e-30)) end
  return (x + 0.5):clamp(0, 255):byte()
end

-- Pictures [count, height, width(, 3)] in the size that they have on the sheet.
local function shrunk(all)
  local shape = all.shape
  local height, width = size_on_sheet(shape[2], shape[3])
  if height == shape[2] and width == shape[3] then return all end
  local result = core.full({ shape[1], height, width, shape[4] }, 0, all.dtype)
  for i = 1, #all do result:slice(1, i, i):copy(core.resize(all[i]:contiguous(), height, width)) end
  return result
end

--- A sheet of samples, as they are in the data set, before any transform.
---@param dataset data.Dataset whose samples are pictures
---@param rows integer[] which of them, at least one, and at most as many as there is room for
---@return Sheet? nil where there is no PNG
---@return string? message
function pictures.of(dataset, rows)
  local x, shape = (dataset.whole or dataset).x, pictures.shape_of(dataset)
  local add, all = collect("page", #rows), nil
  for first = 1, #rows, PIECE do
    local numbers = core.tensor({ table.unpack(rows, first, math.min(first + PIECE - 1, #rows)) }, "int32")
    if dataset.rows then numbers = core.gather(dataset.rows, numbers) end
    all = add(shrunk(rows_of.gather(x, numbers):reshape { #numbers, table.unpack(shape) }))
  end
  return pictures.sheet("samples", as_bytes(all))
end

return pictures
