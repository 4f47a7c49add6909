--- Work whose result says whether the collector damaged a tensor: `require "tests.support.collected"`.

local fnet = require "fnet"
local core = require "fnet.core"

local nn, optim = fnet.nn, fnet.optim

local collected = {}

--- One use of every operation.
---@return string digest  of what they made
function collected.every_operation()
  fnet.seed(1)
  local a, b = fnet.rand { 8, 6 }, fnet.rand { 6, 8 }
  local large = fnet.rand { 40, 50 } -- large enough to have a storage of its own
  local index = fnet.tensor({ 3, 1, 2 }, "int32")
  local results = {
    a + 1, 1 - a, a * a:T():contiguous():T(), a / b:T(), a ^ 2, -a, a:exp(), a:log(), a:tanh(), a:sigmoid(),
    a:sqrt(), a:abs(), a:sign(), a:relu(), a:gate(a - 0.5), a:maximum(0.5), a:minimum(b:T()), a:clamp(0.2, 0.8),
    a:lt(0.5), a:int():eq(b:T():int()), a:sum(), a:sum(1), a:mean(2, true), a:max(1), a:min(), a:argmax(1),
    a:argmin(), a:softmax(), a:softmax(1), a:matmul(b), a[1]:matmul(b), b:matmul(b[2]), large:matmul(large:T()),
    large:T() + 1,
    a:reshape { 6, 8 }, b:T():reshape { 48 }, a:flatten(), a:slice(2, 2, 4), a:select(1, 3), a:expand { 2, 8, 6 },
    a:gather(index), core.scatter(a:slice(1, 1, 3), index, 1, 4), fnet.concat { a, a, b:T() }, a:clone(),
    a:detach(), a:T():contiguous(), (a * 9):int(), (a * 9):byte(), a:double(), large:double():float(), fnet.eye(5),
    fnet.arange(1, 9), fnet.full({ 2, 2 }, 3), fnet.randn { 5 }, fnet.permutation(5):float(),
    fnet.tensor(a:totable()), fnet.from_bytes(a:bytes(), { 48 }), fnet.zeros({ 2 }):copy(a[1][1] + fnet.ones { 1 }),
    core.gather_scaled(fnet.tensor({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, "uint8"), index, 0.5),
  }
  local filled = fnet.zeros { 3, 3 }
  filled[1] = fnet.ones { 3 }
  filled[2] = filled[1]
  filled:set(5, 3, 3)
  filled:T():copy(filled)
  results[#results + 1] = filled
  local digest = {}
  for i, t in ipairs(results) do digest[i] = fnet.sha256(t) end
  digest[#digest + 1] = tostring(large)
  assert(a:equal(a:clone()) and a:allclose(a:clone()))
  return table.concat(digest, "\n")
end

--- A forward and a backward pass through layers and a loss, and a step.
---@return number loss
function collected.training_step(model, opt, x, y)
  local loss = nn.cross_entropy(model(x), y)
  opt:zero_grad()
  loss:backward()
  opt:step()
  return loss:item()
end

--- Some steps, and a gradient of a gradient.
---@return string losses
function collected.training()
  fnet.seed(1)
  local model = nn.Sequential { nn.Flatten(), nn.Dense(12, 20), nn.ReLU(), nn.Dense(20, 3), nn.Softmax() }
  local opt = optim.Adam(model:parameters())
  local x, y = fnet.rand { 10, 3, 4 }, fnet.rand({ 10 }, 1, 3.99):int()
  local losses = {}
  for i = 1, 5 do losses[i] = ("%.17g"):format(collected.training_step(model, opt, x, y)) end
  local scale = fnet.ones { 2, 2 }
  scale.requires_grad = true
  local root = ((scale * 3):exp() / (scale + 1)):sum()
  root:backward { create_graph = true }
  scale.grad:sum():backward()
  return table.concat(losses, " ") .. tostring(scale.grad)
end

return collected
