"""BPR in Cornac, whose loop is Cython, on one thread. Arguments: a CSV file of user, film and part, the count of epochs; prints CPU and wall
seconds of `fit`, then recall@10, NDCG@10 and AUC of the test part, all films ranked without the user's training films.
"""

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
import pandas
from cornac.data import Dataset
from cornac.models import BPR
from ranked import quality, scored

ratings = pandas.read_csv(sys.argv[1])
users, films = (ratings[name].astype("category").cat.codes.to_numpy() for name in ("user", "film"))
train, test = (ratings["part"].to_numpy() == part for part in ("train", "test"))
shape = users.max() + 1, films.max() + 1
data = Dataset.build([(user, film, 1.0) for user, film in zip(users[train], films[train])], seed=1)
model = BPR(k=64, max_iter=int(sys.argv[2]), learning_rate=0.05, lambda_reg=0.01, num_threads=1, seed=1, verbose=False)
wall, cpu = time.perf_counter(), time.process_time()
model.fit(data)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(cpu, wall, *quality(scored(model, data, shape), users, films, train, test))
