"""MovieLens 100k by the protocol of Cornac's README, split and judged by Cornac itself.

`split RATINGS OUT` writes the ratings with the part that each belongs to, without the test ratings that are not relevant, and the chance
that a film drawn for the user is none of the training's.

`judge RATINGS SEEDS` trains Cornac's BPR with each seed, and prints a line each: what it is, the seed, then AUC, MAP, NDCG@10, precision@10
and recall@10 twice: as Cornac judges, and with all training films of a user left out, as mmf ranks. `judge RATINGS SEEDS NAME=FILE…` first
does the same with the scores of the train of that name in such a rankings.csv.
"""

import csv
import os
import sys
from collections import Counter
from types import SimpleNamespace

os.environ["OMP_NUM_THREADS"] = "1"
import numpy
from cornac.eval_methods import RatioSplit
from cornac.eval_methods.base_method import ranking_eval
from cornac.metrics import AUC, MAP, NDCG, Precision, Recall
from cornac.models import BPR

RELEVANT = 4.0
METRICS = [AUC(), MAP(), NDCG(k=10), Precision(k=10), Recall(k=10)]


def main():
    what, ratings, *others = sys.argv[1:]
    with open(ratings, encoding="utf-8", newline="") as file:
        rows = [(line["user_id"], line["item_id"], float(line["rating"])) for line in csv.DictReader(file, delimiter="\t")]
    cut = RatioSplit(data=rows, test_size=0.2, rating_threshold=RELEVANT, seed=123)
    if what == "split":
        split(cut, others[0])
        return
    for named in others[1:]:
        name, path = named.split("=", 1)
        report(name, "-", Scores(cut.train_set, name, path), cut)
    for seed in others[0].split(","):
        model = BPR(k=10, max_iter=200, learning_rate=0.001, lambda_reg=0.01, seed=int(seed))
        report("cornac", seed, model.fit(cut.train_set), cut)


def split(cut, path):
    """Unknown users and films are not in Cornac's test part: it leaves them out by itself."""
    known, films = Counter(cut.train_set.uir_tuple[0]), cut.train_set.num_items
    with open(path, "w", encoding="utf-8") as file:
        file.write("user,film,part,free\n")
        for part, rows in (("train", cut.train_set), ("test", cut.test_set)):
            users, items = list(rows.user_ids), list(rows.item_ids)
            for user, item, rating in zip(*rows.uir_tuple):
                if part == "train" or rating >= RELEVANT:
                    file.write(f"{users[user]},{items[item]},{part},{1 - known[user] / films:.6f}\n")


class Scores:
    """A model of which Cornac's evaluation is told the scores."""

    def __init__(self, train, name, path):
        self.scores = numpy.full((train.num_users, train.num_items), numpy.nan)
        with open(path, encoding="utf-8", newline="") as file:
            for line in csv.reader(file):
                if line[0] == name:
                    self.scores[train.uid_map[line[1]], train.iid_map[line[3]]] = float(line[4])

    def rank(self, user_idx, item_indices, k):
        own = self.scores[user_idx][item_indices]
        if numpy.isnan(own).any():
            sys.exit("rankings.csv has not all films of a user")
        return item_indices[numpy.argsort(-own, kind="stable")], own


def report(name, seed, model, cut):
    values = ranking_eval(model, METRICS, cut.train_set, cut.test_set, rating_threshold=RELEVANT)[0]
    # Ratings that are all relevant are all left out.
    every = cut.train_set.csr_matrix.copy()
    every.data[:] = RELEVANT
    train = SimpleNamespace(csr_matrix=every, num_items=cut.train_set.num_items)
    values += ranking_eval(model, METRICS, train, cut.test_set, rating_threshold=RELEVANT)[0]
    print("found", name, seed, *values)


if __name__ == "__main__":
    main()
