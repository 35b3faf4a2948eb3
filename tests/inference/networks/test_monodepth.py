import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")

from blockout.inference.networks.monodepth import MonodepthEstimator, join_mirrored, load, prepare
from blockout.inference.prediction import Camera, Photo

pytestmark = pytest.mark.fixtures
TOLERANCE = 1e-5  # in parts of the picture's width


@pytest.fixture(scope="module")
def estimator(monodepth_checkpoint) -> MonodepthEstimator:
    return load(monodepth_checkpoint, "cpu")


@pytest.fixture(scope="module")
def expected(monodepth, monodepth_checkpoint) -> dict[str, np.ndarray]:
    return monodepth.outputs(f"{monodepth_checkpoint.name.removeprefix('model_')}.npz")


def test_a_picture_is_resized_as_the_original_does(monodepth) -> None:
    with Image.open(monodepth.folder / "resized_512x256_rgb.png") as resized:
        small = np.asarray(resized)
    pair = prepare(monodepth.picture()).numpy().transpose(0, 2, 3, 1)
    assert np.array_equal(pair[0], small.astype(np.float32) / 255)
    assert np.array_equal(pair[1], pair[0, :, ::-1])


def test_disparity_is_the_original_s_raw_and_joined(monodepth, estimator, expected) -> None:
    raw = estimator.disparities(prepare(monodepth.picture()))
    assert np.abs(raw - expected["disp_left_raw"]).max() < TOLERANCE
    assert np.abs(join_mirrored(raw) - expected["disp_pp"]).max() < TOLERANCE


def test_every_level_and_side_is_the_original_s(monodepth, estimator, expected) -> None:
    with torch.inference_mode():
        levels = [level.numpy() for level in estimator.network(prepare(monodepth.picture()))]
    found = {
        "disp2_left": levels[1][:, 0, ::2, ::2],
        "disp3_left": levels[2][:, 0],
        "disp4_left": levels[3][:, 0],
        "disp4_right": levels[3][:, 1],
        "disp_right_row128": levels[0][:, 1, 128],
    }
    assert max(np.abs(found[name] - expected[name]).max() for name in found) < TOLERANCE


def test_depth_has_the_photo_s_aspect_and_kitti_s_unit(monodepth, estimator, expected) -> None:
    height, width = monodepth.recipe["image_hw"]
    camera = Camera(300.0, 300.0, width / 2, height / 2, height, width)
    depth = estimator.predict(Photo(monodepth.picture()), camera).depth
    assert depth.z.shape == (round(512 * height / width), 512)
    assert not depth.is_metric
    disparity = expected["disp_pp"][128, 256]
    assert depth.z[depth.z.shape[0] // 2, 256] == pytest.approx(0.54 * 300 / (width * disparity), rel=0.05)


def test_the_licence_says_that_it_is_non_commercial(estimator, monodepth_checkpoint) -> None:
    assert "non-commercial" in estimator.licence
    assert estimator.version == monodepth_checkpoint.name
