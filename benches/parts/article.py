"""The whole of article.mmf beside the same in Python: same rows, same layers, same epochs."""

import csv
import json
from pathlib import Path

import place
from measure import Table, once

REPEATS = 3
ARTICLE = place.ROOT / "pipelines" / "article.mmf"
EMOJI = place.ROOT / "pipelines" / "data" / "emoji"


def run():
    python = place.python("torch", "gensim", "scikit-image", "opencv-python-headless", "pandas", "scikit-learn")
    with place.scratch() as folder:
        folder = Path(folder)
        keys = folder / "test.txt"
        ours(folder / "first", 2)
        with open(folder / "first" / "runs" / "latest" / "predictions.csv", newline="", encoding="utf-8") as file:
            keys.write_text("\n".join(row["key"] for row in csv.DictReader(file) if row["part"] == "test"), encoding="utf-8")
        for threads in (1, 2):
            compare(python, folder, keys, threads)


def compare(python, folder, keys, threads):
    mine, other, again = [], [], []
    for turn in range(REPEATS):
        home = folder / f"{threads}-{turn}"
        mine.append((ours(home, threads), told(home)))
        again.append(ours(home, threads))
        env = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0"}
        used = once([python, place.PEERS / "article.py", EMOJI / "emoji.csv", EMOJI, keys, threads], env)
        other.append((used, json.loads(used.output.strip().splitlines()[-1])))

    versions = ", ".join(f"{name} {place.version(python, name)}" for name in ("torch", "opencv-python-headless", "gensim"))
    s = "" if threads == 1 else "s"
    table = Table(f"article: the whole of article.mmf, {threads} thread{s}, beside Python ({versions}), imports included")
    table.pair("the whole, wall", [u.wall for u, _ in mine], [u.wall for u, _ in other], "s", goal=1.3)
    table.pair("the whole, CPU", [u.cpu for u, _ in mine], [u.cpu for u, _ in other], "s", goal=1.3)
    training = [seconds for _, (seconds, _) in mine]
    peers = [found["marks"]["training"]["wall"] for _, found in other]
    table.pair("training, wall", training, peers, "s")
    rest = [u.wall - t for (u, _), t in zip(mine, training)]
    table.pair("all but training, wall", rest, [u.wall - t for (u, _), t in zip(other, peers)], "s", goal=5)
    table.pair("unchanged, wall", [u.wall for u in again], [u.wall for u, _ in other], "s", goal=50)
    table.pair("peak memory", [u.peak for u, _ in mine], [u.peak for u, _ in other], "MiB", goal=3)
    for metric in ("accuracy", "recall", "f1"):
        table.pair(metric, [found[metric] for _, (_, found) in mine], [found[metric] for _, found in other], "")
    table.print()


def ours(home, threads):
    return once([place.MMF, "run", ARTICLE, "--threads", threads, "--store", home / "store", "--runs", home / "runs"])


def told(home):
    """Returns the seconds of training, and the metrics, of the newest run."""
    latest = home / "runs" / "latest"
    events = [json.loads(line) for line in (latest / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    training = sum(e["milliseconds"] / 1e3 for e in events if e["event"] == "finished" and e["node"] == "people")
    metrics = json.loads((latest / "metrics.json").read_text(encoding="utf-8"))
    return training, {m["metric"]: m["value"] for m in metrics}
