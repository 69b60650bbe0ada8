"""Counter-based draws (common/base/random.h, trainer/models/draw.h) in numpy, dropout that uses them, and the
values that recorded references are computed from."""

import numpy as np
import torch
from torch import nn


def _finish(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def mix(a, b):
    """A well mixed function of two words; arrays allowed."""
    with np.errstate(over="ignore"):
        base = _finish(np.asarray(a, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)) + np.uint64(1)
        return _finish(base + np.asarray(b, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95))


def draw_key(seed, name):
    key = mix(seed, len(name))
    for letter in name.encode():
        key = mix(key, letter)
    return key


class KeyedDropout(nn.Module):
    """Keeps an element when the draw of (seed, step, layer, element) says so."""

    seed = 0
    step = 0

    def __init__(self, probability):
        super().__init__()
        self.probability = probability
        self.name = None  # set by name_dropouts()

    def forward(self, x):
        if not self.training or self.probability == 0:
            return x
        key = draw_key(mix(KeyedDropout.seed, KeyedDropout.step), self.name)
        draws = mix(key, np.arange(x.numel(), dtype=np.uint64)).reshape(tuple(x.shape))
        keep = draws >= np.uint64(int(self.probability * 2.0**64))
        return x * torch.from_numpy(keep) * (1 / (1 - self.probability))


def name_dropouts(model):
    for name, module in model.named_modules():
        if isinstance(module, KeyedDropout):
            module.name = name
    return model


def _centred(name, shape):
    """Doubles in [-1, 1)."""
    count = int(np.prod(shape))
    words = mix(draw_key(0, name), np.arange(count, dtype=np.uint64)) >> np.uint64(11)
    return (2 * (words.astype(np.float64) * 2.0**-53) - 1).reshape(shape)


def filled(name, shape):
    """The value of the parameter or running statistic `name`: exact in fp32, no dead ReLUs, no trivial norms."""
    centred = _centred(name, shape)
    if len(shape) > 1:
        fan_in = int(np.prod(shape)) // shape[0]
        values = np.sqrt(6 / fan_in) * centred
    elif name.endswith(("bias", "running_mean")):
        values = 0.3 * centred
    else:
        values = 1 + 0.5 * centred
    return torch.from_numpy(values.astype(np.float32))


def filled_input(name, shape):
    return torch.from_numpy((1.7 * _centred(name, shape)).astype(np.float32))


def digest(name, tensor):
    """32 sums over every 32nd element each, with signs drawn: small, and no element is left out."""
    values = tensor.detach().double().contiguous().numpy().reshape(-1)
    words = mix(draw_key(1, name), np.arange(values.size, dtype=np.uint64))
    signed = np.where((words & np.uint64(1)) == 0, values, -values)
    sums = np.zeros(32)
    np.add.at(sums, np.arange(values.size) % 32, signed)
    return torch.from_numpy(sums)
