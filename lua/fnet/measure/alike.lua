--- Alike: what several processes are about to share has to be the same in each. Invariant: it is told by the ends
-- of each tensor, and by labels and row numbers, since a hash of everything may take longer than what is shared;
-- other seeds, splits and files differ there.

local is = require "fnet.base.is"
local core = require "fnet.core"
local contents = require "fnet.nn.contents"
local processes = require "fnet.base.processes"
local rows_of = require "fnet.data.rows"

-- Adds the first and the last row of a tensor; of a part of it, `rows`, those of the part.
local function add_ends(list, t, rows)
  list[#list + 1] = ("%s %s"):format(t.dtype, table.concat(t.shape, " "))
  local count = rows and #rows or t.rank > 0 and #t or 0
  if count == 0 then
    if core.is_tensor(t) then list[#list + 1] = t end
    return
  end
  local places = core.tensor({ 1, count }, "int32")
  list[#list + 1] = rows_of.gather(t, rows and core.gather(rows, places) or places)
end

local function digest_of_model(model)
  local list = {}
  for _, entry in ipairs(contents.state(model)) do add_ends(list, entry.tensor) end
  return core.sha256(table.unpack(list))
end

local function digest_of_data(data)
  if not is.dataset(data) then data = { x = data } end
  local list, whole = { "data" }, data.whole or data
  for _, values in ipairs { whole.x, whole.y } do
    for _, t in ipairs(rows_of.list(values)) do add_ends(list, t, data.rows) end
  end
  list[#list + 1] = data.rows
  list[#list + 1] = is.labels(whole.y) and whole.y or nil
  return core.sha256(table.unpack(list))
end

-- What a message calls the parts of the text that is compared.
local PARTS = { "another size of batches", "another model, or other weights,", "other data" }

--- Raises where another process is about to share something else. All processes call it.
---@param what string the function, for the message
---@param size integer of batches
---@param model nn.Module
---@param data data.Dataset|tensor|tensor[]
return function(what, size, model, data)
  local own = { size, digest_of_model(model), digest_of_data(data) }
  for number, text in ipairs(processes.gather(what, processes.pack(table.unpack(own)))) do
    local other = { processes.unpack(text) }
    for i, part in ipairs(PARTS) do
      if other[i] ~= own[i] then
        core.raise("%s: process %d has %s than process %d; what is shared has to be the same in all", what, number,
          part, processes.number)
      end
    end
  end
end
