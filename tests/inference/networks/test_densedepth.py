import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")
pytest.importorskip("h5py", reason="h5py is not installed: pip install 'blockout[torch]'")

from blockout.inference.networks.densedepth import (
    DenseDepthEstimator,
    Layout,
    depth_from_raw,
    layout_of,
    load,
    prepare,
)
from blockout.inference.networks.keras_file import KerasFile, read_keras
from blockout.inference.networks.weights import as_torch
from blockout.inference.prediction import Photo
from torch.nn import functional

pytestmark = pytest.mark.fixtures
TOLERANCE = 5e-6


@pytest.fixture(scope="module")
def published(published_densedepth_checkpoint) -> DenseDepthEstimator:
    return load(published_densedepth_checkpoint, "cpu")


def picture_of(densedepth, size: tuple[int, int]) -> np.ndarray:
    seed_of = dict(zip([(480, 640), (96, 128)], densedepth.recipe["image_seeds"], strict=True))
    return densedepth.picture(size, seed_of[size])


@pytest.mark.parametrize("size", [(480, 640), (96, 128)], ids=["480 x 640", "96 x 128"])
def test_the_published_layout_gives_the_original_s_output(densedepth, published, size) -> None:
    expected = densedepth.outputs(f"published_layout_{size[0]}x{size[1]}.npz")
    raw = published.raw(prepare(picture_of(densedepth, size), max(size))[:1])[0]
    assert np.abs(raw - expected["raw"]).max() < TOLERANCE
    assert np.mean(np.abs(depth_from_raw(raw) - expected["predict"]) < 1e-3) > 0.999  # rounding may decide around 0


def test_inner_layers_are_the_original_s(densedepth, published) -> None:
    expected = densedepth.outputs("published_layout_96x128.npz")
    network = published.network
    pictures = prepare(picture_of(densedepth, (96, 128)), 128)[:1]
    with torch.inference_mode():
        x, skipped = network.encode(pictures)
        wide = network.conv2(x)
        first = network.up1.before_activation(wide, skipped[0])
    names = ("pool3_pool", "pool2_pool", "pool1", "conv1_relu")
    features = dict(zip(names, skipped, strict=True)) | {"relu": x, "conv2": wide, "up1_convB": first}
    for name, feature in features.items():
        mean, stored = feature.mean((0, 2, 3)).numpy(), expected[f"mid_mean_{name}"]
        assert np.abs(mean - stored).max() < 1e-4 * np.abs(stored).max(), name


@pytest.mark.parametrize(
    ("version", "stored"), [("2.12.0", "raw_half_pixel"), ("2.2.4", "raw_align_corners")], ids=["TF 2", "TF 1"]
)
def test_today_s_layout_gives_the_original_s_output(densedepth, head_densedepth_checkpoint, version, stored) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(head_densedepth_checkpoint, "r+") as file:
        file.attrs["keras_version"] = version
    raw = load(head_densedepth_checkpoint, "cpu").raw(prepare(picture_of(densedepth, (96, 128)), 128)[:1])[0]
    assert np.abs(raw - densedepth.outputs("head_layout_96x128.npz")[stored]).max() < TOLERANCE


def test_depth_follows_the_original_s_rule(densedepth) -> None:
    pairs = np.array(json.loads((densedepth.folder / "predict_rule.json").read_text())["pairs"], np.float32)
    assert depth_from_raw(pairs[:, 0]) == pytest.approx(pairs[:, 1])


def test_a_keras_file_is_read_bit_for_bit(densedepth) -> None:
    file = read_keras(densedepth.folder / "tiny_keras2.h5")
    assert len(file.arrays) == 7
    assert file.layer_types.count("Conv2D") == 2
    for name, array in file.arrays.items():
        assert np.array_equal(array, densedepth.named_array(name, array.shape)), name


def test_what_a_keras_file_holds_computes_as_in_keras(densedepth) -> None:
    stored = densedepth.outputs("tiny_keras2_io.npz")
    file = read_keras(densedepth.folder / "tiny_keras2.h5")
    weights = as_torch(file.arrays)
    x = torch.from_numpy(stored["input_rgb"]).permute(2, 0, 1)[None] / 255
    x = functional.conv2d(x, weights["conv1/conv/kernel"], stride=2, padding=3)
    mean, variance, scale, shift = (
        weights[f"conv1/bn/{name}"] for name in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    x = functional.relu(functional.batch_norm(x, mean, variance, scale, shift, eps=1.001e-5))
    x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=layout_of(file).aligns_corners)
    x = functional.conv2d(x, weights["conv3/kernel"], weights["conv3/bias"], padding=1)
    assert np.abs(x[0, 0].numpy() - stored["output"][0, ..., 0]).max() < TOLERANCE


@pytest.mark.parametrize(
    ("width", "leaky", "version", "layout"),
    [
        (1664, 4, "2.2.4", Layout(1664, activates_twice=False, aligns_corners=True)),
        (832, 8, "2.12.0", Layout(832, activates_twice=True, aligns_corners=False)),
        (832, 8, "2.2.4-tf", Layout(832, activates_twice=True, aligns_corners=False)),
        (1664, None, "", Layout(1664, activates_twice=False, aligns_corners=True)),
        (832, None, "", Layout(832, activates_twice=True, aligns_corners=False)),
    ],
)
def test_the_file_tells_its_layout(width, leaky, version, layout) -> None:
    layers = () if leaky is None else ("LeakyReLU",) * leaky
    assert layout_of(KerasFile({"conv2/bias": np.zeros(width)}, layers, version)) == layout


def test_depth_is_in_metres_where_the_weights_are_those_of_rooms(densedepth, published) -> None:
    depth = published.predict(Photo(picture_of(densedepth, (96, 128))), None).depth
    assert depth.is_metric
    assert depth.z.shape == (240, 320)
    assert 0.0999 <= depth.z.min() <= depth.z.max() <= 10.001
