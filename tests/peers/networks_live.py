"""Compares the trainer's networks and fusions, in full size, with plain PyTorch of the same version.

    networks_live.py TRAINER_SUBJECT [NAME...]

Same weights and inputs on both sides:
  float64, end to end: results, gradients and running statistics within 1e-9 of each tensor's largest magnitude
  float32, layer by layer: PyTorch gets each layer's own input; outputs within 1e-5
  float32, end to end: logits within 1e-4
Exits 1 when anything is further off.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from draws import KeyedDropout
from fusions import FUSIONS, make_fusion
from networks import make_network
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

BATCH = 2
NETWORKS = {
    "densenet": dict(model="densenet"),
    "densenet-bc-100-12": dict(model="densenet", depth=100, growth=12),
    "resnet": dict(model="resnet"),
    "improved_wide_resnet": dict(model="improved_wide_resnet"),
    "wrn-40-2": dict(model="improved_wide_resnet", depth=40, width=2),
    "resnext": dict(model="resnext"),
    "resnext-plain": dict(model="resnext", preactivation=False),
}
FUSION_SIZES = (512, 342)
LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.LayerNorm)


def option_text(options):
    return " ".join(f"{key}={str(value).lower()}" if isinstance(value, bool) else f"{key}={value}"
                    for key, value in options.items())


def shake(model):
    """Norms and biases that do something."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var") or (name.endswith("weight") and tensor.dim() == 1):
                tensor.uniform_(0.5, 1.5)
            elif tensor.dim() == 1:
                tensor.uniform_(-0.3, 0.3)
    return model


class Subject:
    """One comparison: PyTorch's model, its inputs, and the trainer's program."""

    def __init__(self, program, folder, options, model, inputs):
        self.program, self.folder, self.options, self.inputs = program, folder, options, inputs
        self.model = shake(model).double()
        self.state = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.worst = {}

    def expect(self, what, got, want, tolerance):
        scale = max(want.abs().max().item(), 1e-300)
        off = (got.double() - want.double()).abs().max().item() / scale
        self.worst[what] = max(self.worst.get(what, 0), off / tolerance)
        if not off <= tolerance:
            sys.exit(f"networks_live.py: {option_text(self.options)}: {what}: off by {off:.2e}, allowed {tolerance:.0e}")

    def forward(self, dtype, train):
        """PyTorch's results and inputs, from the state as it was at first."""
        self.model.to(dtype)
        self.model.load_state_dict(self.state)
        self.model.train(train).zero_grad()
        inputs = [x.to(dtype).requires_grad_(train) for x in self.inputs]
        results = self.model(inputs if "fusion" in self.options else inputs[0])
        return ([results] if "fusion" in self.options else list(results[::-1])), inputs

    def run(self, precision, train, cotangent=None):
        dtype = torch.float64 if precision == "fp64" else torch.float32
        tensors = {f"weight:{name}": x if x.dtype == torch.int64 else x.to(dtype) for name, x in self.state.items()}
        tensors |= {f"input:{k}": x.to(dtype) for k, x in enumerate(self.inputs)}
        if cotangent is not None:
            tensors["cotangent"] = cotangent
        metadata = {
            "options": option_text(self.options),
            "precision": precision,
            "mode": "train" if train else "evaluate",
            "seed": str(KeyedDropout.seed),
            "step": str(KeyedDropout.step),
            "observe": "yes" if precision == "fp32" and train else "no",
        }
        given, answer = self.folder / "in.safetensors", self.folder / "out.safetensors"
        save_file({name: x.contiguous() for name, x in tensors.items()}, given, metadata)
        subprocess.run([self.program, given, answer], check=True)
        with safe_open(answer, "pt") as file:
            layers = (file.metadata() or {}).get("layers", "").split()
        return load_file(answer), layers

    def compare_double(self):
        results, inputs = self.forward(torch.float64, True)
        cotangent = torch.randn_like(results[0])
        (results[0] * cotangent).sum().backward()
        got, _ = self.run("fp64", True, cotangent)
        for k, result in enumerate(results):
            self.expect("float64 results", got[f"result:{k}"], result.detach(), 1e-9)
        for name, parameter in self.model.named_parameters():
            self.expect("float64 gradients", got[f"gradient:{name}"], parameter.grad, 1e-9)
        for k, x in enumerate(inputs):
            self.expect("float64 gradients", got[f"gradient:input:{k}"], x.grad, 1e-9)
        for name, buffer in self.model.named_buffers():
            self.expect("float64 running statistics", got[f"buffer:{name}"], buffer, 1e-9)
        with torch.no_grad():
            results, _ = self.forward(torch.float64, False)
        got, _ = self.run("fp64", False)
        self.expect("float64 results", got["result:0"], results[0], 1e-9)

    @torch.no_grad()
    def compare_single(self):
        for train in (True, False):
            results, _ = self.forward(torch.float32, train)
            got, layers = self.run("fp32", train, torch.ones_like(results[0]) if train else None)
            self.expect("float32 logits", got["result:0"], results[0], 1e-4)
            for index, name in enumerate(layers):
                self.compare_layer(name, got[f"layer:{index}:in"], got[f"layer:{index}:out"])
            if train:
                modules = [name for name, module in self.model.named_modules() if isinstance(module, LAYERS)]
                missing = set(modules) - set(layers)
                if missing:
                    sys.exit(f"networks_live.py: {option_text(self.options)}: no such layers: {sorted(missing)}")

    def compare_layer(self, name, given, got):
        self.model.load_state_dict(self.state)
        if name == "attention.in_proj":
            want = nn.functional.linear(given, self.model.attention.in_proj_weight, self.model.attention.in_proj_bias)
        else:
            want = self.model.get_submodule(name)(given)
        self.expect("float32 layers", got, want, 1e-5)

    def compare(self):
        self.compare_double()
        self.compare_single()
        worst = ", ".join(f"{what} {share:.1e}" for what, share in self.worst.items())
        print(f"{option_text(self.options)}: of what is allowed: {worst}", flush=True)


def main():
    program, only = Path(sys.argv[1]).resolve(), sys.argv[2:]
    torch.manual_seed(5)
    KeyedDropout.seed, KeyedDropout.step = 11, 7
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for name, options in NETWORKS.items():
            if only and name not in only:
                continue
            images = [torch.randn(BATCH, 3, 32, 32)]
            Subject(program, folder, options, make_network(**options), images).compare()
        for kind in FUSIONS:
            if only and kind not in only:
                continue
            for size in FUSION_SIZES:
                options = dict(feature_size=size, experts=4, dropout=0.2)
                features = [torch.randn(8, size) for _ in range(4)]
                Subject(program, folder, dict(fusion=kind) | options, make_fusion(kind, **options), features).compare()


if __name__ == "__main__":
    main()
