"""An epoch of VBPR over features of 4,096 numbers, beside Cornac's, which trains by PyTorch."""

import json
import random
import statistics
from pathlib import Path

import place
from measure import Table, once
from parts.gan import array

TURNS = 5
EPOCHS = 4
WIDTH = 4096
RATINGS = place.FILMS_DATA / "ratings.tsv"
PIPELINE = place.ROOT / "benches" / "pipelines" / "vbpr.mmf"


def run():
    if not RATINGS.exists():
        print(f"\nvbpr: left out, {RATINGS} is not there (see pipelines/films.mmf)")
        return
    python = place.python("cornac", "torch", "pandas")
    found = {}
    with place.scratch() as folder:
        home = Path(folder)
        make(home)
        for turn in range(TURNS):
            for threads in (1, 2):
                found.setdefault(("mmf", threads), []).append(ours(home, threads, turn))
                files = (home / name for name in ("ratings.csv", "looks.npy", "films.txt"))
                output = once([python, place.PEERS / "cornac_vbpr.py", *files, EPOCHS, threads], {"OMP_WAIT_POLICY": "PASSIVE"}).output
                line = next(line for line in output.splitlines() if line.startswith("found "))
                cpu, wall, recall, gain, _ = map(float, line.split()[1:])
                found.setdefault(("cornac", threads), []).append((wall / EPOCHS, cpu / EPOCHS, recall, gain))
    table = Table(
        f"vbpr: ml-100k, made features of {WIDTH:,}, 32 + 32 factors, batches of 100, one negative, beside Cornac {place.version(python, 'cornac')}; "
        f"an epoch, of {EPOCHS} that are added to mmf's process and to Cornac's fit"
    )
    for threads in (1, 2):
        mine, other = found["mmf", threads], found["cornac", threads]
        for place_, what in enumerate(("wall", "CPU")):
            ends = [[line[place_] for line in lines] for lines in (mine, other)]
            table.pair(f"an epoch, {threads} thread{'s' * (threads - 1)}, {what}", *ends, "s", goal=5 if (threads, what) != (2, "CPU") else None)
    for place_, metric in ((2, "recall@10"), (3, "ndcg@10")):
        medians = [f"{statistics.median([line[place_] for line in found[name, 1]]):.4f}" for name in ("mmf", "cornac")]
        table.lines.append((f"  {metric} after {EPOCHS} epochs", *medians, "", ""))
    table.print()


def ours(home, threads, turn):
    """Returns wall and CPU seconds of an epoch, and what comes out."""
    used = []
    for epochs in (0, EPOCHS):
        where = home / f"{turn}-{threads}-{epochs}"
        command = [place.MMF, "run", home / "vbpr.mmf", "-p", f"epochs={epochs}", "--threads", threads]
        used.append(once([*command, "--store", where / "store", "--runs", where / "runs"]))
    lines = json.loads((where / "runs" / "latest" / "metrics.json").read_text(encoding="utf-8"))
    values = {line["metric"]: line["value"] for line in lines}
    none, all_ = used
    return (all_.wall - none.wall) / EPOCHS, (all_.cpu - none.cpu) / EPOCHS, values["recall@10"], values["ndcg@10"]


def make(home):
    """Writes the ratings, cut by chance, and for each film features as a network's: half of them zero, of length 1."""
    chance = random.Random(1)
    rows = [line.split("\t")[:2] for line in RATINGS.read_text().splitlines()[1:]]
    lines = [f"{user},{film},{'test' if chance.random() < 0.2 else 'train'}\n" for user, film in rows]
    (home / "ratings.csv").write_text("user,film,part\n" + "".join(lines))
    films = sorted({int(film) for _, film in rows})
    (home / "films.txt").write_text("".join(f"{film}\n" for film in films))
    numbers = []
    for _ in films:
        own = [max(chance.gauss(0, 1), 0.0) for _ in range(WIDTH)]
        length = sum(x * x for x in own) ** 0.5
        numbers.extend(x / length for x in own)
    array(home / "looks.npy", len(films), WIDTH, numbers)
    (home / "vbpr.mmf").write_text(PIPELINE.read_text())
