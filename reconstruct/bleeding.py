"""Depth that runs from one thing into the next over their border -> depth that steps there, as the segments do.

Networks see a coarse picture: beside a silhouette their depth is that of neither thing, for some pixels. How many is
measured where a step is clear; as many pixels on both sides of each step then take the depth of the nearest pixel of
their own segment that lies further in.
"""

from __future__ import annotations

import cv2
import numpy as np

from .planes import fit_roughly, mean_error

WORK_PX = 640  # long side that the map is reduced to
REACH = 0.02  # of the long side: bleeding is sought, and believed, no further from the border
CLEAR_STEP, STEP = 0.15, 0.05  # relative: of the steps that tell how wide bleeding is, and of those that are mended
SETTLED = 0.08  # of a step: what is nearer to one side's depth than this belongs to it
LEVEL = 0.2  # of a clear step: more change on either side of it is a slope
LEAST_CROSSINGS = 30
SHARP = 0.5  # of a step from one pixel to the next: there depth does not run over, wherever that is
SHARP_PX = 1  # narrower bleeding does no harm
LEAST_GOOD = 0.1  # of a segment's pixels; where fewer are left it is too thin to have an inside
SLOPE_SAMPLES, FLAT = 500, 0.03  # for the plane of a segment; its relative error, above which there is none
NEAREST = 0.04  # share of a thin thing's pixels that show it most: at its foot, and along its middle


def settle_depth(ids: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Take bleeding out of a depth map.

    Args:
        ids: (H, W) int32, segments; every border between two of them is looked at.
        z: (H, W) float32, NaN unknown.

    Returns:
        (H, W) float32; ``z`` itself where its steps are sharp.
    """
    stride = max(1, -(-max(ids.shape) // WORK_PX))
    middle = (slice(stride // 2, None, stride),) * 2
    small_ids, small = ids[middle], z[middle].astype(np.float32)
    width = measure_bleeding(small_ids, small)
    if width <= SHARP_PX:
        return z
    suspect = _find_suspects(small_ids, small, width)
    settled = _fill(small_ids, small, suspect)
    rows, columns = (np.minimum(np.arange(n) // stride, m - 1) for n, m in zip(ids.shape, small.shape, strict=True))
    place = np.ix_(rows, columns)
    known = suspect[place] & (small_ids[place] == ids) & np.isfinite(z)
    return np.where(known, settled[place], z)


def measure_bleeding(ids: np.ndarray, z: np.ndarray) -> int:
    """Return how many pixels from a border depth still runs over, at most clear steps; 0 where there are none.

    Args:
        ids: (H, W) int32.
        z: (H, W) float32, NaN unknown.
    """
    reach = max(2, round(REACH * max(ids.shape)))
    widths = []
    for turned_ids, turned in ((ids, z), (ids.T, z.T)):
        rows, columns = _crossings(turned_ids)
        offsets = np.arange(-reach, reach + 2)
        keep = (columns >= reach) & (columns + reach + 1 < turned_ids.shape[1])
        rows, columns = rows[keep, None], columns[keep, None] + offsets
        of_side = turned_ids[rows, columns]
        whole = (of_side[:, : reach + 1] == of_side[:, reach : reach + 1]).all(axis=1)
        whole &= (of_side[:, reach + 1 :] == of_side[:, reach + 1 : reach + 2]).all(axis=1)
        log = np.log(turned[rows[whole], columns[whole]])
        step = log[:, -1:] - log[:, :1]
        with np.errstate(invalid="ignore"):
            level = np.abs(log[:, [reach // 2, -1]] - log[:, [0, -1 - reach // 2]]) < LEVEL * np.abs(step)
            clear = (np.abs(step[:, 0]) > CLEAR_STEP) & level.all(axis=1)
        share = (log[clear] - log[clear, :1]) / step[clear]
        runs = (np.abs(np.diff(share, axis=1)).max(axis=1) < SHARP)[:, None]
        off = runs & np.where(offsets <= 0, share > SETTLED, share < 1 - SETTLED)
        widths.append(np.where(off, np.maximum(1 - offsets, offsets), 0).max(axis=1))
    found = np.concatenate(widths)
    return int(np.median(found)) if len(found) >= LEAST_CROSSINGS else 0


def _crossings(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the pixels whose right neighbour belongs to something else."""
    rows, columns = np.nonzero(ids[:, :-1] != ids[:, 1:])
    return rows, columns


def _find_suspects(ids: np.ndarray, z: np.ndarray, width: int) -> np.ndarray:
    """Return (H, W) bool, pixels so near to a border with a step that depth may run over there."""
    at_step = np.zeros(ids.shape, np.uint8)
    inverse = 1 / z
    for turned_ids, turned, marked in ((ids, inverse, at_step), (ids.T, inverse.T, at_step.T)):
        rows, columns = _crossings(turned_ids)
        sides = [_reach_border(turned_ids, turned, rows, columns + k, width, 2 * k - 1) for k in (0, 1)]
        with np.errstate(invalid="ignore"):
            steps = np.abs(sides[0] - sides[1]) > STEP * np.minimum(*sides)
        marked[rows[steps], columns[steps]] = marked[rows[steps], columns[steps] + 1] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    return cv2.dilate(at_step, disc).view(bool)


def _reach_border(
    ids: np.ndarray, inverse: np.ndarray, rows: np.ndarray, columns: np.ndarray, width: int, away: int
) -> np.ndarray:
    """Return (N,) the inverse depth that each side's inside, where nothing runs over, would have at the border."""
    last = ids.shape[1] - 1
    near, far = (np.clip(columns + away * k * width, 0, last) for k in (1, 2))
    own = ids[rows, columns]
    first, second = inverse[rows, near], inverse[rows, far]
    straight = (ids[rows, near] == own) & (ids[rows, far] == own) & np.isfinite(second)
    slope = np.where(straight, first - second, 0)
    # A thing thinner than that shows itself best in its middle: half of the way there.
    half = inverse[rows, np.clip(columns + away * (width // 2), 0, last)]
    return np.where(ids[rows, near] == own, first + slope, half)


def _fill(ids: np.ndarray, z: np.ndarray, suspect: np.ndarray) -> np.ndarray:
    """Return depth in which suspects have that of the nearest good pixel of their own segment."""
    settled = z.copy()
    for number, (rows, columns) in _boxes(ids):
        own = (ids[rows, columns] == number) & np.isfinite(z[rows, columns])
        doubted = own & suspect[rows, columns]
        if not doubted.any():
            continue
        good = own & ~doubted
        depth, out = z[rows, columns], settled[rows, columns]
        if np.count_nonzero(good) < LEAST_GOOD * np.count_nonzero(own):
            out[own] = _depth_of_thin(depth[own], z, rows, columns)
            continue
        slope = _fit_slope(depth, good)
        off = (~good).view(np.uint8)
        _, label = cv2.distanceTransformWithLabels(off, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        of_label = np.zeros(int(label.max()) + 1, np.float32)
        of_label[label[good]] = (depth * slope)[good]
        out[doubted] = of_label[label[doubted]] / slope[doubted]
    return settled


def _fit_slope(depth: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return (h, w) how inverse depth goes on over a segment that is flat, ones for one that is not."""
    rows, columns = np.nonzero(good)
    keep = slice(None, None, max(1, len(rows) // SLOPE_SAMPLES))
    rows, columns = rows[keep], columns[keep]
    z = depth[rows, columns].astype(np.float64)
    points = np.column_stack([columns, rows, np.ones(len(z))]) * z[:, None]
    plane = fit_roughly(points)
    if mean_error(points @ plane - 1) > FLAT:
        return np.ones(depth.shape, np.float32)
    height, width = depth.shape
    inverse = plane[0] * np.arange(width) + plane[1] * np.arange(height)[:, None] + plane[2]
    return np.clip(inverse, *(np.quantile(1 / z, (0.02, 0.98)) * [0.8, 1.25])).astype(np.float32)


def _depth_of_thin(depth: np.ndarray, z: np.ndarray, rows: slice, columns: slice) -> float:
    """Return the depth of a thing without an inside: nearly its nearest before what lies behind, else its furthest."""
    around = z[max(rows.start - 2, 0) : rows.stop + 2, max(columns.start - 2, 0) : columns.stop + 2]
    is_behind = float(np.nanmedian(around)) < float(np.median(depth))
    return float(np.quantile(depth, 1 - NEAREST if is_behind else NEAREST))


def _boxes(ids: np.ndarray) -> list[tuple[int, tuple[slice, slice]]]:
    """Return each id with its box."""
    numbers = np.unique(ids)
    order = np.searchsorted(numbers, ids)
    rows, columns = np.indices(ids.shape)
    low, high = np.full((2, len(numbers)), max(ids.shape)), np.zeros((2, len(numbers)), np.int64)
    for axis, place in enumerate((rows, columns)):
        np.minimum.at(low[axis], order, place)
        np.maximum.at(high[axis], order, place + 1)
    return [
        (int(number), (slice(int(t), int(b)), slice(int(left), int(r))))
        for number, t, left, b, r in zip(numbers, low[0], low[1], high[0], high[1], strict=True)
    ]
