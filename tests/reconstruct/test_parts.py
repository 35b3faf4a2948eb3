import numpy as np
import pytest
from blockout.inference.prediction import Camera
from blockout.reconstruct.parts import split_piece
from blockout.reconstruct.planes import ERROR_CAP
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import cast_rays, make_camera
from scipy import ndimage

CAMERA = make_camera(240, 320)
CORNER_PX = (60, 40)
SIZE = (150, 180)  # of the piece's box
GREY = np.full((*SIZE, 3), 128, np.uint8)
EVERYWHERE = np.ones(SIZE, bool)
LEFT = np.array([-0.3, 0.05, 0.25])  # two planes that meet in an upright fold at ray x = 0
RIGHT = np.array([0.3, 0.05, 0.25])


def box_rays() -> np.ndarray:
    return cast_rays(CAMERA)[CORNER_PX[1] : CORNER_PX[1] + SIZE[0], CORNER_PX[0] : CORNER_PX[0] + SIZE[1]]


def depth_of(w: np.ndarray) -> np.ndarray:
    return 1 / (box_rays() @ w)


def split(
    z: np.ndarray, inside: np.ndarray = EVERYWHERE, rgb: np.ndarray = GREY, least_px: int = 50, camera: Camera = CAMERA
) -> tuple[np.ndarray, float] | None:
    return split_piece(inside, z.astype(np.float32), rgb, CORNER_PX, camera, least_px)


def fold() -> np.ndarray:
    """Return the depths of a fold that points away from the camera, and where its crease lies."""
    return np.minimum(depth_of(LEFT), depth_of(RIGHT))


def noise(share: float, seed: int = 0) -> np.ndarray:
    return 1 + np.random.default_rng(seed).normal(0, share, SIZE)


def check_parts(parts: np.ndarray, inside: np.ndarray, least_px: int) -> None:
    count = int(parts.max())
    assert parts.dtype == np.int32
    np.testing.assert_array_equal(parts > 0, inside)
    assert count >= 2
    assert all(ndimage.label(parts == part)[1] == 1 for part in range(1, count + 1))
    assert np.bincount(parts[inside])[1:].min() >= least_px


def remaining_error(z: np.ndarray, members: np.ndarray) -> float:
    """Return the summed error about the best plane of some pixels, found by weighting errors down until they settle."""
    points = (box_rays() * z[..., None])[members & np.isfinite(z)]
    weight = np.ones(len(points))
    for _ in range(30):
        w = np.linalg.lstsq(points * weight[:, None], weight, rcond=None)[0]
        weight = 1 / np.sqrt(np.maximum(np.abs(points @ w - 1), 1e-4))
    return float(np.minimum(np.abs(points @ w - 1), ERROR_CAP).sum())


def test_a_fold_is_split_at_its_crease() -> None:
    found = split(fold())
    assert found is not None
    parts, gain = found
    check_parts(parts, EVERYWHERE, 50)
    assert parts.max() == 2
    crease = np.argmin(np.abs(box_rays()[0, :, 0])) + 0.5
    for row in parts:
        changes = np.flatnonzero(np.diff(row))
        assert len(changes) == 1
        assert abs(changes[0] + 1 - crease) <= 6
    assert gain > 0.8


@pytest.mark.parametrize("share", [0.002, 0.005])
def test_a_noisy_fold_is_split_at_its_crease_too(share: float) -> None:
    found = split(fold() * noise(share))
    assert found is not None
    crease = np.argmin(np.abs(box_rays()[0, :, 0])) + 0.5
    wrong = (found[0] == found[0][0, 0]) != (np.arange(SIZE[1]) + 0.5 < crease)
    assert wrong.mean() < 0.06


@pytest.mark.parametrize("share", [0.002, 0.02])
def test_a_flat_wall_gains_next_to_nothing(share: float) -> None:
    found = split(depth_of(LEFT) * noise(share))
    assert found is None or found[1] < 0.1


def test_depth_that_is_one_plane_to_the_last_digit_does_not_fall_apart() -> None:
    found = split(np.full(SIZE, 4.0))
    assert found is None or found[1] < 0.1


def test_two_layers_of_depth_part_where_the_nearer_one_ends() -> None:
    z = np.full(SIZE, 6.0)
    near = np.zeros(SIZE, bool)
    near[40:120, 50:110] = True
    z[near] = 4.0
    found = split(z)
    assert found is not None
    parts, gain = found
    check_parts(parts, EVERYWHERE, 50)
    nearer = parts == parts[80, 80]
    assert (nearer & near).sum() / (nearer | near).sum() > 0.9
    assert gain > 0.9


def test_two_layers_may_leave_several_connected_parts() -> None:
    z = np.full(SIZE, 6.0)
    z[:, 60:110] = 4.0
    found = split(z)
    assert found is not None
    check_parts(found[0], EVERYWHERE, 50)
    assert found[0].max() == 3
    assert len({int(found[0][75, column]) for column in (20, 85, 150)}) == 3


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_parts_hang_together_and_keep_to_the_least_area(seed: int) -> None:
    random = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(random.normal(size=SIZE), random.uniform(2, 20))
    inside, _ = ndimage.label(ndimage.gaussian_filter(random.normal(size=SIZE), 20) > -0.01)
    inside = inside == inside[75, 90] if inside[75, 90] else EVERYWHERE
    z = np.where(blobs > 0, 6.0, random.uniform(3, 5)) * noise(0.02, seed)
    z[random.random(SIZE) < random.choice([0, 0.3, 0.95])] = np.nan
    least_px = int(random.integers(10, 400))
    found = split(z, inside, least_px=least_px)
    if found is not None:
        check_parts(found[0], inside, least_px)
        assert 0 <= found[1] <= 1


@pytest.mark.parametrize("least_px", [50, 3000])
def test_no_part_is_smaller_than_the_least_area(least_px: int) -> None:
    z = np.full(SIZE, 6.0)
    z[20:140, 20:90], z[50:80, 120:160] = 4.0, 4.0
    found = split(z, least_px=least_px)
    assert found is not None
    check_parts(found[0], EVERYWHERE, least_px)
    assert found[0].max() == (3 if least_px == 50 else 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_gain_is_the_share_of_the_depth_error_that_goes(seed: int) -> None:
    random = np.random.default_rng(seed)
    z = fold() if seed == 0 else np.where(np.arange(SIZE[1]) < 60 + 20 * seed, 4.0, random.uniform(4.5, 6))
    z = z * noise(0.01, seed)
    found = split(z)
    assert found is not None
    before = remaining_error(z, EVERYWHERE)
    after = sum(remaining_error(z, found[0] == part) for part in range(1, int(found[0].max()) + 1))
    assert found[1] == pytest.approx(1 - after / before, abs=0.08)


def test_colour_says_where_to_split_where_depth_is_blurred() -> None:
    rgb = GREY.copy()
    rgb[:, 110:] = (200, 60, 40)
    z = np.broadcast_to(4 + 0.5 / (1 + np.exp((95 - np.arange(SIZE[1])) / 12)), SIZE) * noise(0.002)
    found = split(z, rgb=rgb)
    assert found is not None
    wrong = (found[0] == found[0][0, 0]) != (np.arange(SIZE[1]) < 110)
    assert wrong.mean() < 0.03


def test_pixels_outside_the_piece_do_not_count() -> None:
    inside = np.zeros(SIZE, bool)
    inside[:, 40:140] = True
    z = np.where(inside, depth_of(LEFT), 50.0) * noise(0.005)
    found = split(z, inside)
    assert found is None or found[1] < 0.1


def test_sparse_depth_is_enough() -> None:
    z = np.full(SIZE, np.nan)
    known = np.random.default_rng(0).random(SIZE) < 0.05
    z[known] = np.where(np.arange(SIZE[1]) < 90, 4.0, 6.0)[None].repeat(SIZE[0], 0)[known]
    found = split(z)
    assert found is not None
    wrong = (found[0] == found[0][0, 0]) != (np.arange(SIZE[1]) < 90)
    assert wrong.mean() < 0.1


def test_nothing_known_is_no_reason_to_split() -> None:
    assert split(np.full(SIZE, np.nan)) is None


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (4, 5), (1, 40)])
def test_a_tiny_piece_does_not_fall_apart(shape: tuple[int, int]) -> None:
    z = np.random.default_rng(0).uniform(1, 9, shape).astype(np.float32)
    rgb = np.full((*shape, 3), 100, np.uint8)
    assert split_piece(np.ones(shape, bool), z, rgb, (0, 0), CAMERA, 50) is None


@pytest.mark.parametrize("shape", [(600, 3), (3, 600), (1, 900)])
def test_long_and_narrow_pieces_keep_their_shape(shape: tuple[int, int]) -> None:
    along = np.arange(max(shape)).reshape((-1, 1) if shape[0] > shape[1] else (1, -1))
    z = np.broadcast_to(np.where(along < max(shape) / 3, 3.0, 6.0), shape).astype(np.float32)
    rgb = np.full((*shape, 3), 100, np.uint8)
    found = split_piece(np.ones(shape, bool), z, rgb, (0, 0), make_camera(700, 1000), 20)
    if found is not None:
        assert found[0].shape == shape
        assert set(np.unique(found[0]).tolist()) == {1, 2}


def test_the_same_piece_falls_apart_in_the_same_way() -> None:
    z = fold() * noise(0.01)
    first, again = split(z), split(z)
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1] == again[1]
