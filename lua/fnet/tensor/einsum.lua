--- Einsum: products and sums that an equation names, "bij,bjk->bik".
-- Invariant: it is made of views, products, sums and matmul, so it is differentiable as often as they are. An axis
-- has a label; operands meet two by two, and what neither the result nor another operand has is summed.

local expect = require "fnet.base.expect"
local is = require "fnet.base.is"
local say = require "fnet.base.say"
local core = require "fnet.core"

local MOST_AXES = 8
local REST = "..."

local parsed = setmetatable({}, { __mode = "v" }) -- by equation

-- "ij..." as a list of letters and at most one REST.
local function letters_of(term, equation)
  local list, rest, at = {}, false, 1
  while at <= #term do
    local is_rest = term:find("...", at, true) == at
    local letter = is_rest and REST or term:sub(at, at)
    if not letter:find "^%a$" and (rest or not is_rest) then
      core.raise("einsum: expected letters for axes, ',' between operands, one '->', and '...' at most once an " ..
        "operand for the axes that have no letter, got '%s' in %q", letter, equation)
    end
    rest, at, list[#list + 1] = rest or is_rest, at + #letter, letter
  end
  return list
end

-- What an equation without "->" gives: the axes of "...", and in alphabetical order the letters that occur once.
local function usual_result(operands)
  local counts, list = {}, {}
  for _, letters in ipairs(operands) do
    for _, letter in ipairs(letters) do counts[letter] = (counts[letter] or 0) + 1 end
  end
  for letter, count in pairs(counts) do
    if count == 1 and letter ~= REST then list[#list + 1] = letter end
  end
  table.sort(list)
  if counts[REST] then table.insert(list, 1, REST) end
  return list
end

local function parse(equation)
  if type(equation) ~= "string" then
    core.raise('einsum: expected an equation such as "bij,bjk->bik", got ' .. say.value(equation))
  end
  if parsed[equation] then return parsed[equation] end
  local text = equation:gsub("%s", "")
  local left, right = text:match "^(.-)%->(.*)$"
  local operands, known = {}, {}
  for term in ((left or text) .. ","):gmatch "(.-)," do
    operands[#operands + 1] = letters_of(term, equation)
    for _, letter in ipairs(operands[#operands]) do known[letter] = true end
  end
  local result, seen = right and letters_of(right, equation) or usual_result(operands), {}
  for _, letter in ipairs(result) do
    if not known[letter] or seen[letter] then
      core.raise("einsum: '%s' of the result in %q %s", letter, equation,
        seen[letter] and "is there twice" or "is in no operand")
    end
    seen[letter] = true
  end
  parsed[equation] = { operands = operands, result = result }
  return parsed[equation]
end

-- Letters with so many labels in the place of REST: the last axis of each operand's rest is the same one, "-1".
local function labels_for(letters, rest)
  local labels = {}
  for _, letter in ipairs(letters) do
    if letter == REST then
      for i = rest, 1, -1 do labels[#labels + 1] = "-" .. i end
    else
      labels[#labels + 1] = letter
    end
  end
  return labels
end

local function place_of(labels, label)
  for i, other in ipairs(labels) do
    if other == label then return i end
  end
end

-- The view of t, whose axes have these labels, with axes in the order of `wanted`.
local function permute(t, labels, wanted)
  labels = { table.unpack(labels) }
  for i, label in ipairs(wanted) do
    local place = place_of(labels, label)
    if place ~= i then
      t = t:transpose(i, place)
      labels[i], labels[place] = label, labels[i]
    end
  end
  return t
end

-- An operand with each label once: of a matrix that has one twice, the diagonal.
local function diagonal(t, labels)
  for i = #labels, 2, -1 do
    local first = place_of(labels, labels[i])
    if first < i then
      local others = {}
      for k = 1, #labels do others[k] = k end
      table.remove(others, i)
      table.remove(others, first)
      local order, shape = { first, i, table.unpack(others) }, t.shape
      local numbers, left, lengths = {}, { labels[i] }, { shape[i] * shape[i] }
      for k = 1, #labels do numbers[k] = k end
      for k, axis in ipairs(others) do left[k + 1], lengths[k + 1] = labels[axis], shape[axis] end
      t = permute(t, numbers, order):reshape(lengths)
      t = t:gather(core.arange(1, lengths[1], shape[i] + 1, "int32"))
      return diagonal(t, left)
    end
  end
  return t, labels
end

-- Sums over the axes of t that nobody needs.
local function sum_unneeded(t, labels, needed)
  local left = {}
  for i = #labels, 1, -1 do
    if needed[labels[i]] then table.insert(left, 1, labels[i]) else t = t:sum(i) end
  end
  return t, left
end

-- t with an axis for each group of labels.
local function grouped(t, labels, groups, sizes)
  local order, shape = {}, {}
  for i, group in ipairs(groups) do
    shape[i] = 1
    for _, label in ipairs(group) do
      order[#order + 1] = label
      shape[i] = shape[i] * sizes[label]
    end
  end
  return permute(t, labels, order):reshape(shape)
end

-- Two operands as one, whose axes are those that somebody needs.
local function pair(a, a_labels, b, b_labels, needed, sizes)
  local both, summed, only_a, only_b = {}, {}, {}, {}
  for _, label in ipairs(a_labels) do
    local list = not place_of(b_labels, label) and only_a or needed[label] and both or summed
    list[#list + 1] = label
  end
  for _, label in ipairs(b_labels) do
    if not place_of(a_labels, label) then only_b[#only_b + 1] = label end
  end
  local labels, shape = {}, {}
  for _, list in ipairs { both, only_a, only_b } do
    for _, label in ipairs(list) do labels[#labels + 1], shape[#shape + 1] = label, sizes[label] end
  end
  if #labels > MOST_AXES then
    core.raise("einsum: two operands together have %d axes that are needed later, expected at most %d", #labels,
      MOST_AXES)
  end
  local y
  if #summed > 0 and #only_a + #only_b > 0 then
    y = grouped(a, a_labels, { both, only_a, summed }, sizes):matmul(
      grouped(b, b_labels, { both, summed, only_b }, sizes))
  else -- no chain, or one for each place of both alone: products of elements
    y = grouped(a, a_labels, { both, only_a, {}, summed }, sizes)
      * grouped(b, b_labels, { both, {}, only_b, summed }, sizes)
    y = #summed > 0 and y:sum(4) or y
  end
  return y:reshape(shape), labels
end

-- The labels that the result or an operand but those two has.
local function needed_beside(labels, result, first, second)
  local needed = {}
  for _, label in ipairs(result) do needed[label] = true end
  for k, own in ipairs(labels) do
    if k ~= first and k ~= second then
      for _, label in ipairs(own) do needed[label] = true end
    end
  end
  return needed
end

-- The two operands that meet next: those with the least work, of equal ones the first; if possible, such that what
-- they give has no more axes than a tensor may have.
local function next_pair(labels, result, sizes)
  local first, second, least = 1, 2, math.huge
  for i = 1, #labels > 2 and #labels or 0 do
    for k = i + 1, #labels do
      local work, axes, met, needed = 1.0, 0, {}, needed_beside(labels, result, i, k)
      for _, own in ipairs { labels[i], labels[k] } do
        for _, label in ipairs(own) do
          if not met[label] then work, axes = work * sizes[label], axes + (needed[label] and 1 or 0) end
          met[label] = true
        end
      end
      if axes <= MOST_AXES and work < least then first, second, least = i, k, work end
    end
  end
  return first, second
end

-- The operands with a label for each axis, and how long each label is; those of "..." repeat where they are 1 long.
local function labelled(equation, terms, tensors)
  local rests, all, sizes = {}, {}, {}
  for i, t in ipairs(tensors) do
    local letters = terms.operands[i]
    local has_rest = place_of(letters, REST) ~= nil
    local least = has_rest and #letters - 1 or #letters
    rests[i] = t.rank - least
    if rests[i] < 0 or rests[i] > 0 and not has_rest then
      core.raise("einsum: operand %d of %q: expected %s%d axes, got %s", i, equation,
        has_rest and "at least " or "", least, say.shape(t.shape))
    end
    all[i] = labels_for(letters, rests[i])
    for axis, label in ipairs(all[i]) do
      local length, before = t.shape[axis], sizes[label]
      if before and before ~= length and not (label:find "^%-" and (before == 1 or length == 1)) then
        core.raise("einsum: operand %d of %q: '%s' is %d long here and %d before", i, equation,
          label:find "^%-" and REST or label, length, before)
      end
      sizes[label] = (not before or before == 1) and length or before
    end
  end
  for i, t in ipairs(tensors) do
    local shape = t.shape
    for axis, label in ipairs(all[i]) do shape[axis] = sizes[label] end
    tensors[i] = is.same_shape(shape, t.shape) and t or t:expand(shape)
  end
  return all, sizes, math.max(table.unpack(rests))
end

local public = {}

--- Products of tensors, summed, in the notation of Einstein: fnet.einsum("bij,bjk->bik", a, b) is the product of
-- each matrix of a with that of b. A letter is an axis; where it is in several operands they are multiplied along
-- it, and what is not behind "->" is summed: "ij->ji" transposes, "ij->" sums all, "i,j->ij" is the outer product,
-- "ii->i" the diagonal. "..." stands for axes without a letter, which broadcast. Without "->" the result has the
-- letters that occur once, in alphabetical order. Of several operands those two meet first whose product is the
-- least work, of equal ones the first, and so on. As numpy.einsum and torch.einsum. Differentiable.
---@param equation string
---@param ... tensor one an operand, all float32 or all float64
---@return tensor
function public.einsum(equation, ...)
  local terms, tensors = parse(equation), { ... }
  if #tensors == 1 and is.tensor_list(tensors[1]) then tensors = { table.unpack(tensors[1]) } end
  if #tensors ~= #terms.operands then
    core.raise("einsum: expected %d tensors for %q, got %d", #terms.operands, equation, #tensors)
  end
  for i, t in ipairs(tensors) do
    expect.that(is.float(t) and t.dtype == tensors[1].dtype, ("einsum: operand %d"):format(i), i == 1 and
      "a float tensor" or "a tensor of " .. tensors[1].dtype .. ", as the first is", t)
  end
  local labels, sizes, rest = labelled(equation, terms, tensors)
  local result = labels_for(terms.result, rest)
  for i, t in ipairs(tensors) do
    tensors[i], labels[i] = diagonal(t, labels[i])
    tensors[i], labels[i] = sum_unneeded(tensors[i], labels[i], needed_beside(labels, result, i))
  end
  while #tensors > 1 do
    local i, k = next_pair(labels, result, sizes)
    tensors[i], labels[i] = pair(tensors[i], labels[i], tensors[k], labels[k],
      needed_beside(labels, result, i, k), sizes)
    table.remove(tensors, k)
    table.remove(labels, k)
  end
  return permute(tensors[1], labels[1], result)
end

return public
