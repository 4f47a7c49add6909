"""fnet against its peers: peers.py [--rounds N] [--json FILE], from the project's directory (`make bench-peers`).

Entrants take turns within each round, each in a process of its own that is stopped (SIGSTOP) while another
measures, because idle threads of several peers spin. A ratio is the median over the rounds of peer / fnet, so that
a change of the machine's speed between rounds touches both. Prints tables and writes one line of JSON a figure. A
slow figure is never a failure. Needs only the standard library; the peers run in build/peers/venv or in the
system's Python.
"""

import argparse
import datetime
import json
import os
import signal
import statistics
import subprocess
import sys
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
FNET = "./fnet"
MATMUL = "build/release/tests/bench/peers_matmul"
ENVIRONMENT = "build/peers/venv/bin/python"
PYTHONS = [ENVIRONMENT, "/usr/bin/python3"]
OPENMP_BLAS = "/usr/lib/%s-linux-gnu/openblas-openmp" % os.uname().machine
BATCHES, THREADS = (32, 64, 256, 1024), (1, 2)
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "FNET_THREADS")
BUDGET = 12  # seconds an entrant may take for one figure; it stops after the round that exceeds them
LONGEST = 60  # seconds after which an answer is no longer awaited
PEERS = {
    "numpy": ("NumPy", ["numpy"], "numpy"),
    "torch": ("PyTorch", ["numpy", "torch"], "torch"),
    "sklearn": ("scikit-learn", ["numpy", "sklearn"], "scikit-learn"),
    "keras": ("Keras", ["numpy", "jax", "keras"], "jax keras"),
}
LIBRARIES = {"OpenBLAS": "libopenblas-dev", "oneDNN": "libdnnl-dev", "libxsmm": "libxsmm-dev"}


# ---- figures ----


class Figures:
    """Collects measurements of one subject and shows them."""

    def __init__(self, file):
        self.file = file

    def add(self, name, unit, rows):
        """rows: (peer, version, samples), fnet's first. Returns a list of (peer, median, ratio, runs)."""
        if not rows:
            return []
        base, result = rows[0][2], []
        for peer, version, samples in rows:
            ratio = statistics.median(a / b for a, b in zip(samples, base))
            middle = statistics.median(samples)
            record = {"name": name, "peer": peer, "version": version, "unit": unit, "median": middle,
                      "low": min(samples), "high": max(samples), "runs": len(samples), "ratio": ratio}
            self.file.write(json.dumps(record) + "\n")
            result.append((peer, middle, ratio, len(samples)))
        self.file.flush()
        return result


def table(title, head, rows):
    cells = [head] + rows
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print("\n" + title)
    for row in cells:
        padded = [c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))]
        print("  " + "  ".join(padded).rstrip())
    sys.stdout.flush()


def duration(seconds):
    for scale, unit in ((1, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return "%.3g %s" % (seconds / scale, unit)
    return "%.3g us" % (seconds * 1e6)


def measured_cell(value, ratio, runs, rounds, unit):
    value = duration(value) if unit == "s" else "%.0f" % value
    return "%s (%.2f)%s" % (value, ratio, "" if runs >= rounds else " *%d" % runs)


# ---- the processes ----


def environment(threads=None):
    result = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="3")
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") + THREAD_VARIABLES:
        result.pop(name, None)
    if threads:
        result.update((name, str(threads)) for name in THREAD_VARIABLES)
    return result


def peer_environment(peer, python, threads=None):
    result = environment(threads)
    if peer == "torch" and python != ENVIRONMENT and os.path.isdir(OPENMP_BLAS):
        # Debian's PyTorch and its default OpenBLAS have a thread pool each, and the two fight.
        result["LD_LIBRARY_PATH"] = OPENMP_BLAS
    return result


class Worker:
    """A process that answers a line with a number; stopped but while it answers."""

    def __init__(self, name, command, env):
        self.name, self.failed = name, None
        self.process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        words = self.read().split(" ", 1)
        self.version = words[1].strip() if words[0] == "ready" else None
        if self.version is None:
            self.fail("did not start")
        self.process.send_signal(signal.SIGSTOP)

    def read(self):
        signal.alarm(LONGEST)
        try:
            return self.process.stdout.readline()
        except TimeoutError:
            return ""
        finally:
            signal.alarm(0)

    def fail(self, why):
        self.failed = why
        self.process.kill()
        print("  %s %s" % (self.name, why))

    def ask(self, request):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            answer = self.read()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.fail("gave no answer to '%s' within %d s" % (request, LONGEST))
            return None
        self.process.send_signal(signal.SIGSTOP)
        return float(answer)

    def close(self):
        self.process.kill()
        self.process.wait()


def on_alarm(*_):
    raise TimeoutError


def find_peers():
    """{peer: python}; says which peers are missing and how to get them."""
    found = {}
    for peer, (name, modules, packages) in PEERS.items():
        check = "import sys\nfor name in sys.argv[1:]: __import__(name)"
        for python in PYTHONS:
            if os.path.exists(python) and run_program([python, "-c", check] + modules, environment()):
                found[peer] = python
                break
        else:
            print("%s: not installed; %s -m pip install %s" % (name, ENVIRONMENT, packages))
    return found


class Others:
    """Says how much of the machine other processes took: with two threads most peers wait for each other at each
    step, so a neighbour slows them far more than its share, and their ratios mean little then."""

    @staticmethod
    def busy_and_own():
        """Clock ticks that all processes used, and those of our process group and its ended children."""
        with open("/proc/stat") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        times, group = os.times(), os.getpgrp()
        own = (times.children_user + times.children_system) * os.sysconf("SC_CLK_TCK")
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % entry) as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended since
            if int(fields[2]) == group:
                own += int(fields[11]) + int(fields[12])
        return sum(ticks) - ticks[3] - ticks[4], own

    def __enter__(self):
        self.start, self.before = time.monotonic(), self.busy_and_own()

    def __exit__(self, *_):
        busy, own = (after - before for after, before in zip(self.busy_and_own(), self.before))
        available = (time.monotonic() - self.start) * os.sysconf("SC_CLK_TCK") * os.cpu_count()
        share = max(0.0, (busy - own) / available)
        advice = "; measure again on a quiet machine" if share > 0.05 else ""
        print("  other processes took %.0f%% of the machine meanwhile%s" % (100 * share, advice))


# ---- what is compared ----


def take_turns(entrants, measure, rounds):
    """{entrant: samples}. An entrant without an answer or over its budget drops out of the later rounds."""
    samples = {entrant: [] for entrant in entrants}
    spent = dict.fromkeys(entrants, 0.0)
    for _ in range(rounds):
        for entrant in entrants:
            if spent[entrant] > BUDGET:
                continue
            start = time.monotonic()
            value = measure(entrant)
            spent[entrant] += time.monotonic() - start
            if value is None:
                spent[entrant] = float("inf")
            else:
                samples[entrant].append(value)
    return {entrant: values for entrant, values in samples.items() if values}


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


def main():
    parser = argparse.ArgumentParser(description="Compares fnet with its peers.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", default="build/peers/figures.jsonl", metavar="FILE")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, on_alarm)
    os.makedirs(os.path.dirname(options.json) or ".", exist_ok=True)
    print("%s, %s, %d processors" % (
        datetime.date.today().isoformat(), processor(), len(os.sched_getaffinity(0))))
    peers = find_peers()
    with open(options.json, "w") as file:
        figures = Figures(file)
        with Others():
            training_and_inference(peers, figures, options.rounds)
        with Others():
            whole_programs(peers, figures, options.rounds)
        with Others():
            products(figures, options.rounds)
    print("\nmedians of %d rounds (*n: of n only, where a figure took an entrant over %d s); each figure in %s" % (
        options.rounds, BUDGET, options.json))


if __name__ == "__main__":
    main()
