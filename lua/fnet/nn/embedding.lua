--- Embedding: a learnt row of numbers for each of a set of symbols.

local expect = require "fnet.base.expect"
local core = require "fnet.core"
local module = require "fnet.nn.module"
local parameter = require "fnet.nn.parameter"

---@class nn.Embedding: nn.Module
---@field weight tensor # [count, units]
local Embedding = module.class "Embedding"
Embedding.passes_on = true

--- Row i of a table of weights for index i. The weights start normal, with mean 0 and deviation 1, unless `init`
-- says otherwise. The gradient is as large as the table, zeros where no index led. A large table with few indices a
-- batch is fastest with SGD without momentum and weight decay: it passes over those zeros, with the same bits,
-- where the gradient is that of one call of the layer and no limit changed it. Adam and all that remember something
-- of every row go through the whole table in every step.
---@param count integer symbols: indices go from 1 to count
---@param units integer numbers a symbol
---@param options? table init: nn.StartValues, of the shape {count, units}
function Embedding:init(count, units, options)
  self.symbols, self.units = expect.count("Embedding: count", count, 1), expect.count("Embedding: units", units, 1)
  options = expect.options("Embedding", options, { "init" })
  self.weight = parameter.weight("Embedding", { self.symbols, self.units }, options.init or core.normal)
end

--- The rows that the indices name. Raises, with the layer's place, for an index outside 1 to count.
---@param x tensor|integer indices, int32 or uint8, of any shape; a number for one
---@return tensor y [..., units]
function Embedding:forward(x)
  if x == nil then expect.method("forward", self) end
  if math.type(x) then
    return self:forward(core.tensor({ expect.count(self:name() .. ": index", x, 1, self.symbols) }, "int32"))
      :reshape { self.units }
  end
  return core.gather(self.weight, x, 1, self:name())
end

function Embedding:output_shape(input)
  expect.output_shape(self, input)
  if not input then return nil end
  local shape = { table.unpack(input) }
  shape[#shape + 1] = self.units
  return shape
end

function Embedding:describe()
  expect.method("describe", self)
  return ("Embedding(%d, %d)"):format(self.symbols, self.units)
end

return Embedding
