--- README.md says what is so: its scripts run and print what stands there, and the targets, files and
-- variables it names exist. The other way round, it names every public function, target and variable.

local fnet = require "fnet"
local core = require "fnet.core"
local command = require "tests.support.command"

local FIXTURES = command.directory .. "/tests/fixtures/fashion"

local readme = command.read_file "README.md"

local function lines_from(shell_command)
  local list, pipe = {}, assert(io.popen(shell_command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  assert(#list > 0, shell_command)
  return list
end

-- The fenced blocks: language, text, and what stands between the block before and this one.
local function fenced_blocks(text)
  local list, at = {}, 1
  while true do
    local first, last, language, content = text:find("\n```(%l*)\n(.-)\n```%f[\n]", at)
    if not first then return list end
    list[#list + 1] = { language = language, text = content .. "\n", before = text:sub(at, first) }
    at = last + 1
  end
end

local blocks = fenced_blocks(readme)

-- The inline code of the prose, and the lines of the shell blocks.
local function code_spans()
  local list = {}
  for _, block in ipairs(blocks) do
    for span in block.before:gsub("\n", " "):gmatch "`([^`]+)`" do list[#list + 1] = span end
    if block.language == "sh" or block.language == "console" then list[#list + 1] = block.text end
  end
  for span in readme:match(".*\n```(.*)$"):gsub("\n", " "):gmatch "`([^`]+)`" do list[#list + 1] = span end
  return list
end

-- The first cells of the table below a heading row that begins with the given words.
local function table_column(heading)
  local rows = readme:match("\n| " .. heading .. " |[^\n]*\n|%-[^\n]*\n(.-)\n\n")
  assert(rows, "no table with the heading " .. heading)
  local list = {}
  for cell in ("\n" .. rows):gmatch "\n| `([^`]+)` |" do list[#list + 1] = cell end
  return list
end

describe("README.md", function()
  local directory

  before_each(function() directory = command.make_directory() end)
  after_each(function() command.remove_directory(directory) end)

  local scripts = 0
  for i, block in ipairs(blocks) do
    if block.language == "lua" then
      scripts = scripts + 1
      local name = block.before:match ".*`([%w_]+%.lua)`" or "script.lua"
      local next_block = blocks[i + 1]
      local printed = next_block and next_block.before:match "^%s*prints:%s*$" and next_block.text

      it(("runs %s%s"):format(name, printed and ", which prints what stands there" or ""), function()
        command.write_file(directory .. "/" .. name, block.text)
        local line = command.line(command.fnet, { name }, { FNET_DATA = FIXTURES })
        local result = command.shell(directory, line)
        assert.equal("", result.errors)
        assert.equal(0, result.status)
        if printed then assert.equal(printed, result.output) end
      end)
    end
  end

  it("has some scripts", function() assert.is_true(scripts >= 4) end)

  it("shows the weights that a short training ends with", function()
    local line, hash = readme:match "\n%$ ./fnet ([^\n]*tests/fixtures[^\n]*) | tail %-n 1\n([^\n]*)\n"
    local arguments = {}
    for argument in line:gmatch "%S+" do arguments[#arguments + 1] = argument end
    local result = command.shell(directory, "cd " .. command.quote(command.directory) .. " && "
      .. command.line(command.fnet, arguments))
    assert.equal(0, result.status)
    assert.equal(hash, result.output:match "([^\n]*)\n$")
  end)

  it("states the version of the numerics promise", function()
    assert.equal(fnet.numerics, tonumber(readme:match "This is version (%d+) of the promise"))
  end)

  it("names targets of the Makefile, and all that `make help` lists", function()
    local makefile, named = command.read_file "Makefile", {}
    for _, span in ipairs(code_spans()) do
      for target in (" " .. span):gmatch "[%s]make (%l[%l%d-]+)" do named[target] = true end
    end
    assert.is_true(named.fashion and named.test)
    for target in pairs(named) do
      assert.is_truthy(makefile:find("\n" .. target .. ":", 1, true), "the Makefile has no target " .. target)
    end
    for target in makefile:gmatch "\n(%l[%l%d-]*):[^\n]*## " do
      assert.is_true(target == "all" or named[target], "make " .. target .. " is not in README.md")
    end
  end)

  it("names files and folders that exist", function()
    local paths = table_column "path"
    assert.is_true(#paths > 20)
    for _, path in ipairs(paths) do
      assert.is_true(os.execute("test -" .. (path:find "/$" and "d " or "f ") .. command.quote(path)), path)
    end
    for _, span in ipairs(code_spans()) do
      local folder = span:match "^(%a+)/[%w_./-]*$"
      if folder == "src" or folder == "lua" or folder == "tests" or folder == "data" then
        assert.is_true(os.execute("test -e " .. command.quote(span)), span)
      end
    end
  end)

  it("names environment variables that are read, and all of the library's own", function()
    local source = {}
    for _, path in ipairs(lines_from "ls data/fetch.sh; find src lua -name '*.[ch]' -o -name '*.lua'") do
      source[#source + 1] = command.read_file(path)
    end
    source = table.concat(source)
    local named = {}
    for _, name in ipairs(table_column "environment variable") do
      named[name] = true
      local read = source:find("getenv[ (]*\"" .. name .. "\"") or source:find("${" .. name .. ":-", 1, true)
      assert.is_truthy(read, name .. " is read nowhere")
    end
    for name in source:gmatch "getenv[ (]*\"(FNET_%u+)\"" do assert.is_true(named[name], name) end
    for name in source:gmatch "%${(FNET_[%u_]+):" do assert.is_true(named[name], name) end
  end)

  it("names every public function", function()
    local words, missing = {}, {}
    for _, span in ipairs(code_spans()) do
      for word in span:gmatch "[%a_][%w_]*" do words[word] = true end
    end
    local function look(owner, fields)
      for name in pairs(fields) do
        if not name:find "^_" and not words[name] then missing[#missing + 1] = owner .. "." .. name end
      end
    end
    look("fnet", fnet)
    for _, name in ipairs { "nn", "optim", "metrics", "data", "report" } do look("fnet." .. name, fnet[name]) end
    look("fnet.nn.init", fnet.nn.init)
    look("tensor", core.methods)
    look("model", getmetatable(fnet.nn.Sequential).__index)
    look("data set", getmetatable(fnet.data.Dataset { x = fnet.zeros { 1, 1 }, y = fnet.zeros { 1 } }))
    table.sort(missing)
    assert.same({}, missing)
  end)
end)
