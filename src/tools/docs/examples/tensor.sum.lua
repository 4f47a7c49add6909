-- Along the rows, along the columns, and of all elements.

local fnet = require "fnet"

local t = fnet.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(t:sum(1))
print(t:sum(2))
print(t:sum():item())
