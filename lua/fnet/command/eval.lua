--- `fnet eval model --data directory`: the accuracy of a saved classifier on the test pictures of an IDX data set
-- such as Fashion-MNIST.

local command = require "fnet.command.model"
local core = require "fnet.core"
local evaluate = require("fnet.measure.evaluate").evaluate_classifier
local options = require "fnet.command.options"
local read_test = require "fnet.command.test_data"
local report = require "fnet.report"
local try = require "fnet.base.try"

--- Prints the accuracy, with its 95% interval, and that of each class.
---@param arguments string[] the model's path; --data DIR
---@return boolean succeeded
return function(arguments)
  local path = arguments[1] and arguments[1]:sub(1, 1) ~= "-" and table.remove(arguments, 1)
  local asks = arguments[1] == "--help" or arguments[1] == "-h" -- which options answers
  if not path and not asks then
    return command.fail("eval", "which model? fnet eval model.safetensors --data directory")
  end
  local values = options(arguments, "Evaluates a saved classifier on the test pictures:\n"
    .. "fnet eval model.safetensors --data directory", {
    { "data", "", "directory of the four IDX files", value = "DIR" },
  })
  local model, about = command.load(path)
  if not model then return command.fail("eval", "%s", about) end
  local ok, test = try(read_test, values.data, about.data)
  if not ok then return command.fail("eval", "%s", core.error_text(test)) end
  local done, result = try(evaluate, model, test)
  if not done then return command.fail("eval", "%s does not fit the data: %s", path, core.error_text(result)) end
  print(("%d pictures from %s"):format(#test, test.source))
  print("accuracy " .. report.accuracy(result))
  for _, class in ipairs(result.classes) do
    print(core.visible(("  %-12s %5.1f%%  (%d/%d)"):format(class.name, 100 * class.correct / class.total,
      class.correct, class.total)))
  end
  return true
end
