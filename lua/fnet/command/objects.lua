--- Objects: what PyTorch, Keras and scikit-learn call the methods and fields of fnet's objects, by class: the name
-- here, or words that say how it is done. Of data sets and tensors they stand in the sources that answer them.

local CPU = "fnet computes on the processor alone"
local GROW = "model[#model + 1] = layer adds a layer to a Sequential or a List"
local STEP = "loss:backward() and opt:step() do it"
local CALL = "what data.standardise gives is called: scale(set)"

---@type table<string, table<string, string>>
return {
  ["nn.Module"] = {
    add = GROW, add_module = "self.name = layer does it", append = GROW, apply = "modules", children = "modules",
    compile = "fnet.fit takes the loss, the optimiser and the metrics", count_params = "count", cpu = CPU,
    cuda = CPU, double = 'model:to "float64" does it', evaluate = "fnet.evaluate(model, set) does it",
    fit = "fnet.fit(model, options) trains a model", float = 'model:to "float32" does it', get_weights = "state",
    layers = "model[1] is the first layer of a Sequential, model:modules() are all",
    load = "fnet.load(path) gives a model", load_state_dict = "load_state",
    load_weights = "fnet.load(path) gives a model", named_children = "modules", named_modules = "modules",
    num_parameters = "count", predict = "fnet.predict(model, x) does it",
    predict_classes = "fnet.predict_classes(model, x) does it", register_buffer = "buffer",
    requires_grad_ = "freeze", save_weights = "save", set_weights = "load_state", state_dict = "state",
    train_on_batch = "fnet.fit takes a step function; else the loop is written out",
  },
  ["optim.Optimizer"] = { apply_gradients = STEP, minimize = STEP, param_groups = "groups" },
  ["data.Standardise"] = { fit_transform = CALL, inverse_transform = "restore", transform = CALL },
  ["data.Vocabulary"] = {
    get_itos = "tokens", get_stoi = "number", get_vocabulary = "tokens", index_to_word = "tokens", itos = "tokens",
    stoi = "number", token_to_id = "number", word_index = "number",
  },
  ["fnet.History"] = {
    history = "history.loss is the list of one figure, history:table() are all",
    plot = "fnet.report.plot(history) draws it", to_csv = "csv",
  },
}
