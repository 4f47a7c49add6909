"""Convolutions in fnet and in PyTorch, which calls oneDNN: the part `peers.py --only conv`. 32 pictures each: the
output, and the gradients of the weights and of the input, against the machine's multiply-adds and PyTorch's best way,
which has to give fnet's results to 1e-4. The bar: 0.75 of the slower of both.
"""

import statistics
import subprocess

from peers_steps import difference, numbers
from peers_turns import BENCH, FNET, THREADS, Worker, environment, peer_environment, ratio, table, take_turns

LIMITS = "build/release/tests/bench/limits"
PICTURES = 32  # as in peers_conv.lua
BAR = 0.75
CASES = [  # channels in and out, side of the pictures, side of the kernel
    (1, 32, 28, 3), (32, 32, 28, 3), (32, 64, 14, 3), (64, 64, 14, 3), (64, 128, 7, 3), (128, 128, 7, 3),
    (128, 128, 3, 3), (256, 256, 7, 3), (64, 256, 14, 1), (256, 64, 7, 1),
]
WAYS = {"y": ["plain", "channels_last", "blocked"], "dw": ["plain", "channels_last"], "dx": ["plain", "channels_last"]}


def limit(isa, threads):
    """Operations a second that the machine does at most."""
    runs = [subprocess.run([LIMITS, "multiply-adds", isa, str(threads), "4"], stdout=subprocess.PIPE, text=True)
            for _ in range(5)]
    return max(1e9 * float(run.stdout) for run in runs)


def right_ways(case, wanted, fnet, torch):
    """The ways of PyTorch that compute what fnet does; says which do not."""
    question, right = "check %d %d %d %d %s " % (case + (wanted,)), []
    ours = fnet.ask_text(question + "fnet")
    for way in WAYS[wanted] if ours and torch else []:
        theirs = None if torch.failed else torch.ask_text(question + way)
        different = theirs and difference(numbers(ours), numbers(theirs))
        if different:
            print("  %s: PyTorch, %s, is left out: it has %.9g where fnet has %.9g" % (
                question, way, different[1], different[0]))
        elif theirs:
            right.append(way)
    return right


def compare(case, wanted, threads, most, fnet, torch, figures, rounds):
    """A row of the table."""
    entrants = [(fnet, "fnet")] + [(torch, way) for way in right_ways(case, wanted, fnet, torch)]
    question = "time %d %d %d %d %s " % (case + (wanted,))
    samples = take_turns(entrants, lambda entrant: None if entrant[0].failed else entrant[0].ask(question + entrant[1]),
                         rounds)
    inputs, units, side, kernel = case
    title = "%d to %d, %d x %d, kernel %d, %s, %d thread%s" % (case[:2] + (side, side, kernel, wanted, threads,
                                                               "s"[: threads - 1]))
    if (fnet, "fnet") not in samples:
        return [title, "-", "-", "-", "-", "", "-"]
    figures.add(title, "s", [(("PyTorch " if worker is torch else "") + way, worker.version, values)
                             for (worker, way), values in samples.items()])
    ours, work = samples.pop((fnet, "fnet")), 2.0 * PICTURES * side ** 2 * kernel ** 2 * inputs * units
    share, speed, way = work / statistics.median(ours) / most, float("nan"), ""
    if samples:
        (_, way), theirs = min(samples.items(), key=lambda item: statistics.median(item[1]))
        speed = 1 / ratio(ours, theirs)
    best = max([share] + ([speed] if samples else []))
    return [title, "%.0f" % (1e-9 * work / statistics.median(ours)), "%.2f" % share, "%.2f" % speed, way,
            "met" if best >= BAR else "missed"]


def measure(torch_python, figures, rounds):
    """torch_python: the Python that has PyTorch, or None."""
    if not torch_python:
        print("conv: PyTorch is not installed, so fnet's speed stands alone")
    rows = []
    for threads in THREADS:
        fnet = Worker("fnet", [FNET, BENCH + "/peers_conv.lua", str(threads)], environment())
        command = [torch_python, BENCH + "/peers_conv_worker.py", str(threads)]
        torch = torch_python and Worker("PyTorch", command, peer_environment("torch", torch_python, threads))
        most = limit(fnet.version.split(", ")[-1], threads) if not fnet.failed else float("nan")
        for case in CASES:
            for wanted in WAYS:
                if not fnet.failed and (case[0] > 1 or wanted != "dx"):  # a first layer's input needs no gradient
                    rows.append(compare(case, wanted, threads, most, fnet, torch, figures, rounds))
        for worker in (fnet, torch):
            if worker:
                worker.close()
    table("Convolutions: fnet in GFLOP/s, as a fraction of the multiply-add limit and of PyTorch's best way",
          ["", "fnet", "of limit", "of PyTorch", "way", "75%"], rows)
