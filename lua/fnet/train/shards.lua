--- Shards: a batch is cut by its rows into a fixed number of parts. The gradients of each are computed as ever, and
-- added in one fixed tree of pairs. Invariant: the sums are a function of the batch, the model, the random numbers
-- and the number of shards; when a shard is computed, and by whom, changes no bit.

local closing = require "fnet.base.closing"
local contents = require "fnet.nn.contents"
local core = require "fnet.core"
local divisor = require "fnet.nn.divisor"
local expect = require "fnet.base.expect"
local halves = require "fnet.train.halves"
local is = require "fnet.base.is"
local keep_random = require "fnet.base.keep_random"
local observer = require "fnet.base.observer"
local processes = require "fnet.base.processes"
local rows_of = require "fnet.data.rows"
local say = require "fnet.base.say"
local is_module = require("fnet.nn.module").is_module

local copy, slice = core.methods.copy, core.methods.slice

---@class fnet.Shards
---@field count integer how many parts a batch is cut into
---@field model nn.Module
local Shards = {}
Shards.__index = Shards

-- How many of so many rows the shards up to this one have; their numbers of rows differ by one at most.
local function rows_until(self, rows, shard) return rows * shard // self.count end

-- How many rows the values of a batch have, all of them.
local function count_rows(values)
  local rows
  for i = 1, values.n do
    for _, t in ipairs(rows_of.list(values[i])) do
      expect.that(core.is_tensor(t) and t.rank > 0, "shards: backward: argument " .. i,
        "a tensor of rows or a list of those", t)
      rows = rows or #t
      if #t ~= rows then
        core.raise("shards: backward: argument %d: expected %d rows, as the first argument has, got %s", i, rows,
          say.value(t))
      end
    end
  end
  if not rows or rows == 0 then core.raise("shards: backward: expected at least one row to compute with") end
  return rows
end

-- A seed for each shard, all of one random call.
local function new_seeds(count)
  local seeds = core.uniform({ count }, 0, 1, "float64"):totable()
  for i, u in ipairs(seeds) do seeds[i] = math.tointeger(u * 2 ^ 53) end
  return seeds
end

-- The parameters whose gradients are joined, and the model's buffers.
local function tensors_of(self)
  local parameters, buffers = contents.tensors(self.model)
  local seen = {}
  for _, parameter in ipairs(parameters) do seen[parameter] = true end
  for _, parameter in ipairs(self.others) do
    if not seen[parameter] then parameters[#parameters + 1] = parameter end
  end
  return parameters, buffers
end

-- Copies of the buffers, in memory that is used again.
local function keep_buffers(self, buffers)
  local kept = self.kept
  for i, buffer in ipairs(buffers) do
    if not is.alike(kept[i], buffer) then kept[i] = core.full(buffer.shape, 0, buffer.dtype) end
    copy(kept[i], buffer)
  end
  return kept
end

-- The vector number `depth`, of the size and type that this step needs.
local function vector_at(self, step, depth)
  local vector = self.vectors[depth]
  if not vector or #vector ~= step.size or vector.dtype ~= step.dtype then
    vector = core.full({ step.size }, 0, step.dtype)
    self.vectors[depth] = vector
  end
  return vector
end

-- Size and type of the vectors, which begin with the gradients: double where one of the parameters is.
local function measure(step)
  step.size, step.gradients, step.dtype = #step.parameters, 0, "float32"
  for _, parameter in ipairs(step.parameters) do
    step.gradients = step.gradients + parameter:count()
    if parameter.dtype == "float64" then step.dtype = "float64" end
  end
  step.size = step.size + step.gradients
  for _, buffer in ipairs(step.buffers) do step.size = step.size + buffer:count() end
end

-- Raises where a forward has put another tensor in the place of a buffer: the next shard would begin with that one.
local function check_buffers(self, step)
  local _, buffers = contents.tensors(self.model)
  for i = 1, math.max(#buffers, #step.buffers) do
    if buffers[i] ~= step.buffers[i] then
      local entry = contents.of(self.model).buffers[i]
      core.raise("shards: the model's forward has replaced %s; write into the tensor that is there, " ..
        "self.x:copy(...), so that each shard begins with the same",
        entry and ("its buffer '%s'"):format(entry.name) or "a buffer")
    end
  end
end

-- By what the mean that a shard's loss is was divided: its weight among the shards.
local function weight_of(loss, rows)
  if divisor.is_sum(loss) then
    core.raise("shards: backward: the loss is a sum (reduction = \"sum\"), and shards join means; leave out the "
      .. "reduction, or divide the sum by the rows")
  end
  local list = divisor.all_of(loss)
  if #list > 1 then
    core.raise("shards: backward: the loss adds means that are divided by different things, by %g and by %g, " ..
      "and shards cannot count by both; one mean with `ignore` or `weights`, or means over the rows, can be cut",
      list[1], list[2])
  end
  return list[1] or rows
end

-- Computes a shard; gives the vector of what came of it.
local function compute_shard(self, step, shard, depth)
  local before, last = rows_until(self, step.rows, shard - 1), rows_until(self, step.rows, shard)
  core.random_state(step.seeds[shard], 0)
  core.no_grad(function()
    for i, buffer in ipairs(step.buffers) do copy(buffer, step.kept[i]) end
  end)
  local parts = { n = step.values.n }
  for i = 1, parts.n do parts[i] = rows_of.each(step.values[i], slice, 1, before + 1, last) end
  local loss, figures = step.compute(table.unpack(parts, 1, parts.n))
  if not core.is_tensor(loss) or loss:count() ~= 1 then
    core.raise("shards: backward: expected the function to return a loss, a tensor with one element, got " ..
      say.value(loss))
  end
  if #step.buffers > 0 then check_buffers(self, step) end
  local rows, is_first = last - before, before == 0
  local weight = weight_of(loss, rows)
  if is_first and observer.current then observer.current.backward(loss) end -- once a step
  core.backward(loss, core.full(loss.shape, weight / step.rows, loss.dtype), false, false)
  step.results[#step.results + 1] = { rows = rows, weight = weight, loss = loss:item(), figures = figures }
  local vector = vector_at(self, step, depth)
  core.pack_shard(vector, step.parameters, step.buffers, step.kept, rows / step.rows, is_first and 1 or 0)
  core.zero_grad(step.parameters)
  return vector
end

-- The process that computes a shard: they are dealt out as rows are to shards.
local function owner_of(self, shard) return (shard * processes.count + self.count - 1) // self.count end

-- The tree: what the shards first to last give, in a vector of a depth of at least this, in the process that has
-- the first of them; nil in others, and where the shards are empty.
local function join(self, step, first, last, depth)
  local me, owner, last_owner = processes.number, owner_of(self, first), owner_of(self, last)
  if me < owner or me > last_owner then return nil end
  if rows_until(self, step.rows, first - 1) == rows_until(self, step.rows, last) then return nil end
  if first == last then return compute_shard(self, step, first, depth) end
  local middle = (first + last) // 2
  local left = join(self, step, first, middle, depth)
  local right = join(self, step, middle + 1, last, left and depth + 1 or depth)
  local other = owner_of(self, middle + 1)
  if other ~= owner and rows_until(self, step.rows, middle) < rows_until(self, step.rows, last) then
    if me == owner then right = vector_at(self, step, left and depth + 1 or depth) end
    if me == owner or me == other then processes.hand(other, owner, right) end
    if me ~= owner then return nil end
  end
  if left and right then core.add_shard(left, right) end
  return left or right
end

-- The sum of all shards, in all processes. Where each has one whole branch of the tree, with rows, they go on in
-- halves: far fewer bytes than where process 1 adds all.
local function join_all(self, step)
  local count, own = processes.count, self.count // processes.count
  if count > 1 and count & (count - 1) == 0 and self.count % count == 0 and
    step.rows >= self.count and step.size >= count then
    local sum = join(self, step, (processes.number - 1) * own + 1, processes.number * own, 1)
    halves(sum, vector_at(self, step, 2))
    return sum
  end
  local sum = join(self, step, 1, self.count, 1)
  if count > 1 then
    sum = sum or vector_at(self, step, 1)
    processes.spread(sum)
  end
  return sum
end

-- What has to be alike in all processes before a step.
local function digest_of(self, step)
  ---@type (string|tensor)[]
  local parts = { ("%d %d %d %d"):format(self.count, step.rows, core.random_state()) }
  if not self.compared then -- what comes later follows from it
    for _, list in ipairs { step.parameters, step.buffers } do table.move(list, 1, #list, #parts + 1, parts) end
    for i = 1, step.values.n do
      for _, t in ipairs(rows_of.list(step.values[i])) do parts[#parts + 1] = t end
    end
    self.compared = true
  end
  return core.sha256(table.unpack(parts))
end

-- The results of all processes; raises where they were not alike.
local function gather_results(step, digest)
  local results, parts = {}, { digest }
  for _, result in ipairs(step.results) do
    parts[#parts + 1] = string.pack("<s8", processes.pack(result.rows, result.weight, result.loss,
      table.unpack(result.figures)))
  end
  for number, text in ipairs(processes.gather("shards", table.concat(parts))) do
    if text:sub(1, #digest) ~= digest then
      core.raise("shards: process %d has other weights, random numbers or rows than process %d; all have to " ..
        "make the same, with fnet's random numbers alone, after fnet.seed", number, processes.number)
    end
    local at = #digest + 1
    while at <= #text do
      local packed, next_at = string.unpack("<s8", text, at)
      local figures = { processes.unpack(packed) }
      results[#results + 1] = { rows = figures[1], weight = figures[2], loss = figures[3],
        figures = table.move(figures, 4, #figures, 1, {}) }
      at = next_at
    end
  end
  return results
end

-- Each shard has counted by its weight as if all weights together were the rows: makes that right where they are
-- not. Gives the loss of the batch, which then is the loss of each shard, too.
local function weigh(step, sum)
  local total, weights, by_rows = 0, 0, true
  for _, result in ipairs(step.results) do
    total, weights = total + result.loss * result.weight, weights + result.weight
    by_rows = by_rows and result.weight == result.rows
  end
  local loss = weights == 0 and 0 or total / weights
  if by_rows then return loss end
  for _, result in ipairs(step.results) do result.loss = loss end
  if weights ~= step.rows and weights > 0 then
    local gradients = slice(sum, 1, 1, step.gradients)
    copy(gradients, gradients * (step.rows / weights))
  end
  return loss
end

-- Vector 0 has the gradients that were there before the step: they are the parameters' again.
local function put_back(self, step)
  core.zero_grad(step.parameters)
  core.unpack_shard(self.vectors[0], step.parameters, {}, {})
end

--- One step: the gradients of a batch, shard by shard, are added to those that are there; an error leaves these as
-- they are.
---@param values table the batch, each with rows, n of them
---@param compute fun(...): tensor, number[] the loss of a shard, and its figures
---@return number loss the mean over all rows, or by the weights of a loss that has such
---@return { rows: integer, loss: number, figures: number[] }[] results of each shard that has rows, in order
function Shards:step(values, compute)
  local step = { values = values, compute = compute, rows = count_rows(values), results = {} }
  step.parameters, step.buffers = tensors_of(self)
  measure(step)
  local digest = processes.count > 1 and digest_of(self, step)
  step.kept = core.no_grad(keep_buffers, self, step.buffers)
  local had_gradients = core.moving(step.parameters) > 0
  if had_gradients then
    core.pack_shard(vector_at(self, step, 0), step.parameters, step.buffers, step.kept, 0, 0)
    core.zero_grad(step.parameters)
  end
  step.seeds = new_seeds(self.count)
  local _ <close> = keep_random()
  local is_done = false
  local _ <close> = closing(function()
    if had_gradients and not is_done then put_back(self, step) end
  end)
  local sum = join_all(self, step)
  if digest then step.results = gather_results(step, digest) end
  local loss = weigh(step, sum)
  if had_gradients then core.add_shard(sum, self.vectors[0]) end
  core.unpack_shard(sum, step.parameters, step.buffers, step.kept)
  is_done = true
  return loss, step.results
end

-- The means of the figures of all shards, by their rows.
local function means_of(results)
  local sums, rows = {}, 0
  for _, result in ipairs(results) do
    rows = rows + result.rows
    for i, figure in ipairs(result.figures) do sums[i] = (sums[i] or 0) + figure * result.rows end
  end
  for i, sum in ipairs(sums) do sums[i] = sum / rows end
  return sums
end

--- The gradients of a batch, as loss:backward() gives them, computed shard by shard: f gets the rows of each shard
-- and returns its loss, a mean over those rows. Then a step of the optimiser follows as ever. The function is not
-- called for a shard without rows.
---@param f fun(...): tensor, ... gets a part of each value, and returns the loss, and perhaps figures: numbers, or
--- tensors with one element, that are means over the rows too
---@param ... tensor|tensor[] what is cut: samples, targets, a state; each with equally many rows
---@return number loss the mean over all rows, or by the weights of a loss that has such
---@return number ... the mean of each figure over all rows
function Shards:backward(f, ...)
  expect.method("backward", self)
  expect.that(is.callable(f), "shards: backward", "a function that returns the loss of a shard", f)
  local loss, results = self:step(table.pack(...), function(...)
    local returned, figures = table.pack(f(...)), {}
    for i = 1, returned.n - 1 do
      local figure = returned[i + 1]
      if core.is_tensor(figure) and figure:count() == 1 then figure = figure:item() end
      figures[i] = expect.that(type(figure) == "number", "shards: backward: figure " .. i, "a number", figure)
    end
    return returned[1], figures
  end)
  return loss, table.unpack(means_of(results))
end

--- "Shards(8)".
---@return string
function Shards:__tostring() return ("Shards(%d)"):format(self.count) end

--- Cuts batches by their rows into shards, whose gradients are computed one after the other and added in one fixed
-- order. That takes the memory of one shard, and that of the gradients once more for each doubling of the number of
-- shards. The loss has to be the mean over the rows of what it is given: the shards count by their rows, or where
-- cross_entropy has `ignore` or `weights` by the sum of those weights, so that the mean is that of the batch. One
-- that a script itself divides by something else becomes the mean of the shards' means, not quite that. BatchNorm
-- normalises each shard by itself; buffers such as its running statistics become their mean by rows, those of whole
-- numbers what the first shard makes of them. A batch takes one random call, from which Dropout draws by shard:
-- other numbers, also in shuffles that follow, than without shards. Where mpirun has started several processes they
-- share the shards, which changes no bit: all run the same script, and process 1 speaks and writes files. Least
-- is sent where their number is a power of two that divides the number of shards.
---@param model nn.Module
---@param count integer shards of a batch, 1 to 4096
---@param parameters? tensor[] others that learn, beside the model's own, such as those of the loss
---@return fnet.Shards
return function(model, count, parameters)
  expect.that(is_module(model), "shards", "a model first", model)
  count = expect.count("shards: count", count, 1, 4096)
  expect.that(parameters == nil or type(parameters) == "table" and not is_module(parameters), "shards: parameters",
    "a list of tensors", parameters)
  for i, parameter in ipairs(parameters or {}) do
    expect.that(is.float(parameter), ("shards: parameters: entry %d"):format(i), "a tensor of floats", parameter)
  end
  processes.share()
  if count < processes.count then
    core.raise("shards: expected a shard for each of the %d processes at least, got %d", processes.count, count)
  end
  return setmetatable({ model = model, count = count, others = parameters or {}, vectors = {}, kept = {} }, Shards)
end
