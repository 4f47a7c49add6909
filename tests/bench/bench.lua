--- `make bench`: measures what this machine can do, then how near to it fnet comes, on the real pictures, and
-- holds the figures against the project's bars. Prints tables for people, then one line of JSON a figure, or
-- writes those lines to a file. A missed bar is a finding, not a failure: the exit status says only whether
-- everything ran.
-- Method: a figure and its limit are measured in turns, run by run; a ratio is the median of the ratios of
-- these pairs. Nothing is compared with a figure of another run of the benchmark.

local fnet = require "fnet"
local figures_module = require "tests.bench.figures"
local machine = require "tests.bench.machine"

local SECTIONS = {
  "limits", "training", "profile", "inference", "products", "conv", "pictures", "programs", "tables", "sweeps",
  "processes", "pages", "growth",
}

local options = fnet.options(arg, "Measures the speed of fnet, from the project's directory.", {
  { "runs", 5, "measurements of each figure", low = 5 },
  { "only", "", "some of " .. table.concat(SECTIONS, ",") },
  { "json", "", "file for the lines of JSON; standard output where none is named", value = "FILE" },
})

-- The names in a list that --only gives, separated by commas; all where it is empty.
local function chosen(text)
  if text == "" then return SECTIONS end
  local known, list = {}, {}
  for _, name in ipairs(SECTIONS) do known[name] = true end
  for name in text:gmatch "[^,]+" do
    if not known[name] then
      io.stderr:write(("bench: --only: expected some of %s, got '%s'\n"):format(table.concat(SECTIONS, ","),
        name))
      os.exit(1, true)
    end
    list[#list + 1] = name
  end
  return list
end

-- The instruction sets that have bars, fastest first; the portable one where there is no other.
local function measured_isas()
  local isas = {}
  for _, name in ipairs(fnet.isas()) do
    if name ~= "portable" then table.insert(isas, 1, name) end
  end
  return #isas > 0 and isas or { "portable" }
end

local function write_json(figures, path)
  local text = table.concat(figures:json(), "\n") .. "\n"
  if path == "" then
    io.write("\n", text)
  else
    local file = assert(io.open(path, "w"))
    assert(file:write(text))
    assert(file:close())
  end
end

local sections = chosen(options.only)
local started = fnet.clock()
fnet.seed(1)
local train, test = fnet.data.fashion_mnist()
local description = machine.description()
local shared = {
  runs = options.runs, isas = measured_isas(), train = train, test = test, interpreter = arg[-1],
}
local figures = figures_module.new(description)
print(("fnet %s (%s), numerics %d, %s, %d threads, %s, %s"):format(fnet.version, description.revision,
  fnet.numerics, table.concat(shared.isas, " and "), fnet.threads(), description.cpu, description.date))
print(("medians of %d runs, real pictures from %s"):format(options.runs, train.source))
machine.warn_if_busy()

for _, section in ipairs(sections) do require("tests.bench." .. section).measure(figures, shared) end

local met, bars = figures:verdict()
print(figures:table())
print(("\n%d of %d bars met; measured in %.0f s"):format(met, bars, fnet.clock() - started))
write_json(figures, options.json)
