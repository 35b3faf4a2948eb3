"""Borders and votes of a network -> instances: what one thing or one wall is."""

from __future__ import annotations

import cv2
import numpy as np

from .prediction import KINDS
from .regions import keep_connected

SKY, GROUND = KINDS.index("sky"), KINDS.index("ground")
BORDER = 0.45  # chance of a border from which on a pixel parts what lies beside it
JUMP = 0.09  # between votes of neighbours, likewise; in units of sqrt(height * width) / 4
SAME = 0.22  # distance of two regions' mean votes, over their size, below which they are one thing
FAINT = 0.35  # mean chance of a border between them, likewise
LEAST = 0.0012  # of the picture: no instance is smaller


def group_instances(kind: np.ndarray, border: np.ndarray, votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Group pixels into instances: the sky is one, the ground is one, the rest is parted by borders and votes.

    Args:
        kind: (h, w) int, index into ``KINDS``.
        border: (h, w) float32, chance that a pixel lies at a border.
        votes: (2, h, w) float32, x and y from each pixel to the middle of its instance, in units of sqrt(h w) / 4.

    Returns:
        (h, w) int32 ids from 1, each 4-connected but for sky and ground; (N + 1,) int64, the kind of each.
    """
    height, width = kind.shape
    unit = np.sqrt(height * width) / 4
    y, x = np.mgrid[:height, :width].astype(np.float32)
    middle = np.stack([x / unit + votes[0], y / unit + votes[1]])
    jump = np.zeros((height, width), np.float32)
    for axis in (1, 2):
        change = np.linalg.norm(np.diff(middle, axis=axis), axis=0)
        inner = (slice(None, -1), slice(None)) if axis == 1 else (slice(None), slice(None, -1))
        jump[inner] = np.maximum(jump[inner], change)
    calm = (border < BORDER) & (jump < JUMP)
    ids = np.zeros((height, width), np.int32)
    count = 0
    for number in range(len(KINDS)):
        mask = kind == number
        inside = mask if number in (SKY, GROUND) else mask & calm
        parts = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)[1]
        ids[inside] = (parts[inside] > 0) if number in (SKY, GROUND) else parts[inside]
        ids[inside] += count
        count = int(ids.max())
    least = max(4, round(LEAST * height * width))
    ids = keep_connected(ids, least)
    ids = _join(ids, kind, border, middle)
    kinds = _kinds_of(ids, kind)
    for number in (SKY, GROUND):  # what lies apart is one sky, one ground all the same
        same = np.flatnonzero(kinds[1:] == number) + 1
        if len(same) > 1:
            ids[np.isin(ids, same)] = same[0]
    kept, ids = np.unique(ids, return_inverse=True)
    return (ids.reshape(height, width) + 1).astype(np.int32), np.append(0, kinds[kept])


def _kinds_of(ids: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return (N + 1,) int64: the kind of most pixels of each id."""
    counts = np.bincount(
        (ids.astype(np.int64) * len(KINDS) + kind).ravel(), minlength=(int(ids.max()) + 1) * len(KINDS)
    )
    return np.asarray(counts.reshape(-1, len(KINDS)).argmax(axis=1))


def _join(ids: np.ndarray, kind: np.ndarray, border: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return ids in which neighbours of a kind are one where the border is faint and they vote for one middle."""
    number = int(ids.max()) + 1
    kinds = _kinds_of(ids, kind)
    pixels = np.maximum(np.bincount(ids.ravel(), minlength=number), 1)
    votes = np.stack([np.bincount(ids.ravel(), m.ravel(), number) / pixels for m in middle], 1)
    size = np.sqrt(pixels / ids.size) * 4  # in the votes' unit
    first, second, chance = _contacts(ids, border)
    group = np.arange(number)
    for i, j, faint in zip(first, second, chance, strict=True):
        if kinds[i] != kinds[j] or kinds[i] in (SKY, GROUND):
            continue
        apart = np.linalg.norm(votes[i] - votes[j]) / min(size[i], size[j])
        if faint < FAINT or (apart < SAME and faint < 0.8):
            low, high = sorted((group[i], group[j]))
            group[group == high] = low
    return np.asarray(group[ids], np.int32)


def _contacts(ids: np.ndarray, border: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of ids that touch and the mean chance of a border where they do."""
    number = int(ids.max()) + 1
    pairs, values = [], []
    for a, b, p, q in (
        (ids[:-1], ids[1:], border[:-1], border[1:]),
        (ids[:, :-1], ids[:, 1:], border[:, :-1], border[:, 1:]),
    ):
        low, high = np.minimum(a, b), np.maximum(a, b)
        touch = low != high
        pairs.append(low[touch].astype(np.int64) * number + high[touch])
        values.append(np.maximum(p, q)[touch])
    names, index = np.unique(np.concatenate(pairs), return_inverse=True)
    chance = np.bincount(index, np.concatenate(values)) / np.maximum(np.bincount(index), 1)
    return names // number, names % number, chance
