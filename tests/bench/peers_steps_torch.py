"""The steps of peers_steps_fnet.lua in PyTorch, each in the ways in which a user may write it.

A way is words with + between them: foreach and fused are options of the optimiser, channels_last the layout of
pictures, in_place an operation that overwrites its operand, sparse the gradient of an embedding, scaled_dot_product
PyTorch's own attention; written_out and plain are the ways without these. Each function takes the tensors that fnet
wrote, the words, and whether nothing random may happen, and gives what runs one step and, or None, the tensor whose
gradient is looked at. All are eager: torch.compile, which builds a program for each network, is not among the ways.
"""

import math

import torch
from torch import nn
from torch.nn import functional


def assign(layer, tensors, name):
    """Puts fnet's start values into a layer; fnet's weights are [inputs, units] and [rows, columns, inputs, units]."""
    with torch.no_grad():
        for kind in ("weight", "bias", "running_mean", "running_var"):
            value = tensors.get(name + "." + kind if name else kind)
            if value is None:
                continue
            if kind == "weight" and isinstance(layer, nn.Linear):
                value = value.T
            if kind == "weight" and isinstance(layer, nn.Conv2d):
                value = value.permute(3, 2, 0, 1)
            getattr(layer, kind).copy_(value)
    return layer


def sequential(layers, tensors):
    return nn.Sequential(*[assign(layer, tensors, str(i + 1)) for i, layer in enumerate(layers)])


def optimiser(kind, parameters, words, **options):
    return kind(parameters, **options, **{word: True for word in words if word in ("foreach", "fused")})


def training(opt, loss_of):
    def run():
        loss = loss_of()
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    return run, None


def regression(model, kind, rate, tensors, words):
    x, y = tensors["x"], tensors["y"]
    opt = optimiser(kind, model.parameters(), words, lr=rate)
    return training(opt, lambda: functional.mse_loss(model(x), y))


def pictures(tensors, words, rate):
    layers = []
    for inputs, units in ((1, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(inputs, units, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(units),
                   nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(128, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU(inplace=True),
               nn.AdaptiveAvgPool2d(1), nn.Sequential(nn.Flatten(), nn.Dropout(rate)), nn.Linear(128, 10)]
    model, x = sequential(layers, tensors), tensors["x"].permute(0, 3, 1, 2).contiguous()
    if "channels_last" in words:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    return model, x


def convolutions(tensors, words, checked):
    model, x = pictures(tensors, words, 0.0 if checked else 0.1)
    y = tensors["y"].long() - 1
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1]},
              {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0}]
    opt = optimiser(torch.optim.AdamW, groups, words, lr=1e-3, weight_decay=0.02)
    return training(opt, lambda: functional.cross_entropy(model(x), y, label_smoothing=0.1))


def convolutions_predict(tensors, words, checked):
    model, x = pictures(tensors, words, 0.1)
    model.eval()
    return torch.inference_mode()(lambda: model(x)), None


def wide(tensors, words, checked):
    layers = [nn.Linear(1024, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
              nn.Linear(4096, 1024)]
    return regression(sequential(layers, tensors), torch.optim.Adam, 1e-4, tensors, words)


def elementwise(tensors, words, checked):
    x = tensors["x"].requires_grad_()

    def run():
        x.grad = None
        if "in_place" in words:
            y = ((x.tanh() * x.sigmoid()).add_(x, alpha=0.5).exp_() - 1).mean()
        else:
            y = ((x.tanh() * x.sigmoid() + x / 2).exp() - 1).mean()
        y.backward()
        return y

    return run, x


def gelu(tensors, words, checked):
    layers = [nn.Linear(256, 1024), nn.GELU(), nn.Linear(1024, 256), nn.LayerNorm(256)]
    return regression(sequential(layers, tensors), torch.optim.AdamW, 1e-3, tensors, words)


def softmax(tensors, words, checked):
    x, weights = tensors["x"].requires_grad_(), tensors["weights"]

    def run():
        x.grad = None
        y = (x.softmax(1) * weights).sum()
        y.backward()
        return y

    return run, x


class Letters(nn.Module):
    """nn.LSTM does all steps of all rows in one call; time is its first axis, as in fnet's list of logits."""

    def __init__(self, tensors):
        super().__init__()
        self.embedding = assign(nn.Embedding(64, 32), tensors, "embedding")
        self.lstm, self.output = nn.LSTM(32, 128), assign(nn.Linear(128, 64), tensors, "output")
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(tensors["from_input.weight"].T)
            self.lstm.weight_hh_l0.copy_(tensors["from_state.weight"].T)
            self.lstm.bias_ih_l0.copy_(tensors["from_input.bias"])
            self.lstm.bias_ih_l0[128:256] += 1  # fnet's cell adds 1 for the forget gate
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)  # fnet's cell has one bias

    def forward(self, x):
        return self.output(self.lstm(self.embedding(x))[0]).flatten(0, 1)


def lstm(tensors, words, checked):
    model, x, y = Letters(tensors), (tensors["x"].long() - 1).T.contiguous(), tensors["y"].long() - 1
    opt = optimiser(torch.optim.Adam, model.parameters(), words, lr=1e-3)
    return training(opt, lambda: functional.cross_entropy(model(x), y))


class Sequences(nn.LSTM):
    """nn.LSTM with fnet's start values and one bias, on [batch, time, inputs]; time_first computes on its transpose."""

    def __init__(self, inputs, units, tensors, name, words):
        super().__init__(inputs, units, batch_first="time_first" not in words)
        with torch.no_grad():
            self.weight_ih_l0.copy_(tensors[name + "weight_1"].T)
            self.weight_hh_l0.copy_(tensors[name + "state_weight_1"].T)
            self.bias_ih_l0.copy_(tensors[name + "bias_1"])
            self.bias_hh_l0.zero_()
        self.bias_hh_l0.requires_grad_(False)

    def forward(self, x):
        if self.batch_first:
            return super().forward(x)[0]
        return super().forward(x.transpose(0, 1))[0].transpose(0, 1)


def lstm_layer(tensors, words, checked):
    model = nn.Sequential(assign(nn.Embedding(64, 32), tensors, "1"), Sequences(32, 128, tensors, "2.", words),
                          assign(nn.Linear(128, 64), tensors, "3"))
    x, y = tensors["x"].long() - 1, tensors["y"].long() - 1
    opt = optimiser(torch.optim.Adam, model.parameters(), words, lr=1e-3)
    return training(opt, lambda: functional.cross_entropy(model(x).flatten(0, 1), y))


def lstm_large(tensors, words, checked):
    return regression(Sequences(256, 256, tensors, "", words), torch.optim.Adam, 1e-3, tensors, words)


class Block(nn.Module):
    """Attention and a feed-forward part, each after a normalisation and added to its input."""

    def __init__(self, tensors, own):
        super().__init__()
        self.own = own
        self.before = assign(nn.LayerNorm(128), tensors, "1.1")
        self.asked = assign(nn.Linear(128, 384), tensors, "1.2.asked")
        self.told = assign(nn.Linear(128, 128), tensors, "1.2.told")
        self.think = nn.Sequential(assign(nn.LayerNorm(128), tensors, "2.1"),
                                   assign(nn.Linear(128, 512), tensors, "2.2"), nn.GELU(),
                                   assign(nn.Linear(512, 128), tensors, "2.3"))

    def attention(self, x):
        query, key, value = (part.unflatten(2, (4, 32)).transpose(1, 2) for part in self.asked(x).chunk(3, 2))
        if self.own:
            y = functional.scaled_dot_product_attention(query, key, value)
        else:
            y = (query @ key.transpose(2, 3) / math.sqrt(32)).softmax(3) @ value
        return self.told(y.transpose(1, 2).flatten(2))

    def forward(self, x):
        x = x + self.attention(self.before(x))
        return x + self.think(x)


def attention(tensors, words, checked):
    return regression(Block(tensors, "scaled_dot_product" in words), torch.optim.AdamW, 1e-3, tensors, words)


def embedding(tensors, words, checked):
    model = assign(nn.Embedding(50000, 64, sparse="sparse" in words), tensors, "")
    x, y = tensors["x"].long() - 1, tensors["y"]
    opt = optimiser(torch.optim.SGD, model.parameters(), words, lr=0.1)
    return training(opt, lambda: functional.mse_loss(model(x), y))


def tiny(tensors, words, checked):
    layers = [nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 4)]
    return regression(sequential(layers, tensors), torch.optim.Adam, 1e-3, tensors, words)


def sum_last(tensors, words, checked):
    return lambda: tensors["x1"].sum(1), None


def sum_first(tensors, words, checked):
    return lambda: tensors["x1"].sum(0), None


def concat(tensors, words, checked):
    return lambda: torch.cat([tensors["x1"], tensors["x2"]], 1), None


def transposed(tensors, words, checked):
    return lambda: tensors["x1"] + tensors["x1"].T, None
