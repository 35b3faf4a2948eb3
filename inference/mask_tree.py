"""Masks without classes -> a tree: which of them are the same, and which is a part of which."""

from __future__ import annotations

import numpy as np

INSIDE = 0.9  # share of a mask that lies in another one, of which it is then a part
LARGER = 1.25  # times a part's area that its whole must have
DEEPEST = 3  # whole, part, sub-part


def boxes_of(masks: np.ndarray) -> np.ndarray:
    """Return (N, 4) int64, x0 y0 x1 y1 px of (N, h, w) bool masks, the last two exclusive; zeros for an empty one."""
    boxes = np.zeros((len(masks), 4), np.int64)
    for box, mask in zip(boxes, masks, strict=True):
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if len(columns):
            box[:] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes


def find_wholes(masks: np.ndarray) -> np.ndarray:
    """Return (N,) int64, for each mask the smallest one that it is a part of, -1 for a whole.

    Args:
        masks: (N, h, w) bool; a chain of parts is at most ``DEEPEST`` long, and what is deeper hangs higher.
    """
    flat = masks.reshape(len(masks), -1).astype(np.float32)
    areas = flat.sum(axis=1)
    inside = (flat @ flat.T) / np.maximum(areas, 1)[:, None]
    wholes = np.full(len(masks), -1, np.int64)
    for i in np.argsort(-areas, kind="stable"):
        around = np.flatnonzero((inside[i] >= INSIDE) & (areas >= LARGER * areas[i]))
        around = around[around != i]
        if len(around):
            wholes[i] = around[areas[around].argmin()]
            while depth_of(int(i), wholes) > DEEPEST:
                wholes[i] = wholes[wholes[i]]
    return wholes


def depth_of(i: int, wholes: np.ndarray) -> int:
    """Return 1 for a whole, 2 for its parts, and so on."""
    depth = 1
    while wholes[i] >= 0:
        i, depth = int(wholes[i]), depth + 1
    return depth
