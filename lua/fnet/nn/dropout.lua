--- Dropout: some of the numbers become 0 while a model is trained.

local decimal = require "fnet.base.decimal"
local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local core = require "fnet.core"
local module = require "fnet.nn.module"

---@class nn.Dropout: nn.Module
---@field rate number
local Dropout = module.class "Dropout"
Dropout.passes_on, Dropout.keeps_shape = true, true

--- In training mode each number becomes 0 with probability `rate`, and the others are divided by 1 - rate, so that
-- their mean stays (Srivastava and others, 2014, section 10). In evaluation mode the input as it is. The choice
-- comes from the library's generator: fnet.seed repeats it.
---@param rate? number 0.5; 0 to 1
function Dropout:init(rate) self.rate = expect.number("Dropout: rate", rate == nil and 0.5 or rate, 0, 1) end

-- A script may have changed it.
local function rate_of(self) return expect.number("Dropout: rate", self.rate, 0, 1) end

--- The input, with a part of it dropped in training mode.
---@param x tensor of any shape, float
---@return tensor y of the same shape
function Dropout:forward(x)
  if x == nil then expect.method("forward", self) end
  local rate = self.training and rate_of(self) or 0
  if rate == 0 then return x end
  expect.that(is.float(x), self:name(), "a float tensor", x)
  return x * core.dropout_mask(x, rate)
end

function Dropout:describe()
  expect.method("describe", self)
  local is_number = type(self.rate) == "number"
  return ("Dropout(%s)"):format(is_number and decimal.text("%g", self.rate) or tostring(self.rate))
end

return Dropout
