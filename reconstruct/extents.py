"""Evidence -> upright axes, how far a segment reaches along them, and on what it stands."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .evidence import Evidence
from .order import find_quantiles, median, thin
from .shapes import upright_axes

LEAST_POINTS = 12
UPRIGHT = 0.5  # |y| of a normal below which a face stands
FACE_SHARE = 0.06  # of the points: a side that is really seen has as many
HIDDEN_BELOW = 1.2  # of a thing's seen height: so much of it may be hidden down to the ground


def find_bottom(evidence: Evidence, has_ground: bool) -> float:
    """Return the height on which the segment stands: the ground where it comes near it, else its lowest point.

    Where what it stands on is hidden, the ground is not further below that point than the segment is high.
    """
    low, high = find_quantiles(evidence.points[:, 1])
    to_ground = 0.12 * (high - low) + 0.01 * evidence.distance
    if evidence.is_cut_below:
        to_ground = max(to_ground, HIDDEN_BELOW * (high - low))
    return 0.0 if has_ground and low < to_ground else float(low)


def find_axes(evidence: Evidence) -> list[np.ndarray]:
    """Return upright axes (3, 3) whose z is a level direction towards the camera: from seen sides, and from extent."""
    normals, points = thin(evidence.normals), thin(evidence.points)
    angles = []
    with np.errstate(invalid="ignore"):
        standing = np.abs(normals[:, 1]) < UPRIGHT
    if standing.sum() >= max(LEAST_POINTS, FACE_SHARE * len(points)):
        angles.append(_strongest_angle(np.arctan2(normals[standing, 0], normals[standing, 2])))
    level = points[:, [0, 2]].astype(np.float32)
    low, high = np.stack([find_quantiles(values, (0.02, 0.98)) for values in level.T], axis=1)
    rect = cv2.minAreaRect(level[((level >= low) & (level <= high)).all(1)])
    angles.append(-np.radians(rect[2]))
    distinct = [a for k, a in enumerate(angles) if all(_turn_between(a, b) > np.radians(4) for b in angles[:k])]
    towards = evidence.eye - points.mean(0)
    return [_turn_towards(angle, towards) for angle in distinct]


def _turn_towards(angle: float, towards: np.ndarray) -> np.ndarray:
    """Return upright axes at an angle, turned by quarters until their z points most towards something."""
    quarter = np.pi / 2
    angle += quarter * round((np.arctan2(towards[0], towards[2]) - angle) / quarter)
    return upright_axes(np.array([np.sin(angle), 0, np.cos(angle)]))


def _strongest_angle(angles: np.ndarray) -> float:
    """Return the direction that most agree on, of angles that are the same every quarter turn."""
    quarter = np.degrees(angles) % 90
    counts = np.bincount((quarter / 2).astype(int) % 45, minlength=45).astype(float)
    smooth = counts + 0.5 * (np.roll(counts, 1) + np.roll(counts, -1))
    peak = 2 * float(np.argmax(smooth)) + 1
    away = (quarter - peak + 45) % 90 - 45
    near = np.abs(away) < 8
    return float(np.radians(peak + median(away[near])))


def _turn_between(a: float, b: float) -> float:
    quarter = np.pi / 2
    return abs((a - b + quarter / 2) % quarter - quarter / 2)


@dataclass(frozen=True, eq=False)
class Extent:
    """What is seen of a segment along upright axes.

    Attributes:
        axes: (3, 3), columns x, y = up, z, as from ``find_axes``.
        local: (n, 3) the points along them.
        low, high: (3,) its ends, half a pixel beyond the outermost points, for there the outline runs; y from where it
            stands.
    """

    axes: np.ndarray
    local: np.ndarray
    low: np.ndarray
    high: np.ndarray


def measure_extent(evidence: Evidence, axes: np.ndarray, bottom: float) -> Extent:
    """Return the extent of a segment that stands at the height ``bottom``."""
    local = evidence.points @ axes
    low, high = np.stack([find_quantiles(values) for values in local.T], axis=1)
    low, high = low - evidence.half_pixel, high + evidence.half_pixel
    low[1] = bottom if bottom < high[1] else low[1]
    return Extent(axes, local, low, high)


def keep_corners(line: np.ndarray, tolerance: float) -> list[int]:
    """Return the numbers of the points (n, k) of a line without which it would move by more than a tolerance."""
    # Some twenty points: plain numbers are five times as fast as arrays.
    at, *columns = line.T.tolist()
    keep, todo = {0, len(at) - 1}, [(0, len(at) - 1)]
    while todo:
        a, b = todo.pop()
        furthest, worst = tolerance, a
        for values in columns:
            slope = (values[b] - values[a]) / (at[b] - at[a])
            for k in range(a + 1, b):
                away = abs(values[k] - values[a] - slope * (at[k] - at[a]))
                if away > furthest:
                    furthest, worst = away, k
        if worst > a:
            keep.add(worst)
            todo += [(a, worst), (worst, b)]
    return sorted(keep)
