"""Semantic classes -> things that stand apart: pieces, and steps of depth inside a piece; slivers join what is around.

"Every building is one building" to a semantic network. Two towers at different depths become two segments; a fence
behind a tree, in two pieces with something nearer between them, stays one.
"""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np

from .prediction import Kind
from .regions import grow, join_pairs

STEP = 0.12  # relative: less from one side of a border to the other is no step
STEEPER = 4.0  # times the usual change of nearness inside a piece: less is a slope
WINDOW = 0.008  # of the longer side: over which depth changes at a step, since networks blur it
RIM = 1.0  # of that: narrower on both sides of its middle is a rim to which the depth behind has leaked
BRIDGE = 0.25  # of the longer side: pieces further apart are not joined over what stands between them
BRIDGED = 0.8  # of the way between two pieces that must be nearer than both
NEARER = 0.95
CONTOUR_POINTS = 80
_WHOLE: tuple[Kind, ...] = ("sky",)  # one segment, in however many pieces
_FLAT: tuple[Kind, ...] = ("sky", "ground")  # depth runs away over these without a step


def split_classes(
    ids: np.ndarray, z: np.ndarray, classes: dict[int, Kind], least_px: int
) -> tuple[np.ndarray, dict[int, int]]:
    """Split the classes of an id map.

    Args:
        ids: (h, w) int32, 0 = none.
        z: (h, w) float32, depth in any unit, NaN unknown.
        classes: kind by id, of those ids that are classes; others are kept.
        least_px: pieces of fewer pixels become 0, to be taken over by what is around them.

    Returns:
        New ids (h, w) int32, and for each of them the old one.
    """
    result = np.zeros_like(ids)
    origin: dict[int, int] = {}
    for old in np.unique(ids[ids > 0]).tolist():
        mask = ids == old
        kind = classes.get(old)
        is_whole = kind is None or kind in _WHOLE
        parts = mask.astype(np.int32) if is_whole else _split_mask(mask, z, kind, least_px)
        for number in range(1, int(parts.max()) + 1):
            part = parts == number
            origin[len(origin) + 1] = old
            result[part] = len(origin)
    return result, origin


def _split_mask(mask: np.ndarray, z: np.ndarray, kind: Kind | None, least_px: int) -> np.ndarray:
    """Return (h, w) int32, the parts 1..N of one class, 0 outside and where a piece is too small."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    parts = np.zeros(mask.shape, np.int32)
    for piece in range(1, count):
        x, y, width, height, area = stats[piece].tolist()
        if area < least_px:
            continue
        window = (slice(y, y + height), slice(x, x + width))
        inside = pieces[window] == piece
        split = inside.astype(np.int32) if kind in _FLAT else _split_at_steps(inside, z[window], mask.shape, least_px)
        own = split > 0
        parts[window][own] = split[own] + parts.max()
    return _join_bridged(parts, z)


def _split_at_steps(inside: np.ndarray, z: np.ndarray, picture: tuple[int, ...], least_px: int) -> np.ndarray:
    """Return (h, w) int32, a piece's parts 1..N on both sides of its depth's steps."""
    whole = inside.astype(np.int32)
    nearness = np.where(inside & np.isfinite(z) & (z > 0), 1 / np.where(z > 0, z, np.nan), np.nan)
    if np.isfinite(nearness).sum() < 2 * least_px:
        return whole
    reach = max(1, round(WINDOW * max(picture)))
    change = _change_of(nearness, reach)
    usual = float(np.nanmedian(change)) if np.isfinite(change).any() else 0.0
    with np.errstate(invalid="ignore"):
        steep = (change > STEP * nearness) & (change > STEEPER * usual)
    if not steep.any():
        return whole
    count, cores, stats, _ = cv2.connectedComponentsWithStats((inside & ~steep).astype(np.uint8), connectivity=4)
    inner_px = cv2.distanceTransform(np.pad(cores > 0, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    kept = [
        k
        for k in range(1, count)
        if stats[k, cv2.CC_STAT_AREA] >= least_px and inner_px[cores == k].max() > RIM * reach
    ]
    if len(kept) < 2:
        return whole
    number = np.zeros(count, np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    parts = number[cores]
    _grow_inside(parts, inside)
    return _join_level(parts, nearness, reach)


def _change_of(nearness: np.ndarray, reach: int) -> np.ndarray:
    """Return (h, w), the largest change of nearness from ``reach`` pixels before to as many after, NaN unknown."""
    padded = np.pad(nearness, reach, constant_values=np.nan)
    height, width = nearness.shape
    left, right = padded[reach : reach + height, :width], padded[reach : reach + height, 2 * reach :]
    above, below = padded[:height, reach : reach + width], padded[2 * reach :, reach : reach + width]
    return np.fmax(np.abs(right - left), np.abs(below - above))


def _grow_inside(parts: np.ndarray, inside: np.ndarray) -> None:
    """Fill in place the pixels inside that have no part from the nearest one that has."""
    missing = (parts == 0).astype(np.uint8)
    _, label = cv2.distanceTransformWithLabels(missing, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(int(label.max()) + 1, np.int32)
    of_label[label[parts > 0]] = parts[parts > 0]
    filled = of_label[label]
    parts[inside] = filled[inside]


def _join_level(parts: np.ndarray, nearness: np.ndarray, reach: int) -> np.ndarray:
    """Return parts of which neighbours are one that have no step of depth over their border, seen a little way in."""
    count = int(parts.max()) + 1
    pairs = []
    kernel = np.ones((4 * reach + 1,) * 2, np.uint8)
    for i in range(1, count):
        near_i = cv2.dilate((parts == i).astype(np.uint8), kernel) > 0
        for j in range(i + 1, count):
            second = near_i & (parts == j)
            if not second.any():
                continue
            first = (cv2.dilate((parts == j).astype(np.uint8), kernel) > 0) & (parts == i)
            sides = [
                np.nanmedian(nearness[side]) if np.isfinite(nearness[side]).any() else np.nan
                for side in (first, second)
            ]
            if not abs(sides[0] - sides[1]) > STEP * min(sides):
                pairs.append((i, j))
    return _join(parts, pairs)


def _join_bridged(parts: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return parts of which those are one that only something nearer keeps apart, at about the same depth."""
    count = int(parts.max())
    if count < 2:
        return parts
    contours = [_contour(parts == i) for i in range(1, count + 1)]
    depths = [_median(z[parts == i]) for i in range(1, count + 1)]
    pairs = [
        (i + 1, j + 1)
        for i, j in combinations(range(count), 2)
        if abs(np.log(depths[i] / depths[j])) < STEP and _is_bridged(contours[i], contours[j], depths[i], z)
    ]
    return _join(parts, pairs)


def _join(parts: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Return parts 0..N of which those of a pair are one, numbered without gaps."""
    _, number = np.unique(join_pairs(pairs, int(parts.max()) + 1), return_inverse=True)
    return number.astype(np.int32)[parts]


def _is_bridged(first: np.ndarray, second: np.ndarray, depth: float, z: np.ndarray) -> bool:
    """Tell whether what lies between two contours, (N, 2) x y px each, stands before a depth."""
    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    i, j = np.unravel_index(int(distance.argmin()), distance.shape)
    if not 2 < distance[i, j] < BRIDGE * max(z.shape):
        return False
    steps = np.linspace(0, 1, int(distance[i, j]) + 1)[1:-1, None]
    columns, rows = np.rint(first[i] + steps * (second[j] - first[i])).astype(int).T
    between = z[rows, columns]
    return bool(np.mean(between < NEARER * depth) >= BRIDGED)


def _contour(mask: np.ndarray) -> np.ndarray:
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate(found)[:, 0].astype(np.float64)
    return points[:: max(1, len(points) // CONTOUR_POINTS)]


def _median(z: np.ndarray) -> float:
    known = z[np.isfinite(z) & (z > 0)]
    return float(np.median(known)) if len(known) else 1.0


def join_slivers(ids: np.ndarray, least_px: int) -> np.ndarray:
    """Return ids whose pieces of fewer pixels, and whose gaps of as few, belong to what is around them.

    Args:
        ids: (h, w) int32, 0 = none; larger areas of it stay.
        least_px: smallest piece of a segment, unless it has no larger one.
    """
    joined = ids.copy()
    for number in np.unique(ids).tolist():
        count, _, stats, _ = cv2.connectedComponentsWithStats((ids == number).astype(np.uint8), connectivity=8)
        areas = stats[1:, cv2.CC_STAT_AREA]
        if count == 1 or areas.min() >= least_px:
            continue
        _, pieces = cv2.connectedComponents((ids == number).astype(np.uint8), connectivity=8)
        small = np.flatnonzero(areas < least_px) + 1
        joined[np.isin(pieces, small)] = -1
    if (joined == -1).all():
        return ids
    places = joined == -1
    grown = np.where(places, 0, joined + 1).astype(np.int32)
    grow(grown)
    return np.where(places, grown - 1, ids).astype(np.int32)
