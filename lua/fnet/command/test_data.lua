--- The test pictures of an IDX data set such as Fashion-MNIST, for a saved model.

local dataset = require "fnet.data.dataset"
local facts = require "fnet.save.samples"
local fashion_mnist = require "fnet.data.fashion"
local try = require "fnet.base.try"

--- The test pictures in the form of those that the model was trained on, with its names of the classes. Raises
-- where there are none.
---@param directory string of the four IDX files; "" looks where data.fashion_mnist does
---@param about? table what the model's file says of its data; of a file that says nothing bytes become 0 to 1
---@return data.Dataset
return function(directory, about)
  about = about or { scale = 1 / 255 }
  local names = about.classes and #about.classes > 0 and about.classes or nil
  local _, test = fashion_mnist { dir = directory ~= "" and directory or nil, classes = names }
  local x, shape, _, scale = test.x, { #test.x }, facts.numbers(about)
  for i, length in ipairs(about.shape or {}) do shape[i + 1] = length end
  local fits, reshaped = try(x.reshape, x, shape) -- as { 28, 28, 1 }, or { 784 }
  return dataset.new { x = fits and reshaped or x, y = test.y, classes = test.classes, scale = scale or test.scale,
    source = test.source, transform = facts.transform(about), name = test.name }
end
