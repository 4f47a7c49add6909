--- Examples in the reference: the scripts in examples/ beside this file, each called like the name that it shows.
-- They run when the pages are made, so what a page shows is what they print and draw: their text, the pictures (SVG
-- or PNG) that they write into the directory where they run, and links to pages (HTML) that they write there. A
-- script's first line is a comment that says what it shows.
-- Invariant: a script that fails, or writes to stderr, is an error.

local naming = require "fnet.base.naming"
local topics = require "fnet.command.topics"

local examples = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

-- Runs a script in an empty directory: what it prints, and the names of the files that it leaves there.
local function run(program, script, directory)
  assert(os.execute(("rm -rf %s && mkdir -p %s"):format(quote(directory), quote(directory))))
  local line = ("cd %s && env -u LUA_INIT -u LUA_INIT_%s LC_ALL=C.UTF-8 %s %s </dev/null >.output 2>.errors")
    :format(quote(directory), _VERSION:match("%d+%.%d+"):gsub("%.", "_"), quote(program), quote(script))
  local ok, errors = os.execute(line), read(directory .. "/.errors")
  if not ok or errors ~= "" then error(("%s: %s"):format(script, errors), 0) end
  return read(directory .. "/.output"), lines_of("ls " .. quote(directory))
end

local SHOWN = { svg = "![What the example draws](%s)", png = "![What the example draws](%s)",
  html = "It writes [this page](%s)." }

-- The script and what came of it, as Markdown.
local function section(text, output, written)
  local about, code = text:match "^%-%- ([^\n]+)\n+(.-)\n*$"
  local parts = { "**Example.** " .. about, "```lua\n" .. code .. "\n```" }
  if output ~= "" then parts[#parts + 1] = "It prints:\n\n```text\n" .. output:gsub("\n*$", "\n") .. "```" end
  for _, file in ipairs(written) do parts[#parts + 1] = SHOWN[file:match "[^.]*$"]:format(file) end
  return table.concat(parts, "\n\n")
end

--- Runs all of them.
---@param program string the interpreter, as an absolute path
---@param from string the directory of the scripts, absolute
---@param target string the directory of the pages; what scripts write goes to `written` in it
---@return table<string, string> sections Markdown by the name of the topic; raises where a script fails
---@return string[] written what scripts have written, as addresses
function examples.run(program, from, target)
  local sections, all = {}, {}
  assert(os.execute("rm -rf " .. quote(target .. "/written"))) -- of other examples, perhaps
  for _, file in ipairs(lines_of("ls " .. quote(from))) do
    local name = file:match "^(.*)%.lua$"
    if not topics.index().topics[name or ""] then
      error(("%s/%s: is no example of a public name%s"):format(from, file, name and naming.hint(name,
        naming.sorted(topics.index().topics)) or ""), 0)
    end
    local directory, written = target .. "/.example", {}
    local output, names = run(program, from .. "/" .. file, directory)
    for i, own in ipairs(names) do
      if not SHOWN[own:match "[^.]*$"] then error(("%s: writes %s, which no page shows"):format(file, own), 0) end
      written[i] = ("written/%s-%s"):format(name, own)
      all[#all + 1] = written[i]
      assert(os.execute(("mkdir -p %s/written && mv %s %s"):format(quote(target), quote(directory .. "/" .. own),
        quote(target .. "/" .. written[i]))))
    end
    sections[name] = section(read(from .. "/" .. file), output, written)
    assert(os.execute("rm -rf " .. quote(directory)))
  end
  return sections, all
end

return examples
