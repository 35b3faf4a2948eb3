import json
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import CameraInvalid
from blockout.inference.camera import (
    camera_from_focal_mm,
    camera_from_fov,
    choose_camera,
    known_camera,
    read_camera,
    write_camera,
)
from blockout.inference.prediction import Camera, Photo

VALUES = {"fx": 500.0, "fy": 510.0, "cx": 310.0, "cy": 250.0, "width": 640, "height": 480}


def photo(height: int = 480, width: int = 640, focal_px: float | None = None) -> Photo:
    return Photo(np.zeros((height, width, 3), np.uint8), focal_px)


def saved(folder: Path, **changes: object) -> Path:
    path = folder / "camera.json"
    path.write_text(json.dumps(VALUES | changes))
    return path


def test_a_camera_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    camera = Camera(500.5, 510.25, 310.125, 250.0, 480, 640, "vanishing lines")
    write_camera(camera, tmp_path / "camera.json")
    read = read_camera(tmp_path / "camera.json")
    assert (read.fx, read.fy, read.cx, read.cy, read.height, read.width) == (500.5, 510.25, 310.125, 250.0, 480, 640)
    assert read.source == "file camera.json"


def test_gravity_in_a_camera_file_comes_back_at_unit_length(tmp_path: Path) -> None:
    camera = Camera(500.0, 500.0, 320.0, 240.0, 480, 640, down_cam=(0.0, 0.96, 0.28))
    write_camera(camera, tmp_path / "camera.json")
    assert read_camera(tmp_path / "camera.json").down_cam == pytest.approx((0.0, 0.96, 0.28))
    assert read_camera(saved(tmp_path, down_cam=[0, 10, 0])).down_cam == (0, 1, 0)
    assert read_camera(saved(tmp_path, down_cam=None)).down_cam is None


@pytest.mark.parametrize("vector", [[0, 0, 0], [0, 1], "down", 3, {"x": 1}, [0, "1", 0], [0, float("nan"), 0]])
def test_gravity_that_is_no_direction_is_refused(tmp_path: Path, vector: object) -> None:
    with pytest.raises(CameraInvalid, match=r"camera.json: down_cam is"):
        read_camera(saved(tmp_path, down_cam=vector))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fx": 0}, "fx is 0 px; give a focal length above 0"),
        ({"fy": -3}, "fy is -3 px"),
        ({"fx": float("nan")}, "fx is nan; give a finite number"),
        ({"cx": float("inf")}, "cx is inf"),
        ({"fx": "500"}, "fx is '500'; give a number"),
        ({"cx": True}, "cx is True"),
        ({"fx": 1.0}, "field of view of 180 degrees, outside 1 to 175"),
        ({"fx": 1e6, "fy": 1e6}, "field of view of 0.0367 degrees"),
        ({"cx": 9000}, "principal point .9000, 250. is far outside the picture of 640 x 480 px"),
        ({"width": 0}, "width x height is 0 x 480"),
    ],
)
def test_a_camera_file_that_describes_no_camera_is_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(CameraInvalid, match=rf"camera.json: .*{sentence}"):
        read_camera(saved(tmp_path, **changes))


def test_missing_keys_of_a_camera_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "camera.json").write_text('{"fx": 500, "cx": 320, "cy": 240, "width": 640}')
    with pytest.raises(CameraInvalid, match=r"camera.json: fy, height missing"):
        read_camera(tmp_path / "camera.json")


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]", "\x00\x01", '{"fx": 1' + "0" * 400 + "}"])
def test_a_camera_file_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(CameraInvalid, match=r"camera.json: \w+"):
        read_camera(tmp_path / "camera.json")


def test_a_missing_camera_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraInvalid, match=r"camera.json: there is no such file"):
        read_camera(tmp_path / "camera.json")


@pytest.mark.parametrize("size", [(480, 640), (640, 480)])
def test_the_field_of_view_is_horizontal(size: tuple[int, int]) -> None:
    camera = camera_from_fov(90, size)
    assert camera.fx == camera.fy == pytest.approx(size[1] / 2)
    assert camera.fov_deg == pytest.approx(90)
    assert (camera.cx, camera.cy) == (size[1] / 2, size[0] / 2)


@pytest.mark.parametrize("size", [(480, 640), (640, 480)])
def test_the_film_lies_along_the_long_side(size: tuple[int, int]) -> None:
    assert camera_from_focal_mm(18, size).fx == pytest.approx(320)


@pytest.mark.parametrize("fov_deg", [-10, 0, 1, 175, 400, float("nan")])
def test_an_impossible_field_of_view_is_refused(fov_deg: float) -> None:
    with pytest.raises(CameraInvalid, match=rf"--fov {fov_deg:g}: .*between 1 and 175"):
        camera_from_fov(fov_deg, (480, 640))


@pytest.mark.parametrize("focal_mm", [-1, 0, 0.1, 1e5, float("inf"), float("nan")])
def test_an_impossible_focal_length_is_refused(focal_mm: float) -> None:
    with pytest.raises(CameraInvalid, match=r"--focal-mm"):
        camera_from_focal_mm(focal_mm, (480, 640))


def test_a_file_goes_before_an_angle_and_that_before_a_length_and_that_before_exif(tmp_path: Path) -> None:
    options = {"camera_file": saved(tmp_path), "fov_deg": 60.0, "focal_mm": 30.0}
    sources = []
    for key in [*options, None]:
        camera = known_camera(photo(focal_px=700.0), **options)
        assert camera is not None
        sources.append(camera.source)
        if key:
            del options[key]
    assert sources == ["file camera.json", "--fov 60", "--focal-mm 30", "EXIF"]
    assert known_camera(photo()) is None


def test_exif_gives_the_focal_length_in_pixels_of_the_photo() -> None:
    camera = known_camera(photo(focal_px=700.0))
    assert camera == Camera(700, 700, 320, 240, 480, 640, "EXIF")


def test_a_camera_file_of_the_unreduced_photo_is_brought_to_size(tmp_path: Path) -> None:
    camera = known_camera(photo(240, 320), saved(tmp_path))
    assert camera is not None
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (250, 255, 155, 125)
    assert (camera.height, camera.width) == (240, 320)


def test_a_camera_for_another_aspect_ratio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraInvalid, match=r"camera.json: .* 640 x 480 px, and the photo has 480 x 640"):
        known_camera(photo(640, 480), saved(tmp_path))


def test_an_estimate_counts_where_nothing_is_known() -> None:
    estimated = camera_from_fov(70, (48, 64), "vanishing lines")
    assert choose_camera(photo(), None, estimated, "lines").fov_deg == pytest.approx(70)
    assert choose_camera(photo(), None, estimated, "geometric").source == "geometric: vanishing lines"
    known = camera_from_fov(50, (480, 640))
    assert choose_camera(photo(), known, estimated, "geometric") is known


def test_55_degrees_are_assumed_where_nothing_is_known_or_estimated() -> None:
    camera = choose_camera(photo(), None)
    assert (camera.fov_deg, camera.source) == (pytest.approx(55), "assumed 55 degrees")
