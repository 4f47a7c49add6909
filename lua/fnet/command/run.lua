--- `fnet run model picture...`: what a saved classifier makes of pictures.

local classes = require "fnet.measure.classes"
local core = require "fnet.core"
local command = require "fnet.command.model"
local predict = require("fnet.measure.evaluate").predict
local read_samples = require "fnet.command.samples"
local report = require "fnet.report"
local say = require "fnet.base.say"
local try = require "fnet.base.try"

-- Prints what the model makes of one sample.
local function print_sample(name, output, class_names)
  local names, best = {}, classes.said("run", output):item()
  output = classes.probabilities(output)
  for class = 1, #output do names[class] = tostring(class_names[class] or "class " .. class) end
  print(core.visible(("%s: %s, %.1f%%"):format(name, names[best], 100 * output[best])))
  print(report.distribution(names, output))
end

-- Prints what the model makes of a file; raises what is wrong with it.
local function run_file(model, path, about, class_names)
  local samples, message = read_samples(path, about)
  if not samples then error(message, 0) end
  local output = predict(model, samples.batch, { size = 1000 })
  if not core.is_tensor(output) or output.rank ~= 2 then
    error(("%s: expected a model that gives [batch, classes], it gives %s"):format(path, say.value(output)), 0)
  end
  for i = 1, #output do
    print_sample(samples.several and ("%s[%d]"):format(path, i) or path, output[i], class_names)
  end
end

-- Why the model does not take samples of the shape that its file says; nil where it does, as far as that is known.
local function misfit(model, shape)
  local inputs = model.inputs
  if inputs and inputs ~= shape[#shape] then
    return ("%s expects %d inputs"):format(model:name(), inputs)
  end
  local fits, message = try(model.output_shape, model, shape)
  return not fits and core.error_text(message) or nil
end

--- Prints the probabilities of the classes for each picture. What is wrong with one file does not keep the others
-- from being looked at.
---@param arguments string[] the model's path, then those of the pictures: PNG, JPEG, or .npy, one sample or a batch
---@return boolean succeeded
return function(arguments)
  if #arguments < 2 then return command.fail("run",
    "which model and pictures? fnet run model.safetensors picture.png") end
  local model, about = command.load(arguments[1])
  if not model then return command.fail("run", "%s", about) end
  local data = about.data
  if not data or not data.shape then
    return command.fail("run", "%s does not say what its samples look like; save it with { data = train }",
      arguments[1])
  end
  if data.function_used then
    return command.fail("run", "%s was trained on samples that a function of its script changed; use it in a "
      .. "script", arguments[1])
  end
  local problem = misfit(model, data.shape)
  if problem then
    return command.fail("run", "%s: its samples are said to be %s, which its layers do not take: %s", arguments[1],
      say.shape(data.shape), problem)
  end
  local class_names, fine = data.classes or {}, true
  for i = 2, #arguments do
    local path = arguments[i]
    local ok, message = try(run_file, model, path, data, class_names)
    if not ok then
      message = core.error_text(message)
      fine = command.fail("run", "%s", message:find(path, 1, true) and message or path .. ": " .. message)
    end
  end
  return fine
end
