"""Camera from lines that a user drew: pictures of parallel edges meet in a vanishing point.

A direction d in camera axes vanishes at K d. Two directions at right angles with vanishing points u and v, in pixels
from the principal point, give the focal length: u . v + f^2 = 0. Each vanishing point gives its direction (u, f) back;
the vertical one is gravity, and two horizontal ones have gravity as their normal.

Source: Caprile and Torre 1990, Using vanishing points for camera calibration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CameraInvalid
from .files import read_json, require_file
from .prediction import Camera
from .resample import same_aspect

AXES = "xyz"  # of the world: y is the vertical, x and z are level and at right angles
ROUNDS = 10  # of reweighting
LEAST_SPREAD = 1e-3  # of half the longer side: lines closer together than this are one line
LEAST_ANGLE = 0.2  # radians between directions that should be at right angles
LEAST_CONVERGENCE = 1e-3  # below it two vanishing points say nothing about the focal length


@dataclass(frozen=True, eq=False)
class VanishingLines:
    """Edges of the world that run along its axes, as drawn on a picture.

    Attributes:
        segments: by axis, (N, 2, 2) float64, end points (x, y) px of N >= 2 segments.
        size: (height, width) px of the picture.
        name: what to call them in a sentence, their file.
    """

    segments: dict[str, np.ndarray]
    size: tuple[int, int]
    name: str


def read_vanishing_lines(path: Path, photo_size: tuple[int, int]) -> VanishingLines:
    """Read {"x": [[[x1, y1], [x2, y2]], ...], "y": ..., "z": ...}, pixels from the picture's top left corner.

    "width" and "height" tell the picture's size where it is not the photo's.

    Args:
        path: a JSON file with one to three sets of segments.
        photo_size: (height, width) px of the photo's file.

    Raises:
        CameraInvalid: no such file, no such JSON, or a set of lines in which no two differ.
    """
    path = Path(path)
    require_file(path, "file of vanishing lines", CameraInvalid, CameraInvalid)
    table = read_json(path, CameraInvalid)
    found = {axis: _read_segments(table[axis], axis, path) for axis in AXES if axis in table}
    if not found:
        raise CameraInvalid(f'{path}: there are no lines; give {{"x": [[[x1, y1], [x2, y2]], ...], "y": .., "z": ..}}')
    size = table.get("height", photo_size[0]), table.get("width", photo_size[1])
    if not all(isinstance(side, int) and 1 <= side < 1e6 for side in size) or not same_aspect(size, photo_size):
        raise CameraInvalid(
            f"{path}: the lines are for a picture of {size[1]} x {size[0]} px, and the photo has {photo_size[1]} x "
            f"{photo_size[0]}; give width and height of the picture on which they were drawn"
        )
    return VanishingLines(found, size, str(path))


def _read_segments(value: Any, axis: str, path: Path) -> np.ndarray:
    try:
        segments = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        segments = np.zeros(0)
    if segments.ndim != 3 or segments.shape[1:] != (2, 2) or len(segments) < 2 or not (np.abs(segments) < 1e7).all():
        raise CameraInvalid(
            f"{path}: the lines of {axis!r} are not two or more segments [[x1, y1], [x2, y2]] in pixels; correct them"
        )
    if not (np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1) > 0).all():
        raise CameraInvalid(f"{path}: a segment of {axis!r} has no length; draw it along an edge")
    return segments


def camera_from_lines(lines: VanishingLines, stated: Camera | None = None, fallback: Camera | None = None) -> Camera:
    """Return the camera that the lines tell, looking through the picture's centre, with gravity.

    Args:
        lines: of one to three axes.
        stated: intrinsics that are kept, for a picture of the same aspect ratio; the lines tell gravity alone.
        fallback: the same, where the lines tell no focal length.

    Raises:
        CameraInvalid: the lines leave focal length or gravity open, or contradict each other.
    """
    height, width = lines.size
    half_side = max(lines.size) / 2
    camera = (stated or Camera(half_side, half_side, width / 2, height / 2, height, width)).resized(height, width)
    principal = np.array([camera.cx, camera.cy])
    points = {
        axis: _find_vanishing_point((segments - principal) / half_side, axis, lines.name)
        for axis, segments in lines.segments.items()
    }
    source = f"vanishing lines {Path(lines.name).name}"
    if stated is not None:
        camera = replace(camera, source=f"{stated.source}, {source}")
    else:
        focal = _solve_focal(points, lines.name, required=fallback is None)
        if focal is not None:
            camera = replace(camera, fx=focal * half_side, fy=focal * half_side, source=source)
        elif fallback is not None:
            camera = replace(fallback.resized(height, width), source=f"{fallback.source}, {source}")
    stretch = np.array([half_side / camera.fx, half_side / camera.fy, 1.0])
    return replace(camera, down_cam=_solve_down({axis: point * stretch for axis, point in points.items()}, lines.name))


def _find_vanishing_point(segments: np.ndarray, axis: str, name: str) -> np.ndarray:
    """Return (3,) float64, the homogeneous unit vector of the point nearest to all lines.

    Each line counts by how far its ends lie off the line from its middle to the point, which is what a hand that draws
    gets wrong; the weights follow from the point of the round before.
    """
    middle, along = segments.mean(axis=1), segments[:, 1] - segments[:, 0]
    length = np.linalg.norm(along, axis=1)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / length[:, None]
    rows = np.column_stack([normal, -(normal * middle).sum(1)])
    weights = length
    for _ in range(ROUNDS):
        _, spreads, axes = np.linalg.svd(rows * (weights / weights.max())[:, None])
        point = axes[2]
        weights = length / np.linalg.norm(point[:2] - point[2] * middle, axis=1).clip(1e-9)
    if spreads[1] < LEAST_SPREAD:
        raise CameraInvalid(f"{name}: the lines of {axis!r} all lie on one line; draw edges that are further apart")
    return np.asarray(point)


def _solve_focal(points: dict[str, np.ndarray], name: str, *, required: bool) -> float | None:
    """Return the focal length in half the longer side; least squares over the pairs of vanishing points.

    Returns:
        None where fewer than two sets of lines converge and none is required.
    """
    pairs = list(combinations(points.values(), 2))
    across = np.array([u[:2] @ v[:2] for u, v in pairs])
    ahead = np.array([u[2] * v[2] for u, v in pairs])
    if not pairs or np.abs(ahead).max() < LEAST_CONVERGENCE:
        if not required:
            return None
        raise CameraInvalid(
            f"{name}: the lines of {', '.join(points)} do not tell the focal length, for which two sets have to "
            "converge; add lines along another edge, or give --fov or --focal-mm too"
        )
    square = -float(across @ ahead) / float(ahead @ ahead)
    if square <= 0:
        raise CameraInvalid(
            f"{name}: no camera sees the lines of {', '.join(points)} at right angles to each other; check that the "
            "lines of each set are parallel in the world"
        )
    return math.sqrt(square)


def _solve_down(directions: dict[str, np.ndarray], name: str) -> tuple[float, float, float]:
    """Return gravity in camera axes from directions (3,) by axis: the frame of axes nearest to all of them."""
    units = {axis: direction / np.linalg.norm(direction) for axis, direction in directions.items()}
    if "y" not in units and len(units) < 2:
        raise CameraInvalid(
            f"{name}: the lines of {', '.join(units)} alone do not tell which way is down; add those of y, the vertical"
        )
    if len(units) == 1:
        down = units["y"]
    else:
        if len(units) == 2:
            (third,) = set(AXES) - set(units)
            units[third] = np.cross(*units.values())
            if np.linalg.norm(units[third]) < LEAST_ANGLE:
                raise CameraInvalid(
                    f"{name}: the lines of {' and '.join(directions)} run along the same direction; "
                    "draw those of one set along other edges, at right angles to the first"
                )
        u, _, vt = np.linalg.svd(np.array([units[axis] for axis in AXES]))
        down = (u @ vt)[1]
    down = down / np.linalg.norm(down)
    if (down[1] if abs(down[1]) > 1e-6 else down[2]) < 0:  # the photo is upright, so down is not up in it
        down = -down
    x, y, z = down.tolist()
    return x, y, z
