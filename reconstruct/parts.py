"""Split a piece that one flat front cannot explain into two kinds of parts, by depth and colour.

Two planes with a mean colour each compete for the pixels (a k-means over planes); the costs are blurred so that parts
hang together. Several starts compete too; a split counts only if it takes away a stated share of the depth error.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ..inference.prediction import Camera
from .frames import rays_through
from .planes import ERROR_CAP, fit_roughly, mean_error

WORK_PX = 96  # long side that a piece is reduced to while its parts are sought
COLOUR_WEIGHT = 0.1  # relative depth error that 100 units of Lab difference count as
TRIAL_ITERATIONS, ITERATIONS = 2, 5  # for every start; for the best of them
SPARSE_SHARE = 0.5  # of the cells with a depth at their middle pixel; below, the map has gaps everywhere
LEAST_PART = 0.04  # of the piece's pixels
MOST_PARTS = 8
CRUMB_TURNS = 12  # of handing crumbs over, before the parts are taken to be noise


def split_piece(
    inside: np.ndarray, z: np.ndarray, rgb: np.ndarray, corner_px: tuple[int, int], camera: Camera, least_px: int
) -> tuple[np.ndarray, float] | None:
    """Look for parts of one piece.

    Args:
        inside: (h, w) bool, the piece within its box.
        z: (h, w) float32, depth, NaN unknown.
        rgb: (h, w, 3) uint8 sRGB.
        corner_px: (x, y) of the box in the photo.
        camera: of the photo.
        least_px: smallest part.

    Returns:
        (h, w) int32 part numbers, 0 outside, 1..K inside, each part 4-connected, with the share of the mean depth error
        that the split takes away; None when the piece does not fall apart.
    """
    stride = max(1, -(-max(inside.shape) // WORK_PX))
    points, known = _gather_points(inside, z, stride, corner_px, camera)
    if known.sum() < 24:
        return None
    small = np.ascontiguousarray(rgb[stride // 2 :: stride, stride // 2 :: stride]).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    before = mean_error(points[known] @ fit_roughly(points[known]) - 1)
    trials = [_compete(start, points, lab, known, TRIAL_ITERATIONS) for start in _starts(points, lab, known)]
    started = [trial for trial in trials if trial is not None]
    if not started or before <= 0:
        return None
    best = min(started, key=lambda trial: trial[1])
    best = _compete(best[0] > 0, points, lab, known, ITERATIONS) or best
    prefer_second = cv2.resize(best[0], inside.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
    parts = connect_parts(inside, prefer_second, max(least_px, int(LEAST_PART * inside.sum())))
    return None if parts is None else (parts, 1 - best[1] / before)


def _gather_points(
    inside: np.ndarray, z: np.ndarray, stride: int, corner_px: tuple[int, int], camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Return a point (h', w', 3) in camera axes for each cell of stride x stride pixels, and where one is known."""
    middle = slice(stride // 2, None, stride)
    depth = z[middle, middle].astype(np.float64)
    rows, columns = np.meshgrid(*(np.arange(n) * stride + stride // 2 for n in depth.shape), indexing="ij")
    known = inside[middle, middle] & np.isfinite(depth)
    if known.sum() < SPARSE_SHARE * np.count_nonzero(inside[middle, middle]):  # sparse depth: any pixel of the cell
        y, x = np.nonzero(inside & np.isfinite(z))
        cell = np.minimum(y // stride, depth.shape[0] - 1), np.minimum(x // stride, depth.shape[1] - 1)
        rows[cell], columns[cell], depth[cell], known[cell] = y, x, z[y, x], True
    rays = rays_through(np.stack([columns + corner_px[0], rows + corner_px[1]], axis=-1) + 0.5, camera)
    return rays * np.where(known, depth, 1.0)[..., None], known


def _starts(points: np.ndarray, lab: np.ndarray, known: np.ndarray) -> Iterator[np.ndarray]:
    """Yield first guesses of the second part, (h, w) bool each."""
    rows, columns = np.meshgrid(*(np.arange(float(n)) for n in known.shape), indexing="ij")
    errors = points @ fit_roughly(points[known]) - 1
    for values in (points[..., 2], errors, np.abs(errors), rows, columns, lab[..., 0]):
        low, high = np.quantile(values[known], [0.02, 0.98])
        if high > low:
            scaled = np.clip((values[known] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
            threshold, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)
            yield values > low + (threshold + 0.5) / 255 * (high - low)


def _compete(
    second: np.ndarray, points: np.ndarray, lab: np.ndarray, known: np.ndarray, iterations: int
) -> tuple[np.ndarray, float] | None:
    """Alternate between fitting two planes and handing out pixels.

    Returns:
        (h, w) float32, how far the second part's cost lies below the first's, and the mean depth error that is left;
        None when one part starves.
    """
    share = cv2.blur(known.astype(np.float32), (5, 5)) + 1e-6
    for _ in range(iterations):
        members = [known & ~second, known & second]
        if min(np.count_nonzero(member) for member in members) < 12:
            return None
        errors = [np.abs(points @ fit_roughly(points[member]) - 1) for member in members]
        colours = [cv2.magnitude(*_away(lab, lab[member].mean(0))) for member in members]
        cost = (np.minimum(e, ERROR_CAP) + COLOUR_WEIGHT / 100 * c for e, c in zip(errors, colours, strict=True))
        difference = ((next(cost) - next(cost)) * known).astype(np.float32)
        difference = cv2.blur(difference, (5, 5)) / share
        second = difference > 0
    return difference, mean_error(np.where(second, errors[1], errors[0])[known])


def _away(lab: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far a Lab picture is from a colour, in lightness and in chroma."""
    away = lab - mean
    return np.ascontiguousarray(away[..., 0]), cv2.magnitude(*(np.ascontiguousarray(away[..., k]) for k in (1, 2)))


def connect_parts(inside: np.ndarray, second: np.ndarray, least_px: int) -> np.ndarray | None:
    """Return part numbers of the connected pieces of both sides; crumbs go over to the other side."""
    second = second & inside
    clean = 0
    for turn in range(CRUMB_TURNS):  # one side at a time: crumbs of both that touch would only change places
        side = second if turn % 2 else inside & ~second
        _, labels, stats, _ = cv2.connectedComponentsWithStats(side.view(np.uint8), connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < least_px
        small[0] = False
        if small.any():
            second ^= small[labels]
        clean = 0 if small.any() else clean + 1
        if clean == 2:
            break
    else:
        return None
    parts = np.zeros(inside.shape, np.int32)
    count = 0
    for side in (inside & ~second, second):
        found, labels = cv2.connectedComponents(side.view(np.uint8), connectivity=4)
        np.copyto(parts, labels + count, where=side)
        count += found - 1
    return parts if 2 <= count <= MOST_PARTS else None
