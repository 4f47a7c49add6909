--- Bar: a horizontal bar of blocks, in eighths of a column; of "#" and "-", for half a column, where a terminal has
-- no such letters.

local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" }

---@param fraction number 0 to 1; a NaN has no bar
---@param width integer columns
---@param at table what the screen can show, of screen.lua
---@return string text padded to the width
return function(fraction, width, at)
  local eighths = math.floor(math.min(1, math.max(0, fraction)) * width * 8 + 0.5) -- none for a NaN
  local full, rest = eighths // 8, eighths % 8
  if not at.terminal or at.unicode then
    return EIGHTHS[8]:rep(full) .. (EIGHTHS[rest] or "") .. (" "):rep(width - full - (rest > 0 and 1 or 0))
  end
  local half = rest >= 4 and "-" or ""
  return ("#"):rep(full) .. half .. (" "):rep(width - full - #half)
end
