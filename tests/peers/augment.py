"""Every operation of the augmentation policies, byte for byte against torchvision on Pillow images.

    augment.py TOOL        TOOL: the program made from augment_tool.cc
"""

import subprocess
import sys

import numpy as np
from PIL import Image
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import RandAugment, TrivialAugmentWide, _apply_op
from torchvision.transforms import InterpolationMode

OPERATIONS = ["Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color",
              "Contrast", "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"]
HUE = len(OPERATIONS)


def images(random):
    """Noise, smooth waves, few values, one value: what bends histograms and rounding."""
    yield random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    y, x = np.mgrid[0:32, 0:32]
    waves = [127 + 120 * np.sin(x / (3 + c) + y / 5 + c) for c in range(3)]
    yield np.stack(waves, axis=2).astype(np.uint8)
    yield random.choice(np.array([10, 200, 255], dtype=np.uint8), (32, 32, 3))
    yield np.full((32, 32, 3), 77, dtype=np.uint8)


def cases():
    for policy, magnitudes in (
            (RandAugment(), lambda space, size: space._augmentation_space(31, size)),
            (TrivialAugmentWide(), lambda space, size: space._augmentation_space(31))):
        for name, (strengths, signed) in magnitudes(policy, (32, 32)).items():
            for strength in ([0.0] if strengths.ndim == 0 else strengths.tolist()):
                for sign in ((1, -1) if signed else (1,)):
                    yield OPERATIONS.index(name), strength * sign
    for turn in np.linspace(-0.5, 0.5, 41).tolist():
        yield HUE, turn


def expected(image, operation, strength):
    if operation == HUE:
        return F.adjust_hue(image, strength)
    return _apply_op(image, OPERATIONS[operation], strength, InterpolationMode.NEAREST, None)


def main():
    tool = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    compared, wrong = 0, {}
    for array in images(np.random.default_rng(1)):
        for operation, strength in cases():
            tool.stdin.write(f"{operation} {strength!r}\n".encode() + array.transpose(2, 0, 1).tobytes())
            tool.stdin.flush()
            ours = np.frombuffer(tool.stdout.read(3072), dtype=np.uint8).reshape(3, 32, 32).transpose(1, 2, 0)
            theirs = np.array(expected(Image.fromarray(array), operation, strength))
            compared += 1
            if not np.array_equal(ours, theirs):
                name = "Hue" if operation == HUE else OPERATIONS[operation]
                wrong.setdefault(name, []).append((strength, int((ours != theirs).sum())))
    for name, list_ in wrong.items():
        print(f"augment.py: {name} differs for {len(list_)} strengths, e.g. {list_[:3]} (strength, bytes)")
    print(f"compared {compared} images, {sum(map(len, wrong.values()))} differ")
    sys.exit(1 if wrong else 0)


main()
