"""The embedded network: plain 3x3 convolutions down to a 32nd and back up to half, one head for all tasks."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from .render_solids import SHAPES

WIDTHS = (24, 48, 80, 128, 192)  # channels at 1/2, 1/4, 1/8, 1/16 and 1/32
DEPTHS = (1, 2, 2, 2, 2)  # residual blocks at each
KINDS = 4
STRIDE = 32  # the picture's sides are multiples of that
# What the head's channels mean, at half the picture's size. ``depth`` is the logarithm of depth over the focal length,
# which is in units of sqrt(height * width); ``offset`` leads to the instance's middle, in the same units, times 4.
CHANNELS = {"depth": 1, "kind": KINDS, "edge": 1, "centre": 1, "offset": 2, "shape": len(SHAPES) - 1, "normal": 3}
CAMERA = 4  # log focal length in units of sqrt(height * width); down in camera axes


class Block(nn.Module):
    """Two 3x3 convolutions with a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, C, H, W) features of (B, C, H, W)."""
        return functional.relu(x + self.second(self.first(x)))


def _convolution(into: int, out: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    layer = nn.Conv2d(into, out, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class SceneNetwork(nn.Module):
    """Depth, kinds, instances, shapes, normals and the camera of a photo."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS, depths: tuple[int, ...] = DEPTHS) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        into = 3
        for width, depth in zip(widths, depths, strict=True):
            blocks = [Block(width) for _ in range(depth)]
            self.down.append(nn.Sequential(_convolution(into, width, 2), *blocks))
            into = width
        self.whole = nn.Linear(widths[-1], widths[-1])
        pairs = list(pairwise(widths))[::-1]
        self.narrow = nn.ModuleList([_convolution(deep, wide, size=1) for wide, deep in pairs])
        self.up = nn.ModuleList([nn.Sequential(_convolution(wide, wide), Block(wide)) for wide, _ in pairs])
        self.camera = nn.Sequential(_convolution(widths[-2], 64), nn.Conv2d(64, CAMERA + 1, 1))
        self.head = nn.Sequential(
            _convolution(widths[0], 2 * widths[0]), nn.Conv2d(2 * widths[0], sum(CHANNELS.values()), 1)
        )

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is seen in photos.

        Args:
            rgb: (B, 3, H, W) float, sRGB from 0 to 1; sides are multiples of 32.

        Returns:
            (B, 17, H / 2, W / 2) maps, split by ``CHANNELS``; (B, 4) the camera: log focal length, down.
        """
        x, levels = rgb * 4 - 2, []
        for stage in self.down:
            x = stage(x)
            levels.append(x)
        x = x + functional.relu(self.whole(x.mean((2, 3))))[:, :, None, None]
        camera = None
        for narrow, up, level in zip(self.narrow, self.up, reversed(levels[:-1]), strict=True):
            x = up(functional.interpolate(narrow(x), size=level.shape[2:], mode="nearest") + level)
            if camera is None:
                camera = _vote(self.camera(x))
        assert camera is not None
        return self.head(x), camera


def _vote(votes: torch.Tensor) -> torch.Tensor:
    """Return (B, 4) cameras: the mean of what all places say, each as sure as its last channel."""
    votes = votes.flatten(2)
    return (votes[:, :CAMERA] * torch.softmax(votes[:, CAMERA:], 2)).sum(2)


def split(maps: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the head's channels by what they mean."""
    return dict(zip(CHANNELS, maps.split(list(CHANNELS.values()), 1), strict=True))
