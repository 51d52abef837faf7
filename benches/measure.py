"""Processes measured from outside, and tables of what was found. Standard library alone: the parent stays small, since a
child's peak memory counts from the size of the process that starts it."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Usage:
    """What a process and all its ended children took."""

    wall: float  # seconds
    cpu: float  # seconds, user and system together
    peak: float  # MiB, of the largest process among them
    output: str


def once(command, env=None, cwd=None):
    """Runs a command to its end. A command that fails ends the bench, with its output."""
    output = os.memfd_create("output")
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    with os.fdopen(output, "rb") as file:
        file.seek(0)
        text = file.read().decode(errors="replace")
    if process.returncode != 0:
        words = " ".join(str(word) for word in command)
        sys.exit(f"{words}\nended with {process.returncode}:\n{text[-4000:]}")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text)


def in_turns(commands, repeats, warm=1):
    """Runs several commands one after the other, again and again, so that a busy moment of the machine meets all of them.

    `commands` are `(command, environment, folder)`. Returns the usages of each. The first `warm` rounds fill the caches of files and
    are left out.
    """
    found = [[] for _ in commands]
    for turn in range(warm + repeats):
        for usages, (command, env, cwd) in zip(found, commands):
            usage = once(command, env, cwd)
            if turn >= warm:
                usages.append(usage)
    return found


@dataclass
class Table:
    """Lines of a bench: what, mmf's figure, the peer's, their ratio, and what the ratio or figure is to be."""

    title: str
    lines: list = field(default_factory=list)

    def pair(self, what, ours, theirs, unit, goal=None, peer=""):
        """Adds a comparison: `ours` and `theirs` are lists of figures taken in turns; more than 1 means that mmf took less."""
        ratio = statistics.median(theirs) / max(statistics.median(ours), 1e-12)
        verdict = "" if goal is None else f"≥ {goal:g}: {'yes' if ratio >= goal else 'NO'}"
        self.lines.append((what, spread(ours, unit), spread(theirs, unit) + (f" {peer}" if peer else ""), f"{ratio:.2f}", verdict))

    def share(self, what, part, whole, unit, goal):
        """Adds what share of `whole` the part is; at most `goal`."""
        ratio = statistics.median(part) / max(statistics.median(whole), 1e-12)
        verdict = f"≤ {goal:.0%}: {'yes' if ratio <= goal else 'NO'}"
        self.lines.append((what, spread(part, unit), spread(whole, unit), f"{ratio:.2%}", verdict))

    def alone(self, what, ours, unit, goal=None):
        """Adds a figure without a peer; at most `goal`."""
        verdict = "" if goal is None else f"≤ {goal:g} {unit}: {'yes' if statistics.median(ours) <= goal else 'NO'}"
        self.lines.append((what, spread(ours, unit), "", "", verdict))

    def print(self):
        head = ("what", "mmf", "peer", "ratio", "goal")
        print(f"\n## {self.title}\n")
        widths = [max(len(line[i]) for line in [head, *self.lines]) for i in range(len(head))]
        for line in [head, tuple("-" * width for width in widths), *self.lines]:
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |", flush=True)


def spread(values, unit):
    """Returns `median (min–max) unit`."""
    middle = statistics.median(values)
    if len(values) == 1:
        return f"{figure(middle)} {unit}"
    return f"{figure(middle)} ({figure(min(values))}–{figure(max(values))}) {unit}"


def figure(value):
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"
