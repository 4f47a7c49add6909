--- The chapters say what is so: their scripts run and print what stands there, and the targets, files and variables
-- they name exist. The other way round, they name every target and variable; every function has its section in the
-- pages of pages_spec.lua.

local fnet = require "fnet"
local command = require "tests.support.command"

local OURS = { src = true, lua = true, tests = true, data = true, examples = true }
local FIXTURES = command.directory .. "/tests/fixtures/fashion"

local function lines_from(shell_command)
  local list, pipe = {}, assert(io.popen(shell_command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  assert(#list > 0, shell_command)
  return list
end

-- The fenced blocks: language, text, and what stands between the block before and this one; and what follows.
local function fenced_blocks(text)
  local list, at = {}, 1
  while true do
    local first, last, language, content = text:find("\n```(%l*)\n(.-)\n```%f[\n]", at)
    if not first then return list, text:sub(at) end
    list[#list + 1] = { language = language, text = content .. "\n", before = text:sub(at, first) }
    at = last + 1
  end
end

local chapters, everything = {}, {}
local find = "find . -name '*.md' -not -path './build/*' -not -path './.git/*' | LC_ALL=C sort"
for i, path in ipairs(lines_from(find)) do
  local text = command.read_file(path)
  local blocks, rest = fenced_blocks(text)
  chapters[i] = { path = path:sub(3), text = text, blocks = blocks, rest = rest }
  everything[i] = text .. "\n\n"
end
everything = table.concat(everything)
local readme = command.read_file "README.md"

-- The inline code of the prose, and the lines of the shell blocks.
local function code_spans()
  local list = {}
  for _, chapter in ipairs(chapters) do
    local function add(prose)
      for span in prose:gsub("\n%s*", " "):gsub("As `[^`]+`", ""):gmatch "`([^`]+)`" do list[#list + 1] = span end
    end
    for _, block in ipairs(chapter.blocks) do
      add(block.before)
      if block.language == "sh" or block.language == "console" then list[#list + 1] = block.text end
    end
    add(chapter.rest)
  end
  return list
end

-- The first cells of all tables below a heading row that begins with the given words.
local function table_column(heading)
  local list = {}
  for rows in everything:gmatch("\n| " .. heading .. " |[^\n]*\n|%-[^\n]*\n(.-)\n\n") do
    for cell in ("\n" .. rows):gmatch "\n| `([^`]+)` |" do list[#list + 1] = cell end
  end
  assert(#list > 0, "no table with the heading " .. heading)
  return list
end

describe("the chapters", function()
  local directory

  before_each(function() directory = command.make_directory() end)
  after_each(function() command.remove_directory(directory) end)

  local scripts = 0
  for _, chapter in ipairs(chapters) do
    for i, block in ipairs(chapter.blocks) do
      if block.text:find '^local fnet = require "fnet"\n' then
        scripts = scripts + 1
        local name = block.before:match ".*`([%w_]+%.lua)`" or "script.lua"
        local next_block = chapter.blocks[i + 1]
        local printed = next_block and next_block.before:match "^%s*prints:%s*$" and next_block.text
        local promise = printed and ", which prints what stands there" or ""

        it(("run %s of %s%s"):format(name, chapter.path, promise), function()
          command.write_file(directory .. "/" .. name, block.text)
          local line = command.line(command.fnet, { name }, { FNET_DATA = FIXTURES })
          local result = command.shell(directory, line)
          assert.equal("", result.errors)
          assert.equal(0, result.status)
          if printed then assert.equal(printed, result.output) end
        end)
      end
    end
  end

  it("have some scripts", function() assert.is_true(scripts >= 14) end)

  it("begin with a page that is read to its end", function()
    assert.is_true(select(2, readme:gsub("\n", "")) <= 380)
  end)

  it("show the weights that a short training ends with", function()
    local line, hash = readme:match "\n%$ ./fnet ([^\n]*tests/fixtures[^\n]*) | tail %-n 1\n([^\n]*)\n"
    local arguments = {}
    for argument in line:gmatch "%S+" do arguments[#arguments + 1] = argument end
    local result = command.shell(directory, "cd " .. command.quote(command.directory) .. " && "
      .. command.line(command.fnet, arguments))
    assert.equal(0, result.status)
    assert.equal(hash, result.output:match "([^\n]*)\n$")
  end)

  it("state the version of the numerics promise", function()
    local count = 0
    for version in everything:gmatch "This is version (%d+) of the promise" do
      count = count + 1
      assert.equal(fnet.numerics, tonumber(version))
    end
    assert.equal(2, count)
  end)

  it("name targets of the Makefile, and all that `make help` lists", function()
    local makefile, named = command.read_file "Makefile", {}
    for _, span in ipairs(code_spans()) do
      for target in (" " .. span):gmatch "[%s]make (%l[%l%d/-]+)" do named[target] = not target:find "/" or nil end
    end
    assert.is_true(named.fashion and named.test)
    for target in pairs(named) do
      assert.is_truthy(makefile:find("\n" .. target .. ":", 1, true), "the Makefile has no target " .. target)
    end
    for target in makefile:gmatch "\n(%l[%l%d-]*):[^\n]*## " do
      assert.is_true(target == "all" or named[target], "make " .. target .. " is in no chapter")
    end
  end)

  it("name files and folders that exist", function()
    local paths = table_column "path"
    assert.is_true(#paths > 20)
    for _, path in ipairs(paths) do
      assert.is_true(os.execute("test -" .. (path:find "/$" and "d " or "f ") .. command.quote(path)), path)
    end
    for _, span in ipairs(code_spans()) do
      local folder = span:match "^(%a+)/[%w_./-]*$"
      if OURS[folder or ""] and not span:find "NAME" then
        assert.is_true(os.execute("test -e " .. command.quote(span)), span)
      end
    end
  end)

  it("name environment variables that are read, and all of the library's own", function()
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
end)
