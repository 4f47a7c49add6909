-- A small transformer (Vaswani and others, 2017) learns to sort numbers, and shows where each place of its output
-- looks. Its attention is written here in Lua from the library's operations.
--   fnet examples/attention.lua

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local options = fnet.options(arg, "Teaches a small transformer to sort numbers.", {
  { "steps", 1500, "training steps", low = 0 },
  { "batch", 64, "lists a step", low = 1 },
  { "length", 8, "numbers in a list", low = 2 },
  { "largest", 20, "numbers go from 1 to this", low = 2 },
  { "units", 32, "numbers a place of the list is described by; a multiple of the heads", low = 4 },
  { "heads", 2, "different ways to look", low = 1 },
  { "lr", 3e-3, "learning rate of Adam", low = 0, high = 1 },
  { "seed", 1, "start of all random numbers" },
  { "check", false, "compares the attention's gradients with differences, and ends" },
})
if options.units % options.heads ~= 0 then
  io.stderr:write(("examples/attention.lua: --units: expected a multiple of the %d heads, got %d\n"):format(
    options.heads, options.units))
  os.exit(1, true)
end
fnet.seed(options.seed)

-- Each place asks all places (query times key), and takes from each as much as the answer is clear (its value).
local Attention = nn.module "Attention"

function Attention:init(units, heads)
  self.heads = heads
  self.asked = nn.Dense(units, 3 * units)
  self.told = nn.Dense(units, units)
end

-- [batch, length, units] becomes [batch * heads, length, units / heads], and back.
local function part(t, heads)
  local batch, length, units = table.unpack(t.shape)
  return t:reshape { batch, length, heads, units // heads }:transpose(2, 3)
    :reshape { batch * heads, length, units // heads }
end

local function join(t, heads)
  local rows, length, size = table.unpack(t.shape)
  return t:reshape { rows // heads, heads, length, size }:transpose(2, 3)
    :reshape { rows // heads, length, heads * size }
end

function Attention:forward(x)
  local query, key, value = self.asked(x):chunk(3, 3)
  query, key, value = part(query, self.heads), part(key, self.heads), part(value, self.heads)
  local scores = query:matmul(key:T()) / math.sqrt(query.shape[3]) -- [batch * heads, length, length]
  local weights = scores:softmax()
  self.weights = weights:detach() -- to be shown
  return self.told(join(weights:matmul(value), self.heads))
end

function Attention:output_shape(input) return input end

if options.check then
  local attention = Attention(4, 2):to "float64"
  local ok, detail = fnet.gradcheck(attention, { fnet.randn { 2, 3, 4 } })
  assert(ok, detail)
  print(("the gradients of the attention are right: largest error %.0e"):format(detail))
  os.exit(true, true)
end

-- What each place is, and which place it is: both are learnt.
local Places = nn.module "Places"

function Places:init(count, length, units)
  self.shape = { length, units }
  self.numbers = nn.Embedding(count, units)
  self.places = nn.Embedding(length, units)
end

function Places:forward(x) return self.numbers(x) + self.places(fnet.arange(1, x.shape[2], 1, "int32")) end

function Places:output_shape() return self.shape end

local units = options.units
local function block()
  return nn.Residual { nn.LayerNorm(units), Attention(units, options.heads) },
    nn.Residual {
      nn.LayerNorm(units), nn.Dense(units, 4 * units, { activation = "gelu" }), nn.Dense(4 * units, units),
    }
end
local look1, think1 = block()
local look2, think2 = block()
local model = nn.Sequential {
  Places(options.largest, options.length, units),
  look1, think1, look2, think2,
  nn.LayerNorm(units),
  nn.Dense(units, options.largest),
}
print(model:summary() .. "\n")

-- Lists of random numbers, and the same lists sorted.
local function make(count)
  local lists = (fnet.rand({ count, options.length }, 1, options.largest + 1)):int()
  local sorted = lists:totable()
  for _, list in ipairs(sorted) do table.sort(list) end
  return lists, fnet.tensor(sorted, "int32")
end

-- The share of the places that are right, of new lists.
local function accuracy()
  local lists, sorted = make(500)
  local output = fnet.predict(model, lists)
  return output:argmax(3):eq(sorted):mean():item()
end

local opt = optim.Adam(model:parameters(), { lr = options.lr })
for step = 1, options.steps do
  opt.lr = options.lr * math.min(step / 100, (options.steps - step + 1) / options.steps)
  local lists, sorted = make(options.batch)
  local logits = model(lists)
  local loss = nn.cross_entropy(logits:reshape { -1, options.largest }, sorted:reshape { -1 })
  opt:zero_grad()
  loss:backward()
  opt:step()
  if step % 300 == 0 then
    print(("step %d  loss %.4f  places right %.1f%%"):format(step, loss:item(), 100 * accuracy()))
  end
end

-- One list, and where the places of the last layer look: a row for each place of the output.
local lists = make(1)
local output = fnet.predict(model, lists):argmax(3)
local weights = look2[2].weights -- [heads, length, length]
local shades = { " ", ".", ":", "+", "#", "@" }
for head = 1, options.heads do
  local list = ("%3d"):rep(options.length):format(table.unpack(lists[1]:totable()))
  print(("\nhead %d looks at\n      %s"):format(head, list))
  for i = 1, options.length do
    local line = {}
    for k = 1, options.length do
      line[k] = "  " .. shades[1 + math.floor(weights[head][i][k] * 5.99)]
    end
    print(("%3d : %s"):format(output[1][i], table.concat(line)))
  end
end
