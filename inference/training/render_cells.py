"""Where in pictures solids may be seen, as rectangles, and the cells of such."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .render_solids import Solids
from .render_vectors import take
from .render_views import NEAR, View


@dataclass(frozen=True)
class Boxes:
    """Where solids may be seen: numbers, least and greatest px (N, 2), nearest depth (N,)."""

    number: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    near: torch.Tensor

    def of(self, wanted: torch.Tensor) -> Boxes:
        """Return some of them, by rows or where (N,) bool says so."""
        return Boxes(self.number[wanted], self.low[wanted], self.high[wanted], self.near[wanted])


def find_boxes(solids: Solids, view: View, allowed: torch.Tensor | None) -> Boxes:
    """Return where those of (P + Q + T,) solids that are allowed, or all, may be seen."""
    origin, axes = take(view.origin, solids.scene), take(view.axes, solids.scene)
    local = torch.bmm(solids.corners - origin[:, None], axes.transpose(1, 2))
    pixel, depth = view.picture(local, solids.scene)
    low, high, near = pixel.amin(1), pixel.amax(1), depth.amin(1)
    if not view.is_parallel:
        through = ((near < NEAR) & (depth.amax(1) > NEAR)).nonzero()[:, 0]
        cut, _ = view.picture(_in_front(local[through]), solids.scene[through])
        low[through], high[through] = cut.amin(1), cut.amax(1)
    size = torch.tensor([view.size[1], view.size[0]], device=low.device)
    seen = ((high > 0) & (low < size)).all(1) & (depth.amax(1) > NEAR)
    seen = seen if allowed is None else seen & allowed
    number = seen.nonzero()[:, 0]
    return Boxes(number, low[seen].clamp(min=0), torch.minimum(high[seen], size - 0.5), near[seen].clamp(min=0))


def _in_front(local: torch.Tensor) -> torch.Tensor:
    """Return (N, K, 3) corners of hulls (N, 8, 3) without what lies behind the camera; view axes."""
    first, second = torch.combinations(torch.arange(8, device=local.device)).T
    a, b = local[:, first], local[:, second]
    part = (NEAR - a[..., 2:]) / (b[..., 2:] - a[..., 2:])
    inside = local[torch.arange(len(local), device=local.device), local[..., 2].argmax(1)]
    cuts = torch.where((part > 0) & (part < 1), a + (b - a) * part, inside[:, None])
    return torch.cat([torch.where(local[..., 2:] > NEAR, local, inside[:, None]), cuts], 1)


def cells(low: torch.Tensor, high: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return which rectangle, column and row, for each whole cell in rectangles (N, 2) to (N, 2), both included."""
    columns, rows = (high - low + 1).unbind(1)
    count = columns * rows
    which = torch.repeat_interleave(torch.arange(len(low), device=low.device), count)
    step = torch.arange(len(which), device=low.device) - take(count.cumsum(0) - count, which)
    columns = take(columns, which)
    row = step // columns
    return which, take(low[:, 0], which) + step - row * columns, take(low[:, 1], which) + row
