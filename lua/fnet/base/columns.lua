--- Text in columns: each as wide as its widest cell, and at least as wide as asked.

local width_of = require("fnet.base.width").of

--- Rows of cells as lines, without blanks at their ends.
---@param rows table[] each a list of texts and numbers
---@param widths integer[]|integer the least width of each column, or of all; negative: cells stand to the left
---@param gap? string between the columns, one blank
---@param paint? fun(text: string, row: integer, column: integer): string a cell as it is shown, with its blanks
---@return string[] lines
return function(rows, widths, gap, paint)
  local lines = {}
  for i in ipairs(rows) do lines[i] = {} end
  for k = 1, #(rows[1] or {}) do
    local width = type(widths) == "table" and widths[k] or widths
    local most = math.abs(width)
    for _, row in ipairs(rows) do most = math.max(most, width_of(tostring(row[k]))) end
    for i, row in ipairs(rows) do
      local text = tostring(row[k])
      local blanks = (" "):rep(most - width_of(text))
      text = width < 0 and text .. blanks or blanks .. text
      lines[i][k] = paint and paint(text, i, k) or text
    end
  end
  for i, cells in ipairs(lines) do lines[i] = table.concat(cells, gap or " "):gsub("%s+$", "") end
  return lines
end
