"""Boxes in a picture: anchors, offsets to them, overlap, and pooling what lies below them.

A box is (left, top, right, bottom) in pixels.

Source: S. Ren et al., Faster R-CNN, 2015; K. He et al., Mask R-CNN, 2017; with torchvision's conventions.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

MAX_LOG_GROWTH = math.log(1000 / 16)  # no anchor grows more than that
CANONICAL_PX = 224  # a box of this size, as ImageNet's pictures, is pooled from level 4 of a pyramid


def make_anchors(
    grid: tuple[int, int], stride: tuple[int, int], size_px: int, ratios: tuple[float, ...], device: torch.device
) -> torch.Tensor:
    """Return (rows * columns * ratios, 4) float32, px: boxes of one size around each cell of a grid.

    Args:
        grid: (rows, columns) of a feature map.
        stride: (down, across) px of the picture between two cells.
        size_px: the square root of each box's area.
        ratios: height over width.
        device: where they are made.
    """
    root = torch.sqrt(torch.tensor(ratios, device=device))
    height, width = root * size_px, size_px / root
    shape = (torch.stack([-width, -height, width, height], dim=1) / 2).round()
    y, x = torch.meshgrid(
        torch.arange(grid[0], device=device) * stride[0],
        torch.arange(grid[1], device=device) * stride[1],
        indexing="ij",
    )
    centres = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4).float()
    return (centres + shape).reshape(-1, 4)


def apply_offsets(
    offsets: torch.Tensor, boxes: torch.Tensor, weights: tuple[float, float, float, float]
) -> torch.Tensor:
    """Return boxes moved and scaled as a network says.

    Args:
        offsets: (N, K, 4) float, move in parts of a box's sides, logarithm of growth.
        boxes: (N, 4) float, px.
        weights: what each of the four was multiplied with in training.

    Returns:
        (N, K, 4) float, px.
    """
    sides = (boxes[:, 2:] - boxes[:, :2])[:, None]
    centres = boxes[:, None, :2] + 0.5 * sides
    scaled = offsets / torch.tensor(weights, device=offsets.device)
    centres = scaled[..., :2] * sides + centres
    half = 0.5 * torch.exp(scaled[..., 2:].clamp(max=MAX_LOG_GROWTH)) * sides
    return torch.cat([centres - half, centres + half], dim=-1)


def clip_boxes(boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return (..., 4) boxes cut off at the frame of a picture of (height, width)."""
    height, width = size
    return torch.minimum(boxes.clamp(min=0), torch.tensor([width, height, width, height], device=boxes.device))


def pool_boxes(levels: list[torch.Tensor], boxes: torch.Tensor, size: tuple[int, int], cells: int) -> torch.Tensor:
    """Sample the features below each box, from the level of a pyramid that suits its size (RoIAlign, two by two).

    Args:
        levels: (1, C, h, w) float each, of strides 4, 8, 16 and so on.
        boxes: (N, 4) float, px, inside the picture.
        size: (height, width) px of the picture without padding.
        cells: the side of the result.

    Returns:
        (N, C, cells, cells) float.
    """
    strides = [2.0 ** round(math.log2(max(size) / max(level.shape[2:]))) for level in levels]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    level_of = torch.floor(4 + torch.log2(torch.sqrt(areas) / CANONICAL_PX) + 1e-6) - math.log2(strides[0])
    level_of = level_of.clamp(0, len(levels) - 1)
    pooled = boxes.new_zeros(len(boxes), levels[0].shape[1], cells, cells)
    for number, (level, stride) in enumerate(zip(levels, strides, strict=True)):
        members = level_of == number
        if members.any():
            pooled[members] = _pool(level, boxes[members] / stride, cells)
    return pooled


def _pool(level: torch.Tensor, boxes: torch.Tensor, cells: int) -> torch.Tensor:
    """Return (N, C, cells, cells): means of two by two samples in each cell of boxes in the level's own pixels."""
    number, (height, width) = len(boxes), level.shape[2:]
    steps = (torch.arange(2 * cells, device=level.device) + 0.5) / (2 * cells)
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1.0)
    x = boxes[:, 0, None] + steps * sides[:, 0, None]
    y = boxes[:, 1, None] + steps * sides[:, 1, None]
    points = torch.stack(
        [
            (2 * x / max(width - 1, 1) - 1)[:, None, :].expand(-1, 2 * cells, -1),
            (2 * y / max(height - 1, 1) - 1)[:, :, None].expand(-1, -1, 2 * cells),
        ],
        dim=-1,
    ).reshape(1, number * 2 * cells, 2 * cells, 2)  # one tall picture of all boxes: the level need not be copied
    samples = functional.grid_sample(level.float(), points, padding_mode="border", align_corners=True)
    means = functional.avg_pool2d(samples, 2)
    return means.reshape(-1, number, cells, cells).transpose(0, 1)
