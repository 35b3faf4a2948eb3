import json
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import CameraInvalid
from blockout.inference.camera import camera_from_fov, known_camera
from blockout.inference.prediction import Camera, Photo
from blockout.inference.vanishing_lines import camera_from_lines, read_vanishing_lines
from rooms import look

SIZE = (1200, 1600)
WORLD_AXES = {"x": (1.0, 0, 0), "y": (0, 1.0, 0), "z": (0, 0, 1.0)}


def draw(
    camera: Camera, pose: np.ndarray, axes: str, turn_deg: float = 35, count: int = 4, noise_px: float = 0.0
) -> dict[str, list]:
    """Return edges of a world turned about the vertical, as the camera sees them."""
    rng = np.random.default_rng(5)
    cosine, sine = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    world_from_block = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    drawn = {}
    for axis in axes:
        along = pose[:3, :3].T @ world_from_block @ np.array(WORLD_AXES[axis])
        segments = []
        for middle in rng.uniform((-1.5, -1, 4), (1.5, 1, 8), (count, 3)):
            ends = np.array([middle - 0.8 * along, middle + 0.8 * along])
            ends = ends[:, :2] / ends[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
            segments.append((ends + rng.normal(0, noise_px, (2, 2))).tolist())
        drawn[axis] = segments
    return drawn


def saved(folder: Path, table: object) -> Path:
    path = folder / "lines.json"
    path.write_text(json.dumps(table))
    return path


def solve(folder: Path, table: object, **options: Camera) -> Camera:
    return camera_from_lines(read_vanishing_lines(saved(folder, table), SIZE), **options)


def error_deg(camera: Camera, pose: np.ndarray) -> float:
    assert camera.down_cam is not None
    return float(np.degrees(np.arccos(np.clip(np.array(camera.down_cam) @ -pose[1, :3], -1, 1))))


@pytest.mark.parametrize("axes", ["xz", "xyz", "zy", "xy"])
@pytest.mark.parametrize(("pitch_deg", "roll_deg", "fov_deg"), [(-15, 0, 60), (-25, 4, 40), (12, -6, 85)])
def test_focal_length_and_gravity_come_back_exactly(
    tmp_path: Path, axes: str, pitch_deg: float, roll_deg: float, fov_deg: float
) -> None:
    truth, pose = camera_from_fov(fov_deg, SIZE), look(1.6, pitch_deg, roll_deg)
    camera = solve(tmp_path, draw(truth, pose, axes))
    assert camera.fx == pytest.approx(truth.fx, rel=1e-3)
    assert camera.fy == camera.fx
    assert (camera.cx, camera.cy) == (800, 600)
    assert error_deg(camera, pose) < 0.1
    assert camera.source == "vanishing lines lines.json"


def test_a_level_camera_is_found_from_two_level_directions(tmp_path: Path) -> None:
    truth = camera_from_fov(60, SIZE)
    camera = solve(tmp_path, draw(truth, look(), "xyz"))
    assert camera.fx == pytest.approx(truth.fx, rel=1e-3)
    assert error_deg(camera, look()) < 0.1


def test_a_hand_that_is_off_by_a_pixel_is_forgiven(tmp_path: Path) -> None:
    truth, pose = camera_from_fov(60, SIZE), look(1.6, -15, 3)
    camera = solve(tmp_path, draw(truth, pose, "xyz", count=12, noise_px=1.0))
    assert camera.fx == pytest.approx(truth.fx, rel=0.05)
    assert error_deg(camera, pose) < 1


def test_the_order_and_direction_of_ends_do_not_matter(tmp_path: Path) -> None:
    drawn = draw(camera_from_fov(60, SIZE), look(1.6, -15), "xyz")
    turned = {axis: [segment[::-1] for segment in reversed(segments)] for axis, segments in drawn.items()}
    first, second = solve(tmp_path, drawn), solve(tmp_path, turned)
    assert second.down_cam == pytest.approx(first.down_cam)
    assert second.fx == pytest.approx(first.fx)


def test_a_stated_camera_is_kept_and_verticals_alone_tell_gravity(tmp_path: Path) -> None:
    truth, pose = camera_from_fov(60, SIZE), look(1.6, -20, 5)
    camera = solve(tmp_path, draw(truth, pose, "y"), stated=truth)
    assert (camera.fx, camera.cx) == (truth.fx, truth.cx)
    assert error_deg(camera, pose) < 0.1
    assert camera.source == "--fov 60, vanishing lines lines.json"


def test_exif_counts_where_the_lines_leave_the_focal_length_open(tmp_path: Path) -> None:
    truth = camera_from_fov(60, SIZE, "EXIF")
    camera = solve(tmp_path, draw(truth, look(), "xy", turn_deg=20), fallback=truth)
    assert camera.fx == truth.fx
    assert camera.source == "EXIF, vanishing lines lines.json"
    assert error_deg(camera, look()) < 0.1


def test_a_camera_that_looks_down_at_a_desk_is_upright(tmp_path: Path) -> None:
    truth, pose = camera_from_fov(60, SIZE), look(1.6, -75, 0)
    assert error_deg(solve(tmp_path, draw(truth, pose, "xyz")), pose) < 0.1


def test_lines_count_pixels_of_the_file_however_much_the_photo_was_reduced(tmp_path: Path) -> None:
    truth = camera_from_fov(60, SIZE)
    path = saved(tmp_path, draw(truth, look(1.6, -15), "xz"))
    photo = Photo(np.zeros((600, 800, 3), np.uint8), original_size=SIZE)
    camera = known_camera(photo, lines_file=path)
    assert camera is not None
    assert (camera.fx, camera.width) == (pytest.approx(truth.fx / 2, rel=1e-3), 800)


def test_lines_of_a_smaller_picture_say_its_size(tmp_path: Path) -> None:
    small = camera_from_fov(60, (300, 400))
    camera = solve(tmp_path, draw(small, look(1.6, -15), "xz") | {"width": 400, "height": 300})
    assert (camera.fx, camera.width) == (pytest.approx(small.fx, rel=1e-3), 400)


PAIR = [[[100, 100], [500, 200]], [[100, 900], [500, 800]]]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, "there are no lines"),
        ({"a": PAIR}, "there are no lines"),
        ({"x": PAIR[:1]}, "lines of 'x' are not two or more segments"),
        ({"x": "no"}, "lines of 'x' are not"),
        ({"x": [[1, 2], [3, 4]]}, "lines of 'x' are not"),
        ({"x": [[[1, 2], [3, None]], PAIR[0]]}, "lines of 'x' are not"),
        ({"x": [[[1, 2], [3]], PAIR[0]]}, "lines of 'x' are not"),
        ({"x": [[[5, 5], [5, 5]], PAIR[0]]}, "segment of 'x' has no length"),
        ({"x": PAIR, "width": 100, "height": 100}, "picture of 100 x 100 px, and the photo has 1600 x 1200"),
        ({"x": PAIR, "width": "wide"}, "picture of wide x 1200"),
        ({"x": [PAIR[0], PAIR[0]], "z": PAIR}, "lines of 'x' all lie on one line"),
        ({"x": PAIR}, "lines of x do not tell the focal length"),
        ({"x": PAIR, "z": PAIR}, "no camera sees the lines of x, z at right angles"),
    ],
)
def test_lines_that_determine_no_camera_are_refused(tmp_path: Path, table: object, sentence: str) -> None:
    with pytest.raises(CameraInvalid, match=rf"lines.json: .*{sentence}"):
        solve(tmp_path, table)


def test_lines_that_leave_gravity_open_are_refused(tmp_path: Path) -> None:
    stated = camera_from_fov(60, SIZE)
    with pytest.raises(CameraInvalid, match="the lines of x alone do not tell which way is down"):
        solve(tmp_path, {"x": PAIR}, stated=stated)
    with pytest.raises(CameraInvalid, match="lines of x and z run along the same direction"):
        solve(tmp_path, {"x": PAIR, "z": PAIR}, stated=stated)


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]"])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lines.json").write_text(text)
    with pytest.raises(CameraInvalid, match=r"lines.json: \w+"):
        read_vanishing_lines(tmp_path / "lines.json", SIZE)
