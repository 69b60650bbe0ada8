"""Writes the small references that the trainer's tests compare with (tests/trainer/references).

    network_references.py FOLDER

Weights and inputs are functions of their names (draws.py), so the files hold results alone: digests of logits,
features, gradients and running statistics in float64, and of every layer's output in float32.
"""

import sys
from pathlib import Path

import torch
from draws import KeyedDropout, digest, filled, filled_input
from fusions import FUSIONS, make_fusion
from networks import make_network
from safetensors.torch import save_file
from torch import nn

SEED, STEP = 11, 7
IMAGES = (3, 3, 16, 16)
CLASSES = 5
FEATURES = (3, 16)
NETWORKS = {
    "densenet": dict(model="densenet", depth=10, growth=4, dropout=0.2),
    "resnet": dict(model="resnet", depth=10, width=4, dropout=0.2),
    "improved_wide_resnet": dict(model="improved_wide_resnet", depth=10, width=1, dropout=0.3),
    "resnext": dict(model="resnext", depth=11, width=4, cardinality=2, preactivation=True, dropout=0.3),
    "resnext_plain": dict(model="resnext", depth=11, width=4, cardinality=2, preactivation=False, dropout=0.3),
}
LAYERS = (nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.LayerNorm)


def fill(model):
    """Sets every tensor to the value of its name, as float64."""
    model.double()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                tensor.zero_()
            else:
                tensor.copy_(filled(name, tuple(tensor.shape)))
    return model


def record_layers(model, inputs, out):
    """Each layer alone in float32, on an input that is a function of the layer's name."""
    shapes = {}
    names = {module: name for name, module in model.named_modules() if isinstance(module, LAYERS)}

    def note_shape(module, arguments):
        shapes[names[module]] = tuple(arguments[0].shape)

    hooks = [module.register_forward_pre_hook(note_shape) for module in names]
    model.train()(inputs)
    for hook in hooks:
        hook.remove()
    fill(model).float().train()
    for name, shape in shapes.items():
        module = model.get_submodule(name)
        result = module(filled_input("input:" + name, shape))
        out["layer:" + name] = digest(name, result).float()


def record(model, inputs, outputs_of, out):
    """Training and evaluation in float64, and logits in float32."""
    KeyedDropout.seed, KeyedDropout.step = SEED, STEP
    fill(model).train()
    results = outputs_of(model(inputs))
    cotangent = filled_input("cotangent", tuple(results[0].shape)).double()
    (results[0] * cotangent).sum().backward()
    for index, result in enumerate(results):
        out[f"train:{index}"] = result.detach()
    for name, parameter in model.named_parameters():
        out["gradient:" + name] = digest(name, parameter.grad)
    for name, buffer in model.named_buffers():
        if not name.endswith("num_batches_tracked"):
            out["buffer:" + name] = digest(name, buffer)
    fill(model).eval()
    out["evaluate"] = outputs_of(model(inputs))[0].detach()
    model.float()
    single = [x.float() for x in inputs] if isinstance(inputs, list) else inputs.float()
    out["evaluate32"] = outputs_of(model(single))[0].detach()
    fill(model).float().train()
    out["train32"] = outputs_of(model(single))[0].detach()
    record_layers(fill(model), inputs, out)


def write(folder, name, options, out):
    text = " ".join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items())
    metadata = {"options": text, "seed": str(SEED), "step": str(STEP), "torch": torch.__version__}
    save_file({key: value.contiguous() for key, value in out.items()}, folder / f"{name}.safetensors", metadata)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, options in NETWORKS.items():
        out = {}
        images = filled_input("images", IMAGES).double()
        record(make_network(classes=CLASSES, **options), images, lambda result: result[::-1], out)
        write(folder, name, options | dict(classes=CLASSES), out)
    for kind in FUSIONS:
        out = {}
        features = [filled_input(f"features.{k}", FEATURES).double().requires_grad_() for k in range(4)]
        options = dict(feature_size=FEATURES[1], experts=4, dropout=0.2)
        record(make_fusion(kind, **options), features, lambda result: [result], out)
        for k, feature in enumerate(features):
            out[f"gradient:features.{k}"] = digest(f"features.{k}", feature.grad)
        write(folder, kind, dict(fusion=kind) | options, out)


if __name__ == "__main__":
    main()
