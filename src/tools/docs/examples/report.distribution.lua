-- What a network thinks of a picture, as one line a class.

local fnet = require "fnet"

local logits = fnet.tensor { 0.4, 3.1, 1.2 }
print(fnet.report.distribution({ "coat", "shirt", "dress" }, logits:softmax()))
