"""What all parts of the comparison share: processes that take turns, figures, tables.

Entrants take turns within each round, each in a process of its own that is stopped (SIGSTOP) while another
measures, because idle threads of several peers spin. A ratio is the median over the rounds of one entrant's time
divided by another's, so that a change of the machine's speed between rounds touches both.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
FNET = "./fnet"
ENVIRONMENT = "build/peers/venv/bin/python"
OPENMP_BLAS = "/usr/lib/%s-linux-gnu/openblas-openmp" % os.uname().machine
THREADS = (1, 2)
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "FNET_THREADS")
BUDGET = 12  # seconds an entrant may take for one figure; it stops after the round that exceeds them
LONGEST = 60  # seconds after which an answer is no longer awaited


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
            middle, times = statistics.median(samples), ratio(samples, base)
            record = {"name": name, "peer": peer, "version": version, "unit": unit, "median": middle,
                      "low": min(samples), "high": max(samples), "runs": len(samples), "ratio": times}
            self.write(record)
            result.append((peer, middle, times, len(samples)))
        return result

    def write(self, record):
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()


def ratio(samples, base):
    return statistics.median(a / b for a, b in zip(samples, base))


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


def measured_cell(value, times, runs, rounds, unit):
    value = duration(value) if unit == "s" else "%.0f" % value
    return "%s (%.2f)%s" % (value, times, "" if runs >= rounds else " *%d" % runs)


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
        """The number that answers; None, after a line that says so, where none comes."""
        answer = self.ask_text(request)
        return None if answer is None else float(answer)

    def ask_text(self, request):
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
        return answer.strip()

    def close(self):
        self.process.kill()
        self.process.wait()


def on_alarm(*_):
    raise TimeoutError


signal.signal(signal.SIGALRM, on_alarm)


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
