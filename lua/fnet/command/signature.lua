--- Signature: what a topic is called with and gives, in rows of a name, a type and what is said of that, for help
-- and for the pages of `make docs`.

local options_of = require "fnet.command.options_of"
local topics = require "fnet.command.topics"

-- Options that are said together are one row.
local function rows_of(fields)
  local rows = {}
  for _, field in ipairs(fields) do
    local last, text = rows[#rows], field.text ~= "" and ": " .. field.text or ""
    if last and last[2] == field.type and last[3] == text then last[1] = last[1] .. ", " .. field.name
    else rows[#rows + 1] = { field.name, field.type, text } end
  end
  return rows
end

--- The rows of a topic, as topics.rows gives them, but that each name in a table of options has a row of its own:
-- these are the `options` of the table's row.
---@param topic annotations.Topic
---@return table[] rows
return function(topic)
  local rows = topics.rows(topic)
  for i, parameter in ipairs(topic.entry.parameters) do
    local class, fields = options_of(topic, parameter)
    if class then rows[i][3], rows[i].options = parameter.optional and ", optional" or "", rows_of(fields) end
  end
  return rows
end
