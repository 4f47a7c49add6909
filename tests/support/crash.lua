--- Kills a training at random moments and lets it go on. Used with `require "tests.support.crash"`.
-- Invariant: the weights after every kill and resume are compared with those of a run that nobody disturbed.

local command = require "tests.support.command"

local crash = {}

-- The victim: its argument is the directory. It saves after every step.
local VICTIM = [[
local fnet = require "fnet"
local nn = fnet.nn
fnet.seed(5)
local model = nn.Sequential { nn.Dense(20, 256), nn.ReLU(), nn.Dropout(0.2), nn.Dense(256, 4) }
local opt = fnet.optim.Adam(model:parameters(), { lr = 1e-2 })
local x = fnet.rand { 120, 20 }
local set = fnet.data.Dataset { x = x, y = x:slice(2, 1, 4):argmax(2):int() }
local directory = arg[1] ~= "" and arg[1] or nil
local checkpoint = assert(fnet.checkpoint(directory, { model = model, optim = opt, data = set, resume = true,
  every = 1 }))
print "ready"
io.stdout:flush()
for epoch in checkpoint:epochs(4) do
  for x, y in checkpoint:batches(set, { size = 10, shuffle = true }) do
    local loss = nn.cross_entropy(model(x), y)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
end
print(model:sha256())
]]

-- Runs the victim; with a delay it is killed that many seconds after it is ready, and `inside` waits from then on
-- for a file that is being written. Gives its last line.
local function run(place, directory, environment, delay, inside)
  local line = command.line(command.fnet, { "victim.lua", directory }, environment)
  if not delay then return command.shell(place, line).output:match "(%x+)\n$" end
  -- exec: the process that is killed is fnet itself.
  command.shell(place, ([[
    rm -f ready; mkfifo ready
    (exec %s > ready 2>/dev/null) & victim=$!
    read line < ready; sleep %.4f
    while %s && set -- %s/*.part && [ ! -e "$1" ] && kill -0 $victim; do :; done
    kill -9 $victim; wait $victim; rm -f ready]]):format(line, delay, inside and "true" or "false", directory))
end

--- Kills and resumes.
---@param count integer kills
---@param seed integer of the moments
---@return { kills: integer, inside: integer, identical: integer } result inside: kills that found a file half
--- written; identical: resumed runs with the weights of the undisturbed one
function crash.run(count, seed)
  math.randomseed(seed)
  local place = command.make_directory()
  command.write_file(place .. "/victim.lua", VICTIM)
  local expected = assert(run(place, ""), "the victim does not run")
  local result = { kills = 0, inside = 0, identical = 0 }
  local environments = { { FNET_THREADS = "1", FNET_ISA = "portable" }, { FNET_THREADS = "2" }, {} }
  while result.kills < count do
    os.execute(("rm -rf %s/run %s/copy"):format(place, place))
    for _ = 1, 4 do -- the same training goes on through a few kills, and starts anew
      run(place, "run", environments[result.kills % 3 + 1], math.random() * 0.05,
        result.kills % 2 == 0)
      result.kills = result.kills + 1
      local found = command.shell(place, "ls run").output
      if found:find "%.part\n" then result.inside = result.inside + 1 end
      os.execute(("rm -rf %s/copy && cp -r %s/run %s/copy"):format(place, place, place))
      local got = run(place, "copy", environments[(result.kills + 1) % 3 + 1])
      if got == expected then result.identical = result.identical + 1 end
      if result.kills == count then break end
    end
  end
  command.remove_directory(place)
  return result
end

return crash
