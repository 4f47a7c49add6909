--- `make bench-compare A=... B=...`: what changed in speed, with the noise beside it.
-- Two git revisions are built side by side in build/compare and run in turns (A B, B A, A B, ...), a few
-- figures a process; each turn gives a ratio B/A, and a change is one that nearly all turns agree on.
-- Two files that `make bench JSON=file` saved are compared figure by figure; they come from different runs,
-- so ratios to the limits measured beside them are compared where there are any, and a change is one that
-- exceeds the spread of both.
--   fnet tests/bench/compare.lua A B

local figures_module = require "tests.bench.figures"
local machine = require "tests.bench.machine"

local TURNS = 12
local AGREEING = 11 -- of TURNS: by chance in 6 of 1000 figures

local quantile, median = figures_module.quantile, figures_module.median

local function stop(...)
  io.stderr:write("bench-compare: ", string.format(...), "\n")
  os.exit(1, true)
end

-- A flat record, as fnet.report.json writes it.
local function parse(line)
  local record, at = {}, 2
  while true do
    local key, quote, after = line:match('^"([^"]*)":("?)()', at)
    if not key then break end
    local value = line:match(quote == "" and "^[^,}]+" or '^[^"]*', after)
    record[key] = quote == "" and (tonumber(value) or value == "true") or value
    at = after + #value + #quote + 1
  end
  return record
end

local function key_of(record)
  local text = record.name
  if record.section then text = record.section .. ": " .. text end
  if record.isa then text = text .. ", " .. record.isa end
  if not record.threads then return text end
  return ("%s, %d thread%s"):format(text, record.threads, record.threads == 1 and "" or "s")
end

-- key -> record, and the keys in order.
local function read_records(lines)
  local records, keys = {}, {}
  for _, line in ipairs(lines) do
    local record = parse(line)
    if not record.name then stop("this is no figure of the benchmark: %s", line) end
    local key = key_of(record)
    keys[#keys + 1], records[key] = key, record
  end
  return records, keys
end

local function read_file(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return read_records(lines)
end

local function compare_files(path_a, path_b)
  local a, keys = read_file(path_a)
  local b, keys_b = read_file(path_b)
  local ROW = "%12s %12s %9s %9s  %-10s %s"
  print(ROW:format("A", "B", "change", "spread", "", "figure (x: times the limit)"))
  for _, key in ipairs(keys) do
    local x, y = a[key], b[key]
    if y then
      local of_limit = x.ratio and y.ratio
      local before, after = of_limit and x.ratio or x.median, of_limit and y.ratio or y.median
      -- Half the range of each, relative: what a difference of medians has to exceed.
      local function half_range(record, median_of)
        local low, high = record.low, record.high
        if of_limit then low, high = record.ratio_low, record.ratio_high end
        return 50 * (high - low) / median_of
      end
      local spread = half_range(x, before) + half_range(y, after)
      local change = 100 * (after / before - 1)
      local unit = of_limit and "x" or " " .. x.unit
      print(ROW:format(("%.4g%s"):format(before, unit), ("%.4g%s"):format(after, unit),
        ("%+.1f%%"):format(change), ("%.1f%%"):format(spread), math.abs(change) > spread and "changed" or "",
        key))
    else
      print("only in A: " .. key)
    end
  end
  for _, key in ipairs(keys_b) do
    if not a[key] then print("only in B: " .. key) end
  end
  print "\nThe files come from two runs, and the speed of a machine drifts: A=rev B=rev measures in turns."
end

-- The revision's source, without any history, and its interpreter.
local function build(revision)
  local found, lines = pcall(machine.lines, "git rev-parse --verify --quiet " ..
    machine.quote(revision .. "^{commit}"))
  if not found then stop("'%s' is no git revision (nor are A and B two files)", revision) end
  local hash = lines[1]
  local directory = "build/compare/" .. hash:sub(1, 12)
  machine.lines(("mkdir -p %s && git archive %s | tar -x -C %s"):format(directory, hash, directory))
  print(("building %s (%s)"):format(revision, hash:sub(1, 12)))
  -- The variables of this make (A, B) are none of that one's business.
  machine.lines(("env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL %s -C %s fnet"):format(os.getenv "MAKE" or "make",
    directory))
  return directory .. "/fnet"
end

local function run(interpreter)
  return read_records(machine.lines(machine.quote(interpreter) .. " tests/bench/short.lua"))
end

local function agreement(ratios)
  local faster, slower = 0, 0
  for _, ratio in ipairs(ratios) do
    if ratio < 1 then faster = faster + 1 elseif ratio > 1 then slower = slower + 1 end
  end
  return faster >= AGREEING and "faster" or slower >= AGREEING and "slower" or ""
end

local function time(seconds)
  if seconds < 1e-3 then return ("%.2f us"):format(1e6 * seconds) end
  return ("%.2f ms"):format(1e3 * seconds)
end

local function compare_revisions(revision_a, revision_b)
  local interpreters = { build(revision_a), build(revision_b) }
  local values, keys = { {}, {} }, nil
  for turn = 1, TURNS do
    for place = 1, 2 do
      local side = turn % 2 == 1 and place or 3 - place
      local records, names = run(interpreters[side])
      keys = keys or names
      for key, record in pairs(records) do
        values[side][key] = values[side][key] or {}
        values[side][key][turn] = record.value
      end
    end
  end
  local ROW = "%-34s %11s %11s %9s %20s  %s"
  print("\n" .. ROW:format("", "A", "B", "B/A", "middle half", ""))
  for _, key in ipairs(keys) do
    local a, b, ratios = values[1][key], values[2][key], {}
    for turn = 1, TURNS do ratios[turn] = b[turn] / a[turn] end
    local middle = ("%.3f ... %.3f"):format(quantile(ratios, 0.25), quantile(ratios, 0.75))
    print(ROW:format(key, time(median(a)), time(median(b)), ("%.3f"):format(median(ratios)), middle,
      agreement(ratios)))
  end
  print(("\n%d turns; faster or slower: %d of them at least agree."):format(TURNS, AGREEING))
end

local a, b = arg[1] or "", arg[2] or ""
if a == "" or b == "" then stop("expected two git revisions or two files: make bench-compare A=... B=...") end
local function is_file(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end
if is_file(a) and is_file(b) then compare_files(a, b) else compare_revisions(a, b) end
