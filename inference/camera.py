"""Choose the camera that took the photo, and say why: a file, a field of view, lines, EXIF, an estimate, a guess."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import CameraInvalid
from .files import read_json, require_file
from .fspy import camera_from_fspy, is_fspy_export, is_fspy_project, read_fspy_project
from .prediction import Camera, Photo
from .resample import same_aspect
from .vanishing_lines import camera_from_lines, read_vanishing_lines

ASSUMED_FOV_DEG = 55.0
MIN_FOV_DEG = 1.0
MAX_FOV_DEG = 175.0
FULL_FRAME_MM = 36.0
_KEYS = ("fx", "fy", "cx", "cy", "width", "height")


def read_camera(path: Path) -> Camera:
    """Read a camera from a file of ours or of fSpy's.

    Ours is a JSON object {fx, fy, cx, cy, width, height}, all in pixels, pixel centres at +0.5, and "down_cam" if you
    like, a vector along gravity in camera axes; further keys are ignored. fSpy's is a project or its exported JSON.

    Raises:
        CameraInvalid: no such file, in none of these formats, a key is missing, or the values describe no camera.
    """
    path = Path(path)
    require_file(path, "camera file", CameraInvalid, CameraInvalid)
    if is_fspy_project(path):
        camera = read_fspy_project(path)
    else:
        table = read_json(path, CameraInvalid)
        camera = camera_from_fspy(table, path) if is_fspy_export(table) else _camera_from_table(table, path)
    check_camera(camera, str(path))
    return camera


def _camera_from_table(table: dict[str, Any], path: Path) -> Camera:
    missing = [key for key in _KEYS if key not in table]
    if missing:
        raise CameraInvalid(f"{path}: {', '.join(missing)} missing; a camera file needs {', '.join(_KEYS)} in pixels")
    values = {key: _number(table[key], key, path) for key in _KEYS}
    if not (1 <= values["width"] < 1e6 and 1 <= values["height"] < 1e6):
        raise CameraInvalid(
            f"{path}: width x height is {values['width']:g} x {values['height']:g}; give the picture's size in pixels"
        )
    down_cam = _unit_vector(table["down_cam"], path) if table.get("down_cam") is not None else None
    lens = (values["fx"], values["fy"], values["cx"], values["cy"])
    size = (round(values["height"]), round(values["width"]))
    return Camera(*lens, *size, f"file {path.name}", down_cam)


def _unit_vector(value: object, path: Path) -> tuple[float, float, float]:
    parts = value if isinstance(value, list) and len(value) == 3 else [0, 0, 0]
    x, y, z = (_number(part, "down_cam", path) for part in parts)
    length = math.hypot(x, y, z)
    if not 1e-6 < length < math.inf:
        raise CameraInvalid(
            f"{path}: down_cam is {value!r}; give three numbers, right, down and forward, such as [0, 1, 0] when level"
        )
    return x / length, y / length, z / length


def _number(value: object, key: str, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise CameraInvalid(f"{path}: {key} is {value!r}; give a number")
    return float(value)


def write_camera(camera: Camera, path: Path) -> None:
    """Write a camera as ``read_camera`` reads it."""
    table = camera.record() | ({} if camera.down_cam is None else {"down_cam": camera.down_cam})
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def check_camera(camera: Camera, name: str) -> None:
    """Raise ``CameraInvalid`` unless the values can be those of a camera.

    Args:
        camera: the camera.
        name: what to call it in the sentence, such as its file.
    """
    for key in _KEYS[:4]:
        value = getattr(camera, key)
        if not math.isfinite(value):
            raise CameraInvalid(f"{name}: {key} is {value}; give a finite number of pixels")
        if value <= 0 and key in ("fx", "fy"):
            raise CameraInvalid(f"{name}: {key} is {value:g} px; give a focal length above 0")
    fov_deg = {
        "fx": math.degrees(2 * math.atan2(camera.width / 2, camera.fx)),
        "fy": math.degrees(2 * math.atan2(camera.height / 2, camera.fy)),
    }
    if max(fov_deg.values()) >= MAX_FOV_DEG or max(fov_deg.values()) <= MIN_FOV_DEG:
        key = max(fov_deg, key=lambda key: fov_deg[key])
        raise CameraInvalid(
            f"{name}: {key} = {getattr(camera, key):g} px makes a field of view of {fov_deg[key]:.3g} degrees, outside "
            f"{MIN_FOV_DEG:g} to {MAX_FOV_DEG:g}; give the focal length in pixels of that picture"
        )
    if not (-camera.width <= camera.cx <= 2 * camera.width and -camera.height <= camera.cy <= 2 * camera.height):
        raise CameraInvalid(
            f"{name}: the principal point ({camera.cx:g}, {camera.cy:g}) is far outside the picture of "
            f"{camera.width} x {camera.height} px; give cx and cy in pixels from its top left corner"
        )


def camera_from_fov(fov_deg: float, size: tuple[int, int], source: str | None = None) -> Camera:
    """Return the camera with a *horizontal* field of view, square pixels, looking through the picture's centre.

    Horizontal in portrait photos too: it is the angle that ``Camera.fov_deg`` and Maya's angle of view show, and the
    one that Blender shows for a landscape picture.

    Args:
        fov_deg: angle across the picture's width, over 1 and under 175 degrees.
        size: (height, width) px.
        source: where the angle comes from, in words.
    """
    if not MIN_FOV_DEG < fov_deg < MAX_FOV_DEG:
        raise CameraInvalid(
            f"--fov {fov_deg:g}: a field of view lies between {MIN_FOV_DEG:g} and {MAX_FOV_DEG:g} degrees; "
            "55 suits most photos"
        )
    focal_px = size[1] / 2 / math.tan(math.radians(fov_deg) / 2)
    return _centred(focal_px, size, source or f"--fov {fov_deg:g}")


def assume_camera(size: tuple[int, int]) -> Camera:
    """Return the camera that stands for most, where nothing tells which one took a photo of (height, width) px."""
    return camera_from_fov(ASSUMED_FOV_DEG, size, f"assumed {ASSUMED_FOV_DEG:g} degrees")


def camera_from_focal_mm(focal_mm: float, size: tuple[int, int]) -> Camera:
    """Return the camera with a 35 mm equivalent focal length: 36 mm of film along the picture's long side.

    This is how Blender counts with its default sensor, so that the number typed here stands in its lens panel.

    Args:
        focal_mm: 35 mm equivalent, millimetres.
        size: (height, width) px.
    """
    shortest_mm, longest_mm = (FULL_FRAME_MM / 2 / math.tan(math.radians(a) / 2) for a in (MAX_FOV_DEG, MIN_FOV_DEG))
    if not shortest_mm < focal_mm < longest_mm:
        raise CameraInvalid(
            f"--focal-mm {focal_mm:g}: a 35 mm equivalent lies between {shortest_mm:.1f} and {longest_mm:.0f} mm; "
            "28 suits most photos of a phone"
        )
    return _centred(focal_mm / FULL_FRAME_MM * max(size), size, f"--focal-mm {focal_mm:g}")


def _centred(focal_px: float, size: tuple[int, int], source: str) -> Camera:
    height, width = size
    return Camera(focal_px, focal_px, width / 2, height / 2, height, width, source)


def known_camera(
    photo: Photo,
    camera_file: Path | None = None,
    fov_deg: float | None = None,
    focal_mm: float | None = None,
    lines_file: Path | None = None,
) -> Camera | None:
    """Return the camera that the user or the photo's EXIF states, None when neither does.

    Vanishing lines tell which way is down, whatever tells the focal length; they tell that too, where none of the
    user's options does. EXIF's counts where the lines are too few for it.

    Args:
        photo: the photo, which may be smaller than the picture that a camera file describes.
        camera_file: JSON as of ``read_camera``; goes before all others.
        fov_deg: horizontal field of view, degrees; goes before ``focal_mm``.
        focal_mm: 35 mm equivalent, millimetres; goes before EXIF.
        lines_file: vanishing lines, JSON as of ``vanishing_lines.read_vanishing_lines``.

    Raises:
        CameraInvalid: the first of these describes no camera, or one for a picture of another aspect ratio; or the
            lines do.
    """
    stated = _stated_camera(photo, camera_file, fov_deg, focal_mm)
    from_exif = _centred(photo.focal_px, photo.size, "EXIF") if photo.focal_px is not None else None
    if lines_file is None:
        return stated or from_exif
    lines = read_vanishing_lines(lines_file, photo.original_size or photo.size)
    camera = camera_from_lines(lines, stated, from_exif)
    check_camera(camera, str(lines_file))
    return fit_camera(camera, photo.size, str(lines_file))


def _stated_camera(
    photo: Photo, camera_file: Path | None, fov_deg: float | None, focal_mm: float | None
) -> Camera | None:
    if camera_file is not None:
        return fit_camera(read_camera(camera_file), photo.size, str(camera_file))
    if fov_deg is not None:
        return camera_from_fov(fov_deg, photo.size)
    if focal_mm is not None:
        return camera_from_focal_mm(focal_mm, photo.size)
    return None


def choose_camera(photo: Photo, known: Camera | None, estimated: Camera | None = None, estimator: str = "") -> Camera:
    """Return what is known about the camera, else an estimator's estimate, else 55 degrees.

    Args:
        photo: the photo.
        known: from ``known_camera``.
        estimated: from an estimator, for a picture of the photo's aspect ratio.
        estimator: its name, for ``Camera.source``.
    """
    if known is not None:
        return known
    if estimated is None:
        return assume_camera(photo.size)
    camera = fit_camera(estimated, photo.size, estimator)
    if is_assumed(camera) or estimator in camera.source:
        return camera
    return replace(camera, source=f"{estimator}: {camera.source}")


def is_assumed(camera: Camera) -> bool:
    """Tell whether nothing in the photo or from the user led to this camera; estimators assume one, too."""
    return camera.source.startswith("assumed")


def fit_camera(camera: Camera, size: tuple[int, int], name: str) -> Camera:
    """Return a camera for the photo's size; refuse one that took a picture of another aspect ratio."""
    if not same_aspect((camera.height, camera.width), size):
        raise CameraInvalid(
            f"{name}: the camera is for a picture of {camera.width} x {camera.height} px, and the photo has "
            f"{size[1]} x {size[0]}, another aspect ratio; give the camera of this photo"
        )
    return camera if (camera.height, camera.width) == size else camera.resized(*size)
