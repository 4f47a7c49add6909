--- Writes the manual pages: man1/fnet.1, the command, from what `fnet --help` prints, and man3/fnet-lua.3, the
-- library, every public name with a sentence, from the same topics as `fnet --help NAME`. `make` runs it, in the
-- directory of the project: fnet src/tools/docs/man.lua DIRECTORY.
-- Invariant: two runs of one version write the same bytes; there is no date in them. What is typed by hand here is
-- what help does not say: files, exit status, what comes before the lists.

local here = arg[0]:match "^(.*)man%.lua$"
package.path = here .. "?.lua;" .. package.path
local annotations = require "fnet.command.annotations"
local commands = require "fnet.command"
local fnet = require "fnet"
local reference = require "reference"
local sources = require "fnet.sources"
local topics = require "fnet.command.topics"
local usage = require "fnet.command.usage"

local target = assert(arg[1], "man: which directory?")
local index = topics.index()

-- ---- text as roff ----

local WIDTH = 79 -- of the lines of the source, which tools count
local SAFE = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha", ["~"] = "\\(ti",
  ['"'] = "\\(dq" }

-- Plain text.
local function safe(text)
  return (text:gsub("[\\'`^~\"-]", SAFE):gsub(utf8.charpattern, function(letter)
    return #letter > 1 and ("\\[u%04X]"):format(utf8.codepoint(letter)) or nil
  end))
end

local function bold(text) return "\\fB" .. safe(text) .. "\\fR" end

-- Text as lines of roff. Comments are Markdown, of which `code` matters here. A line that began with a dot would be
-- a request.
local function prose(text)
  local out = {}
  for before, code in (text .. "``"):gmatch "([^`]*)`([^`]*)`" do
    out[#out + 1] = safe(before) .. (code ~= "" and bold(code) or "")
  end
  local lines = {}
  for word in table.concat(out):gmatch "%S+" do
    local line = lines[#lines]
    if line and #line + #word < WIDTH then lines[#lines] = line .. " " .. word
    else lines[#lines + 1] = word:gsub("^%.", "\\&.") end
  end
  return table.concat(lines, "\n")
end

local page -- the lines of the page that is being written

local function add(...) page[#page + 1] = table.concat { ... } end

local function section(title) add(".SH ", title) end

-- A heading has its own distance to what follows.
local function paragraph(text) add(page[#page]:find "^%.S" and "" or ".PP\n", prose(text)) end

local function code(text) add(".PP\n.nf\n", bold(text), "\n.fi") end

-- Rows of two texts: the first one bold, below it the second, indented.
local function rows(list)
  for _, row in ipairs(list) do add(".TP\n", bold(row[1]), "\n", prose(row[2])) end
end

-- The page's own words for where it is, by which man finds it.
local function begin(name, number, about)
  page = { (".TH %s %d \"\" \"fnet %s\" \"fnet\""):format(name:upper(), number, fnet.version) }
  section "NAME"
  add(safe(name), " \\- ", safe(about))
end

local function write(name, number)
  local folder = ("%s/man%d"):format(target, number)
  assert(os.execute("mkdir -p '" .. folder:gsub("'", "'\\''") .. "'"))
  local file <close> = assert(io.open(("%s/%s.%d"):format(folder, name, number), "wb"))
  assert(file:write(table.concat(page, "\n"), "\n"))
end

-- ---- the command ----

-- What the command prints; it must succeed.
local function said(arguments)
  local pipe = assert(io.popen("'" .. arg[-1]:gsub("'", "'\\''") .. "' " .. arguments))
  local text = pipe:read "a"
  assert(pipe:close(), "man: fnet " .. arguments .. " fails")
  return text
end

-- "the script in several processes" of a module's comment, which begins with how it is called.
local function what_it_does(name)
  local header = annotations.read()[commands[name]].header:gsub("^`[^`]*`: ", ""):gsub("^%l", string.upper)
  return header:match "^(.-[^.]%.)%s+%u" or header
end

local function write_command()
  local help = said "--help"
  begin("fnet", 1, "runs Lua scripts that train neural networks")

  section "SYNOPSIS"
  for i, synopsis in ipairs(usage.synopses(help)) do
    local words = synopsis:gsub("^fnet", "")
    add(i > 1 and ".br\n" or "", bold "fnet", safe(words))
  end

  section "DESCRIPTION"
  local before, example, after = help:match "\n\n(fnet runs .-)\n  (.-)\n(.-)\n\n"
  paragraph(before)
  code(example)
  paragraph(after)

  section "OPTIONS"
  local options, title = usage.part(help, "Options")
  paragraph(title:match "%((.*)%)":gsub("^(.*) act ", "The options %1 act ") .. ".")
  rows(usage.rows(options))

  section "COMMANDS"
  for _, command in ipairs(usage.commands(help)) do
    add(".SS ", safe(command.name .. " " .. command.takes))
    add(prose(what_it_does(command.name)))
    local list = {}
    for i, option in ipairs(usage.declared(sources[usage.path_of(command.name)])) do
      list[i] = { option.flag .. (option.value and " " .. option.value or ""), option.text }
    end
    rows(list)
  end

  section "ENVIRONMENT"
  rows(usage.rows((usage.part(help, "Environment"))))

  section "FILES"
  rows {
    { "~/.local/state/fnet/history", "What was typed in the interactive mode; XDG_STATE_HOME puts it elsewhere." },
    { "/usr/share/datasets/fashion-mnist", "Where scripts look for Fashion-MNIST when FNET_DATA does not say." },
  }

  section "EXIT STATUS"
  rows {
    { "0", "The script, or the command, has succeeded." },
    { "1", "An error that the script did not catch, wrong options, a file that cannot be used, or output that "
      .. "could not be written; standard error says which." },
  }
  paragraph "A script may end with a status of its own by `os.exit`. One that Ctrl-C ends dies of SIGINT."

  section "EXAMPLES"
  rows(usage.rows((usage.part(help, "Examples"))))

  section "SEE ALSO"
  add(".BR fnet\\-lua (3),\n.BR lua (1),\n.BR mpirun (1)")
  write("fnet", 1)
end

-- ---- the library ----

local function write_library()
  begin("fnet-lua", 3, "tensors, layers and training for Lua")
  section "SYNOPSIS"
  add(".nf\n", bold 'local fnet = require "fnet"', "\n.fi")

  section "DESCRIPTION"
  paragraph("The library is inside the command `fnet`, and is a module for Lua 5.4 and 5.5. Every public name "
    .. "stands below with a sentence; `fnet --help NAME`, as in `fnet --help nn.Dense`, says its types, shapes, "
    .. "defaults and errors. `fnet --help --search WORDS` finds names by words, and by what PyTorch, Keras and "
    .. "NumPy call them.")
  paragraph("Everything counts from 1: rows, axes, class labels. Wrong use raises an error at the caller's line. "
    .. "What the environment refuses, such as a missing file, gives nil, a message and a code, or raises where the "
    .. "help of the function says so.")

  for _, area in ipairs(reference.pages) do
    section(safe(area.title:upper()))
    for _, name in ipairs(area.list) do
      local topic = index.topics[name]
      if not topics.is_usual(name) then rows { { topics.written(topic), topics.sentence(topic) } } end
    end
  end

  section "SEE ALSO"
  add(".BR fnet (1)")
  write("fnet-lua", 3)
end

write_command()
write_library()
