"""Evidence -> solids of revolution: cylinders and cones, and ellipses as wide as the outline at each height."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .evidence import Evidence
from .extents import LEAST_POINTS, keep_corners
from .order import find_quantiles, median, quantile_by
from .shapes import Shape, make_lathe, make_lying_cylinder, make_revolution, upright_axes

SIDE = 0.5  # |share of a normal along the axis| below which it belongs to the side of a lying cylinder
SIDE_SHARE, AXIS_ROUNDS = 0.25, 3  # least share of the points on the side; an end may show more
RESTS = 0.1  # of its radius: a lying cylinder nearer to the ground lies on it
LATHE_BANDS, LATHE_FLATNESS = 30, (1.0, 0.5)
LATHE_TOLERANCE, LATHE_TOLERANCE_PX = 0.02, 1.5  # of its height, and px: what stands out less needs no section
LATHE_SECTIONS = 12  # at most
SHOWN_FLAT = 0.4  # of the radius: so far before its axis a round thing lies in a depth map that shows it flat
TIP = 0.15  # of a cone's height: what may be missing of its tip


def fit_revolution(evidence: Evidence, bottom: float) -> Iterator[Shape]:
    """Yield the upright cylinder or cone whose side points are centre + radius(height) * normal, by least squares."""
    with np.errstate(invalid="ignore"):
        side = np.abs(evidence.normals[:, 1]) < 0.75
    if side.sum() < max(LEAST_POINTS, 0.4 * len(evidence.points)):
        return
    points, normals = evidence.points[side], evidence.normals[side][:, [0, 2]]
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    low, high = find_quantiles(evidence.points[:, 1])
    share = (points[:, 1] - low) / max(high - low, 1e-9)
    ones, zeros = np.ones(len(points)), np.zeros(len(points))
    columns = np.stack(
        [
            np.column_stack([ones, zeros, normals[:, 0] * (1 - share), normals[:, 0] * share]),
            np.column_stack([zeros, ones, normals[:, 1] * (1 - share), normals[:, 1] * share]),
        ]
    )
    solution = _solve_robustly(columns, points[:, [0, 2]].T)
    if solution is None:
        return
    centre, radii = solution[:2], solution[2:]
    width = float(np.ptp(find_quantiles(points[:, [0, 2]] @ _across(evidence))))
    if min(radii) < -0.05 * width or not 0.25 * width < max(radii) < 1.2 * width:
        return
    radii = np.maximum(radii, 0)
    apex = radii[1] / max(radii[0] - radii[1], 1e-9) * (high - low)
    if apex < TIP * (high - low):  # too few pixels show a tip for its end to be seen
        high, radii[1] = high + apex, 0.0
    foot = min(bottom, low)
    grown = radii[0] + (radii[0] - radii[1]) * (low - foot) / max(high - low, 1e-9)
    yield make_revolution(centre, foot, float(high), (float(max(grown, 0)), float(radii[1])), "seen: its curvature")
    mean = float(radii.mean())
    yield make_revolution(centre, foot, float(high), (mean, mean), "seen: its curvature")


def fit_lying_cylinder(evidence: Evidence, bottom: float) -> Iterator[Shape]:
    """Yield the level cylinders whose side points are axis + radius * normal, by least squares: logs, pipes, tanks."""
    known = np.isfinite(evidence.normals[:, 1])
    points, normals = evidence.points[known], evidence.normals[known]
    if len(points) < LEAST_POINTS:
        return
    towards = (evidence.eye - points.mean(0))[[0, 2]]
    for start in _level_directions(normals):
        axes, side = _find_level_axis(normals, start, towards)
        if side.sum() < max(LEAST_POINTS, SIDE_SHARE * len(points)):
            continue
        local, n = (points @ axes)[side], (normals @ axes)[side, :2]
        n /= np.linalg.norm(n, axis=1, keepdims=True)
        ones, zeros = np.ones(len(local)), np.zeros(len(local))
        columns = np.stack([np.column_stack([ones, zeros, n[:, 0]]), np.column_stack([zeros, ones, n[:, 1]])])
        solution = _solve_robustly(columns, local[:, :2].T)
        if solution is None:
            continue
        x, y, radius = solution.tolist()
        width = max(float(np.ptp(find_quantiles(values))) for values in local[:, :2].T)
        if 0.25 * width < radius < 1.2 * width:
            y = bottom + radius if abs(y - radius - bottom) < RESTS * radius else y
            low, high = find_quantiles(points @ axes[:, 2]).tolist()
            ends = low - evidence.half_pixel, high + evidence.half_pixel
            yield make_lying_cylinder(axes, np.array([x, y]), radius, ends, "seen: its curvature")


def _level_directions(normals: np.ndarray) -> np.ndarray:
    """Return (2, 2) unit directions, world x and z, along which normals (n, 3) spread least and most."""
    level = normals[:, [0, 2]]
    return np.linalg.eigh(level.T @ level)[1].T


def _find_level_axis(normals: np.ndarray, axis: np.ndarray, towards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return upright axes whose z lies across most normals, and (n,) bool, which those are; ends are left out."""
    side = np.ones(len(normals), bool)
    for _ in range(AXIS_ROUNDS):
        side = np.abs(normals[:, [0, 2]] @ axis) < SIDE
        axis = _level_directions(normals[side])[0]
    return upright_axes(axis if axis @ towards > 0 else -axis), side


def _across(evidence: Evidence) -> np.ndarray:
    """Return (2,) the level direction across the view, as world x and z."""
    towards = (evidence.eye - evidence.points.mean(0))[[0, 2]]
    return np.array([-towards[1], towards[0]]) / max(float(np.linalg.norm(towards)), 1e-9)


def _solve_robustly(columns: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """Return the (k,) least-squares solution of (m, n, k) columns and (m, n) values, far points weighted down."""
    weights = np.ones(values.shape[1])
    for _ in range(5):
        rows = (columns * weights[:, None]).reshape(-1, columns.shape[2])
        solution, _, rank, _ = np.linalg.lstsq(rows, (values * weights).reshape(-1), rcond=1e-9)
        if rank < columns.shape[2]:
            return None
        away = np.linalg.norm(np.einsum("mnk,k->mn", columns, solution) - values, axis=0)
        weights = 1 / (1 + (away / max(1.5 * median(away), 1e-9)) ** 2)
    return solution


def fit_lathe(evidence: Evidence, bottom: float) -> Iterator[Shape]:
    """Yield ellipses as wide as the outline at each height, about one upright axis, round and flat ones.

    Depth of a network may show a thing flat that is known to be round: then another stands where it is seen.
    """
    points = evidence.points
    towards = (evidence.eye - points.mean(0))[[0, 2]]
    towards /= np.linalg.norm(towards)
    sideways = _across(evidence)
    across, near = points[:, [0, 2]] @ sideways, points[:, [0, 2]] @ towards
    low, high = find_quantiles(points[:, 1], (0.002, 0.998))
    bands = np.linspace(low, high, LATHE_BANDS + 1)
    number = np.searchsorted(bands, points[:, 1]) - 1
    used, left = quantile_by(number, across, 0.0, LATHE_BANDS)
    _, right = quantile_by(number, across, 1.0, LATHE_BANDS)
    _, fronts = quantile_by(number, near, 0.95, LATHE_BANDS)
    if len(used) < 3:
        return
    heights, middles, radii = (bands[used] + bands[used + 1]) / 2, (left + right) / 2, (right - left) / 2
    half = evidence.half_pixel
    ends = radii[[0, -1]] + (radii[[0, -1]] - radii[[1, -2]]) / 2
    radii = np.array([ends[0], *radii, ends[1]]) + half
    heights = np.array([min(bottom, low), *heights, high + half])
    middles, fronts = (np.array([values[0], *values, values[-1]]) for values in (middles, fronts))
    radii = np.maximum(radii, half)
    sections = np.column_stack([heights, middles, radii])
    tolerance = max(LATHE_TOLERANCE * (high - low), LATHE_TOLERANCE_PX * 2 * half)
    while len(keep := keep_corners(sections, tolerance)) > LATHE_SECTIONS:
        tolerance *= 1.5
    axes = [(float(np.average(fronts - share * radii, weights=radii)), share) for share in LATHE_FLATNESS]
    if evidence.is_round_all_the_same:
        axes.append((median(near) - SHOWN_FLAT * float(np.average(radii, weights=radii)), 1.0))
    for axis, flatness in axes:
        centres = middles[:, None] * sideways + axis * towards
        yield make_lathe(
            centres[keep], heights[keep], radii[keep], flatness, sideways, f"as deep as {flatness:g} of its width"
        )
