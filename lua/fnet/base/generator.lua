--- Generator: random numbers of their own, beside fnet's.
-- Invariant: a generator and fnet's numbers do not meet: who draws from one finds the other as it was. Both are
-- functions of the seed, of how many calls came before, and of the place in the tensor.

local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local core = require "fnet.core"

local generator = {}

--- Random numbers of their own. Each call takes the next stream of the seed's, as fnet's own numbers do: what
-- `fnet.seed(5)` starts, `fnet.generator(5)` gives too. Start values draw from one by a function:
-- `init = function(shape) return generator:randn(shape, 0, 0.1) end`.
---@class fnet.Generator
local Generator = {}
local class = { __index = Generator }

local function new(source) return setmetatable({ source = source }, class) end

---@return { [string]: function, random_state: fun(...): integer, integer }
local function source_of(name, self)
  if getmetatable(self) ~= class then expect.method(name, self) end
  return self.source
end

--- Uniform random numbers in [low, high).
---@param shape integer[]
---@param low? number 0
---@param high? number 1
---@param dtype? "float32"|"float64" "float32"
---@return tensor
function Generator:rand(shape, low, high, dtype) return source_of("rand", self).uniform(shape, low, high, dtype) end

--- Normal random numbers.
---@param shape integer[]
---@param mean? number 0
---@param deviation? number standard deviation, 1
---@param dtype? "float32"|"float64" "float32"
---@return tensor
function Generator:randn(shape, mean, deviation, dtype)
  return source_of("randn", self).normal(shape, mean, deviation, dtype)
end

--- The numbers 1 to n in random order, as int32.
---@param n integer
---@return tensor
function Generator:permutation(n) return source_of("permutation", self).permutation(n) end

--- A random number, as fnet.random gives it.
---@param first? integer
---@param last? integer
---@return number
function Generator:random(first, last) return source_of("random", self).random(first, last) end

--- The state; `generator:state(seed, stream)` sets it. Numbers that go into a checkpoint's `values` make a
-- generator go on with it.
---@param seed? integer
---@param stream? integer how many random calls came before, at least 0
---@return integer seed, integer stream
function Generator:state(seed, stream) return source_of("state", self).random_state(seed, stream) end

--- Another generator, which gives the numbers that this one would give next.
---@return fnet.Generator
function Generator:copy()
  local seed, stream = self:state()
  local copy = new(core.random_source(seed))
  copy:state(seed, stream)
  return copy
end

function class:__tostring() return ("generator with seed %d after %d calls"):format(self:state()) end
class.kind = function() return "a generator" end

naming.strict("generator", Generator, {
  bernoulli = "probabilities:bernoulli { generator = generator } draws", choice = "permutation",
  get_state = "state", initial_seed = "state", integers = "random", manual_seed = "state", normal = "randn",
  multinomial = "weights:sample(n, { generator = generator }) draws", randint = "random", seed = "state",
  sample = "weights:sample(n, { generator = generator }) draws", set_state = "state",
  shuffle = "permutation", standard_normal = "randn", uniform = "rand",
})

--- A source of random numbers of its own: `generator:rand { 2, 3 }` and the like, and what takes a generator as an
-- option: sample, bernoulli, and the order of a data set's batches, split and folds. fnet's numbers, and a
-- generator made elsewhere, are left as they are, so what one part of a script draws does not depend on the others.
---@param seed integer any whole number
---@return fnet.Generator
function generator.generator(seed) return new(core.random_source(seed)) end

--- A random number, from fnet's numbers: fnet.seed starts them, and a checkpoint keeps them, unlike math.random's.
-- Without an argument from 0 up to, but less than 1, with 53 random bits; random(n) is a whole number from 1 to n,
-- random(first, last) one from first to last, as math.random gives them.
---@param first? integer
---@param last? integer at least `first`
---@return number
function generator.random(first, last) return core.random(first, last) end

--- What draws for an option `generator`: fnet's own numbers where there is none.
---@param what string the function, for the message
---@param option any
---@return table source with uniform, normal, permutation, random
function generator.source(what, option)
  if option == nil then return core end
  expect.that(getmetatable(option) == class, what .. ": generator", "one that fnet.generator(seed) made", option)
  return option.source
end

return generator
