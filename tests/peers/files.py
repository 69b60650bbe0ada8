"""Files of tensors between Python's torch, safetensors and NumPy and this program.

  files.py record DIR          makes the small files that tests/trainer/data holds
  files.py compare PROGRAM     PROGRAM (trainer_peer_files) writes, Python reads; then the other way
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import safetensors.torch
import torch

TYPES = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.uint16, torch.int32, torch.uint32,
    torch.int64, torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.float8_e5m2, torch.float8_e4m3fn, torch.float8_e5m2fnuz, torch.float8_e4m3fnuz,
    torch.float8_e8m0fnu, torch.complex64, torch.complex128, torch.complex32,
]
NOT_IN_SAFETENSORS = {torch.complex32, torch.complex128}
# Known to the safetensors format, not to its Python package's way from torch and back.
ONE_WAY_IN_SAFETENSORS = {torch.float8_e8m0fnu}


def bytes_of(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def pattern(dtype, shape=(2, 3)):
    """Bytes 0, 37, 74, ... mod 251 as elements: every type's odd values, NaNs with payloads."""
    count = int(numpy.prod(shape))
    if dtype == torch.bool:
        return (torch.arange(count) % 2 == 1).reshape(shape)
    size = torch.empty(0, dtype=dtype).element_size()
    raw = (torch.arange(count * size) * 37 % 251).to(torch.uint8)
    return raw.view(dtype).reshape(shape)


def every_type():
    return {str(dtype).removeprefix("torch."): pattern(dtype) for dtype in TYPES}


def network():
    layers = torch.nn.Sequential(
        collections.OrderedDict(
            conv=torch.nn.Conv2d(2, 3, 1, bias=False), bn=torch.nn.BatchNorm2d(3)
        )
    )
    with torch.no_grad():
        for i, value in enumerate(layers.state_dict().values()):
            value.copy_(torch.arange(value.numel()).reshape(value.shape) + 100 * i)
    return layers


def views():
    base = torch.arange(24, dtype=torch.float32)
    tied = torch.arange(4, dtype=torch.float32)
    return {
        "plain": base.view(4, 6),
        "transposed": base.view(4, 6).t(),
        "slice": base.view(4, 6)[1:3, ::2],
        "expanded": base[5:6].expand(3, 2),
        "last": torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "scalar": base[7],
        "empty": base[:0],
        "tied": tied,
        "tied_too": tied,
        "parameter": torch.nn.Parameter(torch.arange(3, dtype=torch.float32)),
    }


def component():
    return {
        "model_state_dict": network().state_dict(),
        "epoch": 12,
        "accuracy": 0.8125,
        "fusion_type": "multiplicative",
        "model_architecture": "densenet",
        "alpha": 1.0,
        "component": "expert_0",
    }


def checkpoint():
    layers = network()
    optimizer = torch.optim.SGD(layers.parameters(), lr=0.1, momentum=0.9)
    layers(torch.ones(1, 2, 2, 2)).sum().backward()
    optimizer.step()
    return {
        "state_dict": {"module." + k: v for k, v in network().state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "odd": [None, True, False, -1, 300, 70000, -5_000_000_000, 2**70, 1.5, "é" * 100, (), (1,)],
        "size": torch.Size([2, 3]),
        "type": torch.float32,
        "device": torch.device("cpu"),
    }


def save_both(folder, name, value):
    for protocol in (2, 3, 4, 5):
        suffix = "" if protocol == 2 else f"_protocol{protocol}"
        torch.save(value, folder / f"{name}{suffix}.pth", pickle_protocol=protocol)


def record(folder):
    torch.manual_seed(0)
    torch.save(every_type(), folder / "types.pth")
    torch.save(views(), folder / "views.pth")
    torch.save(component(), folder / "component.pth")
    save_both(folder, "checkpoint", checkpoint())
    torch.save({"weight": torch.ones(2)}, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), folder / "module.pth")
    torch.save(network().state_dict(), folder / "state_dict.pth")
    numpy.save(folder / "indices.npy", numpy.array([3, 1, 4, 1, 5, 9, 2, 6], dtype=numpy.int64))
    numpy.save(folder / "matrix.npy", numpy.arange(6, dtype=numpy.float32).reshape(2, 3))


class Comparison:
    def __init__(self, program):
        self.program = program
        self.failed = 0

    def check(self, what, holds):
        print(("ok   " if holds else "FAIL ") + what)
        self.failed += not holds

    def run(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr)
        return done.stdout if done.returncode == 0 else None

    def same(self, what, expected, found):
        """Both are dicts of tensors."""
        self.check(f"{what}: names", list(expected) == list(found) or set(expected) == set(found))
        for name in expected:
            e, f = expected[name], found.get(name)
            self.check(
                f"{what}: {name}",
                f is not None and e.dtype == f.dtype and e.shape == f.shape
                and bytes_of(e) == bytes_of(f),
            )

    def read(self, path):
        """What the program finds in a file, by name: dtype, shape and bytes in hex."""
        out = self.run("read", path)
        return None if out is None else {row["name"]: row for row in map(json.loads, out.splitlines())}

    def same_read(self, what, expected, path):
        found = self.read(path)
        self.check(f"{what}: read", found is not None and set(found) == set(expected))
        for name, tensor in expected.items() if found is not None else ():
            row = found.get(name, {})
            self.check(
                f"{what}: {name}",
                row.get("type") == str(tensor.dtype).removeprefix("torch.")
                and row.get("shape") == list(tensor.shape)
                and row.get("bytes") == bytes_of(tensor).hex(),
            )


def python_reads(comparison, folder):
    comparison.check("the program writes", comparison.run("write", folder) is not None)
    loaded = torch.load(folder / "types.pth", weights_only=True)
    comparison.same("types.pth", every_type(), loaded)
    mapped = torch.load(folder / "types.pth", weights_only=True, mmap=True)
    comparison.same("types.pth mapped", every_type(), mapped)
    in_format = {
        str(t).removeprefix("torch."): pattern(t)
        for t in TYPES if t not in NOT_IN_SAFETENSORS | ONE_WAY_IN_SAFETENSORS
    }
    comparison.same(
        "types.safetensors", in_format, safetensors.torch.load_file(folder / "types.safetensors")
    )
    part = torch.load(folder / "part.pth", weights_only=True)
    expected = component()
    comparison.same("part.pth", expected.pop("model_state_dict"), part.pop("model_state_dict"))
    comparison.check(f"part.pth: values {part}", part == expected)
    with safetensors.safe_open(folder / "part.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    comparison.same("part.safetensors", component()["model_state_dict"], tensors)
    comparison.check(
        f"part.safetensors: {metadata}",
        metadata == {"format": "pt"} | {k: str(v) for k, v in expected.items()},
    )
    network().load_state_dict(torch.load(folder / "part.pth", weights_only=True)["model_state_dict"])
    tied = torch.load(folder / "tied.pth", weights_only=True)
    comparison.check("tied.pth: one storage", tied["a"].data_ptr() == tied["b"].data_ptr() != 0)
    indices = numpy.load(folder / "indices.npy")
    comparison.check("indices.npy", indices.dtype == numpy.int64 and indices.tolist() == [3, 1, 4])
    numpy.save(folder / "again.npy", indices)
    same = (folder / "again.npy").read_bytes() == (folder / "indices.npy").read_bytes()
    comparison.check("indices.npy: the bytes NumPy writes", same)


def program_reads(comparison, folder):
    for protocol in (2, 3, 4, 5):
        path = folder / f"types{protocol}.pth"
        torch.save(every_type(), path, pickle_protocol=protocol)
        comparison.same_read(f"torch.save, protocol {protocol}", every_type(), path)
    torch.save(views(), folder / "views.pth")
    comparison.same_read("torch.save, views", views(), folder / "views.pth")
    torch.save(component(), folder / "component.pth")
    comparison.same_read("torch.save, component", network().state_dict(), folder / "component.pth")
    torch.save(checkpoint(), folder / "checkpoint.pth")
    comparison.same_read("torch.save, checkpoint", network().state_dict(), folder / "checkpoint.pth")
    tensors = {
        str(t).removeprefix("torch."): pattern(t) for t in TYPES if t not in NOT_IN_SAFETENSORS
    }
    safetensors.torch.save_file(tensors, folder / "types.safetensors")
    comparison.same_read("safetensors.torch.save_file", tensors, folder / "types.safetensors")


def main(arguments):
    if arguments[:1] == ["record"] and len(arguments) == 2:
        return record(pathlib.Path(arguments[1]))
    if arguments[:1] != ["compare"] or len(arguments) != 2:
        return __doc__
    comparison = Comparison(arguments[1])
    with tempfile.TemporaryDirectory() as folder:
        python_reads(comparison, pathlib.Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        program_reads(comparison, pathlib.Path(folder))
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
