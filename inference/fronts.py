"""Structures of a network's depth -> upright fronts, wherever they differ from one by no more than depth errs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .layout import height_over_horizon
from .prediction import Camera
from .regions import touching_pixels
from .standing import SLOPE_RANGE, level_axes, may_run

SAMPLES, LEAST_PX = 3000, 30  # pixels that a front is fitted to, about; with fewer there is none
EXACT, FITS = 0.03, 6  # relative errors of depth below that are none; rounds of weighted least squares
IN_LINE = np.sqrt(2)  # times the error of depth: two fronts that differ by less over both their widths are one
TOUCHING = 0.05  # of the shorter border of two fronts, that they share
POST_SHARE = 0.02  # of the picture's longer side: fronts border on each other across what is twice as wide


def straighten_fronts(
    log_z: np.ndarray,
    ids: np.ndarray,
    fronts: np.ndarray,
    camera: Camera,
    down_cam: np.ndarray,
    error: float,
    slants: np.ndarray | None = None,
) -> np.ndarray:
    """Return (H, W) log depth in which each front is an upright plane; what differs from it differs by less.

    A network bends a wall, and each of its windows in another way: what it tells of one front together counts for more.
    Neighbours that are in line, as far as depth tells, are one front: houses in a row, walls on both sides of a post.

    Args:
        log_z: (H, W), not finite where unknown.
        ids: (H, W) what front each pixel may be of.
        fronts: those of the ids that are.
        camera: of the picture.
        down_cam: (3,) unit vector along gravity, camera axes.
        error: of depth, relative: differences lose so much.
        slants: (N,) of the ids, as of ``find_slants``, where it is known which way they run; NaN elsewhere.
    """
    ahead, right = level_axes(down_cam)
    forward, aside = height_over_horizon(camera, -ahead), height_over_horizon(camera, -right)
    slants = np.full(int(ids.max()) + 1, np.nan) if slants is None else slants
    known = np.isfinite(log_z) & (forward > 0)
    ids = _join_in_line(log_z, np.where(known, ids, -1), fronts, forward, aside, error, slants)
    straight = log_z.copy()
    for front in fronts:
        own = ids == front
        if own.sum() < LEAST_PX:
            continue
        plane = _fit_front(log_z[own], forward[own], aside[own], float(slants[front]))
        inverse = np.column_stack([forward[own], aside[own]]) @ plane
        bent = log_z[own] + np.log(inverse)
        straight[own] = np.sign(bent) * np.maximum(np.abs(bent) - error, 0) - np.log(inverse)
    return straight


@dataclass
class _Front:
    """A front among others.

    Attributes:
        plane: (2,) as of ``_fit_front``.
        ends: (2,) where it begins and ends, sideways over ahead.
        area: its pixels.
    """

    plane: np.ndarray
    ends: np.ndarray
    area: int

    def apart(self, other: _Front) -> float:
        """Return the largest difference of log depth from the beginning to the end of both."""
        one, two = (front.plane[0] + front.plane[1] * self._ends_with(other) for front in (self, other))
        return float(np.abs(np.log(one / two)).max()) if min(one.min(), two.min()) > 0 else np.inf

    def joined(self, other: _Front) -> _Front:
        """Return both as one, between them by their areas."""
        area = self.area + other.area
        plane = (self.plane * self.area + other.plane * other.area) / area
        return _Front(plane, self._ends_with(other), area)

    def _ends_with(self, other: _Front) -> np.ndarray:
        return np.array([min(self.ends[0], other.ends[0]), max(self.ends[1], other.ends[1])])


def _join_in_line(
    log_z: np.ndarray,
    ids: np.ndarray,
    fronts: np.ndarray,
    forward: np.ndarray,
    aside: np.ndarray,
    error: float,
    slants: np.ndarray,
) -> np.ndarray:
    """Return (H, W) ids in which fronts that border on each other and are in line have the id of the largest."""
    found: dict[int, _Front] = {}
    for front in map(int, fronts):
        own = ids == front
        if (area := int(own.sum())) >= LEAST_PX:
            plane = _fit_front(log_z[own], forward[own], aside[own], float(slants[front]))
            found[front] = _Front(plane, np.quantile(aside[own] / forward[own], [0, 1]), area)
    names = np.arange(len(slants) + 1)  # the last is that of no front
    pairs = _find_neighbours(ids, list(found))
    while pairs:
        apart, one, two = min((found[one].apart(found[two]), one, two) for one, two in pairs)
        if apart > IN_LINE * error:
            break
        kept, gone = (one, two) if found[one].area >= found[two].area else (two, one)
        found[kept] = found[kept].joined(found.pop(gone))
        names[names == gone] = kept
        renamed = ((kept if one == gone else one, kept if two == gone else two) for one, two in pairs)
        pairs = {(one, two) for one, two in renamed if one != two}
    return np.asarray(np.where(ids < 0, -1, names[ids]))


def _find_neighbours(ids: np.ndarray, fronts: list[int]) -> set[tuple[int, int]]:
    """Return pairs of fronts that share a border, across what stands before it where that is narrow."""
    if len(fronts) < 2:
        return set()
    elsewhere = ~np.isin(ids, fronts)
    away, label = cv2.distanceTransformWithLabels(
        elsewhere.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros(int(label.max()) + 1, np.int64)
    nearest[label[~elsewhere]] = ids[~elsewhere]
    wide = np.where(away <= POST_SHARE * max(ids.shape), nearest[label], -1)
    first, second = touching_pixels(wide)
    pairs, pixels = np.unique(np.stack([wide.ravel()[first], wide.ravel()[second]]), axis=1, return_counts=True)
    border = np.zeros(int(ids.max()) + 2)  # the last is that of no front
    np.add.at(border, pairs.ravel(), np.tile(pixels, 2))
    shared = TOUCHING * np.minimum(*border[pairs]) <= pixels
    return {(int(one), int(two)) for one, two in pairs.T[shared & (pairs >= 0).all(axis=0)]}


def _fit_front(log_z: np.ndarray, forward: np.ndarray, aside: np.ndarray, slant: float) -> np.ndarray:
    """Return (2,) how near the plane is straight ahead and how that grows sideways, per metre of (N,) depths."""
    if may_run(slant, np.quantile(aside / forward, [0, 1])):
        return np.array([1, slant]) * np.exp(-np.median(log_z + np.log(forward + slant * aside)))
    step = max(1, len(log_z) // SAMPLES)
    z = np.exp(log_z[::step])
    rows, weight = np.column_stack([forward[::step] * z, aside[::step] * z]), np.ones(len(z))
    plane = np.zeros(2)
    for _ in range(FITS):
        plane = np.linalg.lstsq(rows * weight[:, None], weight, rcond=None)[0]
        weight = 1 / np.sqrt(np.maximum(np.abs(rows @ plane - 1), EXACT))
    ends = plane[0] + plane[1] * np.quantile(aside / forward, [0, 1])
    if ends.min() * SLOPE_RANGE < ends.max():
        return np.array([1 / np.median(rows[:, 0]), 0.0])
    return np.asarray(plane)
