-- A recurrent network reads a text letter by letter, learns what letter comes next, and then writes a text of its
-- own. Its cell, an LSTM (Hochreiter and Schmidhuber, 1997), is written here in Lua from the library's operations.
--   fnet examples/char_rnn.lua --text FILE

local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local options = fnet.options(arg, "Learns to write like a text, letter by letter.", {
  { "text", "", "the text; fnet's own README where none is named", value = "FILE" },
  { "epochs", 10, "passes over the text", low = 0 },
  { "units", 128, "numbers that the network remembers", low = 1 },
  { "batch", 16, "places of the text that are read at once", low = 1 },
  { "steps", 32, "letters between two updates, through which gradients flow", low = 1 },
  { "lr", 5e-3, "learning rate of Adam", low = 0, high = 1 },
  { "dropout", 0.2, "share of the cell's outputs that are dropped in training", low = 0, high = 1 },
  { "sample", 400, "letters to write", low = 0 },
  { "temperature", 0.7, "below 1 it writes what is likely, above 1 what is not", low = 0.01 },
  { "seed", 1, "start of all random numbers" },
  { "check", false, "compares the cell's gradients with differences, and ends" },
})
fnet.seed(options.seed)

-- The cell: what it remembers is c, what it shows of it is h, both [batch, units].
local LSTM = nn.module "LSTM"

function LSTM:init(inputs, units)
  self.units = units
  self.from_input = nn.Dense(inputs, 4 * units)
  self.from_state = nn.Dense(units, 4 * units, { bias = false, init = "orthogonal" })
end

function LSTM:forward(x, h, c)
  local input, forget, new, show = (self.from_input(x) + self.from_state(h)):chunk(4, 2)
  c = (forget + 1):sigmoid() * c + input:sigmoid() * new:tanh() -- + 1: at first it forgets little
  return show:sigmoid() * c:tanh(), c
end

if options.check then
  local cell = LSTM(3, 4):to "float64"
  local function run(x, h, c)
    for t = 1, 3 do h, c = cell(x:select(2, t), h, c) end
    return h + c
  end
  local inputs = { fnet.randn { 2, 3, 3 }, fnet.randn { 2, 4 }, fnet.randn { 2, 4 } }
  local ok, detail = fnet.gradcheck(run, inputs)
  assert(ok, detail)
  print(("the gradients of the cell are right: largest error %.0e"):format(detail))
  os.exit(true, true)
end

-- The text as numbers: letter k of the alphabet, which is every byte that occurs, is k.
local path = options.text ~= "" and options.text or (arg[0]:match "^(.*)examples/" or "../") .. "README.md"
local file, problem = io.open(path, "rb")
if not file then
  io.stderr:write(problem, "\n")
  os.exit(1, true)
end
local text
text, problem = file:read "a"
file:close()
if not text then
  io.stderr:write(path, ": ", problem, "\n")
  os.exit(1, true)
end
local alphabet, number = {}, {}
for letter in text:gmatch "." do
  if not number[letter] then
    alphabet[#alphabet + 1] = letter
    number[letter] = 0
  end
end
table.sort(alphabet)
for k, letter in ipairs(alphabet) do number[letter] = k end

local length = (#text - 1) // options.batch -- of the part that each row of a batch reads
if length < options.steps then
  io.stderr:write(("%s: too short for %d places with %d letters each\n"):format(path, options.batch, options.steps))
  os.exit(1, true)
end
local numbers = {}
for i = 1, length * options.batch + 1 do numbers[i] = number[text:sub(i, i)] end
local letters = fnet.tensor(numbers, "int32")
local read = letters:slice(1, 1, length * options.batch):reshape { options.batch, length }
local wanted = letters:slice(1, 2):reshape { options.batch, length }

local Model = nn.module "Model"

function Model:init(count, units)
  self.embedding = nn.Embedding(count, 32)
  self.cell = LSTM(32, units)
  self.output = nn.Sequential { nn.Dropout(options.dropout), nn.Dense(units, count) }
end

function Model:start(batch)
  return fnet.zeros { batch, options.units }, fnet.zeros { batch, options.units }
end

-- One letter of each row, [batch]: the logits of the next one, and the state that follows.
function Model:forward(letter, h, c)
  h, c = self.cell(self.embedding(letter), h, c)
  return self.output(h), h, c
end

local model = Model(#alphabet, options.units)
local opt = optim.Adam(model:parameters(), { lr = options.lr })
print(("%s: %d letters, %d different ones; %d parameters\n"):format(path, #text, #alphabet, model:count()))

for epoch = 1, options.epochs do
  opt.lr = options.lr * (1 - (epoch - 1) / options.epochs)
  local started, total, count = fnet.clock(), 0, 0
  local h, c = model:start(options.batch)
  for first = 1, length - options.steps + 1, options.steps do
    local logits = {}
    for t = 1, options.steps do logits[t], h, c = model(read:select(2, first + t - 1), h, c) end
    local labels = wanted:slice(2, first, first + options.steps - 1):T():reshape { -1 }
    local loss = nn.cross_entropy(fnet.concat(logits), labels)
    opt:zero_grad()
    loss:backward()
    opt:step()
    h, c = h:detach(), c:detach() -- the state goes on, the gradients end here
    total, count = total + loss:item(), count + 1
  end
  print(("epoch %d/%d  %.3f bits a letter  %.1f s"):format(epoch, options.epochs, total / count / math.log(2),
    fnet.clock() - started))
end

-- A letter by its probability: the first one at which the running sum passes a random number.
local function choose(logits)
  local probabilities, u = (logits / options.temperature):softmax(), fnet.rand({ 1 })[1]
  for k = 1, #alphabet do
    u = u - probabilities[k]
    if u < 0 then return k end
  end
  return #alphabet
end

model:eval()
fnet.no_grad(function()
  local h, c = model:start(1)
  local letter, written = letters[1], {}
  for i = 1, options.sample do
    local logits
    logits, h, c = model(fnet.tensor({ letter }, "int32"), h, c)
    letter = choose(logits[1])
    written[i] = alphabet[letter]
  end
  print("\n" .. table.concat(written))
end)
