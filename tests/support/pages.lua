--- Small things to show on pages, for the specs of report.page: `require "tests.support.pages"`.

local fnet = require "fnet"
local nn = fnet.nn

local pages = {}

--- A classifier of pictures, 60 of them, that has not learnt and so is often wrong.
---@param names? string[] of three classes
---@return nn.Module model, data.Dataset set
function pages.classifier(names)
  fnet.seed(1)
  local pictures = (fnet.rand { 60, 6, 5 } * 255):byte()
  local labels = (fnet.arange(0, 59, 1) - (fnet.arange(0, 59, 1) / 3):int() * 3 + 1):int()
  local set = fnet.data.Dataset { x = pictures, y = labels, scale = 1 / 255, name = "noise",
    classes = names or { "cat", "dog", "eel" } }
  return nn.Sequential { nn.Flatten(), nn.Dense(30, 4), nn.ReLU(), nn.Dense(4, 3), nn.Softmax() }, set
end

--- Records of a training, as a loop makes them.
---@param epochs integer
---@param shift? number is added to the losses
---@return table[]
function pages.history(epochs, shift)
  local records = {}
  for epoch = 1, epochs do
    records[epoch] = { epoch = epoch, loss = 1 / epoch + (shift or 0), valid_loss = 1.2 / epoch + (shift or 0),
      accuracy = 1 - 0.5 / epoch, lr = 0.01 / epoch, seconds = epoch * 0.1 }
  end
  return records
end

--- A sweep of two settings.
---@return fnet.Sweep
function pages.sweep()
  return fnet.sweep { seeds = 3, lr = { 0.5, 0.25 }, name = { "b", "a" },
    run = function(settings)
      return 10 * settings.lr + (settings.name == "a" and 2 or 0) + settings.seed / 10
    end }
end

return pages
