-- Three bars below each other, each 20 columns wide.

local fnet = require "fnet"

for _, fraction in ipairs { 0.25, 0.6, 1 } do
  print("[" .. fnet.report.bar(fraction, 20) .. "]")
end
