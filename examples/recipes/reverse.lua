-- A transformer (Vaswani and others, 2017) of one block learns to write eight digits backwards, without a mistake.
--   fnet examples/recipes/reverse.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local LENGTH, UNITS, HEADS = 8, 32, 2

local Attention = nn.module "Attention"

function Attention:init()
  self.asked, self.told = nn.Dense(UNITS, 3 * UNITS), nn.Dense(UNITS, UNITS)
end

-- [batch, LENGTH, UNITS] becomes [batch * HEADS, LENGTH, UNITS / HEADS]
local function part(x)
  return x:reshape { -1, LENGTH, HEADS, UNITS // HEADS }:transpose(2, 3):reshape { -1, LENGTH, UNITS // HEADS }
end

function Attention:forward(x)
  local query, key, value = self.asked(x):chunk(3, 3)
  local weights = (part(query):matmul(part(key):T()) / math.sqrt(UNITS / HEADS)):softmax()
  local seen = weights:matmul(part(value)):reshape { -1, HEADS, LENGTH, UNITS // HEADS }
  return self.told(seen:transpose(2, 3):reshape { -1, LENGTH, UNITS })
end

local Digits = nn.module "Digits" -- which digit, and which place: both are learnt
function Digits:init()
  self.digits, self.places = nn.Embedding(10, UNITS), nn.Embedding(LENGTH, UNITS)
end

function Digits:forward(x) return self.digits(x) + self.places(fnet.arange(1, LENGTH, 1, "int32")) end

fnet.seed(1)
local model = nn.Sequential {
  Digits(),
  nn.Residual { nn.LayerNorm(UNITS), Attention() },
  nn.Residual { nn.LayerNorm(UNITS), nn.Dense(UNITS, 64, { activation = "gelu" }), nn.Dense(64, UNITS) },
  nn.LayerNorm(UNITS), nn.Dense(UNITS, 10),
}

-- Random digits, as labels 1 to 10, and the same backwards.
local backwards = fnet.arange(LENGTH, 1, -1, "int32")
local function make(count)
  local x = fnet.rand({ count, LENGTH }, 1, 11):int()
  return x, x:T():gather(backwards):T()
end

local opt = optim.Adam(model:parameters(), { lr = 0.005, schedule = optim.schedule.cosine { steps = 400 } })
for step = 1, 400 do
  local x, y = make(64)
  local loss = nn.cross_entropy(model(x):reshape { -1, 10 }, y:reshape { -1 })
  opt:zero_grad()
  loss:backward()
  opt:step()
  if step % 100 == 0 then print(("step %d  loss %.3f"):format(step, loss:item())) end
end
local x, y = make(1000)
print(("%g%% of 8000 new digits are right"):format(100 * fnet.predict(model, x):argmax(3):eq(y):mean():item()))

-- prints:
-- step 100  loss 0.003
-- step 200  loss 0.002
-- step 300  loss 0.001
-- step 400  loss 0.001
-- 100% of 8000 new digits are right
