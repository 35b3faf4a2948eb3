"""The pair network: a background, and the same with something before it -> mask and depth, at full size."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from .network import Block

WIDTHS = (16, 32, 56, 80, 112, 144)  # channels at full size, 1/2, 1/4, ... 1/32
FINE = 2  # blocks at full size, which tell whether half of a pixel is covered
STRIDE = 32  # the picture's sides are multiples of that
OUTPUTS = ("mask", "depth")


class PairNetwork(nn.Module):
    """Plain 3x3 convolutions down to a 32nd and back up; 1.3 million parameters."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.stem = _convolution(9, widths[0])
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList([nn.Sequential(_convolution(wide, deep, 2), Block(deep)) for wide, deep in pairs])
        self.narrow = nn.ModuleList([_convolution(deep, wide, size=1) for wide, deep in reversed(pairs)])
        self.up = nn.ModuleList([_convolution(wide, wide) for wide, _ in reversed(pairs)])
        self.fine = nn.Sequential(*(Block(widths[0]) for _ in range(FINE)))
        self.head = nn.Conv2d(widths[0], len(OUTPUTS), 3, padding=1)

    def forward(self, background: torch.Tensor, overlay: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what stands before a background.

        Args:
            background, overlay: (B, 3, H, W) float, sRGB from 0 to 1; sides are multiples of 32.

        Returns:
            (B, 1, H, W) logits of "mask" and of "depth": a sigmoid makes 0 to 1 of them.
        """
        x = self.stem(torch.cat([background - 0.5, overlay - 0.5, 4 * (overlay - background)], 1))
        levels = [x]
        for down in self.down:
            x = down(x)
            levels.append(x)
        for narrow, up, level in zip(self.narrow, self.up, reversed(levels[:-1]), strict=True):
            x = up(functional.interpolate(narrow(x), size=level.shape[2:], mode="nearest") + level)
        return dict(zip(OUTPUTS, self.head(self.fine(x)).split(1, 1), strict=True))


def _convolution(into: int, out: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    layer = nn.Conv2d(into, out, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out), nn.ReLU(inplace=True))
