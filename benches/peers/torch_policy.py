"""Steps of a task and of the policy that it rewards, in PyTorch, on demand: reads `policy STEPS` a line, answers `wall cpu` in
milliseconds, the mean of a step.

What a step of benches/pipelines/policy.mmf does: the task learns from 64 rows, whose two inputs of 64 numbers count as arms say that are
drawn from the policy (both, or one alone); 64 inner rows are scored with drawn arms and with both inputs, without a way back, and the
difference of their losses, over its usual size, rewards the policy: REINFORCE with a moving average, and an entropy bonus. One Adam for
all, `policy-fused` by its fused kernel. Argument: the number of threads.
"""

import sys
import time

import torch
import torch.nn as nn

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
WIDTH, ROWS, BATCH, INNER = 64, 4000, 64, 800
inputs = torch.randn(ROWS, 2 * WIDTH)
labels = torch.randn(ROWS)
MASKS = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]).repeat_interleave(WIDTH, 1)


class Work:
    def __init__(self, fused):
        self.policy = nn.Sequential(nn.Linear(2 * WIDTH, 32), nn.ReLU(), nn.Linear(32, 3))
        nn.init.zeros_(self.policy[2].weight), nn.init.zeros_(self.policy[2].bias)
        self.task = nn.Sequential(nn.Linear(2 * WIDTH, 64), nn.ReLU(), nn.Linear(64, 1))
        weights = [*self.policy.parameters(), *self.task.parameters()]
        self.adam = torch.optim.Adam(weights, lr=1e-3, fused=True if fused else None)
        self.size, self.baseline = 0.0, 0.0

    def drawn(self, x):
        return torch.multinomial(torch.softmax(self.policy(x), 1), 1)[:, 0]

    def step(self):
        rows = torch.randint(INNER, ROWS, (BATCH,))
        inner = torch.randint(0, INNER, (BATCH,))
        x, y = inputs[inner], labels[inner]
        with torch.no_grad():
            arms = self.drawn(x)
            both = (self.task(x)[:, 0] - y) ** 2
            gains = both - (self.task(x * MASKS[arms])[:, 0] - y) ** 2
            square = float((gains**2).mean())
            self.size = square if self.size == 0 else self.size + 0.02 * (square - self.size)
            gains = gains / max(self.size**0.5, 1e-12)
            mine = self.drawn(inputs[rows])
        self.adam.zero_grad(set_to_none=True)
        error = ((self.task(inputs[rows] * MASKS[mine])[:, 0] - labels[rows]) ** 2).mean()
        policy = torch.distributions.Categorical(logits=self.policy(x), validate_args=False)
        lesson = -((gains - self.baseline) * policy.log_prob(arms)).mean() - 0.01 * policy.entropy().mean()
        self.baseline += 0.02 * (float(gains.mean()) - self.baseline)
        (error + lesson).backward()
        self.adam.step()


works = {"policy": Work(False), "policy-fused": Work(True)}
for work in works.values():
    for _ in range(20):
        work.step()
print("torch", torch.__version__, flush=True)
for line in sys.stdin:
    name, steps = line.split()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(steps)):
        works[name].step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(1e3 * wall / int(steps), 1e3 * cpu / int(steps), flush=True)
