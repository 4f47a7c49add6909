--- What a message from one of two processes to the other costs, by the ways that shards take: prints, as a line,
-- the seconds of a message of one number, and those of one of a million bytes; a tenth of the messages stay below.

local core = require "fnet.core"
local figures = require "tests.bench.figures"
local fnet = require "fnet"
local processes = require "fnet.base.processes"

local TURNS, FLOATS = 25, 250000

processes.share()

-- Both ways in turn, so that neither sends before the other has received; the first turn opens the connection.
local function measure(count)
  local t, seconds = fnet.zeros { count }, {}
  for turn = 0, TURNS do
    local started = fnet.clock()
    processes.hand(2, 1, t)
    processes.spread(t)
    if turn > 0 then seconds[turn] = (fnet.clock() - started) / 2 end
  end
  return figures.quantile(seconds, 0.1)
end

if processes.count ~= 2 then core.raise("messages: expected two processes, got %d", processes.count) end
local short, long = measure(1), measure(FLOATS)
if processes.number == 1 then print(("%.9f %.9f"):format(short, long)) end
