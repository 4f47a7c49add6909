--- Tables of what was executed, for coverage.lua and lua_coverage.lua.
-- A file is { lines = { [number] = executed } } and may have branches = { [number] = { taken, ... } }.

local shares = {}

local WEAKEST = 8

local function count(flags)
  local all, yes = 0, 0
  for _, flag in pairs(flags) do
    all = all + 1
    if flag then yes = yes + 1 end
  end
  return all, yes
end

local function figures_of(name, file)
  local figures = { name = name, branches = 0, taken = 0 }
  figures.lines, figures.executed = count(file.lines)
  for _, taken in pairs(file.branches or {}) do
    local all, yes = count(taken)
    figures.branches, figures.taken = figures.branches + all, figures.taken + yes
  end
  return figures
end

local function percent(part, whole) return whole == 0 and 100 or 100 * part / whole end
local function line_share(figures) return percent(figures.executed, figures.lines) end
local function branch_share(figures) return percent(figures.taken, figures.branches) end

local function show(figures)
  local text = ("%-40s %6.2f%% of %5d lines"):format(figures.name, line_share(figures), figures.lines)
  if figures.branches > 0 then
    text = text .. (", %6.2f%% of %5d branches"):format(branch_share(figures), figures.branches)
  end
  print(text)
end

local function show_weakest(list, what, share)
  table.sort(list, function(a, b)
    if share(a) ~= share(b) then return share(a) < share(b) end
    return a.name < b.name
  end)
  print("\nweakest by " .. what)
  for i = 1, WEAKEST do
    if list[i] and share(list[i]) < 100 then show(list[i]) end
  end
end

--- Each file, the weakest, and all together.
---@param files table<string, table> by name
function shares.show_all(files)
  local list, total = {}, { name = "total", lines = 0, executed = 0, branches = 0, taken = 0 }
  for name, file in pairs(files) do list[#list + 1] = figures_of(name, file) end
  assert(#list > 0, "there is no file to count in")
  table.sort(list, function(a, b) return a.name < b.name end)
  for _, figures in ipairs(list) do
    show(figures)
    for _, key in ipairs { "lines", "executed", "branches", "taken" } do total[key] = total[key] + figures[key] end
  end
  show_weakest(list, "lines", line_share)
  if total.branches > 0 then show_weakest(list, "branches", branch_share) end
  print()
  show(total)
end

--- The lines of a file that were not executed, or have a branch that was not taken.
---@param name string
---@param file table
function shares.show_file(name, file)
  local number = 0
  for text in io.lines(name) do
    number = number + 1
    local all, yes = count((file.branches or {})[number] or {})
    local lack = file.lines[number] == false and "not executed" or yes < all and ("%d of %d"):format(yes, all)
    if lack then print(("%5d %-13s %s"):format(number, lack, text)) end
  end
end

return shares
