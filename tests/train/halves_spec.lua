--- Halves: the processes are coroutines here; each runs until it waits for what another one hands over.

local fnet = require "fnet"
local halves = require "fnet.train.halves"
local processes = require "fnet.base.processes"

-- Calls halves in as many processes as there are vectors, which become the sum. How many elements left each.
local function add_up(vectors)
  local handed, left, threads, waiting = {}, {}, {}, #vectors
  local kept = { number = processes.number, count = processes.count, exchange = processes.exchange }
  processes.count = #vectors
  function processes.exchange(other, leaving, arriving)
    local me = processes.number
    local there, back = me .. " to " .. other, other .. " to " .. me
    handed[there], left[me] = handed[there] or {}, (left[me] or 0) + #leaving
    table.insert(handed[there], leaving:clone())
    while not (handed[back] and handed[back][1]) do coroutine.yield() end
    local t = table.remove(handed[back], 1)
    assert.equal(#t, #arriving)
    arriving:copy(t)
  end
  for number, vector in ipairs(vectors) do
    threads[number] = coroutine.create(function()
      halves(vector, fnet.zeros { #vector })
      waiting = waiting - 1
    end)
  end
  for _ = 1, 100 do
    for number, thread in ipairs(threads) do
      processes.number = number
      if coroutine.status(thread) ~= "dead" then assert(coroutine.resume(thread)) end
    end
  end
  for name, value in pairs(kept) do processes[name] = value end
  assert.equal(0, waiting)
  return left
end

-- The tree by hand.
local function tree(vectors, first, last)
  if first == last then return vectors[first] end
  local middle = (first + last) // 2
  return tree(vectors, first, middle) + tree(vectors, middle + 1, last)
end

describe("halves", function()
  before_each(function() fnet.seed(1) end)

  it("give all processes the sum along the tree of pairs, bit for bit", function()
    for _, count in ipairs { 1, 2, 4, 8, 16 } do
      for _, size in ipairs { 16, 17, 100, 1023 } do
        local vectors = {}
        for i = 1, count do vectors[i] = fnet.randn { size } * 10 ^ (i % 5) end
        local sum = fnet.sha256(tree(vectors, 1, count))
        add_up(vectors)
        for _, vector in ipairs(vectors) do assert.equal(sum, fnet.sha256(vector)) end
      end
    end
  end)

  it("hand over each element twice at most, however many they are", function()
    for _, count in ipairs { 2, 8, 32 } do
      local vectors = {}
      for i = 1, count do vectors[i] = fnet.ones { 320 } end
      for _, elements in ipairs(add_up(vectors)) do assert.equal(2 * 320 * (count - 1) // count, elements) end
    end
  end)
end)
