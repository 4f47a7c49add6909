--- Origin: what a file says of how its model came to be, beside the model itself: versions, seed, script, figures,
-- and what is known of the samples. Invariant: what is written has the forms that are asked for when it is read.

local core = require "fnet.core"
local expect = require "fnet.base.expect"
local form = require "fnet.files.form"
local is = require "fnet.base.is"
local json = require "fnet.files.json"
local samples = require "fnet.save.samples"
local vocabulary = require "fnet.data.vocabulary"

local origin = {}

local SCRIPT_MOST = 1 << 20 -- bytes

local METRICS = form.names(form.number)
local OF_DATA = form.object { name = form.text, classes = form.list(form.word), sha256 = form.text }
local function DATA(value, place)
  OF_DATA(value, place)
  samples.form(value, place)
end

--- The text of the running script, or of the named one. Raises where that cannot be read.
---@param what string the function, for the message
---@param option? string|boolean a path; false for none
---@return string? text nil where there is none to read
function origin.script_text(what, option)
  if option == false then return nil end
  local is_path = option == nil or type(option) == "string"
  expect.that(is_path, what .. ": script", "the path of a script, or false", option)
  local path = option or type(arg) == "table" and arg[0]
  local file <close> = type(path) == "string" and io.open(path, "rb") or nil
  local text = file and file:read(SCRIPT_MOST)
  text = text and utf8.len(text) and text or nil
  if option and not text then core.raise("%s: script: %s cannot be read as text", what, core.visible(option)) end
  return text
end

-- What later users of the model want to know about its samples, as JSON.
local function data_text(dataset)
  local x = type(dataset) == "table" and (dataset.whole or dataset).x
  expect.that(is.array(x) or is.several(x), "save: data", "a data set", dataset)
  local about = samples.describe(dataset)
  about.name, about.sha256 = dataset.name, dataset:sha256()
  about.classes = dataset.classes and json.array { table.unpack(dataset.classes) }
  local text = json.encode(about)
  local problem = form.problem(json.decode(text), DATA)
  if problem then core.raise("save: data: %s", problem) end
  return text
end

local function metrics_text(metrics)
  expect.that(type(metrics) == "table", "save: metrics", "a table", metrics)
  for name, value in pairs(metrics) do
    if type(name) ~= "string" or type(value) ~= "number" or value - value ~= 0 then
      core.raise("save: metrics: expected finite numbers by name, got %s = %s", tostring(name), tostring(value))
    end
  end
  return json.encode(metrics)
end

--- The metadata that say so; strings by name.
---@param what string the function, for messages
---@param options table data, metrics, script, vocabulary, as in Module:save
---@return table<string, string>
function origin.new(what, options)
  local metadata = {
    ["fnet.version"] = core.version, ["fnet.numerics"] = tostring(core.numerics),
    ["fnet.seed"] = tostring((core.random_state())), ["fnet.script"] = origin.script_text(what, options.script),
  }
  if options.data ~= nil then metadata["fnet.data"] = data_text(options.data) end
  if options.metrics ~= nil then metadata["fnet.metrics"] = metrics_text(options.metrics) end
  if options.vocabulary ~= nil then
    expect.that(vocabulary.is_vocabulary(options.vocabulary), "save: vocabulary",
      "what data.vocabulary makes", options.vocabulary)
    metadata["fnet.vocabulary"] = vocabulary.text_of(options.vocabulary)
  end
  return metadata
end

--- What the metadata of a file say. A reader of files: what is damaged is a fault.
---@param metadata table<string, string>
---@return table about version, numerics, seed, script, metrics, data (name, classes, sha256, scale, ...),
--- vocabulary; each where the file has it
function origin.read(metadata)
  local metrics, data, tokens = metadata["fnet.metrics"], metadata["fnet.data"], metadata["fnet.vocabulary"]
  return {
    version = metadata["fnet.version"], numerics = math.tointeger(tonumber(metadata["fnet.numerics"])),
    seed = math.tointeger(tonumber(metadata["fnet.seed"])), script = metadata["fnet.script"],
    metrics = metrics and form.decode(metrics, "metrics", METRICS),
    data = data and form.decode(data, "facts about data", DATA),
    vocabulary = tokens and vocabulary.read_text(tokens),
  }
end

return origin
