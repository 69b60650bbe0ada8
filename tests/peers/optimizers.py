"""What Python's torch makes of twenty steps of each optimiser, as the tests of ours compare it.

    python optimizers.py OUT      writes tests/trainer/recorded/optimizers.txt anew

One line a case: name, shape, then the weights in the order of the indices, with nine digits, which
is every bit of an fp32. Weights and gradients are sums of powers of two, so that both sides start from the same bits:
weight i is ((5 i) mod 11 - 5) / 8, the gradient of step t is ((7 i + 13 t) mod 17 - 8) / 16, and
step t, from 0, has the rate 0.05 / (1 + t).
"""

import sys

import torch

STEPS = 20
SHAPES = [(5,), (3, 4), (7, 13), (13, 7), (2, 3, 3, 3)]


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2; torch has none."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                direction = (beta1 * m + (1 - beta1) * p.grad).sign()
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(direction, alpha=-group["lr"])
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


CASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.1),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
    "sgd_nesterov": lambda p: torch.optim.SGD(
        p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1
    ),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    "lion": lambda p: Lion(p, lr=0.05, betas=(0.9, 0.99), weight_decay=0.1),
    "muon": lambda p: torch.optim.Muon(p, lr=0.05, weight_decay=0.1, adjust_lr_fn="original"),
    "muon_like_adamw": lambda p: torch.optim.Muon(
        p, lr=0.05, weight_decay=0.1, nesterov=False, adjust_lr_fn="match_rms_adamw"
    ),
}


def run(make, shape):
    index = torch.arange(torch.Size(shape).numel()).view(shape)
    weight = torch.nn.Parameter(((5 * index) % 11 - 5).float() / 8)
    optimizer = make([weight])
    for step in range(STEPS):
        weight.grad = ((7 * index + 13 * step) % 17 - 8).float() / 16
        optimizer.param_groups[0]["lr"] = 0.05 / (1 + step)
        optimizer.step()
    return weight.detach().flatten().tolist()


def main():
    torch.set_num_threads(1)
    with open(sys.argv[1], "w") as out:
        version = torch.__version__.split("+")[0]
        print(f"# torch {version}, tests/peers/optimizers.py", file=out)
        for name, make in CASES.items():
            for shape in SHAPES:
                if name.startswith("muon") and len(shape) != 2:
                    continue
                values = " ".join(f"{value:.9g}" for value in run(make, shape))
                print(name, "x".join(map(str, shape)), values, file=out)


main()
