"""LightGCN in PyTorch, epoch by epoch. Arguments: the training and the test pairs (user, item a line), the count of epochs, the count of
threads. Prints `epoch number loss wall cpu` for each, then recall@20 and NDCG@20 of the test pairs, all items ranked without the user's
training items.

As LightGCN-PyTorch: 3 layers, 64 wide, deviation 0.1, batches of 2,048, dense Adam with 1e-3, decay 1e-4 on the rows that a pair reads
before they are spread. As mmf: an epoch is all training pairs once, in an order by chance, with one negative each that the user has not.
"""

import sys
import time
import warnings

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

warnings.filterwarnings("ignore", message="Sparse")
threads = int(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(2020)
train, test = (torch.from_numpy(numpy.loadtxt(path, dtype=numpy.int64, skiprows=1)) for path in sys.argv[1:3])
people, things = (int(max(train[:, side].max(), test[:, side].max())) + 1 for side in (0, 1))
index = torch.cat([torch.stack([train[:, 0], people + train[:, 1]]), torch.stack([people + train[:, 1], train[:, 0]])], 1)
degree = torch.bincount(index[0], minlength=people + things).float()
weight = (degree[index[0]] * degree[index[1]]) ** -0.5
# In the form that is the faster here.
over = torch.sparse_coo_tensor(index, weight, (people + things,) * 2).coalesce().to_sparse_csr()
users, items = nn.Embedding(people, 64), nn.Embedding(things, 64)
for table in (users, items):
    nn.init.normal_(table.weight, std=0.1)
optimizer = torch.optim.Adam([users.weight, items.weight], lr=1e-3)
known = torch.sort(train[:, 0] * things + train[:, 1]).values


def spread():
    layers = [torch.cat([users.weight, items.weight])]
    for _ in range(3):
        layers.append(torch.sparse.mm(over, layers[-1]))
    return torch.stack(layers).mean(0).split([people, things])


def negatives(user):
    """Items that the user has not, evenly."""
    found = torch.randint(0, things, user.shape)
    while True:
        pair = user * things + found
        place = torch.searchsorted(known, pair).clamp(max=len(known) - 1)
        (again,) = torch.nonzero(known[place] == pair, as_tuple=True)
        if not len(again):
            return found
        found[again] = torch.randint(0, things, again.shape)


def epoch():
    total = 0.0
    order = torch.randperm(len(train))
    others = negatives(train[order, 0])
    for start in range(0, len(order), 2048):
        rows = order[start : start + 2048]
        user, liked, other = train[rows, 0], train[rows, 1], others[start : start + 2048]
        of_users, of_items = spread()
        row = of_users[user]
        loss = -F.logsigmoid((row * of_items[liked]).sum(1) - (row * of_items[other]).sum(1)).mean()
        own = users(user), items(liked), items(other)
        # A pair's user is read twice: with what was met, and with what was not.
        decay = sum(times * part.square().sum() for times, part in zip((2, 1, 1), own)) / len(rows)
        loss = loss + 0.5e-4 * decay
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(order)


for number in range(1, int(sys.argv[3]) + 1):
    wall, cpu = time.perf_counter(), time.process_time()
    loss = epoch()
    print("epoch", number, loss, time.perf_counter() - wall, time.process_time() - cpu, flush=True)

with torch.no_grad():
    of_users, of_items = spread()
    seen, wanted = (pairs[torch.argsort(pairs[:, 0], stable=True)] for pairs in (train, test))
    worth = 1 / torch.log2(torch.arange(2, 22).float())
    recall, gain = [], []
    for first in range(0, people, 512):
        scores = of_users[first : first + 512] @ of_items.T
        last = first + len(scores)
        own, hits = (pairs[(pairs[:, 0] >= first) & (pairs[:, 0] < last)] - torch.tensor([first, 0]) for pairs in (seen, wanted))
        scores[own[:, 0], own[:, 1]] = -torch.inf
        truth = torch.zeros(scores.shape, dtype=torch.bool)
        truth[hits[:, 0], hits[:, 1]] = True
        right = truth.gather(1, scores.topk(20).indices).float()
        count = truth.sum(1)
        there = count > 0
        best = worth.cumsum(0)[(count[there].clamp(max=20) - 1)]
        recall.append(right[there].sum(1) / count[there])
        gain.append((right[there] @ worth) / best)
    print("found", float(torch.cat(recall).mean()), float(torch.cat(gain).mean()))
