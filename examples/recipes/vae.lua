-- A variational autoencoder (Kingma and Welling, 2014): pictures are squeezed into a cloud of few numbers, from
-- which new pictures can be drawn.
--   fnet examples/recipes/vae.lua

local fnet = require "fnet"
local nn, data, optim = fnet.nn, fnet.data, fnet.optim

local CODE = 8
local VAE = nn.module "VAE"

function VAE:init()
  local first = nn.Dense(784, 128, { activation = "relu" })
  self.encoder = nn.Sequential { nn.Flatten(), first, nn.Dense(128, 2 * CODE) }
  self.decoder = nn.Sequential { nn.Dense(CODE, 128, { activation = "relu" }), nn.Dense(128, 784) } -- logits
end

-- What is drawn again, and the middle and the logarithm of the variance of each cloud.
function VAE:forward(pictures)
  local middle, log_variance = self.encoder(pictures):chunk(2, 2)
  local code = middle + (log_variance / 2):exp() * fnet.randn(middle.shape)
  return self.decoder(code), middle, log_variance
end

-- A bound of how surprised the model is, in nats a picture: how badly it is drawn again, and how far its cloud is
-- from the normal one (equation 10 of the paper).
local function surprise(model, pictures)
  local drawn, middle, log_variance = model(pictures)
  local wrong = nn.binary_cross_entropy(drawn, pictures:flatten(2)) * 784
  local far = (middle * middle + log_variance:exp() - 1 - log_variance):sum(2):mean() / 2
  return wrong + far, far
end

fnet.seed(1)
local train, test = data.fashion_mnist()
train, test = train:slice(1, 600), test:slice(1, 200)
local model = VAE()
local opt = optim.Adam(model:parameters(), { lr = 2e-3 })
for epoch = 1, 60 do
  for pictures in train:batches { size = 50, shuffle = true } do
    local loss = surprise(model, pictures)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
  if epoch % 20 == 0 then
    local bound, far = fnet.no_grad(surprise, model, (test:batches { size = 200 }()))
    print(("epoch %d  %.0f nats a test picture, %.1f of them for the code"):format(epoch, bound:item(), far:item()))
  end
end
local new = fnet.no_grad(model.decoder, fnet.randn { 3, CODE }):sigmoid():reshape { 3, 28, 28 }
print(fnet.report.pictures(new, { columns = 3 }))

-- prints:
-- epoch 20  267 nats a test picture, 13.3 of them for the code
-- epoch 40  259 nats a test picture, 13.7 of them for the code
-- epoch 60  258 nats a test picture, 14.0 of them for the code
--
--
--                                         :--=====-::
--                ..                     .:=++*#****=-.       ...............
--       ......:::::.:...                ..:-=+*##+=-..       ..:...:---:---::.
--      .::::::---------:..              ..::-=+++==-:        .:--:::::::-=-:.
--    .:-==----==--==+=-:..            ..:::---======:       .:-=-::..::::--..
-- ..::====--==+=====++=-:..      .:-::-:::--=--====-:.      .:--:::.:::.::-..
--   .::-=----===-------:..   .:-==+++=++=++*+++++++=-.     ..:--:-:---::::-:..
--     .......::::.......     :==++*******++++=+***+=-.
--            ......            ...:-::::::....:-:::.
