--- Pass: a model over data that it does not learn from, in evaluation mode and without recording gradients. All
-- that measures or predicts goes through here. Invariant: the model is afterwards as it was; what comes out does
-- not depend on how many processes share the batches.

local expect = require "fnet.base.expect"
local gather_rows = require "fnet.base.gather_rows"
local is = require "fnet.base.is"
local core = require "fnet.core"
local check_alike = require "fnet.measure.alike"
local collect = require "fnet.measure.collect"
local feed = require "fnet.nn.feed"
local modes = require "fnet.nn.modes"
local processes = require "fnet.base.processes"
local rows_of = require "fnet.data.rows"

-- The batches of a data set, or the rows of a tensor in the same way.
local function batches(data, size)
  if is.dataset(data) then return data:batches { size = size } end
  local first, count = 1 - size, rows_of.count(data)
  local function piece(t) return t:slice(1, first, math.min(first + size - 1, count)) end
  return function()
    first = first + size
    if first <= count then return rows_of.each(data, piece) end
  end
end

local function count_rows(data) return is.dataset(data) and #data or rows_of.count(data) end

-- Some of the rows, as data of the same kind.
local function some_rows(data, first, last)
  if is.dataset(data) then return data:slice(first, last) end
  return rows_of.each(data, function(t) return t:slice(1, first, last) end)
end

-- What comes of the batches: a list of what `visit` gives for each, and the rows that `keep` names.
local function compute(plan, data)
  local list, kept, adders = {}, {}, {}
  local function add(name, rows)
    adders[name] = adders[name] or collect(plan.what, count_rows(data))
    kept[name] = adders[name](rows)
  end
  modes.with(plan.model, false, core.no_grad, function()
    for x, y in batches(data, plan.size) do
      local output = feed(plan.model, x)
      list[#list + 1] = plan.visit and plan.visit(output, y) or {}
      for _, name in ipairs(plan.keep) do add(name, name == "outputs" and output or y) end
    end
  end)
  return list, kept
end

-- The same as `compute` in all processes, each of which computes some of the batches; nil where random numbers were
-- drawn, whose order would be another one.
local function share(plan, data)
  check_alike(plan.what, plan.size, plan.model, data)
  local rows, list, kept = count_rows(data), {}, {}
  local all = (rows + plan.size - 1) // plan.size
  local before, last = all * (processes.number - 1) // processes.count, all * processes.number // processes.count
  local seed, stream = core.random_state()
  if before < last then
    list, kept = compute(plan, some_rows(data, before * plan.size + 1, math.min(last * plan.size, rows)))
  end
  local _, stream_after = core.random_state()
  local parts, drew = { stream == stream_after and "=" or "~" }, false
  for i, figures in ipairs(list) do parts[i + 1] = string.pack("<s8", processes.pack(table.unpack(figures))) end
  list = {}
  for _, text in ipairs(processes.gather(plan.what .. ": figures", table.concat(parts))) do
    local at = 2
    drew = drew or text:sub(1, 1) == "~"
    while at <= #text do
      local packed, next_at = string.unpack("<s8", text, at)
      list[#list + 1], at = { processes.unpack(packed) }, next_at
    end
  end
  core.random_state(seed, stream)
  if drew then return nil end
  local whole = {}
  for _, name in ipairs(plan.keep) do whole[name] = gather_rows(plan.what, kept[name]) end
  return list, whole
end

-- Whether the rows can be cut: those of a data set of a script's own cannot.
local function can_share(data)
  return processes.count > 1 and (not is.dataset(data) or is.callable(data.batch_count) and is.callable(data.slice))
end

--- Runs a model over all batches.
---@param what string the function, for messages
---@param model nn.Module
---@param data data.Dataset|tensor|tensor[]
---@param options table size: rows at a time, 1000; shared: the processes share the batches, false; visit:
--- function(output, y) -> numbers of a batch; keep: a list of "outputs" and "targets", {}
---@return number[][] list what `visit` gave for each batch, in order
---@return { outputs: tensor|tensor[], targets: tensor|tensor[] } kept all rows of what was to be kept
return function(what, model, data, options)
  local size = options.size == nil and 1000 or expect.count(what .. ": size", options.size, 1)
  local plan = { what = what, model = model, size = size, visit = options.visit, keep = options.keep or {} }
  local list, kept
  if options.shared then processes.join() end
  if options.shared and can_share(data) then list, kept = share(plan, data) end
  if not list then list, kept = compute(plan, data) end
  if #list == 0 then core.raise("%s: expected at least one sample, got %s", what, tostring(data)) end
  return list, kept
end
