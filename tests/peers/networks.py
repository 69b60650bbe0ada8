"""The four image classifiers in plain PyTorch, for comparison. Every one returns (features, logits)."""

import torch
import torch.nn.functional as F
from draws import KeyedDropout, name_dropouts
from torch import nn


def conv(inputs, outputs, size, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)


class Classifier(nn.Module):
    """Global average pooling and a linear head, whose attribute `head` names."""

    head = "fc"

    def classify(self, x):
        features = x.mean((2, 3))
        return features, getattr(self, self.head)(features)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, dropout):
        super().__init__()
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.dropout = KeyedDropout(dropout)
        self.conv2 = conv(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.dropout(F.relu(self.bn1(self.conv1(x))))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(Classifier):
    def __init__(self, depth, width, classes, dropout):
        super().__init__()
        blocks = {10: 1, 18: 2}[depth]
        self.conv1 = conv(3, width, 3)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for group in range(4):
            layers = []
            for block in range(blocks):
                stride = 2 if group > 0 and block == 0 else 1
                layers.append(BasicBlock(inputs, width << group, stride, dropout))
                inputs = width << group
            self.add_module(f"layer{group + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for group in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = group(x)
        return self.classify(x)


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, dropout):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.dropout = KeyedDropout(dropout)
        self.conv2 = conv(outputs, outputs, 3)
        if inputs != outputs:
            self.conv_shortcut = conv(inputs, outputs, 1, stride)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        y = self.conv2(self.dropout(F.relu(self.bn2(self.conv1(active)))))
        return y + (self.conv_shortcut(active) if hasattr(self, "conv_shortcut") else x)


class WideResNet(Classifier):
    def __init__(self, depth, width, classes, dropout):
        super().__init__()
        self.conv1 = conv(3, 16, 3)
        inputs = 16
        for group in range(3):
            outputs = (16 << group) * width
            blocks = []
            for block in range((depth - 4) // 6):
                blocks.append(WideBlock(inputs, outputs, 2 if group > 0 and block == 0 else 1, dropout))
                inputs = outputs
            holder = nn.Module()
            holder.layer = nn.Sequential(*blocks)
            self.add_module(f"block{group + 1}", holder)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.conv1(x)
        for group in (self.block1, self.block2, self.block3):
            x = group.layer(x)
        return self.classify(F.relu(self.bn1(x)))


class Bottleneck(nn.Module):
    def __init__(self, inputs, inner, outputs, stride, cardinality, preactivation, dropout):
        super().__init__()
        self.preactivation = preactivation
        self.conv1 = conv(inputs, inner, 1)
        self.bn1 = nn.BatchNorm2d(inputs if preactivation else inner)
        self.conv2 = conv(inner, inner, 3, stride, cardinality)
        self.bn2 = nn.BatchNorm2d(inner)
        self.dropout = KeyedDropout(dropout)
        self.conv3 = conv(inner, outputs, 1)
        self.bn3 = nn.BatchNorm2d(inner if preactivation else outputs)
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride))
            if not preactivation:
                self.downsample.append(nn.BatchNorm2d(outputs))

    def forward(self, x):
        around = self.downsample(x) if hasattr(self, "downsample") else x
        if self.preactivation:
            y = self.conv1(F.relu(self.bn1(x)))
            y = self.dropout(self.conv2(F.relu(self.bn2(y))))
            return self.conv3(F.relu(self.bn3(y))) + around
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.dropout(F.relu(self.bn2(self.conv2(y))))
        return F.relu(self.bn3(self.conv3(y)) + around)


class ResNext(Classifier):
    def __init__(self, depth, width, cardinality, preactivation, classes, dropout):
        super().__init__()
        self.conv1 = conv(3, width, 3)
        if not preactivation:
            self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for group in range(3):
            inner, outputs = cardinality * (width << group), 4 * (width << group)
            blocks = []
            for block in range((depth - 2) // 9):
                stride = 2 if group > 0 and block == 0 else 1
                blocks.append(Bottleneck(inputs, inner, outputs, stride, cardinality, preactivation, dropout))
                inputs = outputs
            self.add_module(f"layer{group + 1}", nn.Sequential(*blocks))
        if preactivation:
            self.bn = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.conv1(x)
        if hasattr(self, "bn1"):
            x = F.relu(self.bn1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        if hasattr(self, "bn"):
            x = F.relu(self.bn(x))
        return self.classify(x)


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth, dropout):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, 4 * growth, 1)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = conv(4 * growth, growth, 3)
        self.dropout = KeyedDropout(dropout)

    def forward(self, x):
        fresh = self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))
        return torch.cat([x, self.dropout(fresh)], 1)


class Transition(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = conv(inputs, inputs // 2, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet(Classifier):
    head = "classifier"

    def __init__(self, depth, width, growth, classes, dropout):
        super().__init__()
        counts = [6, 12, 24, 16] if depth == 121 else [(depth - 4) // 6] * 3
        self.features = nn.Sequential()
        self.features.add_module("conv0", conv(3, width, 3))
        self.features.add_module("norm0", nn.BatchNorm2d(width))
        self.features.add_module("relu0", nn.ReLU())
        channels = width
        for index, count in enumerate(counts):
            if index > 0:
                self.features.add_module(f"transition{index}", Transition(channels))
                channels //= 2
            block = nn.Sequential()
            for layer in range(count):
                block.add_module(f"denselayer{layer + 1}", DenseLayer(channels, growth, dropout))
                channels += growth
            self.features.add_module(f"denseblock{index + 1}", block)
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x):
        return self.classify(F.relu(self.features(x)))


OWN = {
    "densenet": dict(depth=121, growth=32, dropout=0.0),
    "resnet": dict(depth=18, width=64, dropout=0.0),
    "improved_wide_resnet": dict(depth=28, width=10, dropout=0.3),
    "resnext": dict(depth=29, width=64, cardinality=8, preactivation=True, dropout=0.3),
}
MAKERS = {
    "densenet": DenseNet,
    "resnet": ResNet,
    "improved_wide_resnet": WideResNet,
    "resnext": ResNext,
}


def make_network(model, classes=100, **given):
    options = OWN[model] | given
    if model == "densenet":
        options.setdefault("width", 2 * options["growth"])
    return name_dropouts(MAKERS[model](classes=classes, **options))
