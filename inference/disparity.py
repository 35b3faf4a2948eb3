"""Affine-invariant disparity d = a / z + b -> depth up to one factor: the unknown b is fitted, never taken for 0.

On a level ground 1 / z = s / h, where s is the ray's component along gravity and h the camera's height: disparity is a
line over s, and its value at s = 0, the horizon, is b. The sky, infinitely far, shows b too.
"""

from __future__ import annotations

import numpy as np

from ..errors import EstimateUnusable
from .prediction import Camera, DepthMap, DisparityMap

FAR_OVER_NEAR = 100.0  # no depth is more times that of the nearest twentieth of the pixels: beyond, noise decides
LEAST_SHARE = 0.01  # of the map, to be ground or sky before it tells anything
LEAST_RANGE = 0.08  # of s over the ground seen: less is a strip from which a line cannot be prolonged
LEAST_RISE = 0.1  # of the map's range of disparity over the ground seen: less, and what is called ground stands upright
MISFIT = 0.15  # of that rise, median error of the line: above, the ground is not flat
MOST_BEYOND = 0.25  # of what is not sky may lie beyond infinity by a fitted b; noise does, more is a wrong fit
SAMPLES = 4000
QUANTILE_SAMPLES = 1 << 20


def depth_from_disparity(
    disparity: DisparityMap, ground: np.ndarray, sky: np.ndarray, camera: Camera, down_cam: np.ndarray
) -> tuple[DepthMap, str]:
    """Turn disparity into depth.

    Args:
        disparity: of (h, w) px.
        ground, sky: (h, w) bool, where they are seen.
        camera: of the photo; of any size.
        down_cam: (3,) unit vector along gravity, camera axes.

    Returns:
        Depth up to one unknown factor, and how the shift was found, in words.

    Raises:
        EstimateUnusable: the disparity is the same everywhere, or nowhere known.
    """
    d = disparity.values.astype(np.float32)
    known = np.isfinite(d)
    if not known.any() or np.ptp(d[known]) <= 1e-6 * np.abs(d[known]).max():
        raise EstimateUnusable("the disparity map is the same everywhere; the network's weights are not trained")
    shift, source = _find_shift(d, ground & known, sky & known, camera, down_cam)
    nearness, near = bound_nearness(d - np.float32(shift))
    return DepthMap(np.float32(near) / nearness, is_metric=False), f"disparity's shift {source}"


def bound_nearness(nearness: np.ndarray) -> tuple[np.ndarray, float]:
    """Return nearness of which no depth is ``FAR_OVER_NEAR`` times that of the near pixels, and that of the latter.

    Args:
        nearness: (h, w) float32, one over depth in any unit, or disparity without shift; NaN unknown.

    Returns:
        The same where it is not less; the 95 % quantile.
    """
    known = nearness[np.isfinite(nearness)]
    near = float(np.quantile(known[:: max(1, known.size // QUANTILE_SAMPLES)], 0.95))
    return np.maximum(nearness, np.float32(near / FAR_OVER_NEAR)), near


def _find_shift(
    d: np.ndarray, ground: np.ndarray, sky: np.ndarray, camera: Camera, down_cam: np.ndarray
) -> tuple[float, str]:
    """Return the disparity of what is infinitely far, and where that comes from."""
    solid = np.isfinite(d) & ~sky
    near = float(np.quantile(d[solid if solid.any() else np.isfinite(d)], 0.95))
    candidates = [
        (fit_horizon(d, ground, camera, down_cam), "fitted with the ground plane"),
        (float(np.median(d[sky])) if sky.mean() >= LEAST_SHARE else None, "taken from the sky"),
    ]
    for shift, source in candidates:
        if shift is not None and shift < near and np.mean(d[solid] <= shift) <= MOST_BEYOND:
            return shift, source
    low = float(d[np.isfinite(d)].min())
    return (0.0, "unknown, taken for 0") if low >= 0 else (low, "unknown, taken from the farthest pixel")


def fit_horizon(d: np.ndarray, ground: np.ndarray, camera: Camera, down_cam: np.ndarray) -> float | None:
    """Return the disparity at the horizon of a level ground, None where too little of it is seen or it is not flat.

    Args:
        d: (h, w) float32.
        ground: (h, w) bool.
        camera, down_cam: as of ``depth_from_disparity``.

    Source: least squares, reweighted by Huber's rule.
    """
    rows, columns = np.nonzero(ground)
    if len(rows) < max(20, LEAST_SHARE * d.size):
        return None
    keep = slice(None, None, max(1, len(rows) // SAMPLES))
    rows, columns = rows[keep], columns[keep]
    seen = camera.resized(*d.shape)
    rays = np.stack([(columns + 0.5 - seen.cx) / seen.fx, (rows + 0.5 - seen.cy) / seen.fy, np.ones(len(rows))], axis=1)
    s, values = rays @ down_cam, d[rows, columns].astype(np.float64)
    below = s > 0
    if below.sum() < 20 or np.ptp(s[below]) < LEAST_RANGE:
        return None
    s, values = s[below], values[below]
    weights = np.ones(len(s))
    for _ in range(15):
        slope, shift = np.polyfit(s, values, 1, w=np.sqrt(weights))
        errors = np.abs(values - slope * s - shift)
        weights = 1 / np.maximum(errors, max(float(np.median(errors)), 1e-12))
    low, high = np.quantile(d[np.isfinite(d)], [0.02, 0.98])
    rise = float(slope * np.ptp(s))
    recedes = rise > LEAST_RISE * (high - low)
    return float(shift) if recedes and float(np.median(errors)) < MISFIT * rise else None
