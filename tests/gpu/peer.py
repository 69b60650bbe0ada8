"""Images a second of Python's torch on the GPU: peer.py MODEL BATCH PRECISION STEPS [compile]

The batch lies on the GPU already: loading is not counted, other than with fusor-train. Eager takes the better
of the two memory formats."""

import os
import sys
import time
import types

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
# The networks' own dropout is for comparing masks, and needs numpy.
sys.modules["draws"] = types.SimpleNamespace(KeyedDropout=nn.Dropout, name_dropouts=lambda model: model)

import networks  # noqa: E402

WARM_UP = 10
CLASSES = 10
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def rate(name, batch, precision, steps, layout, compiled):
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    model = networks.make_network(name, classes=CLASSES, dropout=0.0).cuda().to(memory_format=layout).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
    forward = torch.compile(model) if compiled else model
    images = torch.randn(batch, 3, 32, 32, device="cuda").contiguous(memory_format=layout)
    labels = torch.randint(CLASSES, (batch,), device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", TYPES.get(precision, torch.bfloat16), enabled=precision in TYPES):
            logits = forward(images)[1]
        F.cross_entropy(logits.float(), labels, label_smoothing=0.1).backward()
        optimizer.step()

    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    return batch * steps / (time.perf_counter() - begun)


def main():
    name, batch, precision, steps, *rest = sys.argv[1:]
    layouts = [torch.channels_last] if rest else [torch.channels_last, torch.contiguous_format]
    print(max(rate(name, int(batch), precision, int(steps), layout, bool(rest)) for layout in layouts))


if __name__ == "__main__":
    main()
