"""What CPUs are slow at where it is written in the plain way: parts of tables, products of many short vectors.

Many vectors are (3, N), components first: each component lies in a row, which is what processors take whole.
"""

from __future__ import annotations

import torch


def take(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return (N, ...) what ``values[rows]`` is for (N,) rows, up to eight times as fast on a CPU."""
    return values.index_select(0, rows)


def columns_of(values: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Return (K, N) what ``values[:, columns]`` is for (N,) columns, up to five times as fast on a CPU."""
    return values.index_select(1, columns)


def of_scene(values: torch.Tensor, scene: torch.Tensor) -> torch.Tensor:
    """Return (3, 1 or N) vectors of scenes, of (S, 3), for one scene (1,) or that of each ray (N,)."""
    return take(values, scene).T


def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return (N,) products of vectors (3, N) or (3, 1)."""
    return (a * b).sum(0)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    """Return vectors (3, N) of length 1, and (0, 0, 0) for such."""
    return vectors * dot(vectors, vectors).clamp(min=1e-24).rsqrt()


def turned(frames: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return (3, N) vectors (3, N) in the axes of (1 or N, 3, 3 or 4) frames: a turn, and a shift if there are four."""
    rows = frames.permute(1, 2, 0)
    out = torch.addcmul(rows[:, 0] * vectors[0], rows[:, 1], vectors[1]).addcmul_(rows[:, 2], vectors[2])
    return out if rows.shape[1] == 3 else out.add_(rows[:, 3])


def rows_where(chosen: torch.Tensor) -> torch.Tensor:
    """Return (K,) int64, the numbers of the rows that (N,) bool chooses."""
    return chosen.nonzero()[:, 0]
