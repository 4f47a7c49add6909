--- The floors of the Lua half, read from the sources: which folder requires which. `fnet tests/house/floors.lua`
-- prints the drawing that lua/fnet/README.md shows; floors_spec.lua says where an arrow points the wrong way.

local FLOORS = { -- from the roof down; a folder may require those below it
  { "command" },
  { "fnet" }, -- lua/fnet/init.lua: names, nothing else
  { "train" },
  { "measure", "inspect", "save", "report", "page", "testing" },
  { "optim", "onnx" },
  { "nn", "data", "chart" },
  { "tensor", "files" },
  { "base" },
}

local floors = {}

-- The modules that a source names in its code, whether it requires them at once or later. Long brackets hold texts
-- of other files.
local function named_in(text, known, own)
  local list, seen = {}, { [own] = true }
  text = text:gsub("= %[(=*)%[.-%]%1%]", "")
  for line in text:gmatch "[^\n]+" do
    for name in line:gsub("%-%-.*", ""):gmatch "[\"'](fnet[%w_.]*)[\"']" do
      -- The program has that name, too, and a table of names is called as scripts write it.
      local loads = (name ~= "fnet" or line:find "require") and not line:find("naming.strict(", 1, true)
      if known[name] and loads and not seen[name] then
        seen[name] = true
        list[#list + 1] = name
      end
    end
  end
  return list
end

-- "fnet.nn.dense" stands in the folder "nn", "fnet" in itself.
local function folder_of(name) return name:match "^fnet%.([%w_]+)" or "fnet" end

--- The library's modules: their paths, their texts, and those that each of them names.
---@return table<string, { path: string, text: string, requires: string[] }>
function floors.modules()
  local modules = {}
  local listing <close> = assert(io.popen "find lua -name '*.lua' | LC_ALL=C sort")
  for path in listing:lines() do
    local file <close> = assert(io.open(path))
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    modules[name] = { path = path, text = file:read "a" }
  end
  for name, module in pairs(modules) do module.requires = named_in(module.text, modules, name) end
  return modules
end

--- The folders that each folder requires, itself left out.
---@param modules table
---@return table<string, table<string, string>> arrows by folder and folder: a file with such a require
function floors.arrows(modules)
  local arrows = {}
  for name, module in pairs(modules) do
    local from = folder_of(name)
    arrows[from] = arrows[from] or {}
    for _, other in ipairs(module.requires) do
      local to = folder_of(other)
      if to ~= from then arrows[from][to] = module.path end
    end
  end
  return arrows
end

-- A way along the arrows from a node back to itself, as text; nil where there is none.
local function circle(start, next_of)
  local seen = {}
  local function walk(node, way)
    for _, other in ipairs(next_of(node)) do
      if other == start then return way .. " -> " .. start end
      if not seen[other] then
        seen[other] = true
        local found = walk(other, way .. " -> " .. other)
        if found then return found end
      end
    end
  end
  return walk(start, start)
end

--- What is wrong: arrows that point up, circles of folders on one floor, circles of modules.
---@param modules table
---@return string[] faults
function floors.faults(modules)
  local arrows, level, faults = floors.arrows(modules), {}, {}
  for i, floor in ipairs(FLOORS) do
    for _, folder in ipairs(floor) do level[folder] = i end
  end
  local function beside(from)
    local list = {}
    for to in pairs(arrows[from]) do
      if level[to] == level[from] then list[#list + 1] = to end
    end
    return list
  end
  for from, targets in pairs(arrows) do
    if not level[from] then faults[#faults + 1] = from .. " stands on no floor" end
    for to, path in pairs(targets) do
      -- The names of fnet.init are loaded when a script first uses them, the commands' too.
      if level[from] and level[to] and level[to] < level[from] and not (from == "fnet" and to == "command") then
        faults[#faults + 1] = ("%s requires upwards, %s"):format(path, to)
      end
    end
    local round = level[from] and circle(from, beside)
    if round then faults[#faults + 1] = "a circle: " .. round end
  end
  for name in pairs(modules) do
    local round = name ~= "fnet" and circle(name, function(node)
      return node == "fnet" and {} or modules[node].requires
    end)
    if round then faults[#faults + 1] = "a circle: " .. round end
  end
  table.sort(faults)
  return faults
end

--- The floors from the roof down, a folder a line with those that it requires.
---@param modules table
---@return string
function floors.drawing(modules)
  local arrows, lines = floors.arrows(modules), {}
  for i, floor in ipairs(FLOORS) do
    if i > 1 then lines[#lines + 1] = "" end
    for _, folder in ipairs(floor) do
      local below = {}
      for _, other in ipairs(FLOORS) do
        for _, name in ipairs(other) do
          if arrows[folder][name] then below[#below + 1] = name end
        end
      end
      lines[#lines + 1] = ("%-8s %s %s"):format(folder, #below > 0 and "->" or "", table.concat(below, " "))
        :gsub("%s+$", "")
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

if not ... then io.write(floors.drawing(floors.modules())) end

return floors
