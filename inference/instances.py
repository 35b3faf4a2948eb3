"""Borders and votes of a network -> instances: what one thing or one wall is."""

from __future__ import annotations

import cv2
import numpy as np

from .prediction import KINDS
from .regions import keep_connected, most_common, touching_pixels

SKY, GROUND, STRUCTURE, OBJECT = (KINDS.index(kind) for kind in ("sky", "ground", "structure", "object"))
BORDER = 0.45  # chance of a border from which on a pixel parts what lies beside it
JUMP = 0.09  # between votes of neighbours, likewise; in units of sqrt(height * width) / 4
SAME, NEAR = 0.5, 1.0  # distance of two pieces' mean votes, over their size: they are one, they may be
CLEAR, FAINT = 0.85, 0.6  # mean chance of a border between them: they are two, they may be
LEAST = 0.002  # of the picture: no instance is smaller


def group_instances(
    kind: np.ndarray, border: np.ndarray, votes: np.ndarray, regions: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Group pixels into instances: the sky is one, the ground is one, the rest is parted by borders and votes.

    Args:
        kind: (h, w) int, index into ``KINDS``.
        border: (h, w) float32, chance that a pixel lies at a border.
        votes: (2, h, w) float32, x and y from each pixel to the middle of its instance, in units of sqrt(h w) / 4.
        regions: (h, w) int32 ids from 1 of small pieces that nothing parts; None to find some.

    Returns:
        (h, w) int32 ids from 1, each 4-connected but for sky and ground; (N + 1,) int64, the kind of each.
    """
    height, width = kind.shape
    unit = np.sqrt(height * width) / 4
    y, x = np.mgrid[:height, :width].astype(np.float32)
    middle = np.stack([x / unit + votes[0], y / unit + votes[1]])
    ids = _calm_pieces(kind, border, middle) if regions is None else regions
    ids = keep_connected(_join(ids, kind, border, middle), max(4, round(LEAST * height * width)))
    kinds = most_common(ids, kind)
    for number in (SKY, GROUND):  # what lies apart is one sky, one ground all the same
        same = np.flatnonzero(kinds[1:] == number) + 1
        if len(same) > 1:
            ids[np.isin(ids, same)] = same[0]
    _drop_clouds(ids, kinds)
    kept, ids = np.unique(ids, return_inverse=True)
    return (ids.reshape(height, width) + 1).astype(np.int32), np.append(0, kinds[kept])


def _drop_clouds(ids: np.ndarray, kinds: np.ndarray) -> None:
    """Make sky, in place, of structures in the upper half that touch nothing else: no building hangs there."""
    one, other = (ids.ravel()[places] for places in touching_pixels(ids))
    touches_sky, touches_more = np.zeros(len(kinds), bool), np.zeros(len(kinds), bool)
    for here, there in ((one, other), (other, one)):
        touches_sky[here[kinds[there] == SKY]] = True
        touches_more[here[kinds[there] != SKY]] = True
    touches_more[ids[len(ids) // 2 :]] = True
    clouds = (kinds == STRUCTURE) & touches_sky & ~touches_more
    if clouds.any():
        ids[clouds[ids]] = ids[kinds[ids] == SKY][0]


def _calm_pieces(kind: np.ndarray, border: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return ids of the parts of each kind that neither a border nor a jump of the votes runs through."""
    jump = np.zeros(kind.shape, np.float32)
    jump[:-1] = np.linalg.norm(np.diff(middle, axis=1), axis=0)
    jump[:, :-1] = np.maximum(jump[:, :-1], np.linalg.norm(np.diff(middle, axis=2), axis=0))
    calm = (border < BORDER) & (jump < JUMP)
    ids = np.zeros(kind.shape, np.int32)
    for number in range(len(KINDS)):
        inside = (kind == number) & (calm | (number in (SKY, GROUND)))
        parts = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)[1]
        ids[inside] = parts[inside] + ids.max()
    return keep_connected(ids, max(4, round(LEAST * kind.size)))


def _join(ids: np.ndarray, kind: np.ndarray, border: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return ids in which neighbours of a kind are one where the border is faint and they vote for one middle."""
    number = int(ids.max()) + 1
    kinds = most_common(ids, kind)
    pixels = np.bincount(ids.ravel(), minlength=number).astype(float)
    votes = np.stack([np.bincount(ids.ravel(), m.ravel(), number) for m in middle], 1)
    group = np.arange(number)
    first, second, chance = _contacts(ids, border)
    for contact in np.argsort(chance, kind="stable"):
        i, j, faint = group[first[contact]], group[second[contact]], chance[contact]
        if i == j or kinds[i] != kinds[j]:
            continue
        size = np.sqrt(np.sqrt(pixels[i] * pixels[j]) / ids.size) * 4  # of one between both, in the votes' unit
        apart = np.linalg.norm(votes[i] / pixels[i] - votes[j] / pixels[j]) / size
        one = kinds[i] in (SKY, GROUND) or (faint < FAINT and apart < NEAR) or (faint < CLEAR and apart < SAME)
        if one:
            group[group == j] = i
            pixels[i] += pixels[j]
            votes[i] += votes[j]
    return np.asarray(group[ids], np.int32)


def _contacts(ids: np.ndarray, border: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of ids that touch and the mean chance of a border where they do."""
    number = int(ids.max()) + 1
    one, other = touching_pixels(ids)
    names, index = np.unique(ids.ravel()[one].astype(np.int64) * number + ids.ravel()[other], return_inverse=True)
    chances = np.maximum(border.ravel()[one], border.ravel()[other])
    return names // number, names % number, np.bincount(index, chances) / np.maximum(np.bincount(index), 1)
