"""Structures of a network's depth -> upright fronts, wherever they differ from one by no more than depth errs."""

from __future__ import annotations

import numpy as np

from .layout import height_over_horizon
from .prediction import Camera
from .standing import SLOPE_RANGE, level_axes, may_run

SAMPLES, LEAST_PX = 3000, 30  # pixels that a front is fitted to, about; with fewer there is none
EXACT, FITS = 0.03, 6  # relative errors of depth below that are none; rounds of weighted least squares


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
    straight = log_z.copy()
    for front in fronts:
        own = (ids == front) & np.isfinite(log_z) & (forward > 0)
        if own.sum() < LEAST_PX:
            continue
        slant = np.nan if slants is None else float(slants[front])
        inverse = np.column_stack([forward[own], aside[own]]) @ _fit_front(log_z[own], forward[own], aside[own], slant)
        bent = log_z[own] + np.log(inverse)
        straight[own] = np.sign(bent) * np.maximum(np.abs(bent) - error, 0) - np.log(inverse)
    return straight


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
