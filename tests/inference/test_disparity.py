from __future__ import annotations

import numpy as np
import pytest
from blockout.errors import EstimateUnusable
from blockout.inference.disparity import FAR_OVER_NEAR, bound_nearness, depth_from_disparity, fit_horizon
from blockout.inference.prediction import DisparityMap
from rooms import Room, look, plain_room, street


def disparity_of(room: Room, scale: float, shift: float) -> np.ndarray:
    """Return what a network would say of a room: affine in 1 / z, clipped at the sky."""
    nearness = np.where(np.isfinite(room.prediction.depth.z), 1 / room.prediction.depth.z, 0)
    return (scale * nearness + shift).astype(np.float32)


def recover(room: Room, values: np.ndarray) -> tuple[np.ndarray, str]:
    kinds = {s.id: s.kind for s in room.prediction.segments.segments}
    kind = np.vectorize(kinds.get)(room.prediction.segments.ids)
    depth, source = depth_from_disparity(
        DisparityMap(values), kind == "ground", kind == "sky", room.prediction.camera, room.down_cam
    )
    assert not depth.is_metric
    return depth.z, source


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (300, 40), (7, -0.5)])
@pytest.mark.parametrize("pitch_deg", [-12, 0])
def test_the_shift_is_fitted_with_the_ground(scale: float, shift: float, pitch_deg: float) -> None:
    room = plain_room(look(pitch_deg=pitch_deg))
    z, source = recover(room, disparity_of(room, scale, shift))
    ratio = z / room.prediction.depth.z
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)
    assert source == "disparity's shift fitted with the ground plane"


def test_the_fit_stands_noise_and_some_wrong_labels() -> None:
    room = plain_room(look(pitch_deg=-12))
    rng = np.random.default_rng(0)
    values = disparity_of(room, 10, 2) + rng.normal(0, 0.03, room.prediction.depth.z.shape)
    ground = room.mask("floor") | room.mask("post")
    shift = fit_horizon(values.astype(np.float32), ground, room.prediction.camera, room.down_cam)
    assert shift == pytest.approx(2, abs=0.15)


def test_the_sky_tells_the_shift_where_there_is_no_ground() -> None:
    room = street()
    values = disparity_of(room, 5, 1.5)
    depth, source = depth_from_disparity(
        DisparityMap(values),
        np.zeros(values.shape, bool),
        room.mask("sky"),
        room.prediction.camera,
        room.down_cam,
    )
    ratio = (depth.z / room.prediction.depth.z)[room.prediction.depth.z < 30]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)
    assert source == "disparity's shift taken from the sky"


def test_without_either_the_shift_is_said_to_be_unknown() -> None:
    room = plain_room()
    nothing = np.zeros(room.prediction.depth.z.shape, bool)
    for shift, words in ((0.1, "taken for 0"), (-3, "taken from the farthest pixel")):
        values = DisparityMap(disparity_of(room, 1, shift))
        _, source = depth_from_disparity(values, nothing, nothing, room.prediction.camera, room.down_cam)
        assert source.endswith(words)


def test_a_ground_that_is_a_wall_tells_nothing() -> None:
    room = plain_room()
    values = disparity_of(room, 1, 0)
    assert fit_horizon(values, room.mask("wall"), room.prediction.camera, room.down_cam) is None
    assert fit_horizon(values[:4, :4], np.ones((4, 4), bool), room.prediction.camera, room.down_cam) is None


def test_a_flat_map_is_refused() -> None:
    room = plain_room()
    with pytest.raises(EstimateUnusable, match="the same everywhere"):
        recover(room, np.full((20, 30), 3.0, np.float32))


def test_nothing_is_further_than_a_hundred_times_what_is_near() -> None:
    nearness = np.linspace(-1, 2, 101, dtype=np.float32)[None]
    nearness[0, 50] = np.nan
    bounded, near = bound_nearness(nearness)
    assert near == pytest.approx(1.85, abs=0.02)
    assert np.nanmin(bounded) == pytest.approx(near / FAR_OVER_NEAR)
    assert np.isnan(bounded[0, 50])
    np.testing.assert_array_equal(bounded[0, 51:], nearness[0, 51:])
