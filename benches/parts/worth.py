"""What posters and plots are worth to a recommender of films, over all films and over those with the fewest training ratings.

`pipelines/worth.mmf` runs over several seeds; what it ranks is read from its rankings.csv. Nothing is trained anew for the few films: they
are ranked by the same scores, among all films, and among themselves alone.
"""

import csv
import json
import math
import random
import statistics
from bisect import bisect_right
from itertools import groupby
from pathlib import Path

import place
from measure import once

SEEDS = (1, 2, 3)
K = 20
SHARE = 0.1
DRAWS = 2000
PIPELINE = place.ROOT / "benches" / "pipelines" / "worth.mmf"
NAMES = {
    "fused": "looks and words, fused",
    "by_look": "looks",
    "by_words": "words",
    "ids": "ids alone",
    "near": "item_knn",
    "popular": "popularity",
}
SINGLE = ("by_look", "by_words")
METRICS = ("ndcg", "recall")


def run():
    if not (place.FILMS_DATA / "items.csv").exists():
        print(f"\nworth: left out, {place.FILMS_DATA}/items.csv is not there (see pipelines/worth.mmf)")
        return
    worths, reported, seconds = [], [], []
    with place.scratch() as folder:
        for seed in SEEDS:
            runs = Path(folder) / f"runs-{seed}"
            used = once([place.MMF, "run", PIPELINE, "--seed", seed, "--store", Path(folder) / "store", "--runs", runs])
            seconds.append(used.wall)
            rankings = runs / "latest" / "rankings.csv"
            counts = ratings(rankings)
            few = fewest(counts)
            worths.append(worth(rankings, few))
            found = json.loads((runs / "latest" / "metrics.json").read_text(encoding="utf-8"))
            reported.append({(line["train"], line["metric"]): line["value"] for line in found})
    check(worths, reported)

    print(f"\n## worth: ml-100k with posters and plots, {len(counts):,} films, mean of {len(SEEDS)} seeds; 95 % over users\n")
    wheres = {
        "all": "all films",
        "few": f"{len(few)} films of at most {max(counts[film] for film in few):g} training ratings, ranked among all",
        "own": "the same, ranked among themselves",
    }
    for where, what in wheres.items():
        means = {name: mean_by_user([of_seed[name][where] for of_seed in worths]) for name in NAMES}
        users = sorted(means["fused"])
        chance_ = f"; recall@{K} by chance is near {K / len(few):.3f}, a little above without the films that a user has met" if where == "own" else ""
        print(f"{what}; {len(users)} users{chance_}\n")
        print("| model | NDCG@20 | 95 % | seeds | recall@20 | 95 % | seeds |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, label in NAMES.items():
            cells = []
            for place_ in range(len(METRICS)):
                values = [means[name][user][place_] for user in users]
                seeds = [statistics.mean(value[place_] for value in of_seed[name][where].values()) for of_seed in worths]
                low, high = interval(values)
                cells.append(f"{statistics.mean(values):.4f} | {low:.4f}–{high:.4f} | {min(seeds):.4f}–{max(seeds):.4f}")
            print(f"| {label} | {' | '.join(cells)} |", flush=True)
        best = max(SINGLE, key=lambda name: statistics.mean(value[0] for value in means[name].values()))
        for other in dict.fromkeys((best, "ids", "near", "popular")):
            said = []
            for place_, metric in enumerate(METRICS):
                gaps = [means["fused"][user][place_] - means[other][user][place_] for user in users]
                low, high = interval(gaps)
                verdict = "above" if low > 0 else "below" if high < 0 else "no difference is seen"
                said.append(f"{metric}@{K} {statistics.mean(gaps):+.4f} ({low:+.4f} … {high:+.4f}): {verdict}")
            print(f"\nfused − {NAMES[other]}{' (the best single)' if other == best else ''}, the same users: {'; '.join(said)}")
        print()
    print(f"a run: {statistics.median(seconds):.0f} s ({', '.join(f'{s:.0f}' for s in seconds)}), the first with all features to extract")


def ranked(path, only=None):
    """Yields train, user, and that user's films with their scores and whether they are held out, the best first: the whole ranking."""
    with path.open(encoding="utf-8", newline="") as file:
        for (train, user), lines in groupby(csv.reader(file), key=lambda line: (line[0], line[1])):
            if train in NAMES and only in (None, train):
                yield train, user, [(line[3], float(line[4]), line[5] == "true") for line in lines]


def ratings(path):
    """Returns the count of training ratings of each film, which is the score of popularity."""
    return {film: score for _, _, films in ranked(path, "popular") for film, score, _ in films}


def fewest(counts):
    """Returns the tenth of the films with the fewest training ratings; at equal ratings the first by name."""
    return set(sorted(counts, key=lambda film: (counts[film], film))[: math.ceil(SHARE * len(counts))])


def worth(path, few):
    """Returns by train, then over which films, then user, NDCG and recall at 20: of all films; of the few as they stand among all; of the
    few among themselves."""
    found = {name: {"all": {}, "few": {}, "own": {}} for name in NAMES}
    for train, user, films in ranked(path):
        rare = [line for line in films if line[0] in few]
        found[train]["all"][user] = measures(films, {film for film, _, held in films if held})
        wanted = {film for film, _, held in rare if held}
        if wanted:
            found[train]["few"][user] = measures(films, wanted)
            found[train]["own"][user] = measures(rare, wanted)
    return found


def measures(films, wanted):
    """An item's rank is the count of those that score no less: equal scores rank worst, as in mmf. Films come the best first."""
    falling = [-score for _, score, _ in films]
    ranks = [bisect_right(falling, -score) for film, score, _ in films if film in wanted]
    gains = [1 / math.log2(rank + 1) for rank in ranks if rank <= K]
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(K, len(wanted)) + 1))
    return sum(gains) / best, len(gains) / len(wanted)


def mean_by_user(seeds):
    return {user: tuple(statistics.mean(of_seed[user][place_] for of_seed in seeds) for place_ in range(len(METRICS))) for user in seeds[0]}


def interval(values):
    """95 % of the means of users drawn again and again."""
    chance = random.Random(1)
    means = sorted(statistics.fmean(chance.choices(values, k=len(values))) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]


def check(worths, reported):
    """What is computed here over all films is what mmf reports."""
    for worth_, report in zip(worths, reported):
        for name in NAMES:
            for place_, metric in enumerate(METRICS):
                own, theirs = statistics.mean(value[place_] for value in worth_[name]["all"].values()), report[name, f"{metric}@{K}"]
                if abs(own - theirs) > 1e-6:
                    raise SystemExit(f"{name}: {metric}@{K} is {own} here, {theirs} in metrics.json")
