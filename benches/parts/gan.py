"""A step of a game between generators and discriminators, beside PyTorch: what further steps add to a run of mmf."""

import struct
from pathlib import Path
from random import Random

import place
from measure import Table
from parts.step import Peer, added, column

TURNS = 5
ROWS = 4000
PIPELINE = place.ROOT / "benches" / "pipelines" / "gan.mmf"
# Of each game the steps of a short and a long run, of which the difference is taken, and the peer's steps.
FEW = 100
GAMES = {"wasserstein": (300, 100), "non_saturating": (1300, 400)}
WHAT = {"wasserstein": "Wasserstein, penalty 10, 5 critic steps", "non_saturating": "non-saturating, 1 discriminator step"}


def run():
    python = place.python("torch")
    peers = {threads: Peer(python, threads, "torch_gan.py") for threads in (1, 2)}
    found = {}
    with place.scratch() as folder:
        home = Path(folder)
        make(home)
        for _ in range(TURNS):
            for threads, peer in peers.items():
                for game, (steps, others) in GAMES.items():
                    found.setdefault((game, threads), []).append(ours(home, game, steps, threads))
                    for kind in (game, f"{game}-fused"):
                        found.setdefault((f"torch-{kind}", threads), []).append(peer.steps(kind, others))
    for peer in peers.values():
        peer.end()

    table = Table(
        f"gan: two inputs of 128 and 100, mlp(128, 128) against mlp(64), latent 32, batch 64, beside PyTorch {peers[1].version}; mmf: what steps "
        f"beyond the first {FEW} add to the stage's time and to the CPU of its process, a step; {TURNS} turns"
    )
    for game, what in WHAT.items():
        for threads in (1, 2):
            mine = found[game, threads]
            for kind, how in (("", ""), ("-fused", ", beside fused Adam")):
                other = found[f"torch-{game}{kind}", threads]
                s = "" if threads == 1 else "s"
                table.pair(f"{what}{how}, {threads} thread{s}, wall", column(mine, 0), column(other, 0), "ms", goal=1)
                table.pair("  CPU", column(mine, 1), column(other, 1), "ms", goal=1 if threads == 1 else None)
    table.print()


def ours(home, game, steps, threads):
    """Returns wall and CPU milliseconds of a step."""
    wall, cpu = added(home / f"{game}.mmf", "steps", (FEW, FEW + steps), "made", threads)
    return wall / steps, cpu / steps


def make(home):
    """Writes both inputs, a tenth of the rows of each missing, and the pipelines."""
    chance = Random(1)
    for name, width in (("looks", 128), ("sounds", 100)):
        numbers = []
        for _ in range(ROWS):
            there = chance.random() >= 0.1
            numbers.extend(chance.gauss(0, 1) if there else float("nan") for _ in range(width))
        array(home / f"{name}.npy", ROWS, width, numbers)
    lines = (f"{row},{chance.gauss(0, 1):.4f}\n" for row in range(ROWS))
    (home / "rows.csv").write_text("row,y\n" + "".join(lines))
    text = PIPELINE.read_text()
    (home / "wasserstein.mmf").write_text(text)
    (home / "non_saturating.mmf").write_text(text.replace("wasserstein(penalty = 10)", "non_saturating"))


def array(path, rows, width, numbers):
    """Writes an array of 32-bit floats as numpy does."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(numbers)}f", *numbers))
