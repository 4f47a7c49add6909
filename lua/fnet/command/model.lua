--- What the commands share: how they end, and the model.

local try = require "fnet.base.try"
local core = require "fnet.core"
local kinds = require "fnet.files.kinds"

local command = {}

--- Says on stderr why the command ends.
---@param name string the command
---@param format string
---@param ... any
---@return boolean succeeded false
function command.fail(name, format, ...)
  io.stderr:write("fnet ", name, ": ", core.visible(format:format(...), true), "\n")
  return false
end

--- The model of a file and what the file says about its samples. One in ONNX, which says nothing of them, takes
-- pictures as data sets have them, with their channels last.
---@param path string
---@return nn.Module? model
---@return table|string about or the message
function command.load(path)
  local lead = kinds.lead(path)
  local kind = lead and kinds.of(lead)
  if kind and kind.key == "onnx" then
    local model, message = require("fnet").load_onnx(path, { channels = "last" })
    return model, model and {} or message
  end
  local ok, model, about = try(require("fnet").load, path)
  if not ok then return nil, (tostring(model):gsub("^load: ", "")) end
  return model, about
end

return command
