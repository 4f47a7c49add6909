--- A model as a list of simple steps, for the exporters: containers are opened, a layer's activation becomes a
-- step of
-- its own, and what does nothing when a model is used is left out.

local core = require "fnet.core"

-- Names of the option `activation`, as classes.
local activations = { relu = "ReLU", sigmoid = "Sigmoid", tanh = "Tanh", softmax = "Softmax" }

local function add(what, list, layer, place)
  local kind = layer.class_name
  local here = ("%s %s"):format(place, layer:describe():gsub("\n.*", " ... }"))
  if kind == "Sequential" then
    for i = 1, #layer do add(what, list, layer[i], ("%slayer %d,"):format(place == "" and "" or place .. " ",
      i)) end
    return
  end
  if kind == "Dropout" then return end
  if kind == "Dense" then
    local _, _, options = layer:config()
    local activation = type(options) == "table" and options.activation
    list[#list + 1] = { kind = kind, weight = layer.weight, bias = layer.bias, inputs = layer.inputs,
      outputs = layer.units, text = here }
    if not activation then return end
    local class = type(activation) == "table" and activation.class_name or activations[activation]
    if not class then core.raise(("%s: %s: its activation cannot be exported"):format(what, here)) end
    list[#list + 1] = { kind = class, text = here }
  else
    list[#list + 1] = { kind = kind, text = here, layer = layer, inputs = layer.inputs, outputs = layer.inputs }
  end
end

--- The steps of a model, in order.
---@param what string the exporter, for messages
---@param model nn.Module
---@param known table<string, any> by the kinds that the exporter can do. Raises for another one, by its name
---@return { kind: string, text: string, layer?: nn.Module, weight?: tensor, bias?: tensor, inputs?: integer,
--- outputs?: integer }[]
return function(what, model, known)
  local list = {}
  add(what, list, model, "")
  local width
  for i, step in ipairs(list) do
    if not known[step.kind] then
      core.raise(("%s: %s cannot be exported; what can: Sequential, Dropout, %s"):format(what,
        step.text:gsub("^ ", ""), table.concat(require("fnet.check").names(known), ", ")))
    end
    width = step.outputs or width
    step.outputs = width or false
    if step.weight and step.weight.dtype ~= "float32" then
      core.raise(("%s: %s has weights of %s, expected float32"):format(what, step.text:gsub("^ ", ""),
        step.weight.dtype))
    end
    list[i].width = width
  end
  if not width then core.raise(what .. ": expected a model with at least one Dense layer") end
  return list
end
