--- The gradient of recurrent layers made of ordinary operations, for second derivatives: slower than the kernels of
-- src/core/recurrent.c, and itself on the tape. Formulas and their grouping are those of
-- src/kernels/template/recurrent.inc.

local core = require "fnet.core"
local functions = require "fnet.tensor.functions"

local methods, stack = core.methods, functions.constructors.stack
local sigmoid, tanh = methods.sigmoid, methods.tanh

local function slope_of_sigmoid(dy, y) return dy * (y * (1 - y)) end
local function slope_of_tanh(dy, y) return dy * (1 - y * y) end

-- By kind: forward(sums, told, before) gives the state h, what backward needs, and an LSTM's c; `sums` are those of
-- the gates, `told` GRU's of the state, `before` has h and c. backward(at, dh, dc) gives a list of the slopes of
-- the sums, the one of `told`, and the parts of dh and dc that go straight to the step before.
local cells = {}

cells.tanh = {
  forward = function(sums)
    local h = sums:tanh()
    return h, { h = h }
  end,
  backward = function(at, dh) return { slope_of_tanh(dh, at.h) } end,
}

cells.relu = {
  forward = function(sums)
    local h = sums:relu()
    return h, { h = h }
  end,
  backward = function(at, dh) return { dh:gate(at.h) } end,
}

cells.lstm = {
  forward = function(sums, _, before)
    local i, f, g, o = sums:chunk(4, 2)
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    local c = f * before.c + i * g
    local shown = c:tanh()
    return o * shown, { i = i, f = f, g = g, o = o, shown = shown, before = before.c }, c
  end,
  backward = function(at, dh, dc)
    dc = dc + slope_of_tanh(dh * at.o, at.shown)
    return { slope_of_sigmoid(dc * at.g, at.i), slope_of_sigmoid(dc * at.before, at.f),
      slope_of_tanh(dc * at.i, at.g), slope_of_sigmoid(dh * at.shown, at.o) }, nil, nil, dc * at.f
  end,
}

cells.gru = {
  forward = function(sums, told, before)
    local r, z, n = sums:chunk(3, 2)
    r, z = sigmoid(r), sigmoid(z)
    n = tanh(n + r * told)
    return (1 - z) * n + z * before.h, { r = r, z = z, n = n, told = told, before = before.h }
  end,
  backward = function(at, dh)
    local dn = slope_of_tanh(dh * (1 - at.z), at.n)
    return { slope_of_sigmoid(dn * at.told, at.r), slope_of_sigmoid(dh * (at.before - at.n), at.z), dn },
      dn * at.r, dh * at.z
  end,
}

-- For each step 1 where a sequence is not at its end, else 0, [batch, 1]; nil where all are equally long.
local function masks_of(lengths, batch, time, dtype)
  if not lengths then return {} end
  local masks = {}
  for step = 1, time do masks[step] = lengths:ge(step):to(dtype):reshape { batch, 1 } end
  return masks
end

-- new where the mask is 1, else old.
local function choose(mask, new, old) return mask and core.where(mask, new, old) or new end

--- What the rule of `recurrent` returns, see lua/fnet/tensor/rules.lua.
---@return tensor? ...
return function(dy, x, w, b, kind, reversed, lengths, weight, bias, h, c)
  local cell, units, batch, time = cells[kind], #weight, x.shape[1], x.shape[2]
  local is_gru, is_lstm = kind == "gru", kind == "lstm"
  local sums, masks = core.dense(x, w, b), masks_of(lengths, batch, time, x.dtype)
  local order = {}
  for k = 1, time do order[k] = reversed and time + 1 - k or k end

  -- Forward once more, now recorded.
  local joined = is_gru and weight:slice(2, 1, 2 * units) or weight -- whose products the sums of the gates take
  local apart = is_gru and weight:slice(2, 2 * units + 1) or nil
  local steps = {}
  for k, step in ipairs(order) do
    local sum, told = sums:select(2, step), nil
    local product = core.matmul(h, joined)
    if is_gru then
      product = product:unslice(2, 1, 3 * units)
      told = bias and core.dense(h, apart, bias) or core.matmul(h, apart)
    end
    local before = { h = h, c = c }
    local new_h, at, new_c = cell.forward(sum + product, told, before)
    steps[k] = { at = at, h = h }
    h, c = choose(masks[step], new_h, h), is_lstm and choose(masks[step], new_c, c) or nil
  end

  -- And back.
  local last = is_lstm and dy:slice(1, batch * time + 1) or nil
  local given = (is_lstm and dy:slice(1, 1, batch * time) or dy):reshape { batch, time, units }
  local dh, dc, slopes, extra, before = core.full({ batch, units }, 0, x.dtype), last, {}, {}, {}
  for k = time, 1, -1 do
    local step = order[k]
    local mask, at = masks[step], steps[k]
    local parts, told, straight, to_c = cell.backward(at.at, given:select(2, step) + dh, dc)
    local slope = functions.constructors.concat(parts, 2)
    local to_h = core.matmul(is_gru and slope:slice(2, 1, 2 * units) or slope, joined:transpose())
    if is_gru then to_h = to_h + core.matmul(told, apart:transpose()) + straight end
    slopes[step] = choose(mask, slope, 0)
    extra[step] = told and choose(mask, told, 0)
    before[step] = at.h
    dh, dc = choose(mask, to_h, dh), is_lstm and choose(mask, to_c, dc) or nil
  end

  local rows = stack(slopes, 2):reshape { batch * time, weight.shape[2] }
  local states = stack(before, 2):reshape({ batch * time, units }):transpose()
  local dweight, dbias
  if is_gru then
    local told = stack(extra, 2):reshape { batch * time, units }
    dweight = core.concat2(core.matmul(states, rows:slice(2, 1, 2 * units)), core.matmul(states, told), 2)
    dbias = bias and told:sum(1)
  else
    dweight = core.matmul(states, rows)
  end
  local inputs = x:reshape { batch * time, -1 }
  return nil, core.matmul(rows, w:transpose()):reshape(x.shape), core.matmul(inputs:transpose(), rows),
    b and rows:sum(1) or nil, nil, nil, nil, dweight, dbias, dh, dc
end
