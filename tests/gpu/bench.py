"""What run.sh shows once fusor-train is built: bench.py FUSOR_TRAIN [--parts ...] ..."""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time

from template import Template, TrialFailed, metrics_of

NETWORKS = ["densenet", "resnet", "improved_wide_resnet", "resnext"]
PARTS = ["child", "check", "eager", "graph", "peer", "compile"]
# Dense bf16, TFLOP/s. The first name that a device's begins with counts.
PEAKS = [
    ("NVIDIA B200", 2250),
    ("NVIDIA GH200", 989),
    ("NVIDIA H200", 989),
    ("NVIDIA H100 PCIe", 756),
    ("NVIDIA H100 NVL", 835),
    ("NVIDIA H100", 989),
    ("NVIDIA A100", 312),
    ("NVIDIA L40S", 362),
    ("NVIDIA L4", 121),
    ("NVIDIA A10", 125),
    ("NVIDIA GeForce RTX 4090", 165),
    ("NVIDIA GeForce RTX 3090", 71),
]
TRAIN_IMAGES = 30_000  # of which 0.8 x 0.9 are an expert's to train on
EPOCHS = 3  # the last one counts


def split(text):
    return [part for part in text.split(",") if part]


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("fusor_train")
    parser.add_argument("--parts", type=split, default=PARTS)
    parser.add_argument("--networks", type=split, default=NETWORKS)
    parser.add_argument("--batches", type=split, default=["128", "512"])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--precision", default="bf16")
    arguments = parser.parse_args()
    for given, known in ((arguments.parts, PARTS), (arguments.networks, NETWORKS)):
        for name in given:
            if name not in known:
                parser.error(f"'{name}' is none of {', '.join(known)}")
    return arguments


def device_name():
    """Of the GPU, or None. Asked in a process of its own: this one starts trials."""
    asks = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    answer = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True)
    return answer.stdout.strip() or None


def peak_of(device):
    return next((peak * 1e12 for name, peak in PEAKS if device.startswith(name)), None)


def write_images(folder):
    """Random pixels in CIFAR-10's files: the data set itself need not be there."""
    images = os.path.join(folder, "cifar-10-batches-bin")
    os.makedirs(images)
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    for name in names:
        with open(os.path.join(images, name), "wb") as file:
            for label in range(TRAIN_IMAGES // 5):
                file.write(bytes([label % 10]) + os.urandom(3 * 32 * 32))


def multiply_adds(fusor_train, network):
    text = subprocess.run([fusor_train, "describe", f"model={network}"], capture_output=True, text=True).stdout
    number, scale = re.search(r"multiply-adds\s+([\d.,]+) (million|billion)", text).groups()
    return float(number.replace(",", "")) * {"million": 1e6, "billion": 1e9}[scale]


def small_step(template, folder, device):
    """A network in small, a step or two, in a forked child."""
    config = {"model": "resnet", "depth": 10, "width": 16, "batch_size": 64, "subset": 128, "epochs": 1}
    config |= {"evaluate_subset": 64, "export": "none", "precision": "bf16"}
    told = template.run(f"{folder}/small", "expert", config, device=device, threads=2)
    started = next(fact for fact in told if fact.get("f") == "started")
    loss = metrics_of(told)["train/loss"][-1]
    where = started["info"].get("device_name", device)
    print(f"gpu: a step in a forked child of the template on {where}: loss {loss:.4f}", flush=True)


def check(template, folder):
    """The same training on CPU and GPU: masks and mixed images are drawn alike, so losses must be alike."""
    config = {"model": "resnet", "depth": 10, "width": 16, "batch_size": 64, "subset": 768, "epochs": 1}
    config |= {"evaluate_subset": 64, "export": "none", "precision": "fp32", "dropout": 0.3, "accumulate": 2}
    losses = {}
    for name, device, graph in (("cpu", "cpu", "off"), ("eager", "cuda", "off"), ("graph", "cuda", "on")):
        told = template.run(f"{folder}/{name}", "expert", config | {"cuda_graph": graph}, device=device, threads=2)
        losses[name] = metrics_of(told)["train/loss"]
    far = {
        "eager and CPU": distance(losses["eager"][:6], losses["cpu"][:6]),
        "graph and eager": distance(losses["graph"], losses["eager"]),
    }
    for pair, value in far.items():
        print(f"gpu: losses of {pair} differ by {value:.1e} at most", flush=True)
    if max(far.values()) > 1e-2:
        print(f"gpu: too far: {losses}")
    return max(far.values()) <= 1e-2


def distance(one, other):
    assert len(one) == len(other)
    return max(abs(a - b) / abs(b) for a, b in zip(one, other))


class Bench:
    def __init__(self, arguments, template, folder, peak):
        self.arguments = arguments
        self.template = template
        self.folder = folder
        self.peak = peak
        self.rows = []

    def fusor(self, network, batch, graph):
        steps = min(self.arguments.steps, int(TRAIN_IMAGES * 0.8 * 0.9) // batch)
        config = {"model": network, "data": "cifar10", "share": "full", "precision": self.arguments.precision}
        config |= {"batch_size": batch, "subset": batch * steps, "epochs": EPOCHS, "evaluate_subset": 10}
        config |= {"augment": "crop_flip", "erase": 0, "cutmix": 0, "mixup": 0, "label_smoothing": 0.1}
        config |= {"dropout": 0, "clip_norm": 0, "export": "none", "cuda_graph": graph, "tune_convolutions": "on"}
        config["loader_threads"] = max(1, min(8, (os.cpu_count() or 2) - 2))
        name = f"{self.folder}/{network}-{batch}-{graph}"
        told = self.template.run(name, "expert", config, device="cuda", threads=2, datasets_dir=self.folder)
        return metrics_of(told)["system/samples_per_s"][-1]

    def peer(self, network, batch, *compiled):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
        words = [network, str(batch), self.arguments.precision, str(self.arguments.steps), *compiled]
        answer = subprocess.run([sys.executable, script, *words], capture_output=True, text=True)
        if answer.returncode != 0:
            raise TrialFailed((answer.stderr.strip().splitlines() or ["peer.py failed"])[-1])
        return float(answer.stdout)

    def measure(self, network, batch, part):
        try:
            if part in ("peer", "compile"):
                return self.peer(network, batch, *(["compile"] if part == "compile" else []))
            return self.fusor(network, batch, {"eager": "off", "graph": "on"}[part])
        except TrialFailed as failure:
            print(f"gpu: {network}, batch {batch}, {part}: {failure}", flush=True)
            return None

    def run(self):
        parts = [part for part in self.arguments.parts if part not in ("child", "check")]
        for batch in map(int, self.arguments.batches):
            for network in self.arguments.networks:
                rates = {}
                for part in parts:
                    begun = time.monotonic()
                    rates[part] = self.measure(network, batch, part)
                    took = f"{time.monotonic() - begun:.0f} s with its start"
                    print(f"gpu: {network}, batch {batch}, {part}: {rates[part] or 0:.0f} images/s, {took}", flush=True)
                self.rows.append((network, batch, rates))
        self.show(parts)

    def show(self, parts):
        titles = {"eager": "fusor", "graph": "fusor, graph", "peer": "torch eager", "compile": "torch.compile"}
        print(f"\n{'images/s (MFU)':28}" + "".join(f"{titles[part]:>20}" for part in parts))
        for network, batch, rates in self.rows:
            # Forward once, backward twice; a multiply-add is two operations.
            per_image = 6 * multiply_adds(self.arguments.fusor_train, network)
            cells = [self.cell(rates[part], per_image) for part in parts]
            print(f"{network + ', ' + str(batch):28}" + "".join(f"{cell:>20}" for cell in cells))

    def cell(self, rate, per_image):
        if rate is None:
            return "-"
        share = f" ({100 * rate * per_image / self.peak:.1f}%)" if self.peak else ""
        return f"{rate:,.0f}{share}"


def main():
    arguments = read_arguments()
    device = device_name()
    with contextlib.closing(Template(arguments.fusor_train)) as template, tempfile.TemporaryDirectory() as folder:
        if device is None:
            small_step(template, folder, "cpu")
            print("gpu: no GPU: built, not measured")
            return
        if "cuda" not in template.ready:
            sys.exit("gpu: the template did not load the CUDA plug-in (above: why it is not built, or not loaded)")
        if "child" in arguments.parts:
            small_step(template, folder, "cuda")
        if "check" in arguments.parts and not check(template, folder):
            sys.exit("gpu: the GPU computes something else")
        write_images(folder)
        print(f"gpu: {device}, {arguments.precision}, {arguments.steps} steps an epoch", flush=True)
        Bench(arguments, template, folder, peak_of(device)).run()


if __name__ == "__main__":
    main()
