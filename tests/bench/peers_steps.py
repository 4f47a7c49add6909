"""Steps of ordinary experiments in fnet and in PyTorch, whose best way counts: the part `peers.py --only steps`.

Both begin with the same numbers, which fnet writes to a file; before anything is timed, each of PyTorch's ways has to
give fnet's results to 1e-4 over some steps. What fails that is said, and left out of the mean.
"""

import os
import statistics
import subprocess
import sys
import tempfile

from peers_turns import BENCH, FNET, THREADS, Worker, duration, environment, peer_environment, ratio, table, take_turns

CLOSE = 1e-4  # times the largest number of the tensor
OPTIMISERS = ["plain", "foreach", "fused"]
LAYOUTS = ["channels_last", "channels_last+foreach", "channels_last+fused", "fused"]
ATTENTION = ["written_out+fused"] + ["scaled_dot_product" + end for end in ("", "+foreach", "+fused")]
SEQUENCES = OPTIMISERS + ["time_first+fused"]
STEPS = {  # name: title, PyTorch's ways, which peers_steps_torch.py explains
    "convolutions": ("fashion_cnn, 64 pictures, AdamW", LAYOUTS),
    "convolutions_predict": ("fashion_cnn, 64 pictures, prediction", ["plain", "channels_last"]),
    "wide": ("Dense 1024-4096-4096-1024, batch 256, Adam", OPTIMISERS),
    "elementwise": ("((tanh x * sigmoid x + x/2).exp() - 1).mean(), gradient", ["plain", "in_place"]),
    "gelu": ("Dense 256-1024-256, GELU, LayerNorm, batch 512, AdamW", OPTIMISERS),
    "softmax": ("softmax of [4096, 1000], weighted sum, gradient", ["plain"]),
    "lstm": ("LSTM of 128 units, 32 steps, batch 16, Adam", OPTIMISERS),
    "lstm_layer": ("nn.LSTM of 128 units, 32 steps, batch 16, Adam", SEQUENCES),
    "lstm_large": ("nn.LSTM 256-256, 100 steps, batch 64, Adam", SEQUENCES),
    "attention": ("attention block [16, 64, 128], 4 heads, AdamW", ATTENTION),
    "embedding": ("Embedding 50000 x 64, 1024 indices, SGD", OPTIMISERS + ["sparse"]),
    "tiny": ("Dense 4-8-4, batch 16, Adam", OPTIMISERS),
    "sum_last": ("sum of [4096, 1000] over the last axis", ["plain"]),
    "sum_first": ("sum of [4096, 1000] over the first axis", ["plain"]),
    "concat": ("concat of two [4096, 500] along axis 2", ["plain"]),
    "transposed": ("x + x:T() of [2048, 2048]", ["plain"]),
}


def numbers(text):
    return [[float(word) for word in part.split()] for part in text.split(";")]


def difference(ours, theirs):
    """The first two numbers that are not alike, or None; no number that is not finite is like another."""
    for a, b in zip(ours, theirs, strict=True):
        for x, y in zip(a, b, strict=True):
            if not abs(x - y) <= CLOSE * max(map(abs, a)):
                return x, y
    return None


def checked_ways(name, fnet, torch):
    """The ways of a step that compute what fnet computes; says which do not."""
    ours, right = fnet.ask_text("check fnet"), []
    for way in STEPS[name][1] if ours else []:
        theirs = None if torch.failed else torch.ask_text("check " + way)
        different = theirs and difference(numbers(ours), numbers(theirs))
        if different:
            print("  %s: PyTorch, %s, is left out: it computes something else, %.9g where fnet has %.9g" % (
                name, way, different[1], different[0]))
        elif theirs:
            right.append(way)
    return right


def compare(name, title, fnet, torch, figures, rounds):
    """(cells of the table's row, fnet's time / the time of PyTorch's best way or None)."""
    entrants = [] if fnet.failed else [(fnet, "fnet")]
    if entrants and torch and not torch.failed:
        entrants += [(torch, way) for way in checked_ways(name, fnet, torch)]

    def measure_one(entrant):
        worker, way = entrant
        return None if worker.failed else worker.ask("time " + way)

    samples = take_turns(entrants, measure_one, rounds)
    if (fnet, "fnet") not in samples:
        return [title, "-", "-", "-", "-", ""], None
    figures.add(title, "s", [(("PyTorch " if worker is torch else "") + way, worker.version, values)
                             for (worker, way), values in samples.items()])
    ours = samples.pop((fnet, "fnet"))
    cells = [title, duration(statistics.median(ours))]
    if not samples:
        return cells + ["-", "-", "-", ""], None
    (_, way), theirs = min(samples.items(), key=lambda item: statistics.median(item[1]))
    times, least = ratio(ours, theirs), min(ours) / min(min(values) for values in samples.values())
    figures.write({"name": title, "peer": "fnet / best of PyTorch", "way": way, "ratio": times,
                   "ratio_of_least": least})
    return cells + [duration(statistics.median(theirs)), "%.2f" % times, "%.2f" % least, way.replace("+", ", ")], times


def write_start(name, file):
    if subprocess.run([FNET, BENCH + "/peers_steps.lua", "write", name, file], env=environment()).returncode != 0:
        sys.exit("steps: fnet could not write the start values of %s" % name)


def start(name, threads, file, torch_python):
    """fnet and PyTorch in processes that have done nothing else: what they did before would shape their memory."""
    fnet = Worker("fnet", [FNET, BENCH + "/peers_steps.lua", "serve", name, str(threads)], environment())
    command = [torch_python, BENCH + "/peers_steps_worker.py", file, name, str(threads)]
    torch = torch_python and Worker("PyTorch", command, peer_environment("torch", torch_python, threads))
    return fnet, torch


def say_mean(what, values, figures):
    if values:
        mean = statistics.geometric_mean(values)
        figures.write({"name": "geometric mean, " + what, "peer": "fnet / best of PyTorch", "ratio": mean})
        print("  geometric mean of %d ratios, %s: %.2f" % (len(values), what, mean))


def markdown(rows, ratios):
    """The table of the steps for a document; its rows are those of `measure`."""
    print("\n| step | fnet | PyTorch | fnet / PyTorch | PyTorch's way |\n|---|---|---|---|---|")
    for title, ours, theirs, times, _, way in rows:
        print("| %s | %s | %s | %s | %s |" % (title, ours, theirs, times, way))
    for count, values in ratios.items():
        if values:
            print("| geometric mean, %s | | | %.2f | |" % (count, statistics.geometric_mean(values)))


def measure(names, torch_python, figures, rounds, as_markdown=False):
    """Compares the steps of these names; torch_python: the Python that has PyTorch, or None."""
    if not torch_python:
        print("steps: PyTorch is not installed, so fnet's times stand alone")
    rows, ratios = [], {}
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "start.safetensors")
        for name in names:
            write_start(name, file)
            for threads in THREADS:
                count = "%d thread%s" % (threads, "s"[: threads - 1])
                fnet, torch = start(name, threads, file, torch_python)
                cells, times = compare(name, "%s, %s" % (STEPS[name][0], count), fnet, torch, figures, rounds)
                rows.append(cells)
                ratios.setdefault(count, []).extend([times] if times else [])
                for worker in (fnet, torch):
                    if worker:
                        worker.close()
    table("Steps: fnet, the best of PyTorch's ways, fnet / PyTorch, the same of the least times, and that way",
          ["", "fnet", "PyTorch", "ratio", "least", "way"], rows)
    for count, values in ratios.items():
        say_mean(count, values, figures)
    say_mean("all rows", sum(ratios.values(), []), figures)
    if as_markdown:
        markdown(rows, {**ratios, "all rows": sum(ratios.values(), [])})
