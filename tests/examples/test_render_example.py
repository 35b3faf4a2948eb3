import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from blockout.inference.photo import read_photo
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SIZE = (64, 96)


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """The script as a module, with few lights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        import render_example

        for name, value in (("SUN_RAYS", 1), ("SKY_RAYS", 3), ("SUN_MAP_PX", 200), ("SKY_MAP_PX", 100)):
            patch.setattr(render_example, name, value)
        yield render_example
        for name in ("render_example", "square", "solids", "surfaces"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def folder(example: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("example")
    example.main(place, SIZE)
    return place


def test_the_picture_states_the_lens_it_was_computed_with() -> None:
    photo = read_photo(EXAMPLES / "square.jpg")
    assert photo.size == (1024, 1536)
    assert photo.focal_px == pytest.approx(28 / 36 * 1536, rel=0.005)  # the diagonal's and the width's 35 mm agree
    assert (EXAMPLES / "square.jpg").stat().st_size < 500_000


def test_the_picture_and_its_maps_are_what_the_script_makes(folder: Path) -> None:
    for name, least_equal in (("square_segments.png", 0.95), ("square_depth.png", 0.9)):
        small, large = (np.asarray(Image.open(place / name)).astype(int) for place in (folder, EXAMPLES))
        step = large.shape[0] // small.shape[0]
        sampled = large[step // 2 :: step, step // 2 :: step]
        assert (np.abs(sampled - small) <= 0.1 * small).mean() > least_equal
    small, large = (Image.open(place / "square.jpg").convert("RGB") for place in (folder, EXAMPLES))
    difference = np.asarray(large.resize(small.size)).astype(float) - np.asarray(small)
    assert np.abs(difference).mean() < 25  # few lights and few pixels, but the same place


def test_depth_on_the_ground_is_that_of_a_plane_below_the_eye() -> None:
    depth_m = np.asarray(Image.open(EXAMPLES / "square_depth.png")) / 1000
    ids = np.asarray(Image.open(EXAMPLES / "square_segments.png"))[1::2, 1::2]
    labels = json.loads((EXAMPLES / "square_segments.json").read_text())
    height, width = depth_m.shape
    row = np.arange(height)[:, None] + 0.625  # the sample that was kept, in pixels of the half-size map
    slope = (row - height / 2) / (28 / 36 * width)
    pitch = np.radians(4)
    expected_m = np.broadcast_to(1.7 / (slope * np.cos(pitch) - np.sin(pitch)), depth_m.shape)
    ground = (np.vectorize(lambda number: labels[str(number)])(ids) == "ground") & (expected_m > 0) & (expected_m < 15)
    assert ground.mean() > 0.2
    assert np.quantile(np.abs(depth_m[ground] / expected_m[ground] - 1), 0.98) < 0.005


def test_every_id_has_a_label_and_the_sky_has_no_depth() -> None:
    ids = np.asarray(Image.open(EXAMPLES / "square_segments.png"))
    labels = json.loads((EXAMPLES / "square_segments.json").read_text())
    assert {str(number) for number in np.unique(ids)} == set(labels)
    assert {"ground", "house", "tree", "car", "lamp post", "bench", "crate", "sky"} <= set(labels.values())
    sky = ids[1::2, 1::2] == next(int(number) for number, label in labels.items() if label == "sky")
    depth_mm = np.asarray(Image.open(EXAMPLES / "square_depth.png"))
    assert (depth_mm[sky] == 0).mean() > 0.97  # along ragged leaves the two maps keep different samples


def test_the_same_script_gives_the_same_bytes(example: ModuleType, folder: Path, tmp_path: Path) -> None:
    example.main(tmp_path, SIZE)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_light_does_not_reach_what_stands_in_a_shadow(example: ModuleType) -> None:
    square = example.build_square()
    sun = example.place_lights(square.solids)[0]
    car, away = np.array([1.2, 0, -12.6]), -sun.direction / sun.direction[1]
    behind_car = (car + [0, 0.02, 0] + 0.8 * away + [0, 0.8, 0]).astype(np.float32)  # where the ground sees its middle
    in_the_open = np.array([-1.0, 0.02, -6.0], np.float32)
    np.testing.assert_array_equal(sun.reaches(np.stack([behind_car, in_the_open])), [False, True])
