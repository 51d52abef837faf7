"""How often the digits and the emoji are told right, beside scikit-learn on the same features and the same test rows."""

import csv
import json
import statistics
from pathlib import Path

import place
from measure import once

SEEDS = (7, 8, 9)
DATA = place.ROOT / "pipelines" / "data"


def run():
    python = place.python("scikit-learn", "opencv-python-headless", "pandas", "jieba")
    version = place.version(python, "scikit-learn")
    print(f"\n## accuracy: mean of {len(SEEDS)} seeds, beside scikit-learn {version}; digits are split anew by each seed, emoji are split by their column\n")
    print("| what | mmf | logistic regression | MLPClassifier | mmf less the better |")
    print("| --- | --- | --- | --- | --- |")
    with place.scratch() as folder:
        for which, file in (("digits", "digits"), ("emoji", "quickstart")):
            found = [one(python, Path(folder) / f"{which}-{seed}", which, file, seed) for seed in SEEDS]
            for name in found[0][1]:
                ours = statistics.mean(mine["quality" if which == "digits" else name] for mine, _ in found)
                logistic, mlp = (statistics.mean(other[name][model] for _, other in found) for model in ("logistic", "mlp"))
                print(f"| {which}, {name} | {ours:.4f} | {logistic:.4f} | {mlp:.4f} | {ours - max(logistic, mlp):+.4f} |", flush=True)


def one(python, home, which, file, seed):
    """Returns accuracies: mmf's by the metric's name, the peers' by the features' name."""
    home.mkdir()
    pipeline = place.ROOT / "pipelines" / f"{file}.mmf"
    once([place.MMF, "run", pipeline, "-p", f"seed={seed}", "--store", home / "store", "--runs", home / "runs"])
    latest = home / "runs" / "latest"
    metrics = json.loads((latest / "metrics.json").read_text(encoding="utf-8"))
    ours = {line["name"]: line["value"] for line in metrics if line["metric"] == "accuracy"}
    with open(latest / "predictions.csv", newline="", encoding="utf-8") as rows:
        keys = {row["key"] for row in csv.DictReader(rows) if row["part"] == "test"}
    (home / "test.txt").write_text("\n".join(sorted(keys)))
    output = once([python, place.PEERS / "accuracy.py", which, DATA / which, home / "test.txt", seed]).output
    return ours, json.loads(output.strip().splitlines()[-1])
