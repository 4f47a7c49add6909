--- Mistakes: the samples that a classifier gets wrong, as pictures with captions, or as a table.

local columns = require "fnet.base.columns"
local expect = require "fnet.base.expect"
local naming = require "fnet.base.naming"
local say = require "fnet.base.say"
local core = require "fnet.core"
local letters = require "fnet.chart.letters"
local pictures = require "fnet.report.pictures"
local screen = require "fnet.chart.screen"
local values_of = require "fnet.measure.sample_values"
local worst = require "fnet.measure.mistakes"

local function is_picture(t)
  local shape = core.is_tensor(t) and t:count() > 0 and t.shape or {}
  return #shape == 2 or #shape == 3 and (shape[3] == 1 or shape[3] == 3)
end

-- A sample in the given shape; raises where it has another number of elements.
local function shaped(sample, shape)
  if shape == nil then return sample end
  expect.that(type(shape) == "table" and #shape > 0, "mistakes: shape", "lengths, such as { 28, 28 }", shape)
  local count = 1
  for i, length in ipairs(shape) do count = count * expect.count("mistakes: shape: length " .. i, length, 1) end
  if not core.is_tensor(sample) or sample:count() ~= count then
    core.raise("mistakes: shape: expected samples of %d elements, got %s", count,
      core.is_tensor(sample) and say.shape(sample.shape) or say.value(sample))
  end
  return sample:reshape(shape)
end

-- The picture in a sample: the sample, or the first of its inputs that is one.
local function picture_in(sample, shape)
  if type(sample) ~= "table" or shape ~= nil then
    sample = shaped(sample, shape)
    return is_picture(sample) and sample or nil
  end
  for _, key in ipairs(naming.keys(sample)) do
    if is_picture(sample[key]) then return sample[key] end
  end
end

-- A function that gives the picture of a mistake: before the transforms, which may have normalised it, unless only
-- they make a picture of it. Nil where samples are no pictures.
local function picture_of(dataset, list, shape)
  for _, set in ipairs { dataset.transform and dataset:with { transform = false } or dataset, dataset } do
    if picture_in(set:sample(list[1].index), shape) then
      return function(mistake) return picture_in(set:sample(mistake.index), shape) end
    end
  end
end

-- The mistakes as rows: what is said, and the values of the sample as far as the screen has room.
local function in_table(dataset, list, name_of)
  local rows, most = { { "sample", "says", "certain", "is" } }, screen.of(1).columns
  local function name(class) return letters.cut(core.visible(name_of(class)), math.max(4, (most - 19) // 2)) end
  for i, mistake in ipairs(list) do
    rows[i + 1] = { mistake.index, name(mistake.guess), ("%.1f%%"):format(100 * mistake.probability),
      name(mistake.label) }
  end
  local lines, left = columns(rows, { 6, -4, 7, -2 }, "  "), 0
  local wide, all, names = 0, {}, nil
  for _, line in ipairs(lines) do wide = math.max(wide, letters.width(line)) end
  for i, mistake in ipairs(list) do all[i], names = values_of(dataset, mistake.index) end
  for k, head in ipairs(names) do
    local longest = letters.width(head)
    for i in ipairs(list) do longest = math.max(longest, letters.width(all[i][k])) end
    wide = wide + 2 + longest
    if wide > most then
      left = #names - k + 1
      break
    end
    table.insert(rows[1], head)
    for i in ipairs(list) do table.insert(rows[i + 1], all[i][k]) end
  end
  local widths = { 6, -4, 7, -2 }
  for k = #widths + 1, #rows[1] do widths[k] = 1 end
  lines = columns(rows, widths, "  ")
  if left > 0 then lines[#lines + 1] = ("%d more columns have no room here"):format(left) end
  return table.concat(lines, "\n")
end

local function mistakes_of(count, samples)
  return ("%s mistake%s in %d sample%s"):format(count == 0 and "no" or count, count == 1 and "" or "s", samples,
    samples == 1 and "" or "s")
end

--- The worst mistakes of a classifier, the samples that it is most certain about and wrong: pictures in a grid,
-- each with what the model says and what is right; other samples as a table. fnet.metrics.mistakes gives them as
-- data. Pictures are shown as they are before the transforms of the data set.
---@param model nn.Module gives [batch, classes], probabilities or logits
---@param dataset data.Dataset with labels
---@param count? integer at most so many, 10
---@param options? table columns: integer, so many pictures side by side; shape: integer[], that of the picture in a
--- sample that is a row of numbers, such as { 28, 28 }; classes: string[], the names of the classes, those of the
--- data set by default; size: integer, samples at a time, 1000
---@return string text without a newline at the end
local function mistakes(model, dataset, count, options)
  options = expect.options("mistakes", options, { "columns", "shape", "classes", "size" })
  local list, total, samples = worst(model, dataset, count, { size = options.size })
  local names = options.classes or dataset.classes
  expect.that(names == nil or type(names) == "table", "mistakes: classes", "a list of names", names)
  local function name_of(class)
    local name = names and names[class]
    if name == nil then return "class " .. class end
    local fits = type(name) == "string" or math.type(name)
    return tostring(expect.that(fits, "mistakes: classes: name " .. class, "a text", name))
  end
  local head = (#list < total and #list .. " of " or "") .. mistakes_of(total, samples)
    .. (total > 1 and ", the most certain first" or "")
  head = table.concat(letters.wrap(head, screen.of(1).columns), "\n")
  if total == 0 then return head end
  head = head .. "\n\n"
  local picture = picture_of(dataset, list, options.shape)
  if not picture then return head .. in_table(dataset, list, name_of) end
  local shown, captions = {}, {}
  for i, mistake in ipairs(list) do
    shown[i] = picture(mistake)
    captions[i] = ("%d: says %s %.0f%%, is %s"):format(mistake.index, name_of(mistake.guess),
      100 * mistake.probability, name_of(mistake.label))
  end
  return head .. pictures.pictures(shown, { captions = captions, columns = options.columns })
end

return mistakes
