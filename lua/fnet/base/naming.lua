--- Names: the nearest known one of a misspelt one, the sorted ones of a table, and tables of public names that
-- answer an unknown one.

local core = require "fnet.core"

local naming = {}

-- How many letters must be added, dropped or swapped with their neighbour, or, which counts `other`, changed, to
-- make b of a (with 1, the optimal string alignment distance).
local function distance(a, b, other)
  local rows = { [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (same and 0 or other))
      local swapped = i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      rows[i][j] = swapped and math.min(best, rows[i - 2][j - 2] + 1) or best
    end
  end
  return rows[#a][#b]
end

--- What other libraries and plain English call options and their values, small and without "_".
naming.SYNONYMS = {
  acc = "accuracy", accumulategradbatches = "accumulate", act = "activation", batch = "size",
  batchsize = "size batch", betas = "beta1 beta2", classweight = "weights", criterion = "loss",
  delimiter = "separator", dim = "axis", directory = "dir", distributed = "shards shared", dropna = "missing",
  eps = "epsilon", etamin = "floor", figsize = "width height", gamma = "factor",
  gradientaccumulationsteps = "accumulate", handleunknown = "unseen", he = "he_normal", ignoreindex = "ignore",
  kaiming = "he_normal", kaimingnormal = "he_normal", kaiminguniform = "he_uniform", keepdim = "keep",
  keepdims = "keep", kernelinitializer = "init", labelsmoothing = "smoothing", learningrate = "lr", minlr = "floor",
  mode = "goal", names = "classes", navalues = "missing_values", nonlinearity = "activation", numworkers = "jobs",
  optimiser = "optim", optimizer = "optim", processes = "jobs", rate = "lr", recurrentinitializer = "state_init",
  replacement = "replace", restorebestweights = "restore", retaingraph = "retain", returnsequences = "last",
  rho = "alpha", sep = "separator", std = "deviation", stepsize = "every", stratify = "stratified", swish = "silu",
  syncdist = "shared", tmax = "steps", trainingstep = "step", trainstep = "step", usebias = "bias",
  usecols = "columns", val = "valid", validation = "valid", validationdata = "valid", validationsplit = "valid",
  verbose = "callbacks", workers = "jobs", xavier = "glorot_uniform", xaviernormal = "glorot_normal",
  xavieruniform = "glorot_uniform", xlim = "x_range", xscale = "log", ylim = "y_range", yscale = "log",
}

--- A name however it is written: "batch_norm", "BatchNorm" and "batch norm" are the same.
---@param name string
---@return string
function naming.bare(name) return (name:lower():gsub("[_%-%s]", "")) end

local bare = naming.bare

-- The known names that stand for this one elsewhere; else the one that is spelt most like it; else none.
local function meant(name, names, words)
  if type(name) ~= "string" or #name > 64 then return {} end
  local list, best, least, other = {}, nil, math.max(1, #name // 3) + 1, 1
  if words and #name < 5 then least, other = #name < 4 and 1 or 2, 2 end
  local synonyms = " " .. (naming.SYNONYMS[bare(name)] or "") .. " "
  for _, known in ipairs(names) do
    if synonyms:find(" " .. known .. " ", 1, true) then list[#list + 1] = known end
    local far = distance(bare(name), bare(known), other)
    if far < least and far < #known then best, least = known, far end
  end
  return #list > 0 and list or { best }
end

--- What fnet calls an option, or a value of one, that has this name in other libraries: "kaiming" is "he_normal".
---@param name string
---@return string? names with blanks between them
function naming.synonyms(name) return naming.SYNONYMS[bare(name)] end

--- The known name that a misspelt one was probably meant to be, or nil where none is near.
---@param name any
---@param names string[]
---@param words? boolean true: a short name with a letter changed is another word, as sin is of min, and no slip
---@return string?
function naming.nearest(name, names, words) return meant(name, names, words)[1] end

--- "(did you mean 'lr'?)" with a blank before it, for the end of a message; "" where no known name is near.
---@param name any
---@param names string[]
---@return string
function naming.hint(name, names)
  local near = table.concat(meant(name, names), "' and '")
  return near ~= "" and (" (did you mean '%s'?)"):format(near) or ""
end

--- The string keys of a table, sorted.
---@param list table
---@return string[]
function naming.sorted(list)
  local names = {}
  for name in next, list do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- The keys of several values that are a list or have names: 1 .. count, or the names, sorted.
---@param values table
---@return (integer|string)[]
function naming.keys(values)
  local keys = naming.sorted(values)
  for i = 1, #values do table.insert(keys, i, i) end
  return keys
end

--- What a message calls one of several values: "x[2]", "x.picture".
---@param what string the table
---@param key integer|string
---@return string
function naming.part(what, key) return (type(key) == "string" and "%s.%s" or "%s[%d]"):format(what, key) end

--- What a table of other libraries' names says of one; where they write it otherwise, too: mse_loss as MSELoss.
---@param elsewhere table<string, string>
---@param name any
---@return string?
function naming.translated(elsewhere, name)
  if elsewhere[name] or type(name) ~= "string" then return elsewhere[name] end
  for _, theirs in ipairs(naming.sorted(elsewhere)) do
    if bare(theirs) == bare(name) then return elsewhere[theirs] end
  end
end

--- The same table; reading a name that it does not have raises an error with the nearest one that it has.
---@param what string how a script writes it, such as "fnet.nn"
---@param list table
---@param elsewhere? table<string, string> what other libraries call a name: { Linear = "Dense" }, or words that say
--- what there is instead
---@return table list
function naming.strict(what, list, elsewhere)
  return setmetatable(list, {
    elsewhere = elsewhere,
    __space = what, -- by which messages see that a colon was written for a dot: the table got in as the object
    kind = function() return what .. " itself" end,
    __index = function(_, key)
      local near = elsewhere and naming.translated(elsewhere, key) or naming.nearest(key, naming.sorted(list))
      local words = near and (near:find " " and near or ("did you mean %s.%s?"):format(what, near))
      core.raise("%s has no '%s'%s", what, tostring(key), words and "; " .. words or "")
    end,
  })
end

return naming
