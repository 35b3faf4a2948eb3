from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.errors import BlockoutError, MaterialUnusable, PhotoUnreadable
from blockout.inference.prediction import DisparityMap, Estimate, Photo
from blockout.inference.registry import DEPTH_ESTIMATORS
from blockout.inference.training.compose_pictures import Composer, read_cut_out, stand_upright
from blockout.inference.training.compose_plan import Recipe
from PIL import Image


def test_what_the_mask_covers_is_the_foreground_and_the_rest_the_background(recipe: Recipe) -> None:
    composer = Composer(recipe)
    for number in range(recipe.samples):
        drawn = composer.draw(number)
        colour = [(30, 200, 30), (30, 30, 200)][drawn.sample.foreground]  # BGR of the bar and the disk
        inside = cv2.erode(drawn.mask, np.ones((3, 3))) > 0
        outside = cv2.dilate(drawn.mask, np.ones((5, 5))) == 0
        assert np.abs(drawn.overlay_bgr[inside].astype(int) - colour).max(initial=0) <= 2
        np.testing.assert_array_equal(
            drawn.overlay_bgr[outside], composer.background_bgr(drawn.sample.background)[outside]
        )


def test_the_box_is_that_of_the_mask_and_lies_inside(recipe: Recipe) -> None:
    composer = Composer(recipe)
    for number in range(recipe.samples):
        drawn = composer.draw(number)
        rows, columns = np.nonzero(drawn.mask)
        x, y, width, height = drawn.box
        assert (x, y) == (columns.min(), rows.min())
        assert (x + width - 1, y + height - 1) == (columns.max(), rows.max())
        assert 0.15 * 48 <= height <= 0.75 * 48


def test_half_of_the_samples_are_mirrored(material: Path) -> None:
    half = np.zeros((40, 40, 4), np.uint8)
    half[:, :20] = (255, 0, 0, 255)
    half[:, 20:] = (0, 0, 255, 255)
    Image.fromarray(half).save(material / "half.png")
    recipe = Recipe((str(material / "half.png"),), (str(material / "backgrounds" / "ramp0.png"),), size=(64, 64))
    composer = Composer(recipe)
    for number in range(recipe.samples):
        drawn = composer.draw(number)
        x, y, width, height = drawn.box
        left = drawn.overlay_bgr[y + height // 2, x + width // 4]
        assert (left[0] > left[2]) == drawn.sample.mirrored  # blue is on the left in a mirror


def test_a_half_transparent_foreground_lets_the_background_through(material: Path) -> None:
    Image.new("RGBA", (30, 30), (255, 255, 255, 128)).save(material / "glass.png")
    Image.new("RGB", (64, 64), (100, 0, 0)).save(material / "red.png")
    drawn = Composer(Recipe((str(material / "glass.png"),), (str(material / "red.png"),), size=(64, 64))).draw(0)
    x, y, width, height = drawn.box
    np.testing.assert_allclose(drawn.overlay_bgr[y + height // 2, x + width // 2], (128, 128, 178), atol=2)


@pytest.mark.parametrize("size", [(900, 300), (300, 900), (2000, 2000), (1, 40), (40, 1)])
def test_a_foreground_of_any_size_is_fitted_in(material: Path, size: tuple[int, int]) -> None:
    Image.new("RGBA", size, (255, 0, 0, 255)).save(material / "large.png")
    recipe = Recipe((str(material / "large.png"),), (str(material / "backgrounds" / "ramp0.png"),), size=(48, 64))
    composer = Composer(recipe)
    for number in range(recipe.samples):
        x, y, width, height = composer.draw(number).box
        assert x >= 0 and y >= 0 and width >= 1 and height >= 1
        assert x + width <= 64 and y + height <= 48


def test_a_foreground_without_alpha_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "photo.png")
    with pytest.raises(MaterialUnusable, match=r"photo\.png: the foreground has no alpha channel"):
        read_cut_out(tmp_path / "photo.png", (48, 64))


def test_an_invisible_foreground_is_named(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(tmp_path / "nothing.png")
    with pytest.raises(MaterialUnusable, match=r"nothing\.png: the foreground is transparent altogether"):
        read_cut_out(tmp_path / "nothing.png", (48, 64))


def test_a_truncated_foreground_is_named(material: Path) -> None:
    path = material / "foregrounds" / "disk.png"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(PhotoUnreadable, match=r"disk\.png: the foreground is damaged or incomplete"):
        read_cut_out(path, (48, 64))


def test_known_depth_of_backgrounds_gets_a_foreground_that_stands_on_its_foot(recipe: Recipe, material: Path) -> None:
    depths = material / "depths"
    depths.mkdir()
    ramp = np.linspace(9, 1, 72, dtype=np.float32)[:, None].repeat(96, axis=1)  # nearer further down
    for index in range(2):
        np.save(depths / f"ramp{index}.npy", ramp)
    composer = Composer(
        Recipe(recipe.foregrounds, recipe.backgrounds, size=(72, 96), placements=3, background_depths=str(depths))
    )
    for number in range(12):
        drawn = composer.draw(number)
        assert drawn.depth is not None
        foot = drawn.box[1] + drawn.box[3] - 1
        assert np.all(drawn.depth[drawn.mask > 0] == ramp[foot, 0])
        np.testing.assert_array_equal(drawn.depth[drawn.mask == 0], ramp[drawn.mask == 0])


def test_unknown_depth_at_the_foot_stays_unknown() -> None:
    background = np.full((4, 4), np.nan, np.float32)
    mask = np.zeros((4, 4), np.uint8)
    mask[1:3, 1:3] = 255
    assert np.isnan(stand_upright(background, mask, (1, 1, 2, 2))).all()


def test_a_background_without_its_depth_map_is_named(recipe: Recipe, material: Path) -> None:
    composer = Composer(Recipe(recipe.foregrounds, recipe.backgrounds, background_depths=str(material)))
    with pytest.raises(MaterialUnusable, match=r"holds no depth map of ramp\d\.png: add ramp\d\.npy"):
        composer.draw(0)


def test_an_estimator_by_name_gives_each_composite_a_depth_map(recipe: Recipe) -> None:
    drawn = Composer(Recipe(recipe.foregrounds, recipe.backgrounds, size=(48, 64), depth="geometric")).draw(0)
    assert drawn.depth is not None
    assert drawn.depth.shape == (48, 64)
    assert np.nanmin(drawn.depth) > 0


@pytest.mark.parametrize("name", ["no-such-estimator", "depth.npy"])
def test_depth_that_is_no_estimator_is_refused(recipe: Recipe, name: str) -> None:
    with pytest.raises(BlockoutError, match="--depth"):
        Composer(Recipe(recipe.foregrounds, recipe.backgrounds, depth=name))


class Near:
    """Sees relative disparity that grows downwards."""

    name, version, licence = "near", "", ""

    def predict(self, photo: Photo, camera: object) -> Estimate:
        return Estimate(DisparityMap(np.linspace(1, 4, 24, dtype=np.float32)[:, None].repeat(32, axis=1)))


def test_relative_disparity_becomes_depth(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEPTH_ESTIMATORS, "near", Near)
    drawn = Composer(Recipe(recipe.foregrounds, recipe.backgrounds, size=(48, 64), depth="near")).draw(0)
    assert drawn.depth is not None and drawn.depth.shape == (48, 64)
    assert drawn.depth[0, 0] == pytest.approx(4 * drawn.depth[-1, 0], rel=0.05)
