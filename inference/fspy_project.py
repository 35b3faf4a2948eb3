"""Write a camera as an fSpy project: camera parameters for importers, and lines from which fSpy finds them again."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .fspy import GL_FROM_CV, HEADER, MAGIC, VERSION
from .prediction import Camera

JPEG_QUALITY = 92
TURN_RAD = math.radians(1e-3)  # makes vanishing points finite; a tenth of a pixel of a large photo
_Z_UP_FROM_Y_UP = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # as Blender turns a stage that it imports
_SETTINGS: dict[str, Any] = {
    "globalSettings": {"calibrationMode": "TwoVanishingPoints", "imageOpacity": 0.5, "overlay3DGuide": "XYGridFloor"},
    "controlPointsState1VP": {"horizon": [{"x": 0.2, "y": 0.5}, {"x": 0.8, "y": 0.5}]},
    "resultDisplaySettings": {
        "orientationFormat": "AxisAngleDegrees",
        "principalPointFormat": "Absolute",
        "fieldOfViewFormat": "Degrees",
        "displayAbsoluteFocalLength": False,
    },
}


def write_fspy_project(camera: Camera, world_from_camera: np.ndarray, rgb: np.ndarray, path: Path) -> None:
    """Write a project that fSpy and its importers open, with the picture inside.

    The world is Z up, as a Y-up stage is after Blender has imported it: there the project's camera and the stage's
    are the same. fSpy has square pixels: of two focal lengths the geometric mean is written.

    fSpy itself works the camera out anew when it opens a project. The lines that are written give it lens and
    orientation back, but for views straight up or down; its position then counts from fSpy's own origin.

    Args:
        camera: of the picture.
        world_from_camera: (4, 4) float64, rigid, from OpenCV camera axes to a Y-up world in metres.
        rgb: (H, W, 3) uint8, sRGB, of the camera's size.
        path: ends in .fspy; replaced where it exists.

    Raises:
        OSError: the file cannot be written.
    """
    picture = io.BytesIO()
    Image.fromarray(rgb).save(picture, "JPEG", quality=JPEG_QUALITY)
    state = json.dumps(_describe_state(camera, world_from_camera)).encode()
    header = HEADER.pack(MAGIC, VERSION, len(state), picture.tell())
    path.write_bytes(header + state + picture.getvalue())


def _describe_state(camera: Camera, world_from_camera: np.ndarray) -> dict[str, Any]:
    """Return a project's state: settings, control points as shares of the picture's sides, camera parameters."""
    parameters = _describe_camera(camera, world_from_camera)
    stretch = np.array([1 / camera.width, -1 / camera.height]) * max(camera.width, camera.height) / 2
    lines = [_lines_to(0.5 + stretch * [point["x"], point["y"]]) for point in parameters["vanishingPoints"]]
    mode = "Default" if (camera.cx, camera.cy) == (camera.width / 2, camera.height / 2) else "Manual"
    return _SETTINGS | {
        "calibrationSettingsBase": {
            "referenceDistanceAxis": None,
            "referenceDistance": 1,
            "referenceDistanceUnit": "Meters",
            "cameraData": {"presetId": None, "presetData": None, "customSensorWidth": 36, "customSensorHeight": 24},
            "firstVanishingPointAxis": parameters["vanishingPointAxes"][0],
            "secondVanishingPointAxis": parameters["vanishingPointAxes"][1],
        },
        "calibrationSettings1VP": {
            "principalPointMode": mode,
            "absoluteFocalLength": 18 * parameters["relativeFocalLength"],
        },
        "calibrationSettings2VP": {"principalPointMode": mode, "quadModeEnabled": False},
        "controlPointsStateBase": {
            "principalPoint": _point([camera.cx / camera.width, camera.cy / camera.height]),
            "origin": _point([0.5, 0.75]),
            "referenceDistanceAnchor": _point([0.5, 0.75]),
            "referenceDistanceHandleOffsets": [0.05, 0.15],
            "firstVanishingPoint": lines[0],
        },
        "controlPointsState2VP": {"secondVanishingPoint": lines[1], "thirdVanishingPoint": lines[2]},
        "cameraParameters": parameters,
    }


def _describe_camera(camera: Camera, world_from_camera: np.ndarray) -> dict[str, Any]:
    """Return fSpy's camera parameters; what they mean is told in fspy.py."""
    world_from_gl = np.eye(4)
    world_from_gl[:3, :3] = _Z_UP_FROM_Y_UP @ world_from_camera[:3, :3] @ GL_FROM_CV
    world_from_gl[:3, 3] = _Z_UP_FROM_Y_UP @ world_from_camera[:3, 3]
    half_side = max(camera.width, camera.height) / 2
    focal = math.sqrt(camera.fx * camera.fy) / half_side
    principal = np.array([camera.cx - camera.width / 2, camera.height / 2 - camera.cy]) / half_side
    axes = _turn() @ world_from_gl[:3, :3]
    x_sign, y_sign = np.where(axes[:2, 2] < 0, 1, -1)  # fSpy's vanishing points all lie ahead of the camera, along -z
    signs = {"x": x_sign, "y": y_sign, "z": x_sign * y_sign}
    return {
        "principalPoint": _point(principal),
        "viewTransform": {"rows": np.linalg.inv(world_from_gl).tolist()},
        "cameraTransform": {"rows": world_from_gl.tolist()},
        "horizontalFieldOfView": 2 * math.atan(1 / focal),
        "verticalFieldOfView": 2 * math.atan(camera.height / camera.width / focal),
        "vanishingPoints": [_point(point) for point in principal - focal * axes[:, :2] / axes[:, 2:]],
        "vanishingPointAxes": [f"{axis}{'Positive' if sign > 0 else 'Negative'}" for axis, sign in signs.items()],
        "relativeFocalLength": focal,
        "imageWidth": camera.width,
        "imageHeight": camera.height,
    }


def _turn() -> np.ndarray:
    """Return (3, 3) a tiny turn of the world: a level camera that looks along an axis has points at infinity."""
    cosine, sine = math.cos(TURN_RAD), math.sin(TURN_RAD)
    about_up = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return about_up @ about_x


def _point(point: Any) -> dict[str, float]:
    x, y = point
    return {"x": float(x), "y": float(y)}


def _lines_to(point: np.ndarray) -> dict[str, Any]:
    """Return two segments inside the picture whose lines meet in a point, all as shares of its sides."""
    away = point - 0.5
    distance = np.linalg.norm(away)
    along = away / distance if distance > 1e-6 else np.array([0.0, 1.0])
    across = np.array([-along[1], along[0]])
    segments = []
    for side in (-0.3, 0.3):
        start = 0.5 + side * across - (0.3 * along if distance < 1 else 0)
        towards = point - start
        end = start + 0.5 * towards * min(1.0, 0.6 / float(np.linalg.norm(towards)))
        segments.append([_point(start), _point(end)])
    return {"lineSegments": segments}
