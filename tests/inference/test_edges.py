from __future__ import annotations

import numpy as np
import pytest
from blockout.inference.edges import follow_edges, sharpen_depth
from blockout.inference.prediction import DepthMap
from blockout.inference.resample import resize_depth

SIZE = (240, 320)


@pytest.fixture
def disc() -> np.ndarray:
    row, column = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.hypot(row - 120, column - 160) < 70


@pytest.fixture
def rgb(disc: np.ndarray) -> np.ndarray:
    return np.where(disc[..., None], (200, 60, 40), (60, 90, 160)).astype(np.uint8)


def coarsen(plane: np.ndarray, factor: int = 8) -> np.ndarray:
    return plane.reshape(SIZE[0] // factor, factor, SIZE[1] // factor, factor).mean(axis=(1, 3)).astype(np.float32)


def wrong(scores: np.ndarray, disc: np.ndarray) -> float:
    return float(np.mean((scores > 0.5) != disc))


def test_scores_of_a_coarse_grid_follow_the_picture(disc: np.ndarray, rgb: np.ndarray) -> None:
    coarse = coarsen(disc)
    found = follow_edges(coarse[None], rgb)[0]
    plain = np.kron(coarse, np.ones((8, 8)))
    assert found.shape == SIZE
    assert wrong(found, disc) < 0.25 * wrong(plain, disc)


def test_scores_that_were_enlarged_before_follow_it_as_well(disc: np.ndarray, rgb: np.ndarray) -> None:
    enlarged = np.kron(coarsen(disc), np.ones((8, 8), np.float32))
    left_alone = follow_edges(enlarged[None], rgb)[0]
    found = follow_edges(enlarged[None], rgb, np.array([8.0]))[0]
    assert np.array_equal(left_alone, enlarged)
    assert wrong(found, disc) < 0.5 * wrong(enlarged, disc)


def test_each_plane_is_filtered_as_coarse_as_it_is(disc: np.ndarray, rgb: np.ndarray) -> None:
    enlarged = np.kron(coarsen(disc), np.ones((8, 8), np.float32))
    fine, coarse = follow_edges(np.stack([disc.astype(np.float32), enlarged]), rgb, np.array([1.0, 8.0]))
    assert np.array_equal(fine, disc)
    assert not np.array_equal(coarse, enlarged)


def test_depth_steps_where_the_picture_does_and_never_between(disc: np.ndarray, rgb: np.ndarray) -> None:
    nearness = coarsen(np.where(disc, 1 / 2, 1 / 6))
    found = sharpen_depth(DepthMap(1 / nearness, is_metric=True), rgb)
    assert found.is_metric
    assert found.z.shape == SIZE
    assert np.mean(np.isclose(found.z, np.where(disc, 2, 6), rtol=0.02)) > 0.98


def test_depth_that_is_sharp_already_is_only_enlarged(disc: np.ndarray, rgb: np.ndarray) -> None:
    small = np.ascontiguousarray(rgb[::2, ::2])
    coarse = DepthMap(1 / coarsen(np.where(disc, 1 / 2, 1 / 6)))
    once = sharpen_depth(coarse, small)
    assert once.is_sharp and not coarse.is_sharp
    assert np.array_equal(sharpen_depth(once, rgb).z, resize_depth(once, SIZE).z)


def test_a_slope_stays_smooth(rgb: np.ndarray) -> None:
    nearness = coarsen(np.broadcast_to(np.linspace(1 / 6, 1 / 2, SIZE[1]), SIZE))
    z = sharpen_depth(DepthMap(1 / nearness), rgb).z
    assert (np.diff(z, axis=1) < 1e-6).all()


def test_depth_with_holes_is_not_filtered(rgb: np.ndarray) -> None:
    z = np.full((30, 40), 3, np.float32)
    z[5:9, 5:9] = np.nan
    found = sharpen_depth(DepthMap(z), rgb).z
    assert np.isnan(found).mean() == pytest.approx(16 / 1200, abs=0.01)
    assert np.nanmax(np.abs(found - 3)) == 0


@pytest.mark.parametrize("size", [(1, 1), (500, 1), (1, 500), (2, 640), (1400, 3)])
def test_depth_follows_a_photo_of_hardly_any_pixels(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    z = rng.uniform(1, 20, (96, 32)).astype(np.float32)
    found = sharpen_depth(DepthMap(z), rng.integers(0, 256, (*size, 3), dtype=np.uint8)).z
    assert found.shape == size
    assert np.isfinite(found).all()


def test_the_same_photo_gives_the_same_depth_again() -> None:
    rng = np.random.default_rng(0)
    z = rng.uniform(1, 20, (24, 32)).astype(np.float32)
    busy = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    first, second = (sharpen_depth(DepthMap(z), busy).z for _ in range(2))
    np.testing.assert_array_equal(first, second)
