--- Assertions on tensors, gradients, models and losses. Each gives true, or false and what differs, and raises
-- where the call itself is wrong; `require "fnet.testing"` registers them all with luassert.

local expect = require "fnet.base.expect"
local gradient = require "fnet.tensor.gradient"
local is = require "fnet.base.is"
local module = require "fnet.nn.module"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local tensor = require "fnet.tensor"
local core = require "fnet.core"

local assertions = {}

local no_grad, where = core.no_grad, require("fnet.tensor.functions").constructors.where

-- ---- values ----

-- A tensor, or what becomes one with all its digits.
local function as_tensor(what, value)
  if core.is_tensor(value) then return value end
  if type(value) == "number" or type(value) == "table" and getmetatable(value) == nil then
    return tensor.constructors.tensor(value, "float64")
  end
  core.raise("%s: expected a tensor, a number or a table of numbers, got %s", what, say.value(value))
end

-- The index of the k-th element in row-major order, counted from 0: "[2, 3]".
local function place_of(k, shape)
  local index = {}
  for axis = #shape, 1, -1 do
    index[axis] = k % shape[axis] + 1
    k = k // shape[axis]
  end
  return say.shape(index)
end

-- What is said of two tensors of one shape: how many elements are farther apart than allowed, and which most.
local function farthest(expected, got, relative, absolute)
  local a, b = got:double():reshape { -1 }, expected:double():reshape { -1 }
  local distance = (a - b):abs()
  distance = where(a:eq(b), 0, where(distance:ne(distance), math.huge, distance)) -- of a NaN all is far
  local allowed = b:abs() * relative + absolute
  local is_far = 1 - (distance:le(allowed) * distance:lt(math.huge))
  local k = where(is_far, distance, -1):argmax():item()
  local limit = relative + absolute > 0 and (", where %.3g is allowed"):format(allowed[k]) or ""
  return ("%d of %d elements differ, most at %s: expected %s, got %s, off by %.3g%s"):format(is_far:sum():item(),
    a:count(), place_of(k - 1, got.shape), say.number(b[k], "%.9g"), say.number(a[k], "%.9g"), distance[k], limit)
end

--- The shape of a tensor, axis by axis.
---@param expected integer[] such as { 32, 10 }; "?" in it stands for any length
---@param got tensor
---@return boolean ok
---@return string? message what differs
function assertions.shape(expected, got)
  expect.that(type(expected) == "table" and getmetatable(expected) == nil, "shape", "a list of lengths", expected)
  expect.tensor("shape", got)
  local shape = got.shape
  local fits = #shape == #expected
  for axis, length in ipairs(expected) do
    if length ~= "?" then expect.count("shape: axis " .. axis, length, 0) end
    fits = fits and (length == "?" or length == shape[axis])
  end
  return fits, not fits and ("shape: expected %s, got %s"):format(say.shape(expected), say.shape(shape)) or nil
end

--- |got - expected| <= absolute + relative * |expected| for all elements, as in tensor:allclose; shapes have to be
-- equal, element types need not be. The message has the place and the size of the largest difference.
---@param expected tensor|number|table a table is taken as float64, so that it has all its digits
---@param got tensor
---@param relative? number 1e-5
---@param absolute? number 1e-8
---@return boolean ok
---@return string? message what differs where
function assertions.allclose(expected, got, relative, absolute)
  expected = as_tensor("allclose", expected)
  expect.tensor("allclose", got)
  relative = expect.number("allclose: relative", relative or 1e-5, 0, math.huge)
  absolute = expect.number("allclose: absolute", absolute or 1e-8, 0, math.huge)
  if not is.same_shape(expected.shape, got.shape) then
    return false, ("allclose: expected the shape %s, got %s"):format(say.shape(expected.shape),
      say.shape(got.shape))
  end
  if got:allclose(expected, relative, absolute) then return true end
  return false, "allclose: " .. no_grad(farthest, expected, got, relative, absolute)
end

--- Two tensors have one element type, one shape and equal elements (a NaN equals nothing). Registered as a part of
-- luassert's `same`, for tensors in tables too.
---@param expected tensor
---@param got tensor
---@return boolean ok
---@return string? message what differs where
function assertions.same(expected, got)
  expect.tensor("same", expected)
  expect.tensor("same", got)
  if expected.dtype ~= got.dtype or not is.same_shape(expected.shape, got.shape) then
    return false, ("same: expected %s, got %s"):format(say.value(expected), say.value(got))
  end
  if expected:equal(got) then return true end
  return false, "same: " .. no_grad(farthest, expected, got, 0, 0)
end

-- ---- gradients ----

--- The gradients of f agree with central differences, as fnet.gradcheck compares them.
---@param f fun(...): tensor or a model of float64
---@param inputs tensor|tensor[]
---@param options? table step, tolerance, most: as for fnet.gradcheck
---@return boolean ok
---@return string? message which element of which input differs
function assertions.gradcheck(f, inputs, options)
  local ok, detail = gradient.gradcheck(f, inputs, options)
  return ok, not ok and detail or nil
end

-- ---- bits ----

-- What two values share if and only if they have the same bits, and how a message shows it.
local function bits_of(value)
  if core.is_tensor(value) then return say.value(value) .. " " .. core.sha256(value) end
  if module.is_module(value) then return "model " .. value:sha256() end
  if math.type(value) == "float" then return value ~= value and "nan" or ("%a"):format(value) end
  local kind = type(value)
  if kind == "string" or kind == "boolean" or kind == "nil" or kind == "number" then return tostring(value) end
  core.raise("same_everywhere: expected results that are tensors, models, numbers or strings, got %s",
    say.value(value))
end

local function bits_of_all(...)
  local list = table.pack(...)
  if list.n == 0 then core.raise "same_everywhere: the function returned nothing that could be compared" end
  for i = 1, list.n do list[i] = bits_of(list[i]) end
  return list
end

--- f gives the same bits under every instruction set of this machine with each number of threads. What is random in
-- it begins with `fnet.seed(1)`. Threads and instruction set are put back, also where f fails.
---@param f fun(): ... tensors, models, numbers or strings, at least one
---@param threads? integer[] numbers of threads, { 1, 2, 3 }
---@return boolean ok
---@return string? message which result differs, under what
function assertions.same_everywhere(f, threads)
  expect.that(is.callable(f), "same_everywhere", "a function", f)
  threads = threads or { 1, 2, 3 }
  expect.that(type(threads) == "table" and #threads > 0, "same_everywhere: threads", "a list of numbers", threads)
  for _, count in ipairs(threads) do expect.count("same_everywhere: threads", count, 1, 256) end
  local threads_before, isa_before = core.threads(), core.isa()
  local _ <close> = setmetatable({}, { __close = function()
    core.threads(threads_before)
    core.isa(isa_before)
  end })
  local first, first_setting
  for _, isa in ipairs(core.isas()) do
    for _, count in ipairs(threads) do
      core.isa(isa)
      core.threads(count)
      local got, setting = bits_of_all(f()), ("%s with %d threads"):format(isa, count)
      first, first_setting = first or got, first_setting or setting
      for i = 1, math.max(first.n, got.n) do
        if first[i] ~= got[i] then
          return false, ("same_everywhere: result %d: %s gives %s, but %s gives %s"):format(i, setting,
            got[i] or "nothing", first_setting, first[i] or "nothing")
        end
      end
    end
  end
  return true
end

local FEWEST = 8 -- digits that tell two digests apart

--- The SHA-256 of a model's weights and buffers, or of a tensor, is the one that a spec has written down: a
-- snapshot that a change of a single bit does not pass. Equal seeds give equal weights on any machine. The message
-- has the digest to be written down.
---@param expected string the digest, or its first digits, at least 8; "" where it is not known yet, which fails
---@param got nn.Module|tensor
---@return boolean ok
---@return string? message
function assertions.sha256(expected, got)
  expect.that(type(expected) == "string", "sha256", "the digits of a digest", expected)
  if expected:find "%X" or #expected > 64 or #expected < FEWEST and expected ~= "" then
    core.raise('sha256: expected %d to 64 hexadecimal digits, or "", got "%s"', FEWEST, expected)
  end
  local is_model = module.is_module(got)
  expect.that(is_model or core.is_tensor(got), "sha256", "a model or a tensor", got)
  local digest = is_model and got:sha256() or core.sha256(got)
  if expected ~= "" and digest:sub(1, #expected) == expected:lower() then return true end
  return false, ("sha256: expected %s, got %s; if the change is meant, write the new one"):format(
    expected == "" and "one that is not written yet" or expected, digest)
end

-- ---- a training ----

--- The losses of a training are finite, and the last one is below the first.
---@param losses number[] at least two, such as history.loss
---@param below? number that the last one has to be below, too
---@return boolean ok
---@return string? message
function assertions.falls(losses, below)
  expect.that(type(losses) == "table" and #losses >= 2, "falls", "a list of at least two losses", losses)
  if below ~= nil then expect.number("falls: below", below, -math.huge, math.huge) end
  for i = 1, #losses do
    expect.that(type(losses[i]) == "number", "falls: loss " .. i, "a number", losses[i])
    if losses[i] - losses[i] ~= 0 then
      return false, ("falls: loss %d of %d is %s"):format(i, #losses, say.number(losses[i], "%g"))
    end
  end
  local first, last = losses[1], losses[#losses]
  if last >= first then
    return false, ("falls: loss 1 is %.6g, but loss %d is %.6g"):format(first, #losses, last)
  end
  if below and last >= below then
    return false, ("falls: expected the last of %d losses below %.6g, got %.6g"):format(#losses, below, last)
  end
  return true
end

return naming.strict("fnet.testing", assertions, { -- names of NumPy and PyTorch
  assert_allclose = "allclose", assert_almost_equal = "allclose", assert_array_equal = "same",
  assert_close = "allclose", assert_equal = "same",
})
