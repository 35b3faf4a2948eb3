import cv2
import numpy as np
import pytest
from blockout.reconstruct.bleeding import measure_bleeding, settle_depth
from rooms import FLOOR, WALL, Box, Room, look, make_camera, photograph

CRATE = Box("crate", (-0.9, 0, -3.4), (0.1, 1.0, -2.4))
POLE = Box("pole", (0.8, 0, -2.6), (0.84, 2.0, -2.56))


@pytest.fixture
def room() -> Room:
    return photograph([FLOOR, WALL, CRATE, POLE], look(1.6, -10), make_camera(360, 480))


def blur(z: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(z, (0, 0), sigma_px)


def error_of(z: np.ndarray, room: Room, label: str) -> float:
    mask = room.mask(label)
    return float(np.abs(z[mask] / room.prediction.depth.z[mask] - 1).mean())


def test_sharp_depth_is_left_alone(room: Room) -> None:
    z = room.prediction.depth.z
    assert settle_depth(room.prediction.segments.ids, z) is z


@pytest.mark.parametrize("sigma_px", [3.0, 5.0])
def test_the_width_of_bleeding_is_measured(room: Room, sigma_px: float) -> None:
    z = blur(room.prediction.depth.z, sigma_px)
    assert sigma_px < measure_bleeding(room.prediction.segments.ids, z) < 2.5 * sigma_px


def test_things_get_their_own_depth_back(room: Room) -> None:
    bled = blur(room.prediction.depth.z, 4)
    settled = settle_depth(room.prediction.segments.ids, bled)
    for label in ("crate", "wall"):
        assert error_of(settled, room, label) < 0.4 * error_of(bled, room, label)


def test_a_pole_too_thin_to_have_an_inside_stands_where_its_foot_does(room: Room) -> None:
    bled = blur(room.prediction.depth.z, 4)
    settled = settle_depth(room.prediction.segments.ids, bled)
    assert error_of(settled, room, "pole") < 0.5 * error_of(bled, room, "pole")


def test_slopes_are_no_bleeding() -> None:
    columns = np.mgrid[:200, :300][1]
    ids = 1 + (columns >= 150).astype(np.int32)
    z = (2 + 0.03 * np.abs(columns - 150)).astype(np.float32)
    assert settle_depth(ids, z) is z


def test_unknown_depth_stays_unknown(room: Room) -> None:
    bled = blur(room.prediction.depth.z, 4)
    bled[100:120, 200:260] = np.nan
    settled = settle_depth(room.prediction.segments.ids, bled)
    np.testing.assert_array_equal(np.isnan(settled), np.isnan(bled))


def test_large_maps_are_settled_as_small_ones_are(room: Room) -> None:
    ids, bled = room.prediction.segments.ids, blur(room.prediction.depth.z, 4)
    small = settle_depth(ids, bled)
    large = settle_depth(np.kron(ids, np.ones((4, 4), np.int32)), np.kron(bled, np.ones((4, 4), np.float32)))
    assert np.mean(np.abs(large[2::4, 2::4] / small - 1) > 0.01) < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3)])
def test_tiny_maps_do_no_harm(shape: tuple[int, int]) -> None:
    z = np.ones(shape, np.float32)
    assert settle_depth(np.arange(z.size, dtype=np.int32).reshape(shape), z) is z
