--- Letters: texts in so many columns of a screen. A letter counts as one column; escape sequences as none.

local letters = {}

--- How many columns a text takes.
---@param text string
---@return integer
function letters.width(text)
  local bare = text:gsub("\27%[[%d;]*m", "")
  return utf8.len(bare) or #bare
end

-- The first letters of a text, and the rest.
local function parted(text, count)
  local at = utf8.offset(text, count + 1) or #text + 1
  return text:sub(1, at - 1), text:sub(at)
end

--- A text that is no wider; where it was, two dots end it.
---@param text string
---@param most integer columns, at least 1
---@return string
function letters.cut(text, most)
  if letters.width(text) <= most then return text end
  return parted(text, math.max(0, most - 2)) .. (".."):sub(1, most)
end

--- A text in lines that are no wider: cut at blanks, within a word where it is too long.
---@param text string
---@param most integer columns, at least 1
---@return string[] lines
function letters.wrap(text, most)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    local longer = line and line .. " " .. word or word
    if letters.width(longer) > most then
      lines[#lines + 1] = line
      while letters.width(word) > most do lines[#lines + 1], word = parted(word, most) end
      longer = word
    end
    line = longer
  end
  lines[#lines + 1] = line
  return lines
end

--- A text with blanks behind it, up to so many columns.
---@param text string
---@param width integer
---@return string
function letters.pad(text, width) return text .. (" "):rep(width - letters.width(text)) end

return letters
