"""Boxes and turned solids -> the same, moved and resized until the outline and the depth of a segment agree with them.

Depth alone places a solid as badly as depth is known; the outline is as sharp as the segments are. Each counts for what
it is worth. Damped least squares, after Levenberg (1944) and Marquardt (1963); the outline of a convex solid is
compared by how far it reaches in each of several directions, which needs no picture of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from .evidence import Evidence
from .frames import project, transform
from .shapes import Shape, make_box, make_revolution

DIRECTIONS = 24
DEPTH_SAMPLES = 64
OUTLINE_PX = 0.7  # deviation of an outline on the grid
DEVIATION = 1.5  # of depth, over its mean error
DEPTH_LEAST, DEPTH_WORTH = 0.003, 0.35  # least relative deviation of depth; neighbours err alike, so each counts less
OUTLYING = 3.0  # deviations beyond which depth hardly counts more
MISSED = 0.3  # relative depth error where a ray misses the solid
STEPS, PROBE = 12, 1e-3  # of the search; of the solid's size, for derivatives
LOOSE = 0.5  # deviation of a size from where it starts, of that size: what nothing shows stays
RING = 24  # corners of a circle
UPRIGHT = 0.99  # y of the axis of a round solid that stands

Solid = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Target:
    """What a solid has to agree with.

    Attributes:
        directions: (K, 2) unit, in the grid's picture.
        reach: (K,) px, how far the segment reaches in each.
        is_hidden: (K,) bool, whether something nearer or the frame ends it there, so that the solid may reach further.
        rays: (M, 3) world, of unit depth.
        z: (M,) depth along them.
        deviation: relative, of that depth.
    """

    directions: np.ndarray
    reach: np.ndarray
    is_hidden: np.ndarray
    rays: np.ndarray
    z: np.ndarray
    deviation: float


def set_target(evidence: Evidence) -> Target:
    """Return what solids of a segment have to agree with."""
    rows, columns = np.nonzero(evidence.own)
    hull = cv2.convexHull(np.column_stack([columns, rows]).astype(np.int32))[:, 0]
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    along = directions @ (hull + 0.5).T
    reach = along.max(axis=1) + 0.5 * np.abs(directions).sum(axis=1)
    tips = hull[along.argmax(axis=1)]
    known = np.isfinite(evidence.z[rows, columns])
    rows, columns = rows[known], columns[known]
    keep = np.linspace(0, len(rows) - 1, min(len(rows), DEPTH_SAMPLES)).astype(int)
    z = evidence.z[rows[keep], columns[keep]]
    return Target(
        directions,
        reach,
        _ends_hidden(evidence, tips, directions),
        (evidence.points[keep] - evidence.eye) / z[:, None],
        z,
        max(DEPTH_LEAST, DEVIATION * evidence.depth_error),
    )


def _ends_hidden(evidence: Evidence, tips: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return (K,) bool, whether the pixels (K, 2) end at something nearer, or at the frame, in a direction."""
    size = np.array(evidence.own.shape[::-1])
    beyond = np.rint(tips + 2 * directions).astype(int)
    outside = ((beyond < 0) | (beyond >= size)).any(axis=1)
    x, y = beyond.clip(0, size - 1).T
    with np.errstate(invalid="ignore"):
        nearer = evidence.z[y, x] < (1 - 0.02 - 2 * evidence.depth_error) * evidence.z[tips[:, 1], tips[:, 0]]
    return outside | (nearer & ~evidence.own[y, x])


def adjust(shape: Shape, evidence: Evidence, target: Target) -> Shape | None:
    """Return a box, or an upright cylinder or cone, that agrees better; None for others, or where none was found."""
    if shape.kind == "box":
        return _adjust_box(shape, evidence, target)
    if shape.kind in ("cylinder", "cone") and abs(shape.world_from_plane[1, 2]) > UPRIGHT:
        return _adjust_round(shape, evidence, target)
    return None


def _adjust_box(shape: Shape, evidence: Evidence, target: Target) -> Shape | None:
    axes = shape.world_from_plane[:3, :3]
    local = shape.rings.reshape(-1, 3) @ axes
    low, high = local.min(axis=0), local.max(axis=0)
    centre, half = axes @ ((low + high) / 2), (high - low) / 2
    start = np.array([0.0, centre[0], centre[2], half[0], half[2], high[1]])
    size = float(half.max())

    def solid(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _look_at_box(values, axes, float(low[1]), evidence.eye, target.rays)

    loose = np.array([0.5, size, size, *(LOOSE * np.maximum(half[[0, 2]], 0.1 * size)), size])
    probe = PROBE * np.array([1.0, size, size, size, size, size])
    found = _search(solid, start, loose, probe, evidence, target)
    if found is None or min(found[3:5]) <= 0 or found[5] <= low[1]:
        return None
    turned = _turn(found[:1])[0] @ axes
    middle = np.array([found[1], 0, found[2]]) @ turned
    ends = np.array([found[3], 0, found[4]])
    bottom, top = middle - ends, middle + ends
    bottom[1], top[1] = low[1], found[5]
    return make_box(turned, bottom, top, shape.thickness_source)


def _turn(angles: np.ndarray) -> np.ndarray:
    """Return (B, 3, 3) turns about the vertical."""
    turns = np.zeros((len(angles), 3, 3))
    turns[:, 0, 0] = turns[:, 2, 2] = np.cos(angles)
    turns[:, 0, 2] = np.sin(angles)
    turns[:, 2, 0] = -np.sin(angles)
    turns[:, 1, 1] = 1
    return turns


def _look_at_box(
    values: np.ndarray, axes: np.ndarray, bottom: float, eye: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return corners (B, 8, 3) of boxes (B, 6), and the depth (B, M) at which rays meet them, NaN where they miss."""
    turned = _turn(values[:, 0]) @ axes
    tops = values[:, 5]
    middle = np.stack([values[:, 1], (bottom + tops) / 2, values[:, 2]], axis=1)
    half = np.stack([values[:, 3], (tops - bottom) / 2, values[:, 4]], axis=1)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = middle[:, None] + np.einsum("bij,bkj->bki", turned, signs * half[:, None])
    start = np.einsum("bi,bij->bj", eye - middle, turned)[:, None]
    along = rays @ turned
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(side * half[:, None] - start) / along for side in (-1, 1)])
    enter, leave = np.nanmax(ends.min(axis=0), axis=-1), np.nanmin(ends.max(axis=0), axis=-1)
    return corners, np.where((enter < leave) & (enter > 0), enter, np.nan)


def _adjust_round(shape: Shape, evidence: Evidence, target: Target) -> Shape | None:
    rings = shape.rings[[0, -1]]
    rings = rings[np.argsort(rings[:, 0, 1])]  # the lower one first
    centres = rings.mean(axis=1)
    radii = np.linalg.norm(rings[:, :, [0, 2]] - centres[:, None, [0, 2]], axis=2).mean(axis=1)
    bottom, top = float(centres[0, 1]), float(centres[1, 1])
    start = np.array([centres[0, 0], centres[0, 2], *radii, top])
    size = float(max(*radii, (top - bottom) / 2))
    is_straight = shape.kind == "cylinder"

    def solid(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if is_straight:
            values = values[:, [0, 1, 2, 2, 4]]
        return _look_at_round(values, bottom, evidence.eye, target.rays)

    loose = np.array([size, size, *np.maximum(LOOSE * radii, 0.1 * size), size])
    found = _search(solid, start, loose, np.full(5, PROBE * size), evidence, target)
    if found is None or found[2] <= 0 or found[4] <= bottom:
        return None
    ends = (float(found[2]), float(found[2] if is_straight else max(found[3], 0)))
    return make_revolution(found[:2], bottom, float(found[4]), ends, shape.thickness_source)


def _look_at_round(
    values: np.ndarray, bottom: float, eye: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return corners (B, 2 R, 3) of cones (B, 5), and the depth (B, M) at which rays meet them, NaN where they miss."""
    x, z, low, high, top = (values[:, k, None] for k in range(5))
    angles = 2 * np.pi * np.arange(RING) / RING
    rings = [
        np.stack([x + r * np.cos(angles), np.broadcast_to(y, (len(values), RING)), z + r * np.sin(angles)], axis=-1)
        for r, y in ((low, np.full_like(top, bottom)), (high, top))
    ]
    slope = (high - low) / np.maximum(top - bottom, 1e-9)
    away_x, away_z, radius = eye[0] - x, eye[2] - z, low + slope * (eye[1] - bottom)
    a = rays[:, 0] ** 2 + rays[:, 2] ** 2 - (slope * rays[:, 1]) ** 2
    b = away_x * rays[:, 0] + away_z * rays[:, 2] - slope * radius * rays[:, 1]
    under = b * b - a * (away_x**2 + away_z**2 - radius**2)
    root = np.sqrt(np.maximum(under, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.stack([(y - eye[1]) / rays[:, 1] for y in (np.full_like(top, bottom), top)])
        enter = np.maximum((-b - root) / a, level.min(axis=0))
        leave = np.minimum((-b + root) / a, level.max(axis=0))
        depth = np.where((under > 0) & (enter < leave) & (enter > 0), enter, np.nan)
    return np.concatenate(rings, axis=1), depth


def _search(
    solid: Solid, start: np.ndarray, loose: np.ndarray, probe: np.ndarray, evidence: Evidence, target: Target
) -> np.ndarray | None:
    """Return the values (P,) that agree best with the target, from a start; None where that is behind the camera."""

    def misfit(values: np.ndarray) -> np.ndarray:
        return np.concatenate([_misfit(*solid(values), evidence, target), (values - start) / loose], axis=1)

    best, damping = start, 1e-2
    steps = np.vstack([np.zeros(len(start)), np.diag(probe)])
    around = misfit(best + steps)
    for _ in range(STEPS):
        if not np.isfinite(around).all():
            return None
        slopes = (around[1:] - around[0]) / probe[:, None]
        normal, pull = slopes @ slopes.T, slopes @ around[0]
        tries = np.array([damping / 4, damping, damping * 16])
        moves = np.stack([np.linalg.solve(normal + np.diag(d * np.diag(normal)), -pull) for d in tries])
        costs = np.square(misfit(best + moves)).sum(axis=1)
        chosen = int(np.argmin(np.where(np.isfinite(costs), costs, np.inf)))
        before = float(np.square(around[0]).sum())
        if not costs[chosen] < before:
            damping *= 64
            if damping > 1e4:
                break
            continue
        best, damping = best + moves[chosen], max(tries[chosen], 1e-6)
        if costs[chosen] > 0.999 * before:
            break
        around = misfit(best + steps)
    return best


def _misfit(corners: np.ndarray, depth: np.ndarray, evidence: Evidence, target: Target) -> np.ndarray:
    """Return (B, K + M) how many deviations solids are off in outline and depth."""
    seen = transform(evidence.camera_from_world, corners)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (project(seen, evidence.camera) @ target.directions.T).max(axis=1)
    outline = (reach - target.reach) / OUTLINE_PX
    outline = np.where(target.is_hidden, np.minimum(outline, 0), outline)
    outline[(seen[..., 2] <= 0).any(axis=1)] = np.inf
    error = np.nan_to_num(np.clip(depth / target.z - 1, -MISSED, MISSED), nan=MISSED) / target.deviation
    return np.concatenate([outline, DEPTH_WORTH * error / np.sqrt(1 + np.square(error / OUTLYING))], axis=1)
