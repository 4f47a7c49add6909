--- Pictures: one, or several in a grid with captions, as text.

local expect = require "fnet.base.expect"
local say = require "fnet.base.say"
local core = require "fnet.core"
local letters = require "fnet.chart.letters"
local palette = require "fnet.chart.palette"
local pixels = require "fnet.report.pixels"
local screen = require "fnet.chart.screen"

local pictures = {}

local GAP = 2 -- columns between two pictures of a grid
local NARROW = 16 -- columns that a caption may have beside a smaller picture

--- A picture as it is drawn.
---@param what string the function, for the message
---@param value any
---@return tensor picture float32 [height, width] or [height, width, 3], 0 to 1
function pictures.checked(what, value)
  local shape = core.is_tensor(value) and value.shape or {}
  local fits = #shape == 2 or #shape == 3 and (shape[3] == 1 or shape[3] == 3)
  if not fits or value:count() == 0 then
    core.raise("%s: expected a tensor [height, width] or [height, width, 3], got %s", what,
      core.is_tensor(value) and say.shape(shape) or say.value(value))
  end
  local picture = value:detach():float()
  if value.dtype == "uint8" then picture = core.no_grad(function() return picture * (1 / 255) end) end
  return (shape[3] == 1 and picture:squeeze(3) or picture):contiguous()
end

--- The palette of a picture: greys, or colours.
---@param picture tensor # [height, width] or [height, width, 3]
---@return table
function pictures.palette(picture) return picture.rank == 3 and palette.colour or palette.grey end

-- The part of an axis between what is dark all along: its first and last place; nil where all is dark.
local function lit(picture, other)
  local first, last
  for place, value in ipairs(picture:max(other):totable()) do
    if value ~= 0 then first, last = first or place, place end
  end
  return first, last
end

local function cut(picture)
  local light = core.no_grad(function() return picture:abs() end)
  if light.rank == 3 then light = light:max(3) end
  local top, bottom = lit(light, 2)
  if not top then return picture end
  return picture:slice(1, top, bottom):slice(2, lit(light, 1)):contiguous()
end

--- A picture as text. On a terminal that can draw (and NO_COLOR is not set) two rows of pixels are a line of half
-- blocks, in 24 greys or 256 colours, in all colours where COLORTERM is truecolor; a picture that is wider than the
-- terminal becomes smaller. Elsewhere two pixels one above the other are one character. A NaN is red, or "?".
---@param picture tensor # [height, width], or [height, width, 3] of red, green and blue: floats from 0 (dark) to 1
--- (bright), or uint8 to 255
---@param options? table cut: true leaves out the rows and columns at its edges that are dark all along
---@return string text without a newline at the end
function pictures.picture(picture, options)
  options = expect.options("picture", options, { "cut" }, { "cut" })
  local at = screen.of(1)
  picture = pictures.checked("picture", picture)
  if options.cut then picture = cut(picture) end
  if at.terminal then picture = pixels.shrink(picture, at.columns) end
  return table.concat(pixels.lines(picture, pictures.palette(picture), at), "\n")
end

-- The pictures of a tensor or a list, checked.
local function list_of(what, value)
  if core.is_tensor(value) then
    if value.rank ~= 3 and value.rank ~= 4 or #value == 0 then
      core.raise("%s: expected a list of pictures, or a tensor [count, height, width] or [count, height, width, 3]"
        .. ", got %s%s", what, say.value(value), value.rank == 2 and "; report.picture shows one" or "")
    end
    local list = {}
    for i = 1, #value do list[i] = pictures.checked(what, value:select(1, i)) end
    return list
  end
  local count = type(value) == "table" and getmetatable(value) == nil and core.length(value) or 0
  expect.that(count > 0, what, "a list of pictures, or a tensor [count, height, width]", value)
  local list = {}
  for i = 1, count do list[i] = pictures.checked(("%s: picture %d"):format(what, i), value[i]) end
  return list
end

-- A caption for each picture, as terminals may see it.
local function captions_of(what, captions, count)
  if captions == nil then return nil end
  local plain = type(captions) == "table" and getmetatable(captions) == nil
  expect.that(plain, what .. ": captions", "a list of texts", captions)
  local given = core.length(captions)
  if given ~= count then
    core.raise("%s: captions: expected %d texts, one for each picture, got %d", what, count, given)
  end
  local list = {}
  for i = 1, count do
    local caption = captions[i]
    local fits = type(caption) == "string" or math.type(caption)
    expect.that(fits, ("%s: caption %d"):format(what, i), "a text", caption)
    list[i] = core.visible(tostring(caption))
  end
  return list
end

-- A block of the grid, all lines as wide as its cell: the picture, blanks down to the height of the row, the
-- caption.
local function block(picture, lines, caption, height, cell)
  local list, beside = {}, (" "):rep(cell - picture.shape[2])
  for i, line in ipairs(lines) do list[i] = line .. beside end
  for i = #lines + 1, height do list[i] = (" "):rep(cell) end
  for _, line in ipairs(letters.wrap(caption or "", cell)) do list[#list + 1] = letters.pad(line, cell) end
  return list
end

-- Blocks side by side.
local function side_by_side(blocks, cell, lines)
  local height = 0
  for _, one in ipairs(blocks) do height = math.max(height, #one) end
  for y = 1, height do
    local line = {}
    for x, one in ipairs(blocks) do line[x] = one[y] or (" "):rep(cell) end
    lines[#lines + 1] = table.concat(line, (" "):rep(GAP)):gsub("%s+$", "")
  end
end

--- Pictures of any palette in a grid, as wide as the screen.
---@param what string the function, for messages
---@param list tensor[] float32 [height, width] or [height, width, 3]
---@param options { captions: string[]?, columns: integer? }
---@param palette_of fun(picture: tensor): table
---@return string
function pictures.grid(what, list, options, palette_of)
  local at = screen.of(1)
  local captions = captions_of(what, options.captions, #list)
  local cell, longest = 1, 0
  for i, picture in ipairs(list) do
    cell = math.max(cell, picture.shape[2])
    longest = captions and math.max(longest, letters.width(captions[i])) or 0
  end
  cell = math.max(cell, math.min(longest, NARROW))
  local most = (at.columns + GAP) // (1 + GAP)
  local columns = math.max(1, (at.columns + GAP) // (cell + GAP))
  if options.columns ~= nil then
    columns = math.min(expect.count(what .. ": columns", options.columns, 1, most), #list)
  end
  cell = math.min(cell, (at.columns + GAP) // columns - GAP)
  local text = {}
  for first = 1, #list, columns do
    local row, drawn, height = {}, {}, 0
    for x = 1, math.min(columns, #list - first + 1) do
      row[x] = pixels.shrink(list[first + x - 1], cell)
      drawn[x] = pixels.lines(row[x], palette_of(row[x]), at)
      height = math.max(height, #drawn[x])
    end
    for x, lines in ipairs(drawn) do
      drawn[x] = block(row[x], lines, captions and captions[first + x - 1], height, cell)
    end
    if first > 1 then text[#text + 1] = "" end
    side_by_side(drawn, cell, text)
  end
  return table.concat(text, "\n")
end

--- Pictures in a grid, as report.picture draws them, as many side by side as the screen has room for (80 columns
-- where the output is no terminal); a picture that is wider becomes smaller.
---@param list tensor|tensor[] # [count, height, width] or [count, height, width, 3], or a list of pictures, also of
--- different sizes
---@param options? table captions: string[], a text for each picture; columns: integer, so many pictures side by
--- side, which become smaller where the screen has no room for them
---@return string text without a newline at the end
function pictures.pictures(list, options)
  options = expect.options("pictures", options, { "captions", "columns" })
  return pictures.grid("pictures", list_of("pictures", list), options, pictures.palette)
end

return pictures
