--- Terms: the words of the lesson and of training, each in two sentences for someone who meets it for the first
-- time. For help, search and the pages of `make docs`, which show them in front of what is exact.
-- Invariant: a term is two sentences without a formula, and leads to names that help knows. No term and no other
-- form of one is the name of a topic, so a word that is looked up has one meaning.

local naming = require "fnet.base.naming"

---@class annotations.Term
---@field name string
---@field forms string[] how else it is written; case, blanks and hyphens make no difference
---@field text string two sentences
---@field names string[] of topics that have to do with it

local terms = {}

-- name; other forms; text; names
local function term(name, forms, text, names)
  terms[#terms + 1] = { name = name, forms = forms, text = text:gsub("%s+", " "), names = names }
end

-- In the order of the lesson: what a network is made of, what comes out, how it learns.

term("network", { "networks", "neural network", "neural networks", "model", "models" },
  [[A network is a row of simple calculations, the layers: numbers go in at one end, such as the pixels of a
    picture, and an answer comes out at the other. What it answers depends on its weights, thousands of numbers that
    training finds from examples.]],
  { "nn.Sequential", "nn.Module.summary" })

term("layer", { "layers" },
  [[A layer is one step of a network: it takes numbers, does the same calculation with them each time, and hands its
    results to the next layer. Most layers have weights, which training changes; some, such as flattening, only
    rearrange.]],
  { "nn.Sequential", "nn" })

term("flattening", { "flatten", "flattened", "flat" },
  [[Flattening lays the rows of a picture one behind the other, so that 28 rows of 28 pixels become one list of 784
    numbers. Nothing is computed and nothing is lost: a dense layer expects a list, and this makes one.]],
  { "nn.Flatten", "tensor.flatten" })

term("dense layer", { "dense", "dense layers", "fully connected", "fully connected layer", "linear layer" },
  [[In a dense layer every unit looks at every input: it multiplies each input by a weight of its own, adds up the
    results, and adds one more number, the bias. It is called dense because each output is connected with each
    input.]],
  { "nn.Dense" })

term("unit", { "units", "neuron", "neurons" },
  [[A unit is one output of a layer: one number that says how strongly something is there in the input that the unit
    has learnt to look for. A layer of more units can tell more things apart, and needs more time and more examples
    to learn them.]],
  { "nn.Dense" })

term("weight", { "weights", "bias", "biases", "parameter", "parameters" },
  [[Weights are the numbers inside a network by which inputs are multiplied, and biases those that are added;
    together they are its parameters. They begin as random numbers, training changes them step by step, and whatever
    the network has learnt is in them.]],
  { "nn.Module.parameters", "nn.init" })

term("activation", { "activations", "activation function", "activation functions", "nonlinearity" },
  [[An activation is a simple rule that is applied to each number between two layers, such as making 0 of what is
    negative. Without one, any number of dense layers in a row could do no more than a single one.]],
  { "nn.ReLU", "nn.GELU", "nn.Sigmoid", "nn.Tanh" })

term("ReLU", { "rectified linear unit", "rectifier" },
  [[ReLU lets positive numbers pass as they are and makes 0 of negative ones. This small bend between two layers is
    what lets a network learn more than straight lines.]],
  { "nn.ReLU", "tensor.relu" })

term("convolution", { "convolutions", "convolutional layer", "cnn" },
  [[A convolution moves a small window over a picture and asks everywhere the same question, such as whether there
    is an edge. It needs far fewer weights than a dense layer, and finds a thing wherever in the picture it is.]],
  { "nn.Conv2D", "nn.MaxPool2D" })

term("logits", { "logit", "score", "scores" },
  [[Logits are the numbers that a network gives before softmax: the larger one is, the more the network thinks of
    that class. They may be negative and add up to anything, so they are not probabilities yet.]],
  { "nn.cross_entropy", "nn.Softmax" })

term("softmax", {},
  [[Softmax makes probabilities of any numbers: each becomes positive, and together they add up to 1. The largest
    number gets the largest part, and all the more the further it is ahead of the others.]],
  { "nn.Softmax", "tensor.softmax" })

term("probability distribution", { "probability", "probabilities", "distributions", "probability distributions" },
  [[A probability distribution says of each possible answer how likely it is, in numbers from 0 to 1 that add up to
    1. For a picture of clothes these are ten numbers, such as 0.9 for a shirt and the rest shared by the nine other
    classes.]],
  { "report.distribution", "nn.Softmax" })

term("classification", { "classify", "classifier", "class", "classes", "label", "labels" },
  [[Classification means to say which of several fixed classes something belongs to, such as whether a picture shows
    a shirt or a shoe. The network gives each class a probability, and the most likely one is its answer.]],
  { "nn.Softmax", "nn.cross_entropy", "nn.accuracy" })

term("regression", {},
  [[Regression means to predict a number, such as a temperature or a price, where classification chooses among
    classes. The last layer then has one unit and no softmax, and the loss measures how far the number is off.]],
  { "nn.mse", "nn.mae" })

term("training", { "train", "learn" },
  [[Training shows a network examples whose answers are known, a few at a time, and after each few changes its
    weights a little so that its answers come closer. It goes on until the answers to examples that it has never
    seen get no better.]],
  { "fit", "optim" })

term("loss", { "losses", "loss function", "cost" },
  [[The loss is one number that says how wrong the answers of a network are; 0 would be perfect. Training is the
    search for weights that make it small.]],
  { "nn.cross_entropy", "nn.mse" })

term("cross-entropy", {},
  [[Cross-entropy is the loss for classification: small when the network found the right class likely, and large
    when it was sure of a wrong one. Someone who only guesses among ten classes has a cross-entropy of about 2.3.]],
  { "nn.cross_entropy" })

term("gradient", { "slope", "backpropagation", "gradient descent" },
  [[The gradient says for each weight whether the loss grows or shrinks when that weight gets a little larger, and
    how fast. Training moves each weight a small step the other way, as someone in fog finds the valley by walking
    downhill.]],
  { "tensor.backward", "tensor.grad" })

term("learning rate", { "learning", "lr", "step size" },
  [[The learning rate is how far the weights are moved in each step of training. If it is too small, learning takes
    for ever; if it is too large, the loss jumps about or grows.]],
  { "optim", "optim.schedule" })

term("optimiser", { "optimisers", "optimizer", "optimizers" },
  [[An optimiser is the rule by which gradients change the weights. The simplest goes straight downhill; Adam, the
    usual choice, also remembers where it has been going and gives each weight a pace of its own.]],
  { "optim.Adam", "optim.SGD" })

term("batch", { "batches", "mini batch", "mini batches", "batch size" },
  [[A batch is the handful of examples, often 32, that a network looks at before its weights are changed once.
    Several at a time give a steadier direction than a single one, and are quicker than all of them.]],
  { "data.Dataset.batches", "fit" })

term("epoch", { "epochs" },
  [[An epoch is one pass over all training examples, batch by batch. Training usually takes several, each in another
    order, because one look is not enough.]],
  { "fit" })

term("accuracy", {},
  [[Accuracy is the share of examples whose class the network got right. On examples that it has learnt from it says
    little: what counts is the accuracy on examples that it has never seen.]],
  { "nn.accuracy", "nn.evaluate" })

term("overfitting", { "overfit", "overfits", "memorising", "memorizing" },
  [[Overfitting means that a network learns its training examples by heart instead of what they have in common. One
    sees it when its answers to them still get better while those to new examples get worse; fewer units, more
    examples, dropout or an earlier end of training help.]],
  { "fit", "nn.Dropout", "data.Dataset.split" })

term("validation", { "validation set", "validation data", "test set", "held out" },
  [[Validation tries a network, while it learns, on examples that were kept aside and that it does not learn from.
    It shows when overfitting begins; the test set is kept aside too, and used once, at the very end.]],
  { "data.Dataset.split", "fit" })

term("dropout", {},
  [[Dropout makes a random part of a layer's outputs 0 in each step of training. No unit can rely on a single other
    one then, which is a remedy for overfitting.]],
  { "nn.Dropout" })

local by_form = {}
for _, entry in ipairs(terms) do
  for _, form in ipairs { entry.name, table.unpack(entry.forms) } do by_form[naming.bare(form)] = entry end
end

return {
  --- All of them, in the order of the lesson.
  ---@type annotations.Term[]
  list = terms,

  --- The term that is written so, or in another form.
  ---@param word string such as "relu", "Learning rate", "units"
  ---@return annotations.Term?
  find = function(word) return by_form[naming.bare(word)] end,

  --- The terms that a name has to do with before all others.
  ---@param name string of a topic
  ---@return annotations.Term[]
  about = function(name)
    local list = {}
    for _, entry in ipairs(terms) do
      if entry.names[1] == name then list[#list + 1] = entry end
    end
    return list
  end,
}
