"""PyTorch in the comparison of steps: peers_steps_worker.py THREADS FOLDER, where peers_steps.lua has written the
tensors of each step as STEP.safetensors. Prints "ready VERSION", then answers each line that it reads:
  check STEP WAY  numbers that fnet's must be like: samples of the first results, a ; between two tensors
  time STEP WAY   seconds of a step: with one thread the processor's, which no other program can lengthen much
peers_steps.lua understands the same lines.
"""

import gc
import json
import os
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


def make(folder, name, way, checked):
    tensors = read_tensors(os.path.join(folder, name + ".safetensors"))
    return getattr(peers_steps_torch, name)(tensors, way.split("+"), checked)


def samples(tensor):
    flat = tensor.detach().reshape(-1)
    numbers = [flat[(len(flat) - 1) * k // 8].item() for k in range(9)] + [flat.abs().mean().item()]
    return " ".join("%.9g" % number for number in numbers)


def check(run, watched):
    result = [samples(run()) for _ in range(CHECKED)]
    return ";".join(result + ([samples(watched.grad)] if watched is not None else []))


def main(threads, folder):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    print("ready", torch.__version__, flush=True)
    clock = time.process_time if threads == 1 else time.perf_counter
    current, ways = None, {}
    for line in sys.stdin:
        request, name, way = line.split()
        if request == "check":
            print(check(*make(folder, name, way, True)), flush=True)
            continue
        if current != name:
            current, ways = name, {}
            gc.collect()
        if way not in ways:
            ways[way] = make(folder, name, way, False)[0]
        print("%.9g" % seconds_a_call(ways[way], ENOUGH, clock), flush=True)


main(int(sys.argv[1]), sys.argv[2])
