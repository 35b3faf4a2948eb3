"""photo_to_usd() and its neighbours, called from Python."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import OutputExists, OutputUnwritable, UsageError
from blockout.inference.photo import read_photo
from blockout.inference.predict import Request, predict
from blockout.pipeline import (
    KEPT_FILES,
    BuildOptions,
    folder_for_output,
    photo_to_usd,
    picture_to_show,
    predict_to_folder,
    prediction_to_usd,
    stage_path,
)
from PIL import Image


def maps_of(room: Path) -> Request:
    """Return a request for the room's own maps."""
    return Request(depth=str(room / "depth.npy"), segments=str(room / "segments.png"), camera_file=room / "camera.json")


def test_three_lines_give_scene_stage_and_summary(room: Path, tmp_path: Path) -> None:
    result = photo_to_usd(room / "room.png", tmp_path, BuildOptions(request=maps_of(room)))
    assert result.stage == tmp_path / "room.usd"
    assert result.files[-1] == result.stage
    assert all(file.is_file() for file in result.files)
    labels = [prism.label for prism in result.scene.prisms]
    assert sorted(labels) == ["crate", "floor", "post", "wall"]
    assert result.summary["prisms"] == len(list(result.scene.solids()))
    assert json.loads(json.dumps(result.summary)) == result.summary
    assert next(iter(result.seconds)) == "photo"
    assert list(result.seconds)[-1] == "files"


def test_a_known_room_comes_out_in_metres(room: Path, tmp_path: Path) -> None:
    scene = photo_to_usd(room / "room.png", tmp_path, BuildOptions(request=maps_of(room))).scene
    crate = next(prism for prism in scene.prisms if prism.label == "crate")
    front_m = crate.outline[: crate.ring_sizes[0]]
    assert np.ptp(front_m, axis=0) == pytest.approx([40 * 3 / 120, 40 * 3 / 120], rel=0.03)
    assert scene.world_from_camera[1, 3] == pytest.approx(1.5, rel=0.03)


def test_maps_at_hand_give_the_same_stage(room: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    options = BuildOptions(request=maps_of(room), preview=False)
    whole = photo_to_usd(room / "room.png", tmp_path / "a", options)
    prediction = predict(read_photo(room / "room.png"), maps_of(room))
    part = prediction_to_usd(prediction, tmp_path / "b", options)
    assert whole.stage.read_bytes() == part.stage.read_bytes()
    assert "photo" not in part.seconds


def test_progress_names_each_stage_and_never_falls_back(room: Path, tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    slope = np.load(room / "depth.npy") * np.linspace(0.5, 1, 160, dtype=np.float32) ** 2  # no plane: it is split
    np.save(room / "depth.npy", slope)
    options = BuildOptions(request=maps_of(room))
    result = photo_to_usd(room / "room.png", tmp_path, options, lambda *event: heard.append(event))
    assert result.summary["groups"] > 0
    assert list(dict.fromkeys(stage for stage, _ in heard)) == list(result.seconds)
    fractions = [fraction for _, fraction in heard]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)


@pytest.mark.parametrize("stop_at", [1, 3, 5, 7, 9])
def test_a_callback_that_raises_stops_it_and_nothing_is_left(room: Path, tmp_path: Path, stop_at: int) -> None:
    class StopError(Exception):
        pass

    calls = 0

    def progress(stage: str, fraction: float) -> None:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise StopError

    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(StopError):
        photo_to_usd(room / "room.png", out, progress=progress)
    assert not list(out.iterdir())


def test_a_callback_that_raises_keeps_what_was_there(room: Path, tmp_path: Path) -> None:
    options = BuildOptions(overwrite=True, texture="photo")
    result = photo_to_usd(room / "room.png", tmp_path, options)
    before = {file: file.read_bytes() for file in result.files}

    def progress(stage: str, fraction: float) -> None:
        if stage == "files" and fraction == 1:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        photo_to_usd(room / "room.png", tmp_path, options, progress)
    assert {file: file.read_bytes() for file in result.files} == before


def test_an_existing_file_of_any_kind_is_kept(room: Path, tmp_path: Path) -> None:
    (tmp_path / "room.scene.json").write_text("{}")
    with pytest.raises(OutputExists, match=r"room\.scene\.json"):
        photo_to_usd(room / "room.png", tmp_path)
    assert not (tmp_path / "room.usd").exists()


def test_maps_go_to_a_folder_that_is_made(room: Path, tmp_path: Path) -> None:
    summary = predict_to_folder(room / "room.png", tmp_path / "maps")
    names = {file.name for file in (tmp_path / "maps").iterdir()}
    assert names == set(KEPT_FILES)
    assert {Path(file).name for file in summary["files"]} == names
    depth = np.load(tmp_path / "maps" / "depth.npy")
    assert (depth.shape, depth.dtype) == ((120, 160), np.float32)


def test_a_build_takes_the_camera_back_from_fspy_s_file(room: Path, tmp_path: Path) -> None:
    table = json.loads((room / "camera.json").read_text()) | {"down_cam": [0.06, 0.97, 0.2]}
    (room / "camera.json").write_text(json.dumps(table))
    options = BuildOptions(request=maps_of(room), keep_maps=True, preview=False)
    first = photo_to_usd(room / "room.png", tmp_path / "first.usd", options)
    request = replace(maps_of(room), camera_file=tmp_path / "first.camera.fspy")
    second = photo_to_usd(room / "room.png", tmp_path / "second.usd", replace(options, request=request))
    np.testing.assert_allclose(second.scene.world_from_camera, first.scene.world_from_camera, atol=1e-9)
    assert second.scene.camera.fx == pytest.approx(first.scene.camera.fx)


def test_a_stage_is_named_after_its_photo(tmp_path: Path) -> None:
    photo = Path("somewhere/my photo.v2.jpg")
    assert stage_path(photo) == Path("my photo.v2.usd")
    assert stage_path(photo, tmp_path) == tmp_path / "my photo.v2.usd"
    assert stage_path(photo, tmp_path / "x.USDA") == tmp_path / "x.USDA"
    with pytest.raises(UsageError, match=r"x\.fbx"):
        stage_path(photo, tmp_path / "x.fbx")


def test_a_folder_whose_parent_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match="no such"), folder_for_output(tmp_path / "a" / "b"):
        pass


def test_a_plain_photo_shows_itself_and_a_turned_one_its_copy(room: Path, tmp_path: Path) -> None:
    assert picture_to_show(room / "room.png", tmp_path) == room / "room.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(room / "room.png") as picture:
        height, width = picture.height, picture.width
        picture.convert("RGB").save(room / "turned.jpg", exif=exif)
    copy = picture_to_show(room / "turned.jpg", tmp_path)
    assert copy == tmp_path / "turned.jpg"
    with Image.open(copy) as picture:
        assert picture.size == (height, width)
        assert not picture.getexif()
