from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Script = Callable[[str], ModuleType]


def test_noise_is_smooth_and_of_the_deviation_asked_for(script: Script) -> None:
    inputs = script("scene_inputs")
    z = np.full((200, 300), 4.0, np.float32)
    noisy = inputs.spoil(z, inputs.Faults(noise=0.05), seed=3) / z
    assert noisy.std() == pytest.approx(0.05, rel=0.01)
    assert np.abs(np.diff(noisy, axis=1)).max() < 0.02, "neighbours err alike"


def test_blur_reaches_over_silhouettes_only(script: Script) -> None:
    inputs = script("scene_inputs")
    z = np.full((60, 200), 2.0, np.float32)
    z[:, 100:] = 6.0
    blurred = inputs.spoil(z, inputs.Faults(blur_px=6), seed=0)
    np.testing.assert_allclose(blurred[:, :70], 2, rtol=1e-4)
    np.testing.assert_allclose(blurred[:, 130:], 6, rtol=1e-4)
    assert 2.5 < blurred[30, 97] < 4 < blurred[30, 102] < 5.5


def test_what_is_unknown_stays_so_and_lends_nothing(script: Script) -> None:
    inputs = script("scene_inputs")
    z = np.full((60, 80), 3.0, np.float32)
    z[:20] = np.nan
    spoiled = inputs.spoil(z, inputs.Faults(blur_px=6), seed=0)
    assert np.array_equal(np.isnan(spoiled), np.isnan(z))
    np.testing.assert_allclose(spoiled[20:], 3, rtol=1e-5)


def test_a_scene_comes_back_with_its_sky_as_a_segment(script: Script, scene: Path) -> None:
    inputs = script("scene_inputs")
    prediction = inputs.read_scene(scene, inputs.Faults())
    depth = np.load(scene / "depth.npy")
    assert prediction.depth.is_metric
    assert np.array_equal(np.isnan(prediction.depth.z), depth == 0)
    assert np.array_equal(prediction.depth.z[depth > 0], depth[depth > 0])
    assert (prediction.segments.ids > 0).all()
    assert {row.kind for row in prediction.segments.segments if row.label == "ground"} == {"ground"}


def test_a_measured_frame_is_split_by_its_colours(script: Script, shared: Path) -> None:
    inputs = script("scene_inputs")
    prediction = inputs.read_frame(shared / "photos" / "rgbd" / "osd_learn00", inputs.Faults())
    assert prediction.depth.z.shape == prediction.segments.ids.shape == prediction.photo.size
    assert 5 < len(prediction.segments.segments) < 500
