"""Steps of training in PyTorch, on demand: reads `NAME STEPS` a line, answers `wall-median wall-least cpu-mean` in milliseconds a step.

The same networks as src/tensor/examples/step.rs, which says what they are: an MLP, BPR on two tables, a CNN, an LSTM, a block of
self-attention and LightGCN, with Adam and the binary cross-entropy of logits. Argument: the number of threads.
"""

import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


def mlp():
    net = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 1))
    x, y = torch.randn(256, 512), (torch.rand(256, 1) > 0.5).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(net(x), y).backward()
        optimizer.step()

    return step


def bpr(sparse):
    users, items = (nn.Embedding(10_000, 64, sparse=sparse) for _ in range(2))
    for table in (users, items):
        nn.init.normal_(table.weight, std=0.1)
    weights = [users.weight, items.weight]
    optimizer = (torch.optim.SparseAdam if sparse else torch.optim.Adam)(weights, lr=1e-3)
    user, liked, other = (torch.randint(0, 10_000, (1024,)) for _ in range(3))

    def step():
        optimizer.zero_grad(set_to_none=True)
        rows = users(user)
        difference = (rows * items(liked)).sum(1) - (rows * items(other)).sum(1)
        (-F.logsigmoid(difference).mean()).backward()
        optimizer.step()

    return step


def stepper(net, x):
    y = (torch.rand(len(x), 1) > 0.5).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(net(x), y).backward()
        optimizer.step()

    return step


def cnn():
    def part(channels, outputs):
        return [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]

    net = nn.Sequential(*part(3, 16), *part(16, 32), nn.Flatten(), nn.Linear(32 * 16 * 16, 64), nn.ReLU(), nn.Linear(64, 1))
    return stepper(net, torch.randn(64, 3, 64, 64))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.lstm, self.dense = nn.Embedding(5_000, 64), nn.LSTM(64, 64, batch_first=True), nn.Linear(64, 1)

    def forward(self, tokens):
        return self.dense(self.lstm(self.table(tokens))[0][:, -1])


class Attention(nn.Module):
    """A causal block, each part behind a layer norm and beside what goes in."""

    def __init__(self, steps=50, n=64):
        super().__init__()
        self.places = nn.Parameter(torch.randn(steps, n) * 0.1)
        self.first, self.second = nn.LayerNorm(n), nn.LayerNorm(n)
        self.into, self.out = nn.Linear(n, 3 * n), nn.Linear(n, n)
        self.forward_part = nn.Sequential(nn.Linear(n, 4 * n), nn.ReLU(), nn.Linear(4 * n, n))
        self.dense = nn.Linear(n, 1)

    def forward(self, x):
        x = x + self.places
        q, k, v = (part.unflatten(2, (2, -1)).transpose(1, 2) for part in self.into(self.first(x)).chunk(3, 2))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.out(h)
        x = x + self.forward_part(self.second(x))
        return self.dense(x.mean(1))


def lightgcn(people=943, things=1_682, edges=100_000, n=64):
    """Dense Adam; every row learns in every step, as in mmf. The sparse matrix is in the form that is the faster here."""
    item = ((torch.rand(edges) * 2) ** 2 * 0.25 * things).long()
    pairs = torch.unique(torch.stack([torch.randint(0, people, (edges,)), item]), dim=1)
    index = torch.cat([torch.stack([pairs[0], people + pairs[1]]), torch.stack([people + pairs[1], pairs[0]])], 1)
    degree = torch.bincount(index[0], minlength=people + things).float()
    weight = (degree[index[0]] * degree[index[1]]) ** -0.5
    over = torch.sparse_coo_tensor(index, weight, (people + things,) * 2).coalesce()
    users, items = nn.Embedding(people, n), nn.Embedding(things, n)
    optimizer = torch.optim.Adam([users.weight, items.weight], lr=1e-3)
    some = torch.randperm(pairs.shape[1])[:2048]
    (user, liked), other = pairs[:, some], torch.randint(0, things, (2048,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        layers = [torch.cat([users.weight, items.weight])]
        for _ in range(3):
            layers.append(torch.sparse.mm(over, layers[-1]))
        mean = torch.stack(layers).mean(0)
        rows, ranked = mean[:people][user], mean[people:]
        (-F.logsigmoid((rows * ranked[liked]).sum(1) - (rows * ranked[other]).sum(1)).mean()).backward()
        optimizer.step()

    return step


STEPS = {
    "lightgcn": lightgcn(),
    "cnn": cnn(),
    "lstm": stepper(Recurrent(), torch.randint(0, 5_000, (64, 40))),
    "attention": stepper(Attention(), torch.randn(64, 50, 64)),
    "mlp": mlp(),
    "bpr-dense": bpr(False),
    "bpr-sparse": bpr(True),
}

print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    name, count = line.split()
    step = STEPS[name]
    for _ in range(3):
        step()
    walls, start = [], time.process_time()
    for _ in range(int(count)):
        begin = time.perf_counter()
        step()
        walls.append((time.perf_counter() - begin) * 1e3)
    cpu = (time.process_time() - start) * 1e3 / len(walls)
    walls.sort()
    print(walls[len(walls) // 2], walls[0], cpu, flush=True)
