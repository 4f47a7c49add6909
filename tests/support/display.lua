--- Display: what a terminal shows after it has got some bytes: lines of letters. It knows what live lines use: ends
-- of lines, the way up, and erasing. Used with `require "tests.support.display"`.

local display = {}

--- Raises where it meets another escape sequence.
---@param bytes string UTF-8
---@param columns integer what is longer goes on in the next line
---@return string[] lines without blanks at their ends and without empty ones at the end
function display.of(bytes, columns)
  local lines, row, column = { {} }, 1, 1
  local function put(letter)
    if column > columns then row, column = row + 1, 1 end
    lines[row] = lines[row] or {}
    lines[row][column], column = letter, column + 1
  end
  local function erase_line()
    for i = column, columns do lines[row][i] = nil end
  end
  local at = 1
  while at <= #bytes do
    local sequence = bytes:match("^\27%[[%d;?]*%a", at)
    local letter = sequence or assert(bytes:match("^" .. utf8.charpattern, at), "no UTF-8")
    at = at + #letter
    if letter == "\r" then column = 1
    elseif letter == "\n" then row, column = row + 1, 1
    elseif letter == "\27[A" then row = row - 1
    elseif letter == "\27[K" then erase_line()
    elseif letter == "\27[J" then
      erase_line()
      for i = #lines, row + 1, -1 do lines[i] = nil end
    elseif not sequence then put(letter)
    else assert(letter:find "^\27%[[%d;]*m$", ("an unknown sequence, %q"):format(letter)) end
    lines[row] = assert(lines[row] or row > 0 and {}, "above the first line")
  end
  local texts = {}
  for i = 1, #lines do
    local cells = {}
    for k = 1, columns do cells[k] = lines[i][k] or " " end
    texts[i] = table.concat(cells):gsub(" +$", "")
  end
  while texts[#texts] == "" do texts[#texts] = nil end
  return texts
end

return display
