-- Saliency (Simonyan and others, 2013): which pixels of a picture does the answer of a network depend on? Those at
-- which the gradient of the class's logit is large.
--   fnet examples/recipes/saliency.lua

local fnet = require "fnet"
local nn, data = fnet.nn, fnet.data

fnet.seed(1)
local train, test = data.fashion_mnist()
train, test = train:slice(1, 600), test:slice(1, 200)
local model = nn.Sequential { nn.Flatten(), nn.Dense(784, 64, { activation = "relu" }), nn.Dense(64, 10) }
fnet.fit(model, { train = train, epochs = 20, loss = nn.cross_entropy, optim = fnet.optim.Adam })

local pictures = test.x:float() / 255
local classes = fnet.predict_classes(model, pictures)
local rows = #pictures

-- The size of the gradient of each picture's logit at its pixels; pictures in a batch do not touch each other.
local x = pictures:clone():detach()
x.requires_grad = true
model(x):take_along_axis(classes:reshape { rows, 1 }, 2):sum():backward()
model:zero_grad()
local salient = x.grad:abs()
print(fnet.report.pictures { pictures[1], salient[1] / salient[1]:max() })

-- The proof: 40 pixels of each picture get the colour of their opposite, the salient ones or any.
local function still(scores)
  local limits = {}
  for i, row in ipairs(scores:reshape { rows, 784 }:totable()) do
    table.sort(row)
    limits[i] = row[784 - 40]
  end
  local change = scores:gt(fnet.tensor(limits):reshape { rows, 1, 1 })
  local changed = fnet.where(change, 1 - pictures, pictures)
  return 100 * fnet.predict_classes(model, changed):eq(classes):mean():item()
end
print(("40 salient pixels inverted: %.0f%% of the answers stay"):format(still(salient)))
print(("40 pixels inverted by chance: %.0f%% of the answers stay"):format(still(fnet.rand(pictures.shape))))

-- prints:
--                               .:.--.:.:  ..  :   :.::.:*.:
--                               :.::-. :..-: ::.  :.  - :+ -
--                               =.:= ..:-.::.  .:  . :.: :.+
--                               :-=::.:=.:--.. :..   .-=-=.+
--                 :=:     .=    .-::- .. -::+..: :  --.:=+=*
--                -+=+***++++     *=---::.--.    :.   .::--#:
--              .=--++++**+**.   -::::=====--: :-:.  -.-=--:-
--            :-====*+++**++*+   .-:::+-+=...=.:--...:  .:.:-
--    ....:--=====+++*+++++++*:  ---:.-:-= ..-:..   :. . ..-
-- .==--=---======+++*+*******.  :+-: :..=..  .. :: :..  -..:
--  :--=+***+++*#*+-=--#%%###*.  - .:--. : .::-...  ..=.:.:##
--                               .:..... .....:-.: -. .. :.:-
--                               .::  .:.  . -.- ..:  . :....
--                               .:: .:...:  .: ......:..::=-
-- 40 salient pixels inverted: 74% of the answers stay
-- 40 pixels inverted by chance: 87% of the answers stay
