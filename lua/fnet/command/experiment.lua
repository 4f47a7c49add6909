--- `fnet init folder`: a folder for an experiment of one's own; `fnet init --library folder`: the declarations for
-- editors alone, anew. What is there already stays: nothing is written where a file would be lost.

local core = require "fnet.core"
local command = require "fnet.command.model"
local kinds = require "fnet.files.kinds"
local library = require "fnet.command.library"
local naming = require "fnet.base.naming"
local options = require "fnet.command.options"

local USAGE = "fnet init folder, or fnet init --library folder"
local MARK = "---@meta " -- how a file of declarations begins

local function fail(...) return command.fail("init", ...) end

local NO_ENTRY, NO_DIRECTORY = 2, 20 -- errno where a file, or the folder that it would be in, is not there

-- How a file begins, "" where it cannot be read, such as a directory; nil where there is none.
local function beginning_of(path)
  local lead, _, code = kinds.lead(path)
  if not lead then return code ~= NO_ENTRY and code ~= NO_DIRECTORY and "" or nil end
  return lead:sub(1, #MARK)
end

-- The directories above a file, the outermost first.
local function directories_of(path)
  local list = {}
  for at in path:gmatch "()/" do
    if at > 1 then list[#list + 1] = path:sub(1, at - 1) end
  end
  return list
end

-- Writes files below a folder; why not, where that fails.
local function write(folder, files)
  for _, file in ipairs(files) do
    local path = folder .. "/" .. file.path
    for _, directory in ipairs(directories_of(path)) do
      if not core.is_directory(directory) then
        local made, message = core.make_directory(directory)
        if not made then return message end
      end
    end
    local written, message = core.write_file(path, { file.text })
    if not written then return message end
  end
end

local function declarations()
  local texts, files = library(), {}
  for i, path in ipairs(naming.sorted(texts)) do files[i] = { path = "library/" .. path, text = texts[path] } end
  return files
end

-- The paths of files that are there, but for those that may be written anew.
local function in_the_way(folder, files, is_ours)
  local there = {}
  for _, file in ipairs(files) do
    local begins = beginning_of(folder .. "/" .. file.path)
    if begins and not (is_ours and begins == MARK) then there[#there + 1] = file.path end
  end
  return there
end

--- Writes the files, and says what can be done with them.
---@param arguments string[] the folder; --library
---@return boolean succeeded
return function(arguments)
  local folders, rest = {}, { [0] = arguments[0] }
  for _, word in ipairs(arguments) do
    local list = word:sub(1, 1) == "-" and rest or folders
    list[#list + 1] = word
  end
  local values = options(rest, "Makes a folder for an experiment of one's own, or adds to one what editors read:\n"
    .. "fnet init mine", {
    { "library", false, "the declarations for editors alone, anew, in a folder that is there" },
  })
  local folder, surplus = table.unpack(folders)
  if not folder or folder == "" then return fail("which folder? %s", USAGE) end
  if surplus then return fail("expected one folder, got '%s' too: %s", surplus, USAGE) end
  if values.library and not core.is_directory(folder) then
    return fail("%s: no such folder; fnet init %s makes one", folder, folder)
  end
  local files = declarations()
  if not values.library then
    local experiment = require "fnet.command.experiment_files"
    table.move(experiment, 1, #experiment, #files + 1, files)
  end
  local there = in_the_way(folder, files, values.library)
  if #there > 0 then
    return fail("%s has %s already; nothing was written", folder, table.concat(there, ", "))
  end
  local problem = write(folder, files)
  if problem then return fail("%s", problem) end
  local shown = core.visible(folder)
  if values.library then
    print(("%s/library: what fnet %s has, for editors"):format(shown, core.version))
  else
    local word = folder:find "[^%w_./-]" and "'" .. shown:gsub("'", "'\\''") .. "'" or shown
    print(("%s: an experiment; its README.md says what is what\n\n  cd %s\n  fnet experiment.lua\n  busted")
      :format(shown, word))
  end
  return true
end
