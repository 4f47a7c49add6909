-- fnet in the comparison with peers: the network and the training loop of examples/fashion.lua, without its
-- counting of right answers, which the peers do not do either. Answers the lines that peers_worker.py describes.

local fnet = require "fnet"
local seconds_a_call = require "tests.bench.peers_clock"
local nn, optim, data = fnet.nn, fnet.optim, fnet.data

fnet.threads(assert(math.tointeger(tonumber(arg[1])), "usage: fnet peers_fnet.lua THREADS"))
fnet.seed(1)
local train, test = data.fashion_mnist()
local model = nn.Sequential {
  nn.Flatten(),
  nn.Dense(784, 128), nn.ReLU(),
  nn.Dense(128, 10), nn.Softmax(),
}
local opt = optim.Adam(model:parameters(), { lr = 1e-3 })

local function epoch(set, batch)
  local total = 0
  for x, y in set:batches { size = batch, shuffle = true } do
    local loss = nn.cross_entropy(model(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
    total = total + loss:item() * #y
  end
  return total / #set
end

local answers, warm = {}, {}

function answers.epoch(batch)
  if not warm[batch] then
    epoch(train:slice(1, 2 * batch + #train % batch), batch)
    warm[batch] = true
  end
  local start = fnet.clock()
  epoch(train, batch)
  return fnet.clock() - start
end

function answers.predict(count)
  local pictures = test:slice(1, count):batches { size = count } ()
  pictures = count == 1 and pictures[1] or pictures
  return seconds_a_call(function() return fnet.no_grad(model, pictures) end, 0.05)
end

function answers.accuracy() return nn.accuracy(model, test) end

io.stdout:setvbuf "line"
print(("ready %s, numerics %d, %s"):format(fnet.version, fnet.numerics, fnet.isa()))
for line in io.lines() do
  local request, number = line:match "^(%a+) ?(%d*)$"
  print(("%.17g"):format(answers[request](math.tointeger(tonumber(number)))))
end
