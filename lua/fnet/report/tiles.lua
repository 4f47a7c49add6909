--- Tiles: many pictures as one, in rows from left to right, a pixel apart; and weights as such pictures.
-- Invariant: what is shown of a large batch is its beginning.

local core = require "fnet.core"
local first_layer = require "fnet.inspect.first_layer"

local tiles = {}

local MOST = 64 -- pictures in one

--- One picture of many, as near to a square as they fit.
---@param batch tensor # [count, height, width] or [count, height, width, 3], floats from 0 (black) to 1
---@return tensor picture [height, width] or [height, width, 3]
function tiles.join(batch)
  local count, shape = math.min(#batch, MOST), batch.shape
  local columns = math.ceil(math.sqrt(count))
  local rows, height, width = math.ceil(count / columns), shape[2] + 1, shape[3] + 1
  local whole = core.full({ rows * height - 1, columns * width - 1, shape[4] }, 0.5)
  for i = 1, count do
    local y, x = (i - 1) // columns * height, (i - 1) % columns * width
    whole:slice(1, y + 1, y + height - 1):slice(2, x + 1, x + width - 1):copy(batch:select(1, i))
  end
  return whole
end

--- The weights of a model's first layer as one picture, a tile for each unit: grey where they are 0, brighter where
-- they are positive.
---@param model nn.Module
---@param sample integer[] the shape of a sample
---@return tensor? picture nil where the first layer has no weights for pictures
function tiles.of_weights(model, sample)
  return core.no_grad(function()
    local _, pictures = first_layer(model, sample)
    local channels = pictures and pictures.shape[4]
    if channels ~= 1 and channels ~= 3 then return nil end
    if channels == 1 then pictures = pictures:squeeze(4) end
    local most = pictures:abs():max():item()
    return tiles.join(pictures / (most > 0 and 2 * most or 1) + 0.5)
  end)
end

return tiles
