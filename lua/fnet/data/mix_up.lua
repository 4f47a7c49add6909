--- Mix-up of a batch: the random weights, and labels as distributions.
-- Invariant: the numbers come from the library's generator, and their powers from its own kernel, so that equal
-- seeds give equal bits.

local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

-- `count` numbers of the beta distribution (alpha, alpha) as float32, after Joehnk (1964): of two uniform numbers,
-- x = u^(1/alpha) and y = v^(1/alpha), the pairs with x + y <= 1 are kept, and x / (x + y) is what we want. A round
-- is one random call.
local function beta(count, alpha)
  local list, candidates_each = {}, alpha > 1 and 8 or 3 -- one in six is kept at alpha = 2, one in two at 1
  repeat
    local candidates = core.uniform({ 2, candidates_each * count }, 0, 1):pow(1 / alpha):totable()
    for i = 1, candidates_each * count do
      local x, y = candidates[1][i], candidates[2][i]
      if #list < count and x + y <= 1 and x + y > 0 then list[#list + 1] = x / (x + y) end
    end
  until #list == count
  return core.tensor(list)
end

-- Labels from 1 as rows of zeros with one 1.
local function one_hot(y, classes)
  local labels = y:to "int32"
  local most, least = labels:max():item(), labels:min():item()
  if least < 1 or most > classes then
    core.raise_kind("label out of range", "mix_up: label %d is outside 1..%d", least < 1 and least or most, classes)
  end
  return labels:reshape { #labels, 1 }:eq(core.arange(1, classes, 1, "float32"))
end

-- x and y, each row mixed with another one.
return function(x, y, alpha, classes, dataset)
  return core.no_grad(function()
    if not is.float(y) then
      classes = classes or dataset.classes and #dataset.classes
      if not classes then
        core.raise("mix_up: expected the number of classes, of which the data set knows nothing; give "
          .. "{ classes = }, or the data set its class names")
      end
      if y.rank ~= 1 then core.raise("mix_up: expected labels [count], got " .. say.shape(y.shape)) end
      y = one_hot(y, classes)
    end
    local partners, weights = core.permutation(#x), beta(#x, alpha)
    return core.mix(x, partners, weights), core.mix(y, partners, weights)
  end)
end
