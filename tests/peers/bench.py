"""What Python's torch does of the work that `fusor-bench trainer` measures. Prints one number.

    bench.py train OPTIONS BATCH PRECISION FORMAT STEPS [compile]   images a second
    bench.py fusion BATCH STEPS FORMAT                              images a second, bf16
    bench.py optimizer ROUNDS                                       milliseconds a pass
    bench.py augment plain|rand SECONDS                             images a second, this process alone

OPTIONS is model=NAME,depth=N,... as for fusor-train; FORMAT contiguous or channels_last. Loading and
augmentation belong to training: torchvision on Pillow images, a DataLoader with two workers.
"""

import sys
import time

import networks
import numpy
import torch
import torchvision.transforms as T
from fusions import make_fusion
from PIL import Image
from torch import nn
from torch.nn import functional as F

# The networks draw masks by key to be compared; for speed they have the framework's dropout.
networks.KeyedDropout = nn.Dropout
CLASSES = 10
WARM_UP = 2


def transform(kind):
    steps = [T.RandomCrop(32, padding=4, padding_mode="reflect"), T.RandomHorizontalFlip()]
    if kind == "rand":
        steps.append(T.RandAugment(2, 9))
    return T.Compose(steps + [T.ToTensor(), T.Normalize((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))])


class Images(torch.utils.data.Dataset):
    def __init__(self, count, kind="plain"):
        draws = numpy.random.default_rng(0)
        self.pixels = draws.integers(0, 256, (count, 32, 32, 3), dtype=numpy.uint8)
        self.labels = draws.integers(0, CLASSES, count)
        self.transform = transform(kind)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.pixels[index])), int(self.labels[index])


def batches(batch, steps):
    images = Images(batch * (steps + WARM_UP))
    return torch.utils.data.DataLoader(images, batch, shuffle=True, num_workers=2, drop_last=True)


def read_options(text):
    options = {}
    for part in text.split(","):
        key, value = part.split("=")
        options[key] = value if key == "model" else float(value) if key == "dropout" else int(value)
    return options


def format_of(name):
    return {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[name]


def timed(step, batch, steps, layout):
    """Images a second of `steps` steps behind the warm-up, waiting for data included."""
    begun = None
    for index, (images, labels) in enumerate(batches(batch, steps)):
        if index == WARM_UP:
            begun = time.perf_counter()
        step(images.contiguous(memory_format=layout), labels)
    return batch * steps / (time.perf_counter() - begun)


def train(options, batch, precision, layout, steps, compiled):
    model = networks.make_network(classes=CLASSES, **read_options(options)).to(memory_format=format_of(layout)).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
    forward = torch.compile(model) if compiled else model

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = forward(images)[1]
        F.cross_entropy(logits.float(), labels, label_smoothing=0.1).backward()
        optimizer.step()

    return timed(step, batch, steps, format_of(layout))


def fusion(batch, steps, layout):
    experts = nn.ModuleList(networks.make_network("resnet", classes=CLASSES) for _ in range(4))
    experts = experts.to(memory_format=format_of(layout)).train()
    module, head = make_fusion("concatenation", 512).train(), nn.Linear(512, CLASSES)
    parameters = [*experts.parameters(), *module.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-4, fused=True)

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = [expert(images) for expert in experts]
            logits = head(module([features for features, _ in outputs]))
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=0.1)
        for _, own in outputs:
            loss = loss + F.cross_entropy(own.float(), labels, label_smoothing=0.1)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return timed(step, batch, steps, format_of(layout))


def optimizer_pass(rounds):
    """Unscale, global norm, clip, AdamW and a bf16 copy over the weights of a WRN-28-10."""
    parameters = list(networks.make_network("improved_wide_resnet").parameters())
    copies = [torch.empty_like(p, dtype=torch.bfloat16) for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, fused=True)
    times = []
    for _ in range(rounds + WARM_UP):
        for p in parameters:
            p.grad = torch.full_like(p, 1e-3)
        begun = time.perf_counter()
        torch._foreach_mul_([p.grad for p in parameters], 1 / 1024)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        torch._foreach_copy_(copies, [p.detach() for p in parameters])
        times.append(1e3 * (time.perf_counter() - begun))
    return sorted(times[WARM_UP:])[rounds // 2]


def augment(kind, seconds):
    torch.set_num_threads(1)
    images = Images(1_000, kind)
    for index in range(100):
        images[index]
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        images[count % 1_000]
        count += 1
    return count / (time.perf_counter() - begun)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(2)
    what, *rest = sys.argv[1:]
    if what == "train":
        print(train(rest[0], int(rest[1]), rest[2], rest[3], int(rest[4]), rest[5:] == ["compile"]))
    elif what == "fusion":
        print(fusion(int(rest[0]), int(rest[1]), rest[2]))
    elif what == "optimizer":
        print(optimizer_pass(int(rest[0])))
    elif what == "augment":
        print(augment(rest[0], float(rest[1])))


if __name__ == "__main__":
    main()
