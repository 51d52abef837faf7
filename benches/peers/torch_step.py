"""Steps of training in PyTorch, on demand: reads `NAME STEPS` a line, answers `wall-median wall-least cpu-mean` in milliseconds a step.

The same networks as src/tensor/examples/step.rs: an MLP 512→256→128→1 on 256 rows with Adam and the binary cross-entropy of logits,
and BPR on two tables of 10,000 × 64 with 1,024 triples. Argument: the number of threads.
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


STEPS = {"mlp": mlp(), "bpr-dense": bpr(False), "bpr-sparse": bpr(True)}

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
