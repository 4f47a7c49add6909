-- What a hidden layer makes of its inputs: its 64 numbers for each picture, seen from the two directions in which
-- they vary most (principal components; Pearson, 1901).
--   fnet examples/recipes/hidden_pca.lua

local fnet = require "fnet"
local nn, data = fnet.nn, fnet.data

fnet.seed(1)
local train, test = data.fashion_mnist()
train, test = train:slice(1, 600), test:slice(1, 200)
local hidden = nn.Sequential { nn.Flatten(), nn.Dense(784, 64, { activation = "tanh" }) }
local model = nn.Sequential { hidden, nn.Dense(64, 10) }
fnet.fit(model, { train = train, epochs = 15, loss = nn.cross_entropy, optim = fnet.optim.Adam })

-- A matrix [samples, numbers] in so many directions, and the share of the variance along each: a direction is what
-- a power of the covariance makes of any vector; then it is taken out, and the next one is found.
local function components(x, count)
  x = (x - x:mean(1)):double()
  local covariance = x:T():matmul(x) / #x
  local whole = (covariance * fnet.eye(x.shape[2])):sum():item()
  local found, shares = {}, {}
  for k = 1, count do
    local v = fnet.randn({ x.shape[2], 1 }, 0, 1, "float64")
    for _ = 1, 200 do
      v = covariance:matmul(v)
      v = v / (v * v):sum():sqrt()
    end
    local variance = (v * covariance:matmul(v)):sum():item()
    covariance = covariance - v:matmul(v:T()) * variance
    found[k], shares[k] = v, variance / whole
  end
  return x:matmul(fnet.concat(found, 2)), shares -- the samples in these directions
end

local seen, shares = components(fnet.predict(hidden, test.x:float() / 255), 2)
local pixels, pixel_shares = components(test.x:flatten(2):float() / 255, 2)
print(("two directions hold %.0f%% of the variance of the layer, %.0f%% of that of the pixels"):format(
  100 * (shares[1] + shares[2]), 100 * (pixel_shares[1] + pixel_shares[2])))

-- How often the nearest other picture, as seen there, is of the same class.
local function neighbours(points)
  local squares = (points * points):sum(2, true)
  local far = squares + squares:T() - 2 * points:matmul(points:T()) + fnet.eye(#points) * 1e9
  return test.y:gather(far:argmin(2)):eq(test.y):mean():item()
end
print(("nearest neighbours of one class: %.0f%% by the layer, %.0f%% by the pixels"):format(100 * neighbours(seen),
  100 * neighbours(pixels)))
local series = {}
for class, name in ipairs { "T-shirt", "trouser" } do
  local x, y = {}, {}
  for row, label in ipairs(test.y:totable()) do
    if label == class then x[#x + 1], y[#y + 1] = seen[row][1], seen[row][2] end
  end
  series[name] = { x = x, y = y, points = true }
end
print(fnet.report.plot(series, { title = "two of the classes", columns = 60, rows = 10, style = "ascii" }))

-- prints:
-- two directions hold 61% of the variance of the layer, 53% of that of the pixels
-- nearest neighbours of one class: 62% by the layer, 56% by the pixels
--                       two of the classes
--   |                               o      o
-- 5 +                     o o  o       ooo oo o
--   |                oo         o    ooo  o  o    o
--   |                        o                  o
--   |                     o
--   |          *                        *         o
-- 0 +                            *   * *            *
--   |  * * **     *         * *                *           *
--   |        * **                                   *
--   |                                       *
--   +----+-----------+-----------+-----------+-----------+----
--      -4.0        -3.5        -3.0        -2.5        -2.0
--     *  T-shirt    o  trouser
