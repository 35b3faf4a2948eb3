"""Boxes that say the same thing: of those that overlap, the best one stays."""

from __future__ import annotations

import numpy as np


def suppress_overlaps(
    boxes: np.ndarray, scores: np.ndarray, most: float, groups: np.ndarray | None = None
) -> np.ndarray:
    """Return the indices of boxes that no better one of their group overlaps, best first.

    Args:
        boxes: (N, 4) x0 y0 x1 y1, px.
        scores: (N,) float; of equal ones the earlier box is the better one.
        most: intersection over union from above which on the lesser box goes.
        groups: (N,) int; boxes of different groups do not compete. None is one group.

    Returns:
        (M,) int64.
    """
    order = np.argsort(-scores, kind="stable")
    groups = np.zeros(len(boxes), np.int64) if groups is None else groups
    kept = np.zeros(len(boxes), bool)
    for group in np.unique(groups):
        members = order[groups[order] == group]
        beaten = np.zeros(len(members), bool)
        for rank, index in enumerate(members):
            if not beaten[rank]:
                kept[index] = True
                beaten[rank + 1 :] |= _overlap(boxes[index], boxes[members[rank + 1 :]]) > most
    return order[kept[order]]


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return (N,) intersection over union of one box with N others."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    return np.divide(shared, union, out=np.zeros(len(others), np.result_type(shared, np.float32)), where=union > 0)
