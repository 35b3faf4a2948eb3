"""ResNet-50 with a feature pyramid, as Mask R-CNN uses it; children are named as in torchvision's files."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

BLOCKS = (3, 4, 6, 3)
WIDTHS = (64, 128, 256, 512)
GROWTH = 4
NORM_EPS = 0.0  # the published weights were trained with frozen statistics and no epsilon
CHANNELS = 256  # of the pyramid


class Bottleneck(nn.Module):
    """Three convolutions around a shortcut; the stride is in the second."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width, NORM_EPS)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, NORM_EPS)
        self.conv3 = nn.Conv2d(width, GROWTH * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(GROWTH * width, NORM_EPS)
        self.downsample = None
        if stride > 1 or channels != GROWTH * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, GROWTH * width, 1, stride, bias=False), nn.BatchNorm2d(GROWTH * width, NORM_EPS)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of four times the width."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu_(self.bn1(self.conv1(x)))
        x = functional.relu_(self.bn2(self.conv2(x)))
        return functional.relu_(self.bn3(self.conv3(x)) + shortcut)


class Body(nn.Module):
    """ResNet-50 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0], NORM_EPS)
        channels = WIDTHS[0]
        for number, (blocks, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True), start=1):
            layer = nn.Sequential()
            for index in range(blocks):
                layer.append(Bottleneck(channels, width, 2 if number > 1 and index == 0 else 1))
                channels = GROWTH * width
            self.add_module(f"layer{number}", layer)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of the four layers, strides 4 to 32."""
        x = functional.max_pool2d(functional.relu_(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        features = []
        for number in range(1, len(BLOCKS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
            features.append(x)
        return features


class FeaturePyramid(nn.Module):
    """Bring the features of all layers to one width and add to each what the coarser ones know."""

    def __init__(self) -> None:
        super().__init__()
        widths = [GROWTH * width for width in WIDTHS]
        self.inner_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(width, CHANNELS, 1)) for width in widths)
        self.layer_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)) for _ in widths)

    def forward(self, features: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return five levels, strides 4 to 64, the finest first."""
        inner = [block(feature) for block, feature in zip(self.inner_blocks, features, strict=True)]
        for index in range(len(inner) - 2, -1, -1):
            inner[index] = inner[index] + functional.interpolate(inner[index + 1], size=inner[index].shape[2:])
        levels = [block(feature) for block, feature in zip(self.layer_blocks, inner, strict=True)]
        return [*levels, levels[-1][:, :, ::2, ::2]]


class Backbone(nn.Module):
    """From a picture to the five levels of its pyramid."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Body()
        self.fpn = FeaturePyramid()

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return five levels, (1, 256, h, w) each, strides 4 to 64."""
        levels: list[torch.Tensor] = self.fpn(self.body(x))
        return levels
