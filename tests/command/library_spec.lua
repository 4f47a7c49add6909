--- The declarations for editors: complete, the same each time, and of options exactly those that functions take.
-- tests/house/editor_spec.lua lets a language server read them.

local annotations = require "fnet.command.annotations"
local fnet = require "fnet"
local library = require "fnet.command.library"
local naming = require "fnet.base.naming"
local topics = require "fnet.command.topics"

local text = library()["fnet.lua"]

-- The fields of the class of a table of options: their types by name.
local function fields_of(class)
  local block = text:match("\n%-%-%-@class " .. class:gsub("%p", "%%%0") .. ": table<[^\n]*\n(.-)\n\n")
  local fields = {}
  for name, kind in (block or ""):gmatch "@field ([%w_]+)%? (%S+)" do fields[name] = kind end
  return fields
end

-- The lines of the function of a topic, from its first one to the `end` below it; of a layer's init.
local function body_of(topic)
  local lines, number, indent = {}, 0, nil
  for line in io.lines(topic.entry.file) do
    number = number + 1
    local begins = number == topic.entry.line
    if topic.kind == "class" then begins = number > topic.entry.line and line:find ":init%(" end
    if not indent and begins then indent = line:match "^%s*" end
    if indent then lines[#lines + 1] = line end
    if #lines > 1 and line:match "^%s*" == indent and line:find "^%s*end" then break end
  end
  return table.concat(lines, "\n")
end

local function names_in(list)
  local names = {}
  for name in (list or ""):gmatch '"([%w_]+)"' do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("the declarations for editors", function()
  it("are Lua, and the same each time", function()
    assert.is_function(load(text))
    assert.equal(text, library()["fnet.lua"])
    assert.is_function(load(library()["fnet/testing.lua"]))
  end)

  it("declare every function that help knows", function()
    local missing, count = {}, 0
    for name, topic in pairs(topics.index().topics) do
      local owner, last = name:match "^(.*)%.([^.]+)$"
      local place = owner == "tensor" and "fnet_tensor" or (owner or "fnet"):gsub("%.", "_")
      local space = topics.index().topics[owner or "fnet"]
      local is_public = space and space.kind == "namespace"
      if topic.kind == "function" and is_public then
        count = count + 1
        local found = text:find(("function %s.%s("):format(place, last or name), 1, true)
          or text:find(("function %s:%s("):format(place, last or name), 1, true)
        if not found then missing[#missing + 1] = name end
      end
    end
    table.sort(missing)
    assert.same({}, missing)
    assert.is_true(count > 250, count .. " functions")
  end)

  it("say what fnet.zeros, nn.Dense, a method and an operator take and give", function()
    local function expect(lines) assert.is_truthy(text:find(lines, 1, true), lines) end
    expect '---@param dtype? fnet.ElementType # "float32"\n---@return tensor\nfunction fnet.zeros(shape, dtype) end'
    expect "---@param options? nn.Dense.Options #"
    expect "---@return nn.Dense\nfunction nn.Dense(inputs, units, options) end"
    expect "---@overload fun(x: tensor): tensor\nlocal nn_Dense = {}"
    expect "function fnet_tensor:matmul(other) end"
    expect "---@operator add(tensor|number): tensor"
    expect "---@field nn fnet.nn"
    expect "function fnet.tensor(values, dtype) end"
  end)

  it("give each option the type that its text begins with, or leaves no doubt of", function()
    assert.same({ activation = "nn.Activation", bias = "boolean", init = "nn.StartValues" },
      fields_of "nn.Dense.Options")
    assert.equal("number", fields_of("optim.Adam.Options").lr)
    assert.equal("number", fields_of("optim.AdamW.Options").beta1) -- as for Adam
    assert.equal('"mean"|"sum"|"none"', fields_of("nn.mae.Options").reduction)
    assert.equal("number|number[]", fields_of("nn.Conv2D.Options").stride) -- 1, or { down, across }
    assert.equal("number", fields_of("data.Dataset.batches.Options").size)
    assert.equal("boolean", fields_of("data.read_csv.Options").header) -- true, or false: ...
    -- Of a sweep, which takes names of the script's own, too.
    local sweep = text:match "\n%-%-%-@class fnet%.sweep%.Options\n(.-)\n\n"
    assert.matches("@field run%? function|fun%(settings: table%): number # .*\n%-%-%-@field %[string%] any$", sweep)
    local untyped = {}
    for class, fields in text:gmatch "\n%-%-%-@class (%S+): table<[^\n]*\n(.-)\n\n" do
      for name in fields:gmatch "@field ([%w_]+)%? any%f[%s]" do untyped[#untyped + 1] = class .. ": " .. name end
    end
    assert.same({}, untyped) -- a text that begins with its type, "data.Dataset, the training set", has one
  end)

  it("have the text of an option behind its type, and no type twice", function()
    local fields = text:match "\n%-%-%-@class nn%.Dense%.Options: [^\n]*\n(.-)\n\n"
    assert.equal([[
---@field activation? nn.Activation # such as "relu", none
---@field bias? boolean # true
---@field init? nn.StartValues # of the shape {inputs, units}, "glorot_uniform"]], fields)
  end)

  it("name what strings stand for", function()
    local kind = text:match "\n%-%-%-@alias nn%.Activation ([^\n]*)\n"
    assert.matches('"relu"|.*"tanh"|nn%.Module|fun%(x: tensor%): tensor$', kind)
    for name in kind:gmatch '"([%w_]+)"' do assert.is_truthy(fnet.nn.Dense(1, 1, { activation = name }), name) end
    for name in text:match("\n%-%-%-@alias fnet%.ElementType ([^\n]*)\n"):gmatch '"([%w]+)"' do
      assert.equal(name, fnet.zeros({ 1 }, name).dtype)
    end
    kind = text:match "\n%-%-%-@alias nn%.StartValues ([^\n]*)\n"
    assert.same(fnet.nn.init.names(), names_in(kind))
  end)

  it("give each result of several, and what an iterator gives", function()
    assert.is_truthy(text:find([[
---@return tensor|table # x
---@return tensor|table # y
function data_Dataset:tensors() end]], 1, true))
    assert.is_truthy(text:find("---@return fun(): tensor|table, tensor|table # iterator", 1, true))
    assert.is_truthy(text:find("---@return (integer|string)[]?\n", 1, true)) -- any is for none of its parts
    assert.is_truthy(text:find('---@field numerics integer # The version', 1, true))
  end)

  it("let luassert's own assertions be", function()
    local luassert = library()["luassert.lua"]
    assert.is_function(load(luassert))
    assert.is_truthy(luassert:find("function luassert.allclose(expected, got, relative, absolute) end", 1, true))
    assert.is_nil(luassert:find("same(", 1, true))
  end)

  -- What a function checks its options by is a list in its source, or a constant of its file.
  it("name the options that the code knows, with its switches", function()
    local count = 0
    for _, name in ipairs(naming.sorted(topics.index().topics)) do
      local topic = topics.index().topics[name]
      local own = topic.entry.line and topic.entry.parameters
      for _, parameter in ipairs(own or {}) do
        local listed = parameter.type == "table" and annotations.options(parameter.text) or {}
        local body = #listed > 0 and body_of(topic) or ""
        local arguments = body:match("expect%.options(%b())") or ""
        local known, switches = arguments:match(",%s*" .. parameter.name .. ",%s*(%b{})%s*,?%s*(%b{})")
        known = known or arguments:match(",%s*" .. parameter.name .. ",%s*(%b{})")
        if known then
          local class = (name:find ".%." and "" or "fnet.") .. name .. "."
            .. parameter.name:gsub("^%l", string.upper)
          local fields = fields_of(class)
          assert.same(names_in(known), naming.sorted(fields), name)
          for _, switch in ipairs(names_in(switches)) do
            assert.equal("boolean", fields[switch], name .. ": " .. switch)
          end
          count = count + 1
        end
      end
    end
    assert.is_true(count > 60, count .. " functions with options")
  end)
end)
