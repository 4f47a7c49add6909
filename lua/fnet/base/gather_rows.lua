--- Gather rows: tensors of which each process has some rows become the tensors of all rows, in each process, in the
-- order of the processes. Invariant: bytes are moved, nothing is computed.

local core = require "fnet.core"
local naming = require "fnet.base.naming"
local processes = require "fnet.base.processes"

local slice, copy = core.methods.slice, core.methods.copy

-- Of each tensor its key (false for a single one), type, number of axes and lengths, as a text; "" for nothing.
local function form_of(own, keys)
  local parts = {}
  for i, key in ipairs(keys) do
    local t = key and own[key] or own
    parts[i] = processes.pack(key, t.dtype, t.rank, table.unpack(t.shape))
  end
  return table.concat(parts)
end

-- The same as a list of { type, rows, other lengths ..., key = }, and as a text what has to be alike in all.
local function read_form(text)
  local values, list, alike, at = table.pack(processes.unpack(text)), {}, {}, 1
  while at <= values.n do
    local rank = values[at + 2]
    local form = table.move(values, at + 3, at + 2 + rank, 2, { values[at + 1], key = values[at] })
    list[#list + 1] = form
    alike[#alike + 1] = ("%s %s%s"):format(form.key, form[1], table.concat(form, " ", 3))
    at = at + 3 + rank
  end
  return list, table.concat(alike, ", ")
end

-- One tensor, of which this process has the rows `own`, or none; `counts` says how many each has.
local function gather_one(own, form, counts)
  local before, rows, me = {}, 0, processes.number
  for number = 1, processes.count do before[number], rows = rows, rows + (counts[number] or 0) end
  local whole = core.full({ rows, table.unpack(form, 3) }, 0, form[1])
  local function part(number) return slice(whole, 1, before[number] + 1, before[number] + counts[number]) end
  if own and #own > 0 then copy(part(me), own) end
  for number = 2, processes.count do
    if (counts[number] or 0) > 0 and (me == 1 or me == number) then processes.hand(number, 1, part(number)) end
  end
  processes.spread(whole)
  return whole
end

--- All processes call it.
---@param what string the function, for messages
---@param own tensor|table|nil rows, or several tensors of rows, in a list or by name; nil where this process has
--- none
---@return tensor|table|nil whole in the same form; nil where no process has any
return function(what, own)
  if processes.count == 1 then return own end
  local keys = core.is_tensor(own) and { false } or own and naming.keys(own) or {}
  local forms, alike, first, counts = nil, nil, nil, {}
  for number, text in ipairs(processes.gather(what .. ": rows", form_of(own, keys))) do
    local list, found = read_form(text)
    if #list > 0 then forms, alike, first = forms or list, alike or found, first or number end
    if #list > 0 and found ~= alike then
      core.raise("%s: the model gives other types or shapes in process %d than in process %d", what, number, first)
    end
    for i, form in ipairs(list) do
      counts[i] = counts[i] or {}
      counts[i][number] = form[2]
    end
  end
  if not forms then return nil end
  local wholes = {}
  for i, form in ipairs(forms) do
    local whole = gather_one(own and form.key and own[form.key] or own, form, counts[i])
    if not form.key then return whole end
    wholes[form.key] = whole
  end
  return wholes
end
