"""BPR in Cornac, whose loop is Cython, on one thread. Arguments: a CSV file of user, film and part, the count of epochs; prints CPU and wall
seconds of `fit`, then recall@10, NDCG@10 and AUC of the test part, all films ranked without the user's training films.
"""

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
import numpy
import pandas
from cornac.data import Dataset
from cornac.models import BPR

ratings = pandas.read_csv(sys.argv[1])
users, films = (ratings[name].astype("category").cat.codes.to_numpy() for name in ("user", "film"))
train, test = (ratings["part"].to_numpy() == part for part in ("train", "test"))
shape = users.max() + 1, films.max() + 1
data = Dataset.build([(user, film, 1.0) for user, film in zip(users[train], films[train])], seed=1)
model = BPR(k=64, max_iter=int(sys.argv[2]), learning_rate=0.05, lambda_reg=0.01, num_threads=1, seed=1, verbose=False)
wall, cpu = time.perf_counter(), time.process_time()
model.fit(data)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu

scores = numpy.full(shape, -numpy.inf)
known = numpy.array([data.iid_map.get(film, -1) for film in range(shape[1])])
for user in range(shape[0]):
    if user in data.uid_map:
        own = model.score(data.uid_map[user])
        scores[user, known >= 0] = own[known[known >= 0]]
least = scores[numpy.isfinite(scores)].min() - 1
scores[~numpy.isfinite(scores)] = least
seen, wanted = numpy.zeros(shape, bool), numpy.zeros(shape, bool)
seen[users[train], films[train]] = True
wanted[users[test], films[test]] = True
recall, gain, area = [], [], []
for user in numpy.flatnonzero(wanted.any(1)):
    left = numpy.flatnonzero(~seen[user])
    order = left[numpy.argsort(-scores[user, left], kind="stable")]
    hits = wanted[user, order]
    count = hits.sum()
    recall.append(hits[:10].sum() / count)
    worth = 1 / numpy.log2(numpy.arange(2, 12))
    gain.append((hits[:10] * worth).sum() / worth[: min(count, 10)].sum())
    places = numpy.flatnonzero(hits)
    others = len(order) - count
    area.append(1 - (places - numpy.arange(count)).sum() / (count * others) if others else 1)
print(cpu, wall, numpy.mean(recall), numpy.mean(gain), numpy.mean(area))
