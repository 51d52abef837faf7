"""BPR on MovieLens 100k by the protocol of Cornac's README, beside Cornac's own and the figures that are published there."""

import json
import statistics
from pathlib import Path

import place
from measure import once

# The first is that of the README.
SEEDS = (123, 1, 2, 3, 4)
RATINGS = place.FILMS_DATA / "ratings.tsv"
PIPELINE = place.ROOT / "benches" / "pipelines" / "cornac.mmf"
PEER = place.PEERS / "cornac_protocol.py"
PUBLISHED = {"auc": 0.8695, "map": 0.1042, "ndcg@10": 0.1500, "precision@10": 0.1110, "recall@10": 0.1195}
NEAR = 0.03


def run():
    if not RATINGS.exists():
        print(f"\ncornac: left out, {RATINGS} is not there (see pipelines/films.mmf)")
        return
    python = place.python("cornac")
    found, reported, seconds = {}, [], []
    with place.scratch() as folder:
        home = Path(folder)
        once([python, PEER, "split", RATINGS, home / "ratings.csv"])
        (home / "cornac.mmf").write_text(PIPELINE.read_text())
        judged = []
        for seed in SEEDS:
            runs = home / f"runs-{seed}"
            command = [place.MMF, "run", home / "cornac.mmf", "--seed", seed, "--threads", "1", "--store", home / "store", "--runs", runs]
            seconds.append(once(command).wall)
            lines = json.loads((runs / "latest" / "metrics.json").read_text(encoding="utf-8"))
            reported.append({(line["train"], line["metric"]): line["value"] for line in lines})
            judged.append(f"all_taste={runs / 'latest' / 'rankings.csv'}")
        judged.append(judged[0].replace("all_taste=", "all_popular="))
        output = once([python, PEER, "judge", RATINGS, ",".join(map(str, SEEDS)), *judged]).output
    for line in output.splitlines():
        if line.startswith("found "):
            _, name, _, *values = line.split()
            found.setdefault(name, []).append([float(value) for value in values])
    check(found["all_taste"], reported)

    mine, other, popular = found["all_taste"], found["cornac"], found["all_popular"][0]
    print(f"\n## cornac: ml-100k, BPR, the protocol of Cornac's README, mean of {len(SEEDS)} seeds (least–most), beside Cornac {place.version(python, 'cornac')}\n")
    print("as Cornac judges: a user's training films rated below 4 stay in the ranking\n")
    print("| metric | popularity | mmf | Cornac | ratio | Cornac, seed 123 | published | ratio | goal |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for at, (metric, published) in enumerate(PUBLISHED.items()):
        ours, theirs = ([line[at] for line in lines] for lines in (mine, other))
        mean = statistics.mean(ours)
        verdict = f"within {NEAR:.0%}: {'yes' if abs(mean / published - 1) <= NEAR else 'NO'}"
        cells = (spread(ours), spread(theirs), f"{mean / statistics.mean(theirs):.3f}", f"{theirs[0]:.4f}", f"{published:.4f}", f"{mean / published:.3f}")
        print(f"| {metric} | {popular[at]:.4f} | {' | '.join(cells)} | {verdict} |", flush=True)

    print("\nas mmf ranks: all of a user's training films left out; mmf's figures are its own metrics\n")
    print("| metric | popularity | mmf | Cornac | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for at, metric in enumerate(PUBLISHED):
        if ("taste", metric) in reported[0]:
            ours, theirs = [values["taste", metric] for values in reported], [line[len(PUBLISHED) + at] for line in other]
            ratio = statistics.mean(ours) / statistics.mean(theirs)
            print(f"| {metric} | {reported[0]['popular', metric]:.4f} | {spread(ours)} | {spread(theirs)} | {ratio:.3f} |", flush=True)
    print(f"\na run of mmf: {statistics.median(seconds):.0f} s, one thread, with the whole rankings to write")


def spread(values):
    return f"{statistics.mean(values):.4f} ({min(values):.4f}–{max(values):.4f})"


def check(judged, reported):
    """What Cornac's metrics say of mmf's scores, with all training films left out, is what mmf reports. Few scores are equal."""
    for line, values in zip(judged, reported):
        for theirs, metric in zip(line[len(PUBLISHED) :], PUBLISHED):
            own = values.get(("taste", metric), theirs)
            if abs(own - theirs) > 1e-4:
                raise SystemExit(f"{metric} is {theirs} by Cornac's metrics, {own} in metrics.json")
