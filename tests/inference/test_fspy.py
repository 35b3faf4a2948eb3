import json
import struct
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import CameraInvalid
from blockout.inference.camera import read_camera
from rooms import look

# What fSpy exported of a photo that it solved with y as the vertical: horizontal field of view 88.7 degrees.
EXPORT = {
    "principalPoint": {"x": 0, "y": 0},
    "cameraTransform": {
        "rows": [
            [-0.8432786760, -0.0005363911, 0.5374763128, 2.49633467],
            [0.0008594611, 0.9999968777, 0.0023464376, 0.94090399],
            [-0.5374758933, 0.0024406408, -0.8432755821, -3.2925011],
            [0, 0, 0, 1],
        ]
    },
    "horizontalFieldOfView": 1.5479845321227295,
    "verticalFieldOfView": 1.1518580723726943,
    "vanishingPoints": [{"x": 1.605, "y": 0.001}, {"x": -0.652, "y": 0.003}, {"x": -0.375, "y": -436.01}],
    "vanishingPointAxes": ["xNegative", "zPositive", "yPositive"],
    "relativeFocalLength": 1.0230759978297743,
    "imageWidth": 1439,
    "imageHeight": 956,
}
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
TO_GL = np.diag([1.0, -1.0, -1.0])


def exported(folder: Path, **changes: object) -> Path:
    path = folder / "camera.json"
    path.write_text(json.dumps({key: value for key, value in (EXPORT | changes).items() if value is not ...}))
    return path


def packed(folder: Path, state: object, picture: bytes = b"picture", magic: bytes = b"fspy", version: int = 1) -> Path:
    text = state if isinstance(state, bytes) else json.dumps(state).encode()
    path = folder / "room.fspy"
    path.write_bytes(struct.pack("<4sIII", magic, version, len(text), len(picture)) + text + picture)
    return path


def seen_by(pitch_deg: float, roll_deg: float, axes: np.ndarray, turn_deg: float = 30) -> list[list[float]]:
    """Return the rows of fSpy's camera transform in a world whose axes are turned against ours."""
    cosine, sine = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    about_up = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    pose = np.eye(4)
    pose[:3, :3] = axes @ about_up @ look(1.6, pitch_deg, roll_deg)[:3, :3] @ TO_GL
    pose[:3, 3] = (3, 4, 5)
    return pose.tolist()


def angle_deg(a: object, b: object) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(np.asarray(a), np.asarray(b)), -1, 1))))


def test_what_fspy_exported_makes_the_field_of_view_that_it_says(tmp_path: Path) -> None:
    camera = read_camera(exported(tmp_path))
    assert np.radians(camera.fov_deg) == pytest.approx(EXPORT["horizontalFieldOfView"], rel=1e-9)
    assert 2 * np.arctan(camera.height / 2 / camera.fy) == pytest.approx(EXPORT["verticalFieldOfView"], rel=1e-9)
    assert (camera.cx, camera.cy, camera.width, camera.height) == (719.5, 478, 1439, 956)
    assert camera.source == "fSpy camera.json"


def test_gravity_points_at_the_vertical_vanishing_point_that_fspy_exported(tmp_path: Path) -> None:
    down = np.array(read_camera(exported(tmp_path)).down_cam)
    x, y = EXPORT["relativeFocalLength"] * down[:2] / down[2]  # OpenCV's y points down, fSpy's up
    assert (x, -y) == pytest.approx((-0.375, -436.01), rel=2e-3)


@pytest.mark.parametrize(("width", "height"), [(1600, 900), (900, 1600), (700, 700)])
def test_the_unit_of_the_picture_plane_is_half_the_longer_side(tmp_path: Path, width: int, height: int) -> None:
    point = {"x": 0.1, "y": -0.05}
    path = exported(tmp_path, imageWidth=width, imageHeight=height, relativeFocalLength=1.5, principalPoint=point)
    camera, half = read_camera(path), max(width, height) / 2
    assert (camera.fx, camera.fy) == pytest.approx((1.5 * half, 1.5 * half))
    assert (camera.cx, camera.cy) == pytest.approx((width / 2 + 0.1 * half, height / 2 + 0.05 * half))


@pytest.mark.parametrize("axes", [np.eye(3), Z_UP, -Z_UP, Z_UP @ Z_UP, Z_UP.T[[1, 2, 0]]], ids=str)
@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (-25, 4), (20, -8)])
def test_gravity_is_found_whichever_axis_is_up(
    tmp_path: Path, axes: np.ndarray, pitch_deg: float, roll_deg: float
) -> None:
    axes = axes * np.linalg.det(axes)
    path = exported(tmp_path, cameraTransform={"rows": seen_by(pitch_deg, roll_deg, axes)})
    assert angle_deg(read_camera(path).down_cam, -look(1.6, pitch_deg, roll_deg)[1, :3]) < 1e-4


@pytest.mark.parametrize(("guide", "axes"), [("XYGridFloor", Z_UP), ("ZXGridFloor", np.eye(3))])
def test_the_floor_that_is_shown_tells_what_is_up_for_a_steep_view(
    tmp_path: Path, guide: str, axes: np.ndarray
) -> None:
    table = EXPORT | {"cameraTransform": {"rows": seen_by(-70, 0, axes)}}
    path = packed(tmp_path, {"cameraParameters": table, "globalSettings": {"overlay3DGuide": guide}})
    assert angle_deg(read_camera(path).down_cam, -look(1.6, -70)[1, :3]) < 1e-4


def test_a_project_gives_the_camera_of_its_export(tmp_path: Path) -> None:
    project, export = packed(tmp_path, {"cameraParameters": EXPORT}), exported(tmp_path)
    assert read_camera(project).down_cam == read_camera(export).down_cam
    assert read_camera(project).fx == read_camera(export).fx


def test_a_project_of_another_name_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = packed(tmp_path, {"cameraParameters": EXPORT}).rename(tmp_path / "room")
    assert read_camera(path).width == 1439


@pytest.mark.parametrize("size", [1, 4, 15, 16, 100, -1])
def test_a_truncated_project_is_refused(tmp_path: Path, size: int) -> None:
    path = packed(tmp_path, {"cameraParameters": EXPORT})
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CameraInvalid, match=r"room.fspy: .*(no fSpy project|of \d+ bytes)"):
        read_camera(path)


def test_another_file_of_that_name_and_a_newer_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraInvalid, match="no fSpy project"):
        read_camera(packed(tmp_path, {}, magic=b"FSPY"))
    with pytest.raises(CameraInvalid, match="version 2, and 1 is read"):
        read_camera(packed(tmp_path, {"cameraParameters": EXPORT}, version=2))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (b"{", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        ([], "has no camera"),
        ({}, "has no camera"),
        ({"cameraParameters": None}, "lines have no solution"),
        ({"cameraParameters": {}, "globalSettings": 3}, "principalPoint, .* missing"),
    ],
)
def test_a_project_without_a_camera_is_refused(tmp_path: Path, state: object, sentence: str) -> None:
    with pytest.raises(CameraInvalid, match=sentence):
        read_camera(packed(tmp_path, state))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"principalPoint": ...}, "principalPoint missing"),
        ({"cameraTransform": ..., "imageWidth": ...}, "cameraTransform, imageWidth missing"),
        ({"principalPoint": [0, 0]}, "principalPoint is"),
        ({"principalPoint": {"x": 0}}, "principalPoint is"),
        ({"principalPoint": {"x": "0", "y": 0}}, "x is '0', where a number"),
        ({"relativeFocalLength": None}, "relativeFocalLength is None"),
        ({"relativeFocalLength": -1}, "fx is -"),
        ({"relativeFocalLength": float("nan")}, "relativeFocalLength is nan"),
        ({"imageWidth": 0}, "0 x 956"),
        ({"cameraTransform": {"rows": [[1, 0], [0, 1]]}}, "no matrix of 4 x 4"),
        ({"cameraTransform": {"rows": "no"}}, "no matrix of 4 x 4"),
        ({"cameraTransform": 3}, "no matrix of 4 x 4"),
        ({"cameraTransform": {"rows": (2 * np.eye(4)).tolist()}}, "no rotation"),
        ({"cameraTransform": {"rows": np.diag([1, 1, -1, 1]).tolist()}}, "no rotation"),
    ],
)
def test_an_export_that_describes_no_camera_is_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(CameraInvalid, match=rf"camera.json: .*{sentence}"):
        read_camera(exported(tmp_path, **changes))
