"""A step of a task and of the policy that it rewards, beside PyTorch: what further epochs add to a run of mmf."""

from pathlib import Path
from random import Random

import place
from measure import Table
from parts.gan import array
from parts.step import Peer, added, column

TURNS = 5
ROWS = 4444
# Of 4,000 training rows 3,200 teach the task, in steps of 64.
STEPS = 50
FEW, MANY = 2, 22
PIPELINE = place.ROOT / "benches" / "pipelines" / "policy.mmf"


def run():
    python = place.python("torch")
    peers = {threads: Peer(python, threads, "torch_policy.py") for threads in (1, 2)}
    found = {}
    with place.scratch() as folder:
        home = Path(folder)
        make(home)
        for _ in range(TURNS):
            for threads, peer in peers.items():
                found.setdefault(("mmf", threads), []).append(ours(home, threads))
                for kind in ("policy", "policy-fused"):
                    found.setdefault((kind, threads), []).append(peer.steps(kind, 500))
    for peer in peers.values():
        peer.end()
    table = Table(
        f"policy: two inputs of 64, REINFORCE by mlp(32), a task of mlp(64), batches of 64, as many inner rows, beside PyTorch {peers[1].version}; "
        f"mmf: what {MANY - FEW} epochs add to the train's time and to the CPU of its process, a step; {TURNS} turns"
    )
    for threads in (1, 2):
        mine = found["mmf", threads]
        for kind, how in (("policy", ""), ("policy-fused", ", beside fused Adam")):
            other = found[kind, threads]
            s = "" if threads == 1 else "s"
            table.pair(f"a step{how}, {threads} thread{s}, wall", column(mine, 0), column(other, 0), "ms", goal=1)
            table.pair("  CPU", column(mine, 1), column(other, 1), "ms", goal=1 if threads == 1 else None)
    table.print()


def ours(home, threads):
    """Returns wall and CPU milliseconds of a step."""
    steps = STEPS * (MANY - FEW)
    wall, cpu = added(home / "policy.mmf", "epochs", (FEW, MANY), "task", threads)
    return wall / steps, cpu / steps


def make(home):
    chance = Random(1)
    for name in ("looks", "sounds"):
        array(home / f"{name}.npy", ROWS, 64, [chance.gauss(0, 1) for _ in range(64 * ROWS)])
    (home / "rows.csv").write_text("row,y\n" + "".join(f"{row},{chance.gauss(0, 1):.4f}\n" for row in range(ROWS)))
    (home / "policy.mmf").write_text(PIPELINE.read_text())
