"""Steps of a game of two inputs in PyTorch, on demand: reads `NAME STEPS` a line, answers `wall cpu` in milliseconds, the mean of a step.

What `gan` of benches/pipelines/gan.mmf does in a step of the generators, critic's steps included: rows and what is hidden of them are
drawn; each input is made from the other (zeros where that is hidden or missing), whether it is there, and 32 random numbers; a
discriminator is given the input beside the same. `wasserstein`: five steps of the critics with the gradient penalty by a second
derivative; `non_saturating`: one step of the discriminators. The squared error of what is made counts tenfold. Networks of both inputs
learn by one Adam a side, `-fused` by its fused kernel. Argument: the number of threads.
"""

import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
WIDTHS, ROWS, LATENT, BATCH = (128, 100), 4000, 32, 64
values = [torch.randn(ROWS, width) for width in WIDTHS]
there = [(torch.rand(ROWS, 1) >= 0.1).float() for _ in WIDTHS]
values = [value * known for value, known in zip(values, there)]


class Game:
    def __init__(self, wasserstein, fused):
        self.wasserstein = wasserstein
        self.makers, self.judges = nn.ModuleList(), nn.ModuleList()
        for of, width in enumerate(WIDTHS):
            told = WIDTHS[1 - of] + 1
            linear = nn.Linear
            self.makers.append(nn.Sequential(linear(told + LATENT, 128), nn.ReLU(), linear(128, 128), nn.ReLU(), linear(128, width)))
            self.judges.append(nn.Sequential(linear(width + told, 64), nn.ReLU(), linear(64, 1)))
        self.of_makers, self.of_judges = list(self.makers.parameters()), list(self.judges.parameters())
        adam = [torch.optim.Adam(weights, lr=1e-3, fused=True if fused else None) for weights in (self.of_makers, self.of_judges)]
        self.make_step, self.judge_step = adam

    def batch(self):
        """Of each input: what is told of the other, random numbers, the real, and how much each row counts."""
        rows = torch.randint(0, ROWS, (BATCH,))
        sides = []
        for of in range(2):
            seen = there[1 - of][rows] * (torch.rand(BATCH, 1) >= 0.2)
            told = torch.cat([values[1 - of][rows] * seen, seen], 1)
            known = there[of][rows]
            sides.append((told, torch.randn(BATCH, LATENT), values[of][rows], known * (BATCH / known.sum().clamp(min=1))))
        return sides

    def made(self, of, told, noise):
        return self.makers[of](torch.cat([told, noise], 1))

    def judged(self, of, x, told):
        return self.judges[of](torch.cat([x, told], 1))

    def judge(self):
        sides = self.batch()
        with torch.no_grad():
            made = [self.made(of, told, noise) for of, (told, noise, _, _) in enumerate(sides)]
        loss = 0
        for of, (told, _, real, counts) in enumerate(sides):
            on_made, on_real = self.judged(of, made[of], told), self.judged(of, real, told)
            if self.wasserstein:
                share = torch.rand(BATCH, 1)
                between = (share * real + (1 - share) * made[of]).requires_grad_()
                (slope,) = torch.autograd.grad(self.judged(of, between, told).sum(), between, create_graph=True)
                penalty = (counts * (slope.norm(dim=1, keepdim=True) - 1) ** 2).mean()
                loss = loss + on_made.mean() - (counts * on_real).mean() + 10 * penalty
            else:
                loss = loss + F.softplus(on_made).mean() + (counts * F.softplus(-on_real)).mean()
        self.judge_step.zero_grad(set_to_none=True)
        loss.backward(inputs=self.of_judges)
        self.judge_step.step()

    def play(self):
        loss = 0
        for of, (told, noise, real, counts) in enumerate(self.batch()):
            made = self.made(of, told, noise)
            value = self.judged(of, made, told)
            loss = loss + (-value if self.wasserstein else F.softplus(-value)).mean() + 10 * (counts * (made - real) ** 2).mean()
        self.make_step.zero_grad(set_to_none=True)
        loss.backward(inputs=self.of_makers)
        self.make_step.step()

    def step(self):
        for _ in range(5 if self.wasserstein else 1):
            self.judge()
        self.play()


GAMES = {name + "-fused" * fused: Game(name == "wasserstein", fused) for name in ("wasserstein", "non_saturating") for fused in (False, True)}

print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    name, count = line.split()
    step = GAMES[name].step
    for _ in range(10):
        step()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(count)):
        step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(wall * 1e3 / int(count), cpu * 1e3 / int(count), flush=True)
