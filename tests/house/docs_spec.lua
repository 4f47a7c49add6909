--- Every public name has an annotation that agrees with the code: the parameters by name and in order, a
-- result where there is one. Methods in C are compared with lua/fnet/tensor/methods.lua, and every C function
-- that crosses files has a comment in its header.

local fnet = require "fnet"
local core = require "fnet.core"
local Module = require("fnet.nn.module").Module
local operations = require "tests.support.operations"
require("fnet.base.later").load()

local DECLARATIONS = "lua/fnet/tensor/methods.lua"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines
end

local function files_in(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  assert(#list > 0, command)
  return list
end

-- ---- what a function's text says ----

-- The words of a piece of Lua and the signs between them, without comments and the content of strings.
local function words_of(text)
  local list, at = {}, 1
  while at <= #text do
    local first, last = text:find("^%s+", at)
    if not first then first, last = text:find("^%-%-[^\n]*", at) end
    if first then
      at = last + 1
    elseif text:find("^[\"']", at) then
      local quote = text:sub(at, at)
      at = at + 1
      while text:sub(at, at) ~= quote do at = at + (text:sub(at, at) == "\\" and 2 or 1) end
      at, list[#list + 1] = at + 1, '""'
    else
      local word = text:match("^[%a_][%w_]*", at) or text:sub(at, at)
      at, list[#list + 1] = at + #word, word
    end
  end
  return list
end

local opens = { ["function"] = true, ["if"] = true, ["do"] = true, ["repeat"] = true }
local closes = { ["end"] = true, ["until"] = true }
local ends_a_return = { ["end"] = true, ["else"] = true, ["elseif"] = true, ["until"] = true, [";"] = true }

-- True when the first function in the text returns a value; functions inside it do not count.
local function returns_value(text)
  local blocks, functions, words = {}, 0, words_of(text)
  for i, word in ipairs(words) do
    if opens[word] and (functions > 0 or word == "function") then
      blocks[#blocks + 1] = word
      if word == "function" then functions = functions + 1 end
    elseif closes[word] and #blocks > 0 then
      if table.remove(blocks) == "function" then functions = functions - 1 end
      if functions == 0 then return false end
    elseif word == "return" and functions == 1 and words[i + 1] and not ends_a_return[words[i + 1]] then
      return true
    end
  end
  return false
end

-- The comment block that ends above a line: its lines, without indentation.
local function block_above(lines, line)
  local block = {}
  for i = line - 1, 1, -1 do
    local comment = lines[i]:match("^%s*(%-%-.*)$")
    if not comment then break end
    table.insert(block, 1, comment)
  end
  return block
end

local function parameters_of(f)
  local list, count = {}, debug.getinfo(f, "u")
  for i = 1, count.nparams do
    local name = debug.getlocal(f, i)
    if name ~= "self" then list[#list + 1] = name end
  end
  if count.isvararg then list[#list + 1] = "..." end
  return list
end

-- What is wrong with the annotation of a Lua function, as a list of sentences. A method without one has that of the
-- method in whose place it stands.
local function faults_of(f, lines, inherited)
  local faults, info = {}, debug.getinfo(f, "S")
  local block = block_above(lines, info.linedefined)
  local function has_own() return (block[1] or ""):find "^%-%-%- *[^%s@]" end
  if not has_own() then block = inherited or block end
  if not has_own() then return { "has no comment of its own that begins with ---" } end
  local named, result = {}, false
  for _, line in ipairs(block) do
    local name = line:match "^%-%-%-@param%s+([%w_.]+)%??%s+%S"
    if name then named[#named + 1] = name end
    result = result or line:find "^%-%-%-@return%s+%S" ~= nil
  end
  local wanted, got = table.concat(parameters_of(f), ", "), table.concat(named, ", ")
  if wanted ~= got then
    faults[#faults + 1] = ("has the parameters (%s), but its annotation names (%s)"):format(wanted, got)
  end
  local text = table.concat(lines, "\n", info.linedefined, info.lastlinedefined)
  if returns_value(text) ~= result then
    faults[#faults + 1] = result and "returns nothing, but its annotation has @return"
      or "returns something, but its annotation has no @return"
  end
  return faults
end

-- ---- what is public ----

local metamethod = "^__"

-- Calls visit(path, function) for every function within reach of a value: in tables, and in what their
-- metatables inherit from.
local function walk(value, path, visit, seen)
  if seen[value] then return end
  seen[value] = true
  if type(value) == "function" then return visit(path, value) end
  for key, field in pairs(value) do
    local kind = type(field)
    if type(key) == "string" and not key:find(metamethod) and (kind == "function" or kind == "table") then
      walk(field, path .. "." .. key, visit, seen)
    end
  end
  local inherited = (getmetatable(value) or {}).__index
  if type(inherited) == "table" then walk(inherited, path .. "(inherited)", visit, seen) end
end

-- What callbacks of fnet.fit get.
local function a_run()
  local model, run = fnet.nn.Dense(1, 1), nil
  fnet.fit(model, {
    train = fnet.data.Dataset { x = fnet.zeros { 1, 1 }, y = fnet.zeros { 1, 1 } }, loss = fnet.nn.mse,
    optim = fnet.optim.SGD, epochs = 0, callbacks = { start = function(now) run = now end },
  })
  return run
end

local function public_functions()
  local parameter = fnet.zeros { 1 }
  parameter.requires_grad = true
  local run = a_run()
  local roots, list = {
    { "fnet", fnet },
    { "tensor", core.methods },
    { "fnet.data.Dataset", fnet.data.Dataset { x = fnet.zeros { 1, 1 }, y = fnet.zeros { 1 } } },
    { "fnet.fit: run", run },
    { "fnet.fit: history", run.history },
    { "fnet.data.Standardise", getmetatable(fnet.data.standardise(fnet.data.Dataset {
      x = fnet.zeros { 1, 1 }, y = fnet.zeros { 1 } })) },
    { "fnet.sweep: result", fnet.sweep { run = function() return 1 end } },
    { "fnet.data.Transform", getmetatable(fnet.data.random_shift(1)) },
    { "fnet.optim.SGD", fnet.optim.SGD { parameter } },
    { "fnet.optim.Average", fnet.optim.Average { parameter } },
    { "fnet.optim.schedule.plateau", fnet.optim.schedule.plateau() },
    { "fnet.metrics.confusion", fnet.metrics.confusion(fnet.eye(2), fnet.tensor({ 1, 2 }, "int32")) },
  }, {}
  local seen = {}
  for _, root in ipairs(roots) do
    walk(root[2], root[1], function(path, f) list[#list + 1] = { path = path, f = f } end, seen)
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

-- The methods that C registers, by name.
local function c_methods()
  local names = {}
  for name, f in pairs(core.methods) do
    if debug.getinfo(f, "S").what == "C" then names[name] = true end
  end
  return names
end

-- The declarations, name -> { documented = boolean, parameters = {...} }; and the names that come twice.
local function declarations()
  local lines, list, twice = lines_of(read(DECLARATIONS)), {}, {}
  for i, line in ipairs(lines) do
    local name, parameters = line:match "^%-%-%-@field%s+([%w_]+)%s+fun%(self: tensor,?%s*(.-)%)"
    if name then
      if list[name] then twice[#twice + 1] = name end
      local entry = { documented = lines[i - 1]:find "^%-%-%- %S" ~= nil, parameters = {} }
      for parameter in parameters:gmatch "([%w_.]+)%??:" do
        entry.parameters[#entry.parameters + 1] = parameter
      end
      list[name] = entry
    end
  end
  return list, twice
end

-- The path and the lines of the source of a function, and where in it the function begins.
local sources = {}
local function source_of(f, name)
  local info = debug.getinfo(f, "S")
  local path = assert(info.source:match "lua/fnet/.*$", name .. " is defined in " .. info.source)
  sources[path] = sources[path] or lines_of(read(path))
  return path, sources[path], info.linedefined
end

-- The annotation of the method of every module that a layer's method stands in the place of; nil where it is none.
local function annotation_of_module(path)
  local name = path:match "^fnet%.nn%.[^.]+%.([%w_]+)$"
  local method = name and Module[name]
  if type(method) ~= "function" then return nil end
  local _, lines, line = source_of(method, name)
  return block_above(lines, line)
end

describe("documentation", function()
  it("annotates every public function with the parameters and the result that it has", function()
    local faults, count = {}, 0
    for _, entry in ipairs(public_functions()) do
      if debug.getinfo(entry.f, "S").what == "Lua" then
        local path, lines, line = source_of(entry.f, entry.path)
        count = count + 1
        for _, fault in ipairs(faults_of(entry.f, lines, annotation_of_module(entry.path))) do
          faults[#faults + 1] = ("%s:%d: %s %s"):format(path, line, entry.path, fault)
        end
      end
    end
    assert.equal("", table.concat(faults, "\n"))
    assert.is_true(count > 80, "only " .. count .. " public functions in Lua were found")
  end)

  it("shows C functions to scripts only as methods of tensors", function()
    for _, entry in ipairs(public_functions()) do
      if debug.getinfo(entry.f, "S").what == "C" then assert.matches("^tensor%.", entry.path) end
    end
  end)

  it("declares exactly the methods that C registers, each once and with a comment", function()
    local registered, declared, twice = c_methods(), declarations()
    assert.same({}, twice)
    for name in pairs(registered) do
      assert.is_truthy(declared[name], name .. " is registered in C, but not declared in " .. DECLARATIONS)
      assert.is_true(declared[name].documented, name .. " is declared without a comment above it")
    end
    for name in pairs(declared) do
      assert.is_true(registered[name], name .. " is declared in " .. DECLARATIONS .. ", but not in C")
    end
  end)

  it("declares as many parameters as an operation takes", function()
    local declared, count = declarations(), 0
    for operands = 1, 2 do
      for _, name in ipairs(operations.names(operands, "METHOD")) do
        assert.equal(operands, #declared[name].parameters + 1, name .. " in operations.inc")
        count = count + 1
      end
    end
    for _, path in ipairs(files_in "ls src/lua/*.c") do
      for name, arguments in read(path):gmatch '{"([%w_]+)",%s*[%w_]+,%s*(%d+)}' do
        if declared[name] then
          assert.equal(tonumber(arguments), #declared[name].parameters + 1, name .. " in " .. path)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 25, "only " .. count .. " operations were found in src/lua")
  end)

  it("lets the files of src/lua call only floors below their own, in the order that lcore.h lists", function()
    local floor_of, count = {}, 0
    for name in read "src/lua/lcore.h":gmatch "\n +(l%l+) " do
      count = count + 1
      floor_of[name] = count
    end
    assert.equal(9, count)
    for _, path in ipairs(files_in "ls src/lua/*.[ch]") do
      local own = path:match "(%w+)%.[ch]$"
      for name in read(path):gmatch '#include "(l%w+)%.h"' do
        local below = (floor_of[name] or math.huge) < (floor_of[own] or math.huge)
        assert.is_true(name == own or name == "lcore" or below, path .. " includes " .. name .. ".h")
      end
    end
  end)

  -- A paragraph of declarations needs one comment.
  it("comments every function of the C headers", function()
    local faults, count = {}, 0
    for _, path in ipairs(files_in "ls src/*.h src/core/*.h src/kernels/*.h src/lua/*.h src/terminal/*.h") do
      for paragraph in (read(path) .. "\n\n"):gmatch "(.-)\n\n+" do
        for declaration in ("\n" .. paragraph):gmatch "\n(%a[^\n(]*%([^\n]*)" do
          count = count + 1
          if not paragraph:find("/*", 1, true) then faults[#faults + 1] = path .. ": " .. declaration end
        end
      end
    end
    assert.equal("", table.concat(faults, "\n"))
    assert.is_true(count > 40, "only " .. count .. " declarations were found")
  end)
end)

describe("the check of annotations", function()
  local function faults_in(text, inherited)
    local f = assert(load(text))()
    return table.concat(faults_of(f, lines_of(text), inherited), "; ")
  end

  it("accepts a complete annotation", function()
    assert.equal("", faults_in [[
      --- Adds.
      ---@param a number
      ---@param b? number 1
      ---@param ... any
      ---@return number sum
      local function add(a, b, ...) return a + (b or 1) end
      return add]])
    assert.equal("", faults_in [[
      --- Calls back; the inner function's result is not its own.
      ---@param list table
      local function each(list)
        for i = 1, #list do list[i] = function() return "end", 'it\'s' end end -- return
        if #list == 0 then return end
      end
      return each]])
  end)

  it("takes the annotation of the method in whose place another stands, unless that has one", function()
    local inherited = { "--- Describes.", "---@return string" }
    assert.equal("", faults_in("-- Why.\nlocal function f() return 1 end return f", inherited))
    assert.matches("parameters %(a%)", faults_in("local function f(a) return a end return f", inherited))
    assert.matches("no @return", faults_in("--- F.\nlocal function f() return 1 end return f", inherited))
  end)

  it("finds what is missing or too much", function()
    local function expect(pattern, text) assert.matches(pattern, faults_in(text)) end
    expect("has no comment", "local function f() end return f")
    expect("has no comment", "---@return number\nlocal function f() return 1 end return f")
    expect("has no comment", "--- Far away.\n\nlocal function f() end return f")
    expect("parameters %(a%), but its annotation names %(%)", "--- F.\nlocal function f(a) end return f")
    expect("%(%), but its annotation names %(a%)", "--- F.\n---@param a any\nlocal function f() end return f")
    expect("no @return", "--- F.\nlocal function f() if f then return 1 end end return f")
    expect("returns nothing", "--- F.\n---@return number\nlocal function f() end return f")
  end)
end)
