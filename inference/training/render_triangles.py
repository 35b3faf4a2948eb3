"""Triangles among what rays meet: the pixels of each, row by row, are the rays that may."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from .render_cells import Boxes, cells
from .render_solids import CARD_FACE, Solids
from .render_vectors import columns_of, take
from .render_views import NEAR, View

PIXELS_CPU, PIXELS_GPU = 65536, 1 << 24  # pairs of ray and triangle that are worked on at once: caches, launches
ROUNDED_PX = 0.02  # by which a triangle's border may be off

Opacity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def meet_triangles(
    solids: Solids,
    view: View,
    boxes: Boxes,
    opacity: Opacity | None,
    best: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    """Set depth, solid and face (S, H, W) of what rays met to those of triangles that are nearer."""
    first_triangle = solids.starts[1]
    depth, solid, face = (values.view(-1) for values in best)
    boxes = boxes.of(boxes.number >= first_triangle)
    for which, pixel, (u, v, when) in _pairs(solids, view, boxes, depth):
        met = ((u >= 0) & (v >= 0) & (u + v <= 1) & (when > NEAR) & (when < take(depth, pixel))).nonzero()[:, 0]
        number, pixel, when = take(boxes.number, take(which, met)), take(pixel, met), take(when, met)
        if opacity is not None:
            u, v = take(u, met), take(v, met)
            weights = torch.stack([1 - u - v, u, v], 1)
            uv = (take(solids.uv, number - first_triangle) * weights[:, :, None]).sum(1)
            covers = opacity(take(solids.texture, number - first_triangle), uv).nonzero()[:, 0]
            number, pixel, when = take(number, covers), take(pixel, covers), take(when, covers)
        depth.scatter_reduce_(0, pixel, when, "amin")
        won = (when == take(depth, pixel)).nonzero()[:, 0]
        pixel = take(pixel, won)
        solid[pixel] = take(number, won).int()
        face[pixel] = CARD_FACE


def _pairs(
    solids: Solids, view: View, boxes: Boxes, depth: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]]:
    """Give triangles by their box, pixels, and u, v and depth there, where no box is behind what is known, in lots."""
    height, width = view.size
    lines = _lines_of(solids, view, boxes.number)
    which, row, first, last = _spans(lines, boxes, view)
    y = row + (0.5 - height / 2)
    slopes = columns_of(lines[:, 0], which)
    begin = torch.addcmul(columns_of(lines[:, 2], which), columns_of(lines[:, 1], which), y)
    begin = torch.addcmul(begin, slopes, first + (0.5 - width / 2))  # at the first pixel
    pixel, near = take(solids.scene, take(boxes.number, which)) * (height * width) + row * width + first, boxes.near
    near, count = take(near, which), last - first + 1
    lot = count.cumsum(0) // (PIXELS_CPU if depth.device.type == "cpu" else PIXELS_GPU)
    for part in torch.arange(len(lot), device=lot.device).split(torch.bincount(lot).tolist() if len(lot) else []):
        span = torch.repeat_interleave(part, take(count, part))
        ends = take(count, part).cumsum(0)
        step = torch.arange(len(span), device=span.device) - take(ends - take(count, part), span - part[0])
        at = take(pixel, span) + step
        open_ = (take(depth, at) > take(near, span)).nonzero()[:, 0]
        span, at, step = take(span, open_), take(at, open_), take(step, open_)
        u, v, when, scale = torch.addcmul(columns_of(begin, span), columns_of(slopes, span), step)
        yield take(which, span), at, (u / scale, v / scale, when / scale)


def _spans(
    lines: torch.Tensor, boxes: Boxes, view: View
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return triangles by their box, rows, and the first and last column whose middles the triangle may cover."""
    height, width = view.size
    low, high = (boxes.low - 0.5 - ROUNDED_PX).ceil().long(), (boxes.high - 0.5 + ROUNDED_PX).floor().long()
    whole = (high >= low).all(1).nonzero()[:, 0]  # many a small one lies between the middles of pixels
    rows = torch.zeros((2, len(whole), 2), dtype=torch.int64, device=low.device)
    rows[0, :, 1], rows[1, :, 1] = take(low[:, 1], whole), take(high[:, 1], whole)
    which, _, row = cells(*rows)
    which = take(whole, which)
    u, v, when, scale = lines
    side = (scale if view.is_parallel else when)[2].sign()  # the numerators' sign where the triangle is in front
    along, down, rest = (torch.stack([u, v, scale - u - v]) * side).unbind(1)
    begin = torch.addcmul(columns_of(rest, which), columns_of(down, which), row + (0.5 - height / 2))
    along = columns_of(along, which)
    cut = width / 2 - 0.5 - begin / along
    first = torch.where(along > 0, cut, -torch.inf).amax(0).sub_(ROUNDED_PX).ceil_().maximum(take(low[:, 0], which))
    last = torch.where(along < 0, cut, torch.inf).amin(0).add_(ROUNDED_PX).floor_().minimum(take(high[:, 0], which))
    seen = (last >= first).nonzero()[:, 0]
    return take(which, seen), take(row, seen), take(first, seen).long(), take(last, seen).long()


def _lines_of(solids: Solids, view: View, number: torch.Tensor) -> torch.Tensor:
    """Return (4, 3, N): what times (x, y, 1), px from the picture's middle, is u, v, depth and 1 of a ray that meets
    triangles, all times one number. Rays that start or run alike make the products linear.
    """
    scene, frame = solids.scene[number], solids.local_from_world[number]
    start, run = (frame[:, :, :3] @ take(matrix, scene) for matrix in view.matrices())
    start[:, :, 2] += frame[:, :, 3]
    begin, go = (start, run[:, :, 2:]) if view.is_parallel else (start[:, :, 2:], run)
    u, v = (begin[:, axis] * go[:, 2] - begin[:, 2] * go[:, axis] for axis in (0, 1))
    return torch.stack([u, v, -start[:, 2], run[:, 2]]).transpose(1, 2).contiguous()
