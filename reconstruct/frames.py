"""Where axes, units and pixel centres convert; nowhere else.

Camera: OpenCV axes, x right, y down, z forward; a pixel (column i, row j) covers (i, j) to (i + 1, j + 1).
World: right-handed, Y up, metres, the camera above the origin.
Stage: the world in the stage's unit and up axis; cameras there look along -z with y up.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..inference.prediction import Camera

Units = Literal["cm", "m"]
UpAxis = Literal["Y", "Z"]

MM_PER_INCH = 25.4  # Maya's film is measured in inches
FILM_WIDTH_MM = 36.0  # full frame: makes the focal length read as the 35 mm equivalent that photographers know
METRES_PER_UNIT: dict[Units, float] = {"cm": 0.01, "m": 1.0}
USD_CAMERA_FROM_CV = np.diag([1.0, -1.0, -1.0, 1.0])


def rays_through(points_px: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the rays through picture points, scaled to unit depth.

    Args:
        points_px: (..., 2) float, (x, y) px, pixel centres at +0.5.
        camera: the camera of that picture.

    Returns:
        (..., 3) float64, camera axes, z = 1.
    """
    points_px = np.asarray(points_px, np.float64)
    x = (points_px[..., 0] - camera.cx) / camera.fx
    y = (points_px[..., 1] - camera.cy) / camera.fy
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def project(points_cam: np.ndarray, camera: Camera) -> np.ndarray:
    """Return (..., 2) float64 px, the picture points of (..., 3) points in camera axes."""
    points_cam = np.asarray(points_cam, np.float64)
    z = points_cam[..., 2]
    x = camera.fx * points_cam[..., 0] / z + camera.cx
    y = camera.fy * points_cam[..., 1] / z + camera.cy
    return np.stack([x, y], axis=-1)


def transform(dst_from_src: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (..., 3) points carried by a (4, 4) affine matrix for column vectors."""
    return np.asarray(points) @ dst_from_src[:3, :3].T + dst_from_src[:3, 3]


def world_from_camera(down_cam: np.ndarray, height_m: float) -> np.ndarray:
    """Return the (4, 4) pose that puts the camera above the origin, looking towards -z.

    Args:
        down_cam: (3,) unit vector along gravity, in camera axes.
        height_m: the camera's height over y = 0.
    """
    up = -np.asarray(down_cam, np.float64) / np.linalg.norm(down_cam)
    forward = np.array([0.0, 0.0, 1.0])
    ahead = forward - (forward @ up) * up
    if np.linalg.norm(ahead) < 1e-3:  # looking straight up or down: the picture's top shows the way ahead
        ahead = np.array([0.0, -1.0, 0.0]) * np.sign(-forward @ up or 1.0)
        ahead = ahead - (ahead @ up) * up
    back = -ahead / np.linalg.norm(ahead)
    right = np.cross(up, back)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, up, back])
    pose[1, 3] = height_m
    return pose


def stage_from_world(units: Units, up: UpAxis) -> np.ndarray:
    """Return the (4, 4) similarity from world metres, Y up, to the stage's unit and up axis."""
    matrix = np.eye(4)
    if up == "Z":
        matrix[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    matrix[:3, :3] /= METRES_PER_UNIT[units]
    return matrix


def blender_from_stage(metres_per_unit: float, up: UpAxis) -> np.ndarray:
    """Return the (4, 4) similarity from any stage's unit and up axis to Blender's, metres and Z."""
    matrix = stage_from_world("m", "Z") if up == "Y" else np.eye(4)
    matrix[:3, :3] *= metres_per_unit
    return matrix


def factor_of(similarity: np.ndarray) -> float:
    """Return by how much a (4, 4) similarity makes lengths longer."""
    return float(np.linalg.norm(similarity[:3, 0]))


def carry_pose(similarity: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Return a (4, 4) rigid pose in the axes and the unit that a similarity leads to: rigid still."""
    carried = similarity @ pose
    carried[:3, :3] /= factor_of(similarity)
    return carried


def lens_mm(camera: Camera) -> dict[str, float]:
    """Return focal length, apertures and aperture offsets in millimetres for a full-frame film width.

    Source: UsdGeomCamera: a positive horizontal offset moves the film gate right, a positive vertical one up.
    """
    mm_per_px = FILM_WIDTH_MM / camera.width
    mm_per_py = mm_per_px * camera.fx / camera.fy  # one focal length only: non-square pixels stretch the gate
    return {
        "focal_length": camera.fx * mm_per_px,
        "horizontal_aperture": FILM_WIDTH_MM,
        "vertical_aperture": camera.height * mm_per_py,
        "horizontal_aperture_offset": (camera.width / 2 - camera.cx) * mm_per_px,
        "vertical_aperture_offset": (camera.cy - camera.height / 2) * mm_per_py,
    }


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """Return sRGB 0..1 of linear light 0..1. Source: IEC 61966-2-1."""
    linear = np.clip(np.asarray(linear, np.float64), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def linear_from_srgb(srgb: np.ndarray) -> np.ndarray:
    """Return linear light 0..1 of sRGB 0..1. Source: IEC 61966-2-1."""
    srgb = np.asarray(srgb, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def linear_from_bytes(rgb: np.ndarray) -> np.ndarray:
    """Return float64 linear light 0..1 of uint8 sRGB, of any shape, by table."""
    return linear_from_srgb(np.arange(256) / 255)[rgb]
