"""fnet against its peers: peers.py [--only NAMES] [--rounds N] [--json FILE], from the project's directory
(`make bench-peers`).

Prints tables and writes one line of JSON a figure. A slow figure is never a failure. Needs only the standard
library; the peers run in build/peers/venv or in the system's Python. peers_turns.py says how entrants take turns.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time

import peers_conv
import peers_steps
from peers_turns import (BENCH, BUDGET, ENVIRONMENT, FNET, THREADS, Figures, Others, Worker, environment, measured_cell,
                         peer_environment, table, take_turns)

MATMUL = "build/release/tests/bench/peers_matmul"
PYTHONS = [ENVIRONMENT, "/usr/bin/python3"]
BATCHES = (32, 64, 256, 1024)
PEERS = {
    "numpy": ("NumPy", ["numpy"], "numpy"),
    "torch": ("PyTorch", ["numpy", "torch"], "torch"),
    "sklearn": ("scikit-learn", ["numpy", "sklearn"], "scikit-learn"),
    "keras": ("Keras", ["numpy", "jax", "keras"], "jax keras"),
}
LIBRARIES = {"OpenBLAS": "libopenblas-dev", "oneDNN": "libdnnl-dev", "libxsmm": "libxsmm-dev"}


def find_peers(wanted):
    """{peer: python} of those that are wanted; says which peers are missing and how to get them."""
    found = {}
    for peer, (name, modules, packages) in PEERS.items():
        if peer not in wanted:
            continue
        check = "import sys\nfor name in sys.argv[1:]: __import__(name)"
        for python in PYTHONS:
            if os.path.exists(python) and run_program([python, "-c", check] + modules, environment()):
                found[peer] = python
                break
        else:
            print("%s: not installed; %s -m pip install %s" % (name, ENVIRONMENT, packages))
    return found


def training_and_inference(peers, figures, rounds):
    requests = [("epoch %d" % batch, "one epoch, batch %d" % batch) for batch in BATCHES]
    requests += [("predict 1", "one picture"), ("predict 10000", "10,000 pictures, one call")]
    rows, head = {}, []
    for threads in THREADS:
        workers = [Worker("fnet", [FNET, BENCH + "/peers_fnet.lua", str(threads)], environment())]
        for peer, python in peers.items():
            command = [python, BENCH + "/peers_worker.py", "serve", peer, str(threads)]
            workers.append(Worker(PEERS[peer][0], command, peer_environment(peer, python, threads)))
        names = head = [worker.name for worker in workers]
        for request, title in requests:
            able = [worker for worker in workers if not worker.failed]
            samples = take_turns(able, lambda worker, request=request: worker.ask(request), rounds)
            title = "%s, %d thread%s" % (title, threads, "s"[: threads - 1])
            figure = figures.add(title, "s", [(w.name, w.version, values) for w, values in samples.items()])
            cells = {peer: measured_cell(value, ratio, runs, rounds, "s") for peer, value, ratio, runs in figure}
            rows[title] = [title] + [cells.get(name, "-") for name in names]
        title = "test accuracy, %d thread%s" % (threads, "s"[: threads - 1])
        rows[title] = [title]
        for worker in workers:
            value = None if worker.failed else worker.ask("accuracy")
            rows[title].append("-" if value is None else "%.2f%%" % (100 * value))
            worker.close()
    table("Training on 60,000 pictures and inference: time (peer / fnet)", [""] + head, list(rows.values()))


def run_program(command, env):
    """Seconds and peak MiB of a whole program; None where it failed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    status, usage = os.wait4(process.pid, 0)[1:]
    process.returncode = os.waitstatus_to_exitcode(status)
    return (time.perf_counter() - start, usage.ru_maxrss / 1024) if process.returncode == 0 else None


def whole_programs(peers, figures, rounds):
    commands = {"fnet": ([FNET, "examples/fashion.lua"], environment())}
    for peer, python in peers.items():
        command = [python, BENCH + "/peers_worker.py", "program", peer]
        commands[PEERS[peer][0]] = (command, peer_environment(peer, python))
    if "torch" in peers:
        python = peers["torch"]
        commands["import torch"] = ([python, "-c", "import torch"], peer_environment("torch", python))
    samples = take_turns(list(commands), lambda name: run_program(*commands[name]), rounds)
    seconds = figures.add("whole program", "s", [(n, "", [v[0] for v in values]) for n, values in samples.items()])
    memory = figures.add("whole program", "MiB", [(n, "", [v[1] for v in values]) for n, values in samples.items()])
    table(
        "Whole program (start, load, 5 epochs at batch 32, evaluate; all processors): peer (peer / fnet)",
        ["", "time", "peak MiB"],
        [[name, measured_cell(time_, ratio, runs, rounds, "s"), measured_cell(size, more, runs, rounds, "MiB")]
         for (name, time_, ratio, runs), (_, size, more, _) in zip(seconds, memory)],
    )
    ratios = {name: ratio for name, _, ratio, _ in seconds}
    if "import torch" in ratios:
        print("  fnet takes %.2f of the time of `import torch` (bar: less than 1): %s" % (
            1 / ratios["import torch"], mark(ratios["import torch"] > 1)))


def mark(met):
    return "met" if met else "missed"


def products(figures, rounds):
    """Matrix products; the bars are 95% of the best peer and, for odd neighbours, 90% of the even size."""
    result = subprocess.run([MATMUL, str(rounds)], env=environment(), stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        print("peers_matmul ended with status %d" % result.returncode)
    cases, peers = {}, []
    for line in result.stdout.splitlines():
        figure = json.loads(line)
        cases.setdefault((figure["name"], figure["batch"], figure["threads"]), []).append(figure)
        if figure["peer"] not in peers:
            peers.append(figure["peer"])
    for library, package in LIBRARIES.items():
        if not any(peer.startswith(library) for peer in peers):
            print("%s: not installed; apt-get install %s" % (library, package))
    libraries = [peer for peer in peers if peer not in ("fnet", "limit")]
    rows, passed, speed = [], 0, {}
    for (name, size, threads), entrants in cases.items():
        title = "%s %d, %d thread%s" % (name, size, threads, "s"[: threads - 1])
        figure = figures.add(title, "GFLOP/s", [(e["peer"], e["version"], e["samples"]) for e in entrants])
        by_name = {peer: (value, ratio) for peer, value, ratio, _ in figure}
        samples = {e["peer"]: e["samples"] for e in entrants}
        speed[name, size, threads] = samples["fnet"]
        rivals = [by_name[peer][1] for peer in libraries if peer in by_name]
        best = 1 / max(rivals) if rivals else float("nan")
        verdict = mark(best >= 0.95) if rivals else "-"
        passed += best >= 0.95
        columns = ["%.2f" % by_name[peer][1] if peer in by_name else "-" for peer in libraries]
        limit = "%.2f" % (1 / by_name["limit"][1]) if "limit" in by_name else "-"
        rows.append([title, "%.0f" % by_name["fnet"][0]] + columns + ["%.2f" % best, limit, verdict])
    table("Matrix products: fnet in GFLOP/s, peer / fnet, fnet as a fraction of the best peer and of the limit",
          ["", "fnet"] + libraries + ["of best", "of limit", "95%"], rows)
    print("  %d of %d products reach 95%% of the best peer" % (passed, len(rows)))
    odd_neighbours(speed)


def odd_neighbours(speed):
    rows = []
    for (name, size, threads), samples in speed.items():
        if name != "square" or size % 2:
            continue
        cells = []
        for odd in (size - 1, size + 1):
            ratio = statistics.median(a / b for a, b in zip(speed[name, odd, threads], samples))
            cells += ["%.2f" % ratio, mark(ratio >= 0.9)]
        rows.append(["square %d, %d thread%s" % (size, threads, "s"[: threads - 1])] + cells)
    table("Odd neighbours of the squares, in fnet: speed as a fraction of the even size's (bar: 0.90)",
          ["", "-1", "", "+1", ""], rows)


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else os.uname().machine


PARTS = {"training": list(PEERS), "programs": list(PEERS), "products": [], "conv": ["torch"],
         "steps": ["torch"]}  # and their peers


def chosen(text):
    """(parts, steps) that --only names; all where it names none."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in PARTS and name not in peers_steps.STEPS:
            sys.exit("peers.py: --only: expected parts (%s) or steps (%s), with commas between, got %s" % (
                ", ".join(PARTS), ", ".join(peers_steps.STEPS), name))
    steps = [name for name in peers_steps.STEPS if not names or name in names or "steps" in names]
    return [part for part in PARTS if not names or part in names or (part == "steps" and steps)], steps


def count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number from 1, got %s" % text)
    return int(text)


def main():
    parser = argparse.ArgumentParser(description="Compares fnet with its peers.")
    parser.add_argument("--only", default="", metavar="NAMES", help="parts or steps, such as products,lstm")
    parser.add_argument("--rounds", type=count, default=5)
    parser.add_argument("--json", default="build/peers/figures.jsonl", metavar="FILE")
    parser.add_argument("--markdown", action="store_true", help="the steps once more, as a table for a document")
    options = parser.parse_args()
    parts, steps = chosen(options.only)
    os.makedirs(os.path.dirname(options.json) or ".", exist_ok=True)
    print("%s, %s, %d processors" % (
        datetime.date.today().isoformat(), processor(), len(os.sched_getaffinity(0))))
    peers = find_peers({peer for part in parts for peer in PARTS[part]})
    rounds = options.rounds
    with open(options.json, "w") as file:
        figures = Figures(file)
        measures = {
            "training": lambda: training_and_inference(peers, figures, rounds),
            "programs": lambda: whole_programs(peers, figures, rounds),
            "products": lambda: products(figures, rounds),
            "conv": lambda: peers_conv.measure(peers.get("torch"), figures, rounds),
            "steps": lambda: peers_steps.measure(steps, peers.get("torch"), figures, rounds, options.markdown),
        }
        for part in parts:
            with Others():
                measures[part]()
    print("\nmedians of %d rounds (*n: of n only, where a figure took an entrant over %d s); each figure in %s" % (
        rounds, BUDGET, options.json))


if __name__ == "__main__":
    main()
