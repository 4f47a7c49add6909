"""The lesson's network (784-128-10, ReLU, softmax, cross-entropy, Adam) in each Python peer.

Each class has epoch(batch, rows): one shuffled pass over the first `rows` training pictures, and predict(x): the
probabilities of a float32 array of pictures. Pictures are converted to float32 once, outside what is timed, and
no accuracy is counted during training; both favour the peers. Weights start Glorot-uniform, biases at zero.
"""

import os


class NumPy:
    """Forward and backward written by hand, Adam in place, no array allocated that could be kept."""

    def __init__(self, x, y, threads):  # the number of threads is in the environment
        import numpy

        self.np, self.x, self.y, self.version = numpy, x, y, numpy.__version__
        self.random = numpy.random.default_rng(1)
        self.parameters = [self.uniform(784, 128), self.zeros(128), self.uniform(128, 10), self.zeros(10)]
        self.gradients = [numpy.empty_like(p) for p in self.parameters]
        self.moments = [(numpy.zeros_like(p), numpy.zeros_like(p), numpy.empty_like(p)) for p in self.parameters]
        self.steps = 0
        self.buffers = {}

    def uniform(self, inputs, units):
        bound = (6 / (inputs + units)) ** 0.5
        return self.random.uniform(-bound, bound, (inputs, units)).astype(self.np.float32)

    def zeros(self, *shape):
        return self.np.zeros(shape, self.np.float32)

    def forward(self, x, hidden, output):
        np, (w1, b1, w2, b2) = self.np, self.parameters
        np.matmul(x, w1, out=hidden)
        hidden += b1
        np.maximum(hidden, 0, out=hidden)
        np.matmul(hidden, w2, out=output)
        output += b2
        output -= output.max(axis=1, keepdims=True)
        np.exp(output, out=output)
        output /= output.sum(axis=1, keepdims=True)
        return output

    def adam(self):
        np = self.np
        self.steps += 1
        rate = 1e-3 * (1 - 0.999**self.steps) ** 0.5 / (1 - 0.9**self.steps)
        for parameter, gradient, (first, second, scratch) in zip(self.parameters, self.gradients, self.moments):
            first *= 0.9
            np.multiply(gradient, 0.1, out=scratch)
            first += scratch
            second *= 0.999
            np.multiply(gradient, gradient, out=scratch)
            scratch *= 0.001
            second += scratch
            np.sqrt(second, out=scratch)
            scratch += 1e-7
            np.divide(first, scratch, out=scratch)
            scratch *= rate
            parameter -= scratch

    def epoch(self, batch, rows):
        np, order, total = self.np, self.random.permutation(rows), 0.0
        w2 = self.parameters[2]
        for start in range(0, rows, batch):
            chosen = order[start : start + batch]
            size = len(chosen)
            if size not in self.buffers:
                self.buffers[size] = (self.zeros(size, 784), self.zeros(size, 128), self.zeros(size, 10),
                                      self.zeros(size, 128), np.arange(size))
            x, hidden, output, delta, index = self.buffers[size]
            np.take(self.x, chosen, axis=0, out=x, mode="clip")
            y = self.y[chosen]
            self.forward(x, hidden, output)
            total -= float(np.log(output[index, y] + 1e-30).sum())
            output[index, y] -= 1
            output *= 1 / size
            np.matmul(hidden.T, output, out=self.gradients[2])
            np.sum(output, axis=0, out=self.gradients[3])
            np.matmul(output, w2.T, out=delta)
            delta *= hidden > 0
            np.matmul(x.T, delta, out=self.gradients[0])
            np.sum(delta, axis=0, out=self.gradients[1])
            self.adam()
        return total / rows

    def predict(self, x):
        return self.forward(x, self.zeros(len(x), 128), self.zeros(len(x), 10))


class PyTorch:
    """The usual training loop on batches that are picked by index."""

    def __init__(self, x, y, threads):
        import torch

        if threads:
            torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.torch, self.version = torch, torch.__version__
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        nn = torch.nn
        self.model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        for layer in self.model:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        self.loss = nn.CrossEntropyLoss()
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def epoch(self, batch, rows):
        order, total = self.torch.randperm(rows), 0.0
        for start in range(0, rows, batch):
            chosen = order[start : start + batch]
            loss = self.loss(self.model(self.x[chosen]), self.y[chosen])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += loss.item() * len(chosen)
        return total / rows

    def predict(self, x):
        with self.torch.inference_mode():
            return self.torch.softmax(self.model(self.torch.from_numpy(x)), 1).numpy()


class ScikitLearn:
    """MLPClassifier, one fit of one iteration an epoch with the weights kept."""

    def __init__(self, x, y, threads):
        import sklearn
        from sklearn.neural_network import MLPClassifier

        self.x, self.y, self.version = x, y, sklearn.__version__
        self.classifier = MLPClassifier(
            hidden_layer_sizes=(128,), alpha=0.0, learning_rate_init=1e-3, max_iter=1, warm_start=True,
            random_state=1,
        )

    def epoch(self, batch, rows):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one iteration did not converge
            self.classifier.set_params(batch_size=batch).fit(self.x[:rows], self.y[:rows])
        return self.classifier.loss_

    def predict(self, x):
        return self.classifier.predict_proba(x)


class Keras:
    """Model.fit, on the JAX backend."""

    def __init__(self, x, y, threads):
        os.environ["KERAS_BACKEND"] = "jax"
        if threads:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])  # XLA has no dependable option
        import keras

        keras.utils.set_random_seed(1)
        self.x, self.y, self.version = x, y, keras.__version__ + " on JAX"
        layers = keras.layers
        self.model = keras.Sequential(
            [keras.Input((784,)), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]
        )
        self.model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")

    def epoch(self, batch, rows):
        return self.model.fit(self.x[:rows], self.y[:rows], batch_size=batch, verbose=0).history["loss"][0]

    def predict(self, x):
        return self.model.predict_on_batch(x)


NETWORKS = {"numpy": NumPy, "torch": PyTorch, "sklearn": ScikitLearn, "keras": Keras}
