import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockout.inference.camera import read_camera
from blockout.inference.fspy_project import write_fspy_project
from blockout.inference.prediction import Camera
from PIL import Image
from rooms import look

BLENDER_FROM_STAGE = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
CAMERAS = {
    "landscape": Camera(700, 700, 400, 300, 600, 800),
    "portrait": Camera(700, 700, 300, 400, 800, 600),
    "off-centre": Camera(900, 900, 350, 330, 600, 800),
}


def write(folder: Path, camera: Camera, pose: np.ndarray) -> tuple[Path, dict[str, Any], bytes]:
    """Return the file's path, its state and its picture."""
    rgb = np.zeros((camera.height, camera.width, 3), np.uint8)
    rgb[: camera.height // 2] = (200, 40, 40)
    path = folder / "room.fspy"
    write_fspy_project(camera, pose, rgb, path)
    content = path.read_bytes()
    magic, version, state_size, picture_size = struct.unpack_from("<4sIII", content)
    assert (magic, version, len(content)) == (b"fspy", 1, 16 + state_size + picture_size)
    return path, json.loads(content[16 : 16 + state_size]), content[16 + state_size :]


def meet(lines: dict[str, Any], camera: Camera) -> np.ndarray:
    """Return where two segments meet, on fSpy's picture plane: origin in the middle, unit half the longer side."""
    half_side = max(camera.width, camera.height) / 2
    (a, b), (c, d) = (
        [np.array([(p["x"] - 0.5) * camera.width, (0.5 - p["y"]) * camera.height]) / half_side for p in segment]
        for segment in lines["lineSegments"]
    )
    along = np.linalg.solve(np.column_stack([b - a, c - d]), c - a)[0]
    return a + along * (b - a)


def solve(state: dict[str, Any], camera: Camera) -> tuple[float, np.ndarray]:
    """Return focal length and view rotation as fSpy works them out from two vanishing points.

    Source: Guillou et al. 2000, Using vanishing points for camera calibration, sections 3.2 and 3.3.
    """
    half_side = max(camera.width, camera.height) / 2
    base, two = state["controlPointsStateBase"], state["controlPointsState2VP"]
    middle = np.zeros(2)
    if state["calibrationSettings2VP"]["principalPointMode"] == "Manual":
        share = base["principalPoint"]
        middle = np.array([(share["x"] - 0.5) * camera.width, (0.5 - share["y"]) * camera.height]) / half_side
    u, v = (meet(lines, camera) - middle for lines in (base["firstVanishingPoint"], two["secondVanishingPoint"]))
    focal = np.sqrt(-u @ v)
    first, second = (np.append(point, -focal) / np.linalg.norm(np.append(point, -focal)) for point in (u, v))
    axes = {"xPositive": (1, 0, 0), "xNegative": (-1, 0, 0), "yPositive": (0, 1, 0), "yNegative": (0, -1, 0)}
    settings = state["calibrationSettingsBase"]
    row_1, row_2 = (np.array(axes[settings[f"{name}VanishingPointAxis"]], float) for name in ("first", "second"))
    view = np.column_stack([first, second, np.cross(first, second)]) @ [row_1, row_2, np.cross(row_1, row_2)]
    return float(focal), view


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (-20, 3), (15, -5), (-60, 0)])
def test_a_project_comes_back_as_it_was_written(tmp_path: Path, name: str, pitch_deg: float, roll_deg: float) -> None:
    camera, pose = CAMERAS[name], look(1.6, pitch_deg, roll_deg)
    read = read_camera(write(tmp_path, camera, pose)[0])
    lens = (camera.fx, camera.fy, camera.cx, camera.cy, camera.height, camera.width)
    assert (read.fx, read.fy, read.cx, read.cy, read.height, read.width) == pytest.approx(lens)
    assert read.down_cam == pytest.approx(-pose[1, :3], abs=1e-9)


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (-20, 3), (15, -5), (-60, 0)])
def test_fspy_finds_the_camera_again_from_the_lines(
    tmp_path: Path, name: str, pitch_deg: float, roll_deg: float
) -> None:
    camera, pose = CAMERAS[name], look(1.6, pitch_deg, roll_deg)
    _, state, _ = write(tmp_path, camera, pose)
    focal, view = solve(state, camera)
    assert focal * max(camera.width, camera.height) / 2 == pytest.approx(camera.fx, rel=1e-4)
    written = np.array(state["cameraParameters"]["viewTransform"]["rows"])[:3, :3]
    assert np.degrees(np.arccos(np.clip((np.trace(view @ written.T) - 1) / 2, -1, 1))) < 0.01


def test_the_lines_lie_inside_the_picture(tmp_path: Path) -> None:
    for camera in CAMERAS.values():
        _, state, _ = write(tmp_path, camera, look(1.6, -20, 3))
        base, two = state["controlPointsStateBase"], state["controlPointsState2VP"]
        for lines in (base["firstVanishingPoint"], two["secondVanishingPoint"], two["thirdVanishingPoint"]):
            for segment in lines["lineSegments"]:
                assert all(0 <= value <= 1 for point in segment for value in point.values())


def test_the_camera_stands_where_blender_puts_the_stage_s(tmp_path: Path) -> None:
    pose = look(1.6, -20, 3)
    _, state, _ = write(tmp_path, CAMERAS["landscape"], pose)
    expected = BLENDER_FROM_STAGE @ pose @ np.diag([1, -1, -1, 1])
    np.testing.assert_allclose(state["cameraParameters"]["cameraTransform"]["rows"], expected, atol=1e-12)
    assert state["calibrationSettingsBase"]["referenceDistanceUnit"] == "Meters"


def test_the_angle_that_importers_take_is_that_across_the_longer_side(tmp_path: Path) -> None:
    _, state, _ = write(tmp_path, CAMERAS["portrait"], look())
    assert state["cameraParameters"]["horizontalFieldOfView"] == pytest.approx(2 * np.arctan(400 / 700))


def test_the_photo_is_inside(tmp_path: Path) -> None:
    _, _, picture = write(tmp_path, CAMERAS["portrait"], look())
    with Image.open(io.BytesIO(picture)) as photo:
        assert photo.size == (600, 800)
        assert photo.getpixel((300, 100)) == pytest.approx((200, 40, 40), abs=6)
        assert photo.getpixel((300, 700)) == pytest.approx((0, 0, 0), abs=6)


def test_a_view_straight_down_is_written_for_importers(tmp_path: Path) -> None:
    pose = look(3.0, -90)
    path, state, _ = write(tmp_path, CAMERAS["landscape"], pose)
    assert np.isfinite([list(point.values()) for point in state["cameraParameters"]["vanishingPoints"]]).all()
    assert read_camera(path).down_cam == pytest.approx((0, 0, 1), abs=1e-9)
