import zipfile
from pathlib import Path

import numpy as np
import pytest
from blockout.pipeline import BuildOptions, prediction_to_usd
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.clean_plate import CleanPlate, fill_hidden
from blockout.reconstruct.scene import Scene
from blockout.reconstruct.settings import Settings
from PIL import Image
from pxr import Usd, UsdShade
from rooms import FLOOR, WALL, Box, Room, look, photograph

CRATE = Box("crate", (-0.5, 0, -3.4), (0.5, 0.8, -2.8), rgb=(200, 30, 30))


@pytest.fixture(scope="module")
def room() -> Room:
    return photograph([FLOOR, WALL, CRATE], look(1.7, -15))


@pytest.fixture(scope="module")
def scene(room: Room) -> Scene:
    return reconstruct(room.prediction)


def test_what_is_hidden_takes_the_colour_of_what_is_seen_of_its_own_plane() -> None:
    labels = np.zeros((40, 60), int)
    labels[20:] = 1
    own = np.ones(labels.shape, bool)
    own[10:30, 20:40] = False
    rgb = np.where(labels[..., None] == 0, (10, 200, 30), (90, 20, 160)).astype(np.uint8)
    rgb[~own] = 255
    filled = fill_hidden(rgb, labels, own)
    np.testing.assert_array_equal(filled[10:20, 20:40], np.broadcast_to((10, 200, 30), (10, 20, 3)))
    np.testing.assert_array_equal(filled[20:30, 20:40], np.broadcast_to((90, 20, 160), (10, 20, 3)))


def test_a_fill_goes_on_smoothly_between_what_is_seen() -> None:
    ramp = np.tile(np.linspace(40, 200, 64)[:, None], (32, 1, 3)).astype(np.uint8).reshape(32, 64, 3)
    own = np.ones((32, 64), bool)
    own[10:22, 24:40] = False
    filled = fill_hidden(np.where(own[..., None], ramp, 0).astype(np.uint8), np.zeros((32, 64), int), own)
    assert np.abs(filled.astype(int) - ramp).max() < 30


def test_a_plane_of_which_nothing_is_seen_gets_some_colour_of_the_set() -> None:
    labels = np.zeros((20, 20), int)
    labels[5:10, 5:10] = 1
    filled = fill_hidden(np.full((20, 20, 3), 77, np.uint8), labels, labels == 0)
    np.testing.assert_array_equal(filled, 77)


def test_the_plate_is_the_photo_where_the_set_is_seen(scene: Scene, room: Room) -> None:
    assert scene.plate is not None
    rgb, photo, crate = scene.plate.rgb, scene.photo.rgb, room.mask("crate")
    assert rgb.shape == photo.shape
    np.testing.assert_array_equal(rgb[0], photo[0])
    assert (rgb == photo).all(axis=2)[~crate].mean() > 0.95
    red = (rgb[..., 0] > 150) & (rgb[..., 1] < 80)
    assert not red.any(), "the crate is gone"


def test_slabs_alone_show_the_plate(scene: Scene) -> None:
    assert {prism.label for prism in scene.solids() if prism.shows_plate} == {"floor", "wall"}


def test_a_scene_without_slabs_has_no_plate(room: Room) -> None:
    assert reconstruct(room.prediction, Settings(close_set=False)).plate is None


def test_the_frame_takes_nothing_from_the_plate() -> None:
    ids = np.ones((12, 12), np.int32)
    photo = np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8)
    plate = CleanPlate(photo, ids, (1,), np.zeros((3, 3), np.int64), np.ones((3, 3), bool))
    np.testing.assert_array_equal(plate.rgb, photo)


def material_of(stage: Usd.Stage, label: str) -> str:
    front = next(prim for prim in stage.Traverse() if prim.GetName() == "front" and label in str(prim.GetPath()))
    material, _ = UsdShade.MaterialBindingAPI(front).ComputeBoundMaterial()
    return str(material.GetPath().name)


def test_the_stage_shows_the_plate_on_slabs_and_the_photo_on_things(room: Room, tmp_path: Path) -> None:
    result = prediction_to_usd(room.prediction, tmp_path / "a.usd", BuildOptions(texture="photo"))
    assert tmp_path / "textures" / "a_plate.jpg" in result.files
    stage = Usd.Stage.Open(str(tmp_path / "a.usd"))
    assert [material_of(stage, label) for label in ("floor", "wall", "crate")] == [
        "plate_mtl",
        "plate_mtl",
        "photo_mtl",
    ]
    with Image.open(tmp_path / "textures" / "a_plate.jpg") as plate:
        assert plate.size == room.prediction.photo.size[::-1]


def test_colour_alone_writes_no_plate(room: Room, tmp_path: Path) -> None:
    prediction_to_usd(room.prediction, tmp_path / "a.usd")
    assert not (tmp_path / "textures").exists()


def test_a_package_holds_the_plate(room: Room, tmp_path: Path) -> None:
    prediction_to_usd(room.prediction, tmp_path / "a.usdz", BuildOptions(texture="photo"))
    with zipfile.ZipFile(tmp_path / "a.usdz") as package:
        assert package.namelist() == ["a.usdc", "textures/a_photo.jpg", "textures/a_plate.jpg"]
