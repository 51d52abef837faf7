"""A step of training beside PyTorch, on one thread and on two, in short turns."""

import json
import re
import subprocess
from pathlib import Path

import place
from measure import Table, once

TURNS = 12
STEPS = {"mlp": 60, "bpr": 150, "cnn": 10, "lstm": 20, "attention": 15, "lightgcn": 15}
PEER_STEPS = {"mlp": 40, "bpr-dense": 15, "bpr-sparse": 40, "cnn": 10, "lstm": 20, "attention": 15, "lightgcn": 15}
FOUND = re.compile(r"median ([\d.]+) ms least ([\d.]+) ms cpu ([\d.]+) ms")


class Peer:
    """PyTorch on so many threads, waiting for its turn."""

    def __init__(self, python, threads, script="torch_step.py"):
        env = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads), "PATH": "/usr/bin:/bin"}
        command = [python, place.PEERS / script, str(threads)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.version = self.process.stdout.readline().split()[1]

    def steps(self, name, count):
        self.process.stdin.write(f"{name} {count}\n")
        self.process.stdin.flush()
        return tuple(map(float, self.process.stdout.readline().split()))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def added(pipeline, argument, counts, node, threads):
    """Returns wall and CPU milliseconds that the greater count adds to a run: the wall of the node alone, as the run's events tell it, the CPU
    of the process."""
    used = []
    for count in counts:
        # A store of its own, so that nothing is taken from an earlier run.
        with place.scratch() as store:
            runs = Path(store) / "runs"
            command = [place.MMF, "run", pipeline, "-p", f"{argument}={count}", "--threads", threads]
            cpu = once([*command, "--store", Path(store) / "store", "--runs", runs]).cpu * 1e3
            events = map(json.loads, (runs / "latest" / "events.jsonl").read_text(encoding="utf-8").splitlines())
            wall = next(event["milliseconds"] for event in events if event["event"] == "finished" and event["node"] == node)
            used.append((wall, cpu))
    few, many = used
    return many[0] - few[0], many[1] - few[1]


def ours(name, threads):
    output = once([place.STEP, STEPS[name], name], {"RAYON_NUM_THREADS": str(threads)}).output
    return tuple(map(float, FOUND.search(output).groups()))


def run():
    python = place.python("torch")
    peers = {threads: Peer(python, threads) for threads in (1, 2)}
    found = {}
    for _ in range(TURNS):
        for threads, peer in peers.items():
            for name in STEPS:
                found.setdefault((name, threads), []).append(ours(name, threads))
            for name, count in PEER_STEPS.items():
                found.setdefault((f"torch-{name}", threads), []).append(peer.steps(name, count))
    for peer in peers.values():
        peer.end()

    table = Table(f"step: beside PyTorch {peers[1].version}; of each turn the median step, then the median over {TURNS} turns")
    goals = {("bpr-dense", 1): 10, ("bpr-sparse", 1): 3}
    names = {
        "mlp": "MLP 512-256-128-1, batch 256, Adam",
        "bpr-dense": "BPR 2 × 10,000×64, batch 1,024, beside dense Adam",
        "bpr-sparse": "BPR, beside SparseAdam",
        "cnn": "CNN, 64 images of 64×64×3, conv 16 and 32",
        "lstm": "LSTM, 64 sequences of 40 tokens, 64 wide",
        "attention": "causal attention block, 64 sequences of 50 steps, 64 wide",
        "lightgcn": "LightGCN, 943 users, 1,682 items, 80,000 edges, 3 layers, 64 wide, batch 2,048",
    }
    for name, what in names.items():
        own = name.split("-")[0]
        for threads in (1, 2):
            mine, other = found[own, threads], found[f"torch-{name}", threads]
            s = "" if threads == 1 else "s"
            goal = goals.get((name, threads), 1)
            table.pair(f"{what}, {threads} thread{s}, wall", column(mine, 0), column(other, 0), "ms", goal=goal)
            table.pair(f"  the least of all steps, {threads} thread{s}", [min(column(mine, 1))], [min(column(other, 1))], "ms")
            if threads == 1:
                table.pair("  CPU", column(mine, 2), column(other, 2), "ms", goal=goal)
    for name in STEPS:
        goal = 1.4 if name == "mlp" else None
        one, two = found[name, 1], found[name, 2]
        table.pair(f"own second thread, {name}, wall", column(two, 0), column(one, 0), "ms", goal=goal, peer="on one thread")
        table.pair("  the least of all steps", [min(column(two, 1))], [min(column(one, 1))], "ms", peer="on one thread")
    table.print()


def column(found, place):
    return [values[place] for values in found]
