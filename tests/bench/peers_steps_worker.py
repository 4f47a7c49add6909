"""PyTorch in the comparison of steps: peers_steps_worker.py FILE STEP THREADS, where peers_steps.lua has written the
tensors of the step to FILE. Prints "ready VERSION", then answers each line that it reads:
  check WAY  numbers that fnet's must be like: samples of the first results, a ; between two tensors
  time WAY   seconds of a step: with one thread the processor's, which no other program can lengthen much
peers_steps.lua understands the same lines.
"""

import json
import sys
import time

import numpy
import torch

import peers_steps_torch
from peers_clock import seconds_a_call

ENOUGH, CHECKED = 0.2, 3  # as in peers_steps.lua


def read_tensors(path):
    """The tensors of a safetensors file: eight bytes of length, a header in JSON, the elements."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        array = numpy.frombuffer(data[start:end], {"F32": "<f4", "I32": "<i4"}[entry["dtype"]])
        tensors[name] = torch.from_numpy(array.reshape(entry["shape"]).copy())
    return tensors


def samples(tensor):
    flat = tensor.detach().reshape(-1)
    numbers = [flat[(len(flat) - 1) * k // 8].item() for k in range(9)] + [flat.abs().mean().item()]
    return " ".join("%.9g" % number for number in numbers)


def check(run, watched):
    result = [samples(run()) for _ in range(CHECKED)]
    return ";".join(result + ([samples(watched.grad)] if watched is not None else []))


def main(file, name, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    print("ready", torch.__version__, flush=True)
    clock = time.process_time if threads == 1 else time.perf_counter
    ways = {}

    def make(way, checked):
        return getattr(peers_steps_torch, name)(read_tensors(file), way.split("+"), checked)

    for line in sys.stdin:
        request, way = line.split()
        if request == "check":
            print(check(*make(way, True)), flush=True)
            continue
        if way not in ways:
            ways[way] = make(way, False)[0]
        print("%.9g" % seconds_a_call(ways[way], ENOUGH, clock), flush=True)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
