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
from .planes import ERROR_CAP, mean_error

WORK_PX = 128  # long side that a piece is reduced to while its parts are sought
COLOUR_WEIGHT = 0.1  # relative depth error that 100 units of Lab difference count as
ITERATIONS = 6
LEAST_PART = 0.04  # of the piece's pixels
MOST_PARTS = 6


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
    small = inside[stride // 2 :: stride, stride // 2 :: stride]
    depth = z[stride // 2 :: stride, stride // 2 :: stride].astype(np.float64)
    known = small & np.isfinite(depth)
    if known.sum() < 24:
        return None
    lab = cv2.cvtColor(
        np.ascontiguousarray(rgb[stride // 2 :: stride, stride // 2 :: stride]).astype(np.float32) / 255,
        cv2.COLOR_RGB2LAB,
    )
    rows, columns = np.indices(small.shape) * stride + stride // 2
    rays = rays_through(np.stack([columns + corner_px[0], rows + corner_px[1]], axis=-1) + 0.5, camera)
    points = rays * np.where(known, depth, 1.0)[..., None]
    before = mean_error(points[known] @ _fit(points[known]) - 1)
    best, least = None, np.inf
    for start in _starts(points, lab, known):
        costs = _compete(start, points, lab, known)
        after = float(np.minimum(np.minimum(*np.abs(costs[1])), ERROR_CAP)[known].mean()) if costs else np.inf
        if after < least:
            best, least = costs[0], after
    if best is None or before <= 0:
        return None
    prefer_second = cv2.resize(best, inside.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
    parts = _connect(inside, prefer_second, max(least_px, int(LEAST_PART * inside.sum())))
    return None if parts is None else (parts, 1 - least / before)


def _starts(points: np.ndarray, lab: np.ndarray, known: np.ndarray) -> Iterator[np.ndarray]:
    """Yield first guesses of the second part, (h, w) bool each."""
    rows, columns = np.indices(known.shape)
    errors = points @ _fit(points[known]) - 1
    for values in (points[..., 2], errors, np.abs(errors), rows, columns, lab[..., 0]):
        low, high = np.quantile(values[known], [0.02, 0.98])
        if high > low:
            scaled = np.clip((values[known] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
            threshold, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)
            yield values > low + (threshold + 0.5) / 255 * (high - low)


def _compete(
    second: np.ndarray, points: np.ndarray, lab: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Alternate between fitting two planes and handing out pixels.

    Returns:
        (h, w) float32, how much the second part's cost lies below the first's, and (2, h, w) the relative depth errors,
        that of the part which a pixel did not go to set to the cap; None when one part starves.
    """
    share = cv2.blur(known.astype(np.float32), (5, 5)) + 1e-6
    for _ in range(ITERATIONS):
        members = [known & ~second, known & second]
        if min(member.sum() for member in members) < 12:
            return None
        errors = np.stack([points @ _fit(points[member]) - 1 for member in members])
        colours = [np.linalg.norm(lab - lab[member].mean(0), axis=-1) / 100 for member in members]
        costs = np.minimum(np.abs(errors), ERROR_CAP) + COLOUR_WEIGHT * np.stack(colours)
        difference = ((costs[0] - costs[1]) * known).astype(np.float32)
        difference = cv2.blur(difference, (5, 5)) / share
        second = difference > 0
    errors[0][second], errors[1][~second] = ERROR_CAP, ERROR_CAP
    return difference, errors


def _fit(points: np.ndarray) -> np.ndarray:
    """Return the plane w (3,) through (N, 3) points: least squares of the relative error, outliers weighted down."""
    keep = points[:: max(1, len(points) // 600)]
    weights = np.ones(len(keep))
    for _ in range(4):
        normal = (keep * weights[:, None]).T @ keep
        normal[[0, 1], [0, 1]] += 1e-6 * np.trace(normal)
        w = np.linalg.solve(normal, (keep * weights[:, None]).sum(0))
        errors = np.abs(keep @ w - 1)
        scale = max(4.7 * 1.4826 * float(np.median(errors)), 1e-6)
        weights = np.square(1 - np.square(np.minimum(errors / scale, 1))) + 1e-9
    return w


def _connect(inside: np.ndarray, second: np.ndarray, least_px: int) -> np.ndarray | None:
    """Return part numbers of the connected pieces of both sides; crumbs go over to the other side."""
    second = second & inside
    for _ in range(4):
        crumbs = np.zeros(inside.shape, bool)
        for side in (second, inside & ~second):
            _, labels, stats, _ = cv2.connectedComponentsWithStats(side.view(np.uint8), connectivity=4)
            small = stats[:, cv2.CC_STAT_AREA] < least_px
            small[0] = False
            if small.any():
                crumbs |= small[labels]
        if not crumbs.any():
            break
        second ^= crumbs
    parts = np.zeros(inside.shape, np.int32)
    count = 0
    for side in (inside & ~second, second):
        found, labels = cv2.connectedComponents(side.view(np.uint8), connectivity=4)
        np.copyto(parts, labels + count, where=side)
        count += found - 1
    return parts if 2 <= count <= MOST_PARTS else None
