"""BPR on MovieLens 100k: the figures of RecBole's protocol over five splits, and plain steps beside Cornac's."""

import json
import random
import statistics
from pathlib import Path

import place
from measure import Table, once

SEEDS = (1, 2, 3, 4, 5)
TURNS = 3
EPOCHS = 100
RATINGS = place.FILMS_DATA / "ratings.tsv"
PROTOCOL = place.ROOT / "benches" / "pipelines" / "ml-100k.mmf"
PLAIN = place.ROOT / "benches" / "pipelines" / "ml-100k-sgd.mmf"
# RecBole's documents: general.rst, and what another page says of the same model, data and split.
PUBLISHED = {"recall@10": (0.2523, 0.2368), "mrr@10": (0.4855, None), "ndcg@10": (0.2920, 0.2768), "hit_rate@10": (0.7953, None), "precision@10": (0.1962, None)}
NEAR = 0.97


def run():
    if not RATINGS.exists():
        print(f"\nrecommend: left out, {RATINGS} is not there (see pipelines/films.mmf)")
        return
    with place.scratch() as folder:
        protocol(Path(folder))
        beside_cornac(Path(folder))


def protocol(home):
    seeds = [once(command(PROTOCOL, home / f"seed-{seed}", f"seed={seed}")) and metrics(home / f"seed-{seed}") for seed in SEEDS]
    print(f"\n## recommend: ml-100k, BPR, RecBole's protocol, mean of {len(SEEDS)} split seeds\n")
    print("| metric | popularity | BPR | least–most | general.rst | share | other page | share |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for metric, published in PUBLISHED.items():
        popular, found = ([values[train, metric] for values in seeds] for train in ("popular", "taste"))
        mean = statistics.mean(found)
        shares = " | ".join(f"{value:.4f} | {mean / value:.1%}: {'yes' if mean / value >= NEAR else 'NO'}" if value else " | " for value in published)
        print(f"| {metric} | {statistics.mean(popular):.4f} | {mean:.4f} | {min(found):.4f}–{max(found):.4f} | {shares} |", flush=True)


def beside_cornac(home):
    python = place.python("cornac", "pandas")
    chance = random.Random(1)
    rows = [line.split("\t")[:2] for line in RATINGS.read_text().splitlines()[1:]]
    lines = [f"{user},{film},{'test' if chance.random() < 0.2 else 'train'}\n" for user, film in rows]
    (home / "ratings.csv").write_text("user,film,part\n" + "".join(lines))
    text = PLAIN.read_text()
    (home / "sgd.mmf").write_text(text)
    (home / "adam.mmf").write_text(text.replace("sgd(lr = 12.8)", "adam(lr = 1e-3)").replace("batch     = 256", "batch     = 1024"))

    found = {name: [] for name in ("sgd", "adam")}
    other = []
    for turn in range(TURNS):
        for name, epochs in (("sgd", EPOCHS), ("adam", EPOCHS // 2)):
            none, all_ = ((home / f"{name}-{turn}-{count}", count) for count in (0, epochs))
            before, after = (once(command(home / f"{name}.mmf", where, f"epochs={count}")) for where, count in (none, all_))
            found[name].append((after.cpu - before.cpu, after.wall - before.wall, metrics(all_[0])))
        output = once([python, place.PEERS / "cornac_bpr.py", home / "ratings.csv", EPOCHS]).output
        other.append([float(number) for number in output.split()])

    version = place.version(python, "cornac")
    table = Table(f"recommend: ml-100k, BPR, 64 factors, {EPOCHS} epochs, beside Cornac {version}; one thread, what the epochs add to mmf's process")
    for name, what, goal in (("sgd", "plain steps, batches of 256", 1), ("adam", f"Adam, batches of 1,024, {EPOCHS // 2} epochs", None)):
        table.pair(f"{what}, CPU", [cpu for cpu, _, _ in found[name]], [cpu for cpu, *_ in other], "s", goal=goal)
        table.pair("  wall", [wall for _, wall, _ in found[name]], [wall for _, wall, *_ in other], "s")
        for place_, metric in ((2, "recall@10"), (3, "ndcg@10")):
            values = [values["taste", metric] for *_, values in found[name]]
            table.lines.append((f"  {metric}", f"{statistics.median(values):.4f}", f"{statistics.median([line[place_] for line in other]):.4f}", "", ""))
    table.print()


def command(file, home, param):
    return [place.MMF, "run", file, "-p", param, "--threads", "1", "--store", home / "store", "--runs", home / "runs"]


def metrics(home):
    found = json.loads((home / "runs" / "latest" / "metrics.json").read_text(encoding="utf-8"))
    return {(line["train"], line["metric"]): line["value"] for line in found}
