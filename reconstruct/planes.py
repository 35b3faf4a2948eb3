"""Robust planes through depth samples.

A plane that does not pass through the camera is w . (X, Y, 1) = 1 / z along the ray (X, Y, 1): linear in inverse
depth, and z * (w . ray) - 1 is the relative depth error with its sign, positive where the sample lies behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .order import find_quantiles, median

FIT_SAMPLES, ROUGH_SAMPLES = 500, 300
HYPOTHESES = 96
ERROR_CAP = 0.25  # a worse sample counts as this: an outlier is wrong, not very wrong
REFINEMENTS, SETTLED = 8, 1e-5  # at most so many; relative change of a plane that ends them
# How far beyond its inliers a front face may reach: nearer and further, as a share of their depths. A plane that
# nearly all samples agree on may run on into the unknown, as a floor does.
REACH, REACH_TRUSTED = (0.85, 1.2), (0.5, 3.0)
TILT_OF_ERROR = 3.0  # relative change of depth along a face of size 1, over its error and over usual tilts
TRUSTED_SHARE, TRUSTED_ERROR = 0.7, 0.015


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in camera axes, in front of the camera.

    Attributes:
        w: (3,) float64, 1/m: points P on it have w . P = 1.
        residual: mean relative depth error of its samples, each capped at ``ERROR_CAP``.
    """

    w: np.ndarray
    residual: float

    @property
    def normal(self) -> np.ndarray:
        """Return the (3,) unit normal that points to the camera's side."""
        return -self.w / np.linalg.norm(self.w)

    @property
    def distance(self) -> float:
        """Return the camera's distance from the plane."""
        return float(1 / np.linalg.norm(self.w))

    def depth_at(self, rays: np.ndarray) -> np.ndarray:
        """Return (N,) the depth at which (N, 3) rays of unit depth meet the plane."""
        return 1 / (rays @ self.w)

    def errors(self, rays: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return (N,) relative depth errors with their sign, positive for samples behind the plane."""
        return z * (rays @ self.w) - 1


def fit_plane(rays: np.ndarray, z: np.ndarray) -> Plane:
    """Fit a plane that at most samples agree with.

    Args:
        rays: (N, 3) float64, unit depth, camera axes; N at least 1.
        z: (N,) float64, depth.

    Returns:
        The plane; facing the camera squarely where the samples do not span one. Outside its samples it may pass behind
        the camera: ``limit_tilt`` sees to the outline that it is to carry.

    Source: RANSAC of three-point hypotheses scored by capped error (MSAC, Torr and Zisserman 2000), then
    re-weighted least squares with Tukey's weights.
    """
    keep = np.linspace(0, len(z) - 1, min(len(z), FIT_SAMPLES)).astype(int)
    rays, z = rays[keep], z[keep]
    w = np.array([0.0, 0.0, 1 / median(z)])
    if len(z) >= 6:
        w = _refine(_best_hypothesis(rays, z, w), rays, z)
    return Plane(w, mean_error(z * (rays @ w) - 1))


def fit_roughly(points: np.ndarray) -> np.ndarray:
    """Return the plane w (3,) near most of (N, 3) points: quick least squares, outliers weighted down."""
    keep = points[:: max(1, len(points) // ROUGH_SAMPLES)]
    weighted = keep
    for _ in range(3):
        normal = weighted.T @ keep
        normal[[0, 1], [0, 1]] += 1e-6 * (normal[0, 0] + normal[1, 1] + normal[2, 2])
        w = np.linalg.solve(normal, weighted.sum(0))
        errors = np.abs(keep @ w - 1)
        outlying = np.minimum(errors / max(4 * float(errors.mean()), 1e-6), 1)
        weighted = keep * (np.square(1 - np.square(outlying)) + 1e-9)[:, None]
    return w


def mean_error(errors: np.ndarray) -> float:
    """Return the mean size of relative errors, each capped at ``ERROR_CAP``."""
    return float(np.minimum(np.abs(errors), ERROR_CAP).mean())


def limit_tilt(w: np.ndarray, rays: np.ndarray, z: np.ndarray, outline_rays: np.ndarray) -> np.ndarray:
    """Turn a plane towards the camera until it stays within its samples' depths over a whole outline.

    Args:
        w: (3,) plane.
        rays, z: (N, 3), (N,) samples that it was fitted to.
        outline_rays: (M, 3) rays of the outline that it will carry.

    Returns:
        (3,) plane; unchanged where it keeps the range.
    """
    errors = np.abs(z * (rays @ w) - 1)
    inlier = errors <= max(3 * median(errors), 0.02)
    trusted = np.mean(errors <= TRUSTED_ERROR) >= TRUSTED_SHARE
    nearer, further = REACH_TRUSTED if trusted else REACH
    nearest, furthest = find_quantiles(z[inlier], (0.02, 0.98))
    low, high = 1 / (further * furthest), 1 / (nearer * nearest)
    pivot = rays[inlier].mean(0)
    middle = float(np.clip(pivot @ w, low, high))
    change = (outline_rays - pivot) @ w
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        room = np.where(change > 0, (high - middle) / change, (low - middle) / change)
    share = float(np.min(room[change != 0], initial=1.0))
    if share >= 1 and middle == pivot @ w:
        return w
    tilt = share * w[:2]
    return np.array([*tilt, middle - tilt @ pivot[:2]])


def straighten_up(w: np.ndarray, outline_rays: np.ndarray, up_cam: np.ndarray, depth_error: float) -> np.ndarray:
    """Turn a plane to an upright one that faces the camera, as far as errors of the depth may have tilted it.

    The smaller a face the less its depths tell of its tilt: of two likely values, each with its deviation, the mean.

    Args:
        w: (3,) plane.
        outline_rays: (M, 3) rays of the outline that it carries.
        up_cam: (3,) unit vector against gravity.
        depth_error: mean relative error of the depth.
    """
    low, high = outline_rays[:, :2].min(0), outline_rays[:, :2].max(0)
    pivot = np.append((low + high) / 2, 1.0)
    facing = pivot - (pivot @ up_cam) * up_cam
    if pivot @ w <= 0 or pivot @ facing <= 0.1 * (pivot @ pivot):  # seen from right above nothing faces the camera
        return w
    upright = facing * (pivot @ w) / (pivot @ facing)
    random = TILT_OF_ERROR * depth_error / float(np.sqrt(np.prod(high - low)))
    return upright + (w - upright) / (1 + random**2)


def _best_hypothesis(rays: np.ndarray, z: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(len(z))  # the same samples give the same plane
    picks = rng.integers(0, len(z), (HYPOTHESES, 3))
    triples = rays[picks] * z[picks][:, :, None]
    usable = np.abs(np.linalg.det(triples)) > 1e-9 * np.prod(z[picks], axis=1)
    hypotheses = np.vstack([fallback, np.linalg.solve(triples[usable], np.ones((int(usable.sum()), 3, 1)))[:, :, 0]])
    errors = np.abs((rays * z[:, None]) @ hypotheses.T - 1)
    return hypotheses[np.minimum(errors, ERROR_CAP / 2).sum(0).argmin()]


def _refine(w: np.ndarray, rays: np.ndarray, z: np.ndarray) -> np.ndarray:
    points = rays * z[:, None]
    for _ in range(REFINEMENTS):
        errors = np.abs(points @ w - 1)
        scale = max(4.7 * 1.4826 * median(errors), 1e-6)
        weights = np.square(1 - np.square(np.minimum(errors / scale, 1)))
        normal = (points * weights[:, None]).T @ points
        # A grain of stiffness keeps samples on one line from tilting the plane at will.
        normal[[0, 1], [0, 1]] += 1e-9 * np.trace(normal)
        before, w = w, np.linalg.solve(normal, (points * weights[:, None]).sum(0))
        if np.abs(w - before).sum() < SETTLED * np.abs(w).sum():
            break
    return w
