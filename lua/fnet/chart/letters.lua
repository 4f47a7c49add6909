--- Letters: texts in so many columns of a screen. Escape sequences of colours take none.

local width = require "fnet.base.width"

local letters = {}

--- How many columns a text takes.
---@param text string
---@return integer
function letters.width(text) return width.of((text:gsub("\27%[[%d;]*m", ""))) end

--- A text that is no wider; where it was, two dots end it.
---@param text string
---@param most integer columns, at least 1
---@return string
function letters.cut(text, most)
  if letters.width(text) <= most then return text end
  return (width.parted(text, math.max(0, most - 2))) .. (".."):sub(1, most)
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
      local head, rest = width.parted(word, most)
      while rest ~= "" do
        if head == "" then head, rest = "?", rest:sub((utf8.offset(rest, 2))) end -- two columns, where there is one
        lines[#lines + 1] = head
        head, rest = width.parted(rest, most)
      end
      longer = head ~= "" and head or nil
    end
    line = longer
  end
  lines[#lines + 1] = line
  return lines
end

--- A text with blanks behind it, up to so many columns.
---@param text string
---@param columns integer
---@return string
function letters.pad(text, columns) return text .. (" "):rep(columns - letters.width(text)) end

return letters
