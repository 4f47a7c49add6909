--- The recipes in examples/recipes, as child processes: each is short, named in examples/README.md, prints what
-- stands at its end, and keeps the promise of its first lines.

local command = require "tests.support.command"

local FOLDER = "examples/recipes"
local MOST = 60 -- lines, without those that show what is printed

-- What is to be seen in the output: a text, or a condition on the numbers that a pattern finds.
local PROMISES = {
  differential_equation = { "solution: ([%d.]+)", function(off) return off <= 0.02 end },
  dqn = { "at the goal in 8 steps; the shortest way has 8" },
  early_stopping = { "loss of the others: ([%d.]+) .-, ([%d.]+) in the last, ([%d.]+) of",
    function(best, last, now) return best < last and now == best end },
  forecast = { "forecast: ([%d.]+)\nas one hour ago: ([%d.]+)\nas one day ago: ([%d.]+)",
    function(own, hour, day) return own < 0.13 and own < hour and own < day end },
  gan = { "same weights: true\ndistance from the middle: mean ([%d.]+), standard deviation ([%d.]+)\n",
    function(mean, deviation) return math.abs(mean - 1) < 0.1 and deviation < 0.2 end },
  hidden_pca = { "of one class: (%d+)%% by the layer, (%d+)%%", function(layer, pixels) return layer > pixels end },
  lr_finder = { "with [%d.]+: %D-([%d.]+)%%\nwith [%d.]+: %D-([%d.]+)%%\nwith [%d.]+: %D-([%d.]+)%%",
    function(low, found, high) return found > 65 and found > low and found > high end },
  own_optimiser = { "the same weights: true" },
  parallel_seeds = { "the same one after the other: true" },
  per_sample = { "as one by one: true\n(%d+) of the 10", function(found) return found >= 8 end },
  reinforce = { "at first it falls at once\nin the end it balances" },
  reverse = { "100%% of 8000 new digits" },
  saliency = { "salient pixels inverted: (%d+)%%.-by chance: (%d+)%%",
    function(own, any) return own < any - 5 end },
  transfer = { "learnt: R2 ([%d.]+).-slowly: R2 ([%d.]+).-start: R2 ([%d.]+)",
    function(head, all, fresh) return head > 0.9 and all > 0.9 and fresh < 0.8 end },
  vae = { "epoch 20  (%d+).-epoch 60  (%d+)", function(early, late) return late < early and late < 270 end },
}

describe("the recipe", function()
  local directory
  local readme = command.read_file "examples/README.md"

  setup(function() directory = command.make_directory() end)
  teardown(function() command.remove_directory(directory) end)

  local listing <close> = assert(io.popen("ls " .. FOLDER))
  for file in listing:lines() do
    local name, path = file:gsub("%.lua$", ""), FOLDER .. "/" .. file
    local text = command.read_file(path)
    local code, printed = text:match "^(.-\n)\n%-%- prints:\n(.*)$"

    it(file .. " is short and stands in the list", function()
      assert.is_truthy(readme:find("`" .. path .. "`", 1, true), path .. " is not in examples/README.md")
      local lines = select(2, (code or text):gsub("\n", ""))
      assert.is_true(lines <= MOST, ("%d lines"):format(lines))
    end)

    if name:find "_spec$" then
      it(file .. " passes in busted", function()
        local busted = command.line("busted", { "--lua=" .. (os.getenv "FNET" or "./fnet"), path })
        local result = command.shell(directory, ("cd %s && %s"):format(command.quote(command.directory), busted))
        assert.equal(0, result.status, result.output)
        assert.matches("3 successes / 0 failures / 0 errors", result.output)
      end)
    else
      it(file .. " prints what it says, and keeps its promise", function()
        local line = command.line(command.fnet, { command.directory .. "/" .. path },
          { FNET_DATA = command.directory .. "/tests/fixtures/fashion" })
        local result = command.shell(directory, line)
        assert.equal(0, result.status, result.errors)
        local shown = ("\n" .. printed):gsub("\n%-%- ?", "\n"):sub(2)
        assert.equal(shown, result.output:gsub(" +\n", "\n"):gsub("\n+$", "\n"))
        assert.is_truthy(PROMISES[name], "no promise of " .. name)
        local pattern, holds = table.unpack(PROMISES[name])
        local found = table.pack(result.output:match(pattern))
        assert.is_truthy(found[1], result.output)
        for i = 1, holds and found.n or 0 do found[i] = tonumber(found[i]) end
        assert.is_true(not holds or holds(table.unpack(found)), result.output)
      end)
    end
  end

  it("of each promise is there", function()
    for name in pairs(PROMISES) do command.read_file(("%s/%s.lua"):format(FOLDER, name)) end
  end)
end)
