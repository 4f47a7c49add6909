"""One Python peer in a process of its own.

peers_worker.py serve PEER THREADS: prints "ready VERSION", then answers each line that it reads with one number:
  epoch BATCH    seconds of one training epoch (new batch sizes are warmed up first)
  predict COUNT  seconds of one call that classifies COUNT pictures
  accuracy       on the 10,000 test pictures
peers_worker.py program PEER: loads, trains 5 epochs at batch 32, evaluates, prints the accuracy.
peers_fnet.lua understands the same lines.
"""

import gzip
import os
import sys
import time

import numpy

from peers_clock import seconds_a_call
from peers_networks import NETWORKS

DATA = os.environ.get("FNET_DATA") or "/usr/share/datasets/fashion-mnist"


def read_idx(name):
    path = os.path.join(DATA, name)
    with gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb") as file:
        data = file.read()
    dimensions = data[3]
    shape = numpy.frombuffer(data, ">i4", dimensions, 4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_part(prefix):
    pictures = read_idx(prefix + "-images-idx3-ubyte").reshape(-1, 784)
    labels = read_idx(prefix + "-labels-idx1-ubyte").astype(numpy.int64)
    return pictures.astype(numpy.float32) / numpy.float32(255), labels


def accuracy(network, x, y):
    right = 0
    for i in range(0, len(x), 1000):
        right += int((network.predict(x[i : i + 1000]).argmax(1) == y[i : i + 1000]).sum())
    return right / len(x)


def program(peer):
    x, y = read_part("train")
    network = NETWORKS[peer](x, y, 0)
    for _ in range(5):
        network.epoch(32, len(x))
    print(accuracy(network, *read_part("t10k")))


def serve(peer, threads):
    x, y = read_part("train")
    test_x, test_y = read_part("t10k")
    network = NETWORKS[peer](x, y, threads)
    print("ready", network.version, flush=True)
    warm = set()
    for line in sys.stdin:
        request, *arguments = line.split()
        if request == "epoch":
            batch = int(arguments[0])
            if batch not in warm:
                network.epoch(batch, 2 * batch + len(x) % batch)
                warm.add(batch)
            start = time.perf_counter()
            network.epoch(batch, len(x))
            result = time.perf_counter() - start
        elif request == "predict":
            pictures = test_x[: int(arguments[0])]
            result = seconds_a_call(lambda: network.predict(pictures), 0.05)
        else:
            result = accuracy(network, test_x, test_y)
        print(repr(float(result)), flush=True)


if sys.argv[1] == "program":
    program(sys.argv[2])
else:
    serve(sys.argv[2], int(sys.argv[3]))
