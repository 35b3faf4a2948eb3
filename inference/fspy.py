"""Read cameras from fSpy: its .fspy projects and the .json that it exports.

fSpy's picture plane has its origin in the picture's middle, x to the right and y up, and half the *longer* side as its
unit; ``relativeFocalLength`` r and ``principalPoint`` (u, v) are in that unit. With half the longer side
s = max(width, height) / 2:

    f = r s,  cx = width / 2 + u s,  cy = height / 2 - v s

so that ``horizontalFieldOfView`` = 2 atan(1 / r) is the angle across the longer side, also of a portrait picture.
``cameraTransform`` holds the rows of world from camera; the camera has x right, y up and looks along -z. A project is
16 bytes (b"fspy" and three little-endian uint32: version 1, size of the state, size of the picture), the state as JSON
with the above under ``cameraParameters``, and the picture's bytes.

Source: fSpy's project file format description, and the image plane frame and solver of its sources.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CameraInvalid
from .files import reason_of
from .prediction import Camera

MAGIC = b"fspy"
VERSION = 1
HEADER = struct.Struct("<4s3I")
GL_FROM_CV = np.diag([1.0, -1.0, -1.0])
_UP_OF_FLOOR = {"YZGridFloor": 0, "ZXGridFloor": 1, "XYGridFloor": 2}
_KEYS = ("principalPoint", "relativeFocalLength", "cameraTransform", "imageWidth", "imageHeight")


def is_fspy_project(path: Path) -> bool:
    """Tell a project from other files by its name or its first bytes."""
    with path.open("rb") as file:
        return path.suffix.lower() == ".fspy" or file.read(len(MAGIC)) == MAGIC


def is_fspy_export(table: dict[str, Any]) -> bool:
    """Tell the JSON that fSpy exports from our own."""
    return "cameraTransform" in table or "relativeFocalLength" in table


def read_fspy_project(path: Path) -> Camera:
    """Read the camera of a .fspy project, with gravity from its axes (see ``camera_from_fspy``).

    Raises:
        CameraInvalid: it is truncated, of another version, no project, or one that fSpy could not solve.
    """
    content = path.read_bytes()
    if len(content) < HEADER.size or not content.startswith(MAGIC):
        raise CameraInvalid(f"{path}: this is no fSpy project ({len(content)} bytes); save it again in fSpy")
    _, version, state_size, picture_size = HEADER.unpack_from(content)
    if version != VERSION:
        raise CameraInvalid(
            f"{path}: the fSpy project has version {version}, and {VERSION} is read here; export its camera as .json"
        )
    needed = HEADER.size + state_size + picture_size
    if len(content) < needed:
        raise CameraInvalid(f"{path}: the fSpy project has {len(content)} of {needed} bytes; copy or save it again")
    try:
        state = json.loads(content[HEADER.size : HEADER.size + state_size])
    except (ValueError, RecursionError) as error:
        raise CameraInvalid(
            f"{path}: the fSpy project's state is no JSON ({reason_of(error)}); save it again"
        ) from error
    table = state.get("cameraParameters") if isinstance(state, dict) else None
    if not isinstance(table, dict):
        raise CameraInvalid(
            f"{path}: the fSpy project has no camera, since its lines have no solution; mend them in fSpy and save it"
        )
    settings = state.get("globalSettings")
    guide = settings.get("overlay3DGuide") if isinstance(settings, dict) else None
    return camera_from_fspy(table, path, guide)


def camera_from_fspy(table: dict[str, Any], path: Path, guide: object = None) -> Camera:
    """Return the camera that fSpy's camera parameters describe.

    Which axis is up is the artist's choice and not on file: it is the normal of the grid floor where one is shown,
    else the world axis nearest to the picture's vertical.

    Args:
        table: fSpy's camera parameters.
        path: for ``Camera.source`` and for errors.
        guide: fSpy's 3D guide, such as "XYGridFloor".

    Raises:
        CameraInvalid: a value is missing or is not what it should be.
    """
    missing = [key for key in _KEYS if key not in table]
    if missing:
        raise CameraInvalid(f"{path}: {', '.join(missing)} missing from fSpy's camera; export it again")
    width, height = (_number(table, key, path) for key in ("imageWidth", "imageHeight"))
    if not (1 <= width < 1e6 and 1 <= height < 1e6):
        raise CameraInvalid(f"{path}: imageWidth x imageHeight is {width:g} x {height:g}; export the camera again")
    point = table["principalPoint"]
    if not isinstance(point, dict) or not {"x", "y"} <= point.keys():
        raise CameraInvalid(
            f'{path}: fSpy\'s principalPoint is {point!r}, where {{"x": .., "y": ..}} is needed; export it again'
        )
    half_side = max(width, height) / 2
    focal_px = _number(table, "relativeFocalLength", path) * half_side
    return Camera(
        focal_px,
        focal_px,
        width / 2 + _number(point, "x", path) * half_side,
        height / 2 - _number(point, "y", path) * half_side,
        round(height),
        round(width),
        f"fSpy {path.name}",
        _down_from(_read_rotation(table["cameraTransform"], path), guide),
    )


def _number(table: dict[str, Any], key: str, path: Path) -> float:
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise CameraInvalid(f"{path}: fSpy's {key} is {value!r}, where a number is needed; export the camera again")
    return float(value)


def _read_rotation(transform: object, path: Path) -> np.ndarray:
    """Return (3, 3) float64, the rotation in fSpy's camera transform."""
    try:
        rows = np.array(transform["rows"], np.float64)  # type: ignore[index]
    except (TypeError, LookupError, ValueError, OverflowError):
        rows = np.zeros(0)
    if rows.shape != (4, 4) or not np.isfinite(rows).all():
        raise CameraInvalid(f"{path}: fSpy's cameraTransform is no matrix of 4 x 4 numbers; export the camera again")
    rotation = rows[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise CameraInvalid(f"{path}: fSpy's cameraTransform is no rotation and translation; export the camera again")
    return rotation


def _down_from(world_from_gl: np.ndarray, guide: object) -> tuple[float, float, float]:
    """Return the unit vector along gravity in OpenCV camera axes."""
    upward = world_from_gl[:, 1]  # how far each world axis points to the picture's top
    axis = _UP_OF_FLOOR.get(guide) if isinstance(guide, str) else None
    if axis is None:
        axis = int(np.abs(upward).argmax())
    sign = -1.0 if upward[axis] >= 0 else 1.0
    x, y, z = (sign * GL_FROM_CV @ world_from_gl[axis]).tolist()
    return x, y, z
