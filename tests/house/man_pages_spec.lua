--- The manual pages that `make` writes: what help says is in them, man's readers have no complaint, and two runs
-- write the same bytes.

local fnet = require "fnet"
local core = require "fnet.core"
local command = require "tests.support.command"

-- The macros that the pages use; a line of text that began like one would vanish.
local MACROS = { TH = true, SH = true, SS = true, PP = true, TP = true, BR = true, br = true, nf = true, fi = true }

describe("the manual pages", function()
  local directory, raw, text = nil, {}, {}

  local function write(name)
    local line = command.line(command.fnet, { "src/tools/docs/man.lua", directory .. "/" .. name })
    local result = command.shell(directory, ("cd %s && %s"):format(command.quote(command.directory), line))
    assert.same({ "", "", 0 }, { result.output, result.errors, result.status })
  end

  setup(function()
    directory = command.make_directory()
    write "man"
    for name, path in pairs { command = "man1/fnet.1", library = "man3/fnet-lua.3" } do
      raw[name] = command.read_file(directory .. "/man/" .. path)
      text[name] = raw[name]:gsub("\\f[BR]", ""):gsub("\\%-", "-"):gsub("\\&", ""):gsub("\\%(ga", "`")
        :gsub("\\%(aq", "'"):gsub("\\%(dq", '"'):gsub("\\%(ti", "~"):gsub("\\%(ha", "^"):gsub("[\n, ]+", " ")
    end
  end)
  teardown(function() command.remove_directory(directory) end)

  local function has(words) assert.is_truthy(text.command:find(" " .. words .. " ", 1, true), words) end

  it("have every option, command and variable of fnet --help", function()
    local help = command.shell(directory, command.line(command.fnet, { "--help" })).output
    local count = 0
    for option in help:gmatch "%f[^%s,]%-%-?%a[%w-]*" do
      has(option)
      count = count + 1
    end
    for variable in help:match("Environment:(.*)"):gmatch "\n  (%u[%u_]+)" do
      assert.is_truthy(text.command:find(variable, 1, true), variable)
      count = count + 1
    end
    for name in pairs(require "fnet.command") do has(".SS " .. name) end
    assert.is_true(count > 25, count)
  end)

  it("have the options of the commands, which these say themselves", function()
    for _, name in ipairs { "eval", "export" } do
      local help = command.shell(directory, command.line(command.fnet, { name, "--help" })).output
      for option, about in help:gmatch "\n  (%-%-%S+[ %u]-)  +([^\n]+)" do
        if option ~= "--help" then has(option .. " " .. about:gsub("[, ]+", " ")) end
      end
    end
  end)

  it("have every public function, layer and method of tensors", function()
    local count = 0
    local function look(owner, separator, fields)
      for name, value in pairs(fields) do
        local is_layer = type(value) == "table" and rawget(value, "is_module") == true
        if (type(value) == "function" or is_layer) and not name:find "^_" then
          assert.is_truthy(text.library:find(" " .. owner .. separator .. name .. "(", 1, true), name)
          count = count + 1
        end
      end
    end
    look("fnet", ".", fnet)
    for _, space in ipairs { "nn", "optim", "data", "metrics", "report" } do look(space, ".", fnet[space]) end
    look("optim.schedule", ".", fnet.optim.schedule)
    look("tensor", ":", core.methods)
    assert.is_true(count > 300, count)
  end)

  it("have no line that a reader would take for a request and drop, nor one too long", function()
    for name, page in pairs(raw) do
      for line in page:gmatch "[^\n]+" do
        local macro = line:match "^[.'](%S*)"
        assert.is_true(macro == nil or MACROS[macro] == true, name .. ": " .. line)
        assert.is_true(#line <= 80 or macro == "SS", line)
        assert.is_nil(line:find "[\128-\255]", line)
      end
    end
  end)

  it("are the same when they are written again, and have no date", function()
    write "again"
    assert.equal("", command.shell(directory, "diff -r man again").output)
    local title = '^%.TH FNET%S* %d "" "fnet ' .. fnet.version:gsub("%p", "%%%0") .. '" "fnet"\n'
    for _, page in pairs(raw) do assert.matches(title, page) end
  end)

  -- Readers of manual pages, and how they print what they do not like, which is that there is no date.
  for _, reader in ipairs {
    { "groff", "groff -ww -mandoc -Tutf8 %s >/dev/null" },
    { "man", "man --warnings -E UTF-8 -l -Tutf8 -Z %s >/dev/null" },
    { "mandoc", "mandoc -Tlint %s | grep -v 'WARNING: missing date' || true" },
  } do
    local program, line = table.unpack(reader)
    it("are read by " .. program .. " without a warning", function()
      if not os.execute("command -v " .. program .. " >/dev/null") then
        return pending("left out: " .. program .. " is not here")
      end
      local lines = line:format "man/man1/fnet.1" .. "\n" .. line:format "man/man3/fnet-lua.3"
      local result = command.shell(directory, lines)
      assert.same({ "", "", 0 }, { result.output, result.errors, result.status })
    end)
  end
end)
