--- Width: how many columns terminals give to a text: two to a letter of Chinese, Japanese or Korean and to a
-- picture, none to a mark that stands on the letter before it, one to all others. The ranges are those of Unicode
-- (East Asian Width W and F; general categories Mn, Me and Cf), without the smallest.

local width = {}

-- First and last code, and columns, in ascending order.
local RANGES = {
  { 0x0300, 0x036F, 0 }, { 0x0483, 0x0489, 0 }, { 0x0591, 0x05BD, 0 }, { 0x0610, 0x061A, 0 }, { 0x064B, 0x065F, 0 },
  { 0x0941, 0x0948, 0 }, { 0x0E34, 0x0E3A, 0 }, { 0x0E47, 0x0E4E, 0 }, { 0x1100, 0x115F, 2 }, { 0x1AB0, 0x1AFF, 0 },
  { 0x1DC0, 0x1DFF, 0 }, { 0x200B, 0x200F, 0 }, { 0x20D0, 0x20F0, 0 }, { 0x2E80, 0x3029, 2 }, { 0x302A, 0x302D, 0 },
  { 0x302E, 0x303E, 2 }, { 0x3041, 0x3096, 2 }, { 0x3099, 0x309A, 0 }, { 0x309B, 0x4DBF, 2 }, { 0x4E00, 0xA4C6, 2 },
  { 0xA960, 0xA97C, 2 }, { 0xAC00, 0xD7A3, 2 }, { 0xF900, 0xFAD9, 2 }, { 0xFE00, 0xFE0F, 0 }, { 0xFE10, 0xFE19, 2 },
  { 0xFE20, 0xFE2F, 0 }, { 0xFE30, 0xFE6B, 2 }, { 0xFF01, 0xFF60, 2 }, { 0xFFE0, 0xFFE6, 2 },
  { 0x16FE0, 0x1B2FB, 2 }, { 0x1F300, 0x1F320, 2 }, { 0x1F32D, 0x1F393, 2 }, { 0x1F3A0, 0x1F3CA, 2 },
  { 0x1F3E0, 0x1F3F0, 2 }, { 0x1F3F8, 0x1F53D, 2 }, { 0x1F550, 0x1F567, 2 }, { 0x1F5FB, 0x1F64F, 2 },
  { 0x1F680, 0x1F6C5, 2 }, { 0x1F6D0, 0x1F6FC, 2 }, { 0x1F7E0, 0x1F7F0, 2 }, { 0x1F90C, 0x1FAF6, 2 },
  { 0x20000, 0x3FFFD, 2 }, { 0xE0100, 0xE01EF, 0 },
}

-- The columns of a letter.
local function of_letter(code)
  if code < 0x300 or code >= 0x2100 and code < 0x2E80 then return 1 end
  for _, range in ipairs(RANGES) do
    if code < range[1] then return 1 end
    if code <= range[2] then return range[3] end
  end
  return 1
end

--- How many columns a text takes.
---@param text string of one line, without escape sequences; where it is not UTF-8 a byte counts as one
---@return integer
function width.of(text)
  local count = utf8.len(text)
  if not count or not text:find "[\xCC-\xF4]" then return count or #text end -- all letters are before U+0300
  local columns = 0
  for _, code in utf8.codes(text) do columns = columns + of_letter(code) end
  return columns
end

--- The first letters of a text, as many as fit, with the marks on them, and the rest.
---@param text string of one line, without escape sequences; where it is not UTF-8 a byte counts as one
---@param most integer columns
---@return string head, string rest
function width.parted(text, most)
  if not utf8.len(text) then return text:sub(1, most), text:sub(most + 1) end
  local columns = 0
  for at, code in utf8.codes(text) do
    columns = columns + of_letter(code)
    if columns > most then return text:sub(1, at - 1), text:sub(at) end
  end
  return text, ""
end

--- The letters of a text, each with the marks on it.
---@param text string UTF-8
---@return string[]
function width.letters(text)
  local list = {}
  for _, code in utf8.codes(text) do
    local letter = utf8.char(code)
    if #list > 0 and of_letter(code) == 0 then list[#list] = list[#list] .. letter else list[#list + 1] = letter end
  end
  return list
end

return width
