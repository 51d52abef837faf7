"""VBPR in Cornac, which trains it by PyTorch. Arguments: a CSV file of user, film and part; an array of features; a file with the film of
each row of it; the count of epochs; the count of threads. Prints CPU and wall seconds that the epochs add to `fit`, then recall@10,
NDCG@10 and AUC of the test part, all films ranked without the user's training films.
"""

import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = sys.argv[5]
import numpy
import pandas
import torch
from cornac.data import Dataset, ImageModality
from cornac.models import VBPR
from ranked import quality, scored

torch.set_num_threads(int(sys.argv[5]))
ratings = pandas.read_csv(sys.argv[1])
users = ratings["user"].astype("category").cat.codes.to_numpy()
names = ratings["film"].astype("category")
films = names.cat.codes.to_numpy()
place = {int(film): row for row, film in enumerate(open(sys.argv[3]).read().split())}
looks = numpy.load(sys.argv[2])
train, test = (ratings["part"].to_numpy() == part for part in ("train", "test"))
data = Dataset.build([(user, film, 1.0) for user, film in zip(users[train], films[train])], seed=1)
# Films in the order in which Cornac numbers them.
order = [place[names.cat.categories[film]] for film in data.iid_map]
pictures = ImageModality(features=looks[order], ids=list(data.iid_map))
pictures.build(id_map=data.iid_map)
data.add_modalities(item_image=pictures)


def fit(epochs):
    model = VBPR(k=32, k2=32, n_epochs=epochs, batch_size=100, learning_rate=0.005, lambda_w=0.01, lambda_b=0.01, lambda_e=0.0, seed=1, verbose=False)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(data)
    return model, time.perf_counter() - wall, time.process_time() - cpu


_, no_wall, no_cpu = fit(0)
model, wall, cpu = fit(int(sys.argv[4]))
found = quality(scored(model, data, (users.max() + 1, films.max() + 1)), users, films, train, test)
print("found", cpu - no_cpu, wall - no_wall, *found)
