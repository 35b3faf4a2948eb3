import numpy as np
import pytest
from blockout.reconstruct.frames import linear_from_srgb
from blockout.reconstruct.statistics import QUANTILES, Samples, Statistics, draw_samples, find_runs, measure
from hypothesis import given, settings
from hypothesis import strategies as st


def make_map(seed: int) -> np.ndarray:
    """Return a random map of ids from 0 on."""
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 30, 2)
    block = random.integers(1, 5)
    coarse = random.integers(0, random.integers(1, 9), (height, width))
    return np.kron(coarse, np.ones((block, block), int))[:height, :width].astype(np.int32)


def measure_map(ids: np.ndarray) -> Statistics:
    return measure(find_runs(ids), int(ids.max()))


def draw(ids: np.ndarray, z: np.ndarray, border_px: int = 2, stride: int = 1) -> Samples:
    return draw_samples(ids, z, paint(ids), find_runs(ids), np.bincount(ids.ravel()), border_px, stride)


def paint(ids: np.ndarray) -> np.ndarray:
    """Return a picture in which each id has a colour of its own."""
    return np.stack([ids * 7 % 256, ids * 50 % 256, 255 - ids * 11 % 256], axis=-1).astype(np.uint8)


def colours_of(ids: np.ndarray, rgb: np.ndarray, stride: int = 1) -> np.ndarray:
    z = np.full(ids.shape, np.nan, np.float32)  # colour needs no depth
    return draw_samples(ids, z, rgb, find_runs(ids), np.bincount(ids.ravel()), 2, stride).mean_colours()


def depths_that_name_their_pixel(shape: tuple[int, int]) -> np.ndarray:
    return (np.arange(shape[0] * shape[1], dtype=np.float32) + 1).reshape(shape)


SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_runs_rebuild_the_map(seed: int) -> None:
    ids = make_map(seed)
    runs = find_runs(ids)
    np.testing.assert_array_equal(np.repeat(runs.id, runs.length), ids.ravel())
    np.testing.assert_array_equal(runs.row * ids.shape[1] + runs.column, runs.start)
    assert (runs.column + runs.length <= ids.shape[1]).all(), "a run ends with its row"
    same_row = np.diff(runs.row) == 0
    assert (np.diff(runs.id)[same_row] != 0).all(), "a run goes on as far as its id does"


@given(SEEDS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_statistics_are_those_of_plain_numpy(seed: int) -> None:
    ids = make_map(seed)
    statistics = measure_map(ids)
    assert statistics.area.sum() == ids.size
    for id_ in np.unique(ids):
        y, x = np.nonzero(ids == id_)
        assert statistics.area[id_] == len(y)
        assert statistics.box[id_].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
        np.testing.assert_allclose(statistics.centroid[id_], [x.mean() + 0.5, y.mean() + 0.5])


def test_colour_is_averaged_in_linear_light() -> None:
    rgb = np.zeros((1, 2, 3), np.uint8)
    rgb[0, 1] = 255
    np.testing.assert_allclose(colours_of(np.ones((1, 2), np.int32), rgb)[1], [0.5] * 3, rtol=1e-6)


@given(SEEDS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_colour_of_a_plain_segment_is_its_own(seed: int) -> None:
    ids = make_map(seed)
    colours = colours_of(ids, paint(ids))
    present = np.unique(ids)
    np.testing.assert_allclose(colours[present], linear_from_srgb(paint(present) / 255), rtol=1e-6)
    assert (colours[np.setdiff1d(np.arange(len(colours)), present)] == 0).all()


def test_lamps_gaps_and_what_bleeds_over_the_border_are_not_the_colour() -> None:
    ids = np.ones((300, 400), np.int32)
    ids[100:200, 100:300] = 2
    rgb = np.full((300, 400, 3), 40, np.uint8)
    rgb[100:200, 100:300] = (120, 90, 60)
    rgb[100:102, 100:300] = 255  # a rim of the border's width
    rgb[132:140, 120:280] = 255  # 7 % of lit windows
    for stride in (1, 4):
        np.testing.assert_allclose(colours_of(ids, rgb, stride)[2], linear_from_srgb(np.array([120, 90, 60]) / 255))


def test_large_pictures_are_measured_to_the_last_row() -> None:
    ids = np.ones((1100, 1000), np.int32)
    ids[1050:] = 2
    statistics = measure_map(ids)
    assert statistics.area.tolist() == [0, 1_050_000, 50_000]
    np.testing.assert_allclose(colours_of(ids, paint(ids), 5)[1:], linear_from_srgb(paint(np.array([1, 2])) / 255))
    np.testing.assert_allclose(statistics.centroid[1:], [[500, 525], [500, 1075]])


def test_an_id_without_pixels_has_no_area_and_no_depth() -> None:
    ids = np.full((4, 4), 3, np.int32)
    statistics = measure(find_runs(ids), 5)
    assert statistics.area.tolist() == [0, 0, 0, 16, 0, 0]
    assert np.isfinite(statistics.centroid).all()


@given(SEEDS, st.integers(1, 4))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_samples_are_pixels_of_their_id_with_their_own_depth(seed: int, border_px: int) -> None:
    ids = make_map(seed)
    z = depths_that_name_their_pixel(ids.shape)
    z[np.random.default_rng(seed).random(ids.shape) < 0.3] = np.nan
    samples = draw(ids, z, border_px)
    assert samples.start[-1] == len(samples.z) == ids.size, "in a small map every pixel is a sample"
    owner = np.repeat(np.arange(ids.max() + 1), np.diff(samples.start))
    column, row = np.floor(samples.points_px).astype(int).T
    np.testing.assert_array_equal(samples.points_px, np.column_stack([column, row]) + 0.5)
    np.testing.assert_array_equal(ids[row, column], owner)
    np.testing.assert_array_equal(z[row, column], samples.z)


def test_inside_means_off_the_border() -> None:
    ids = np.ones((40, 40), np.int32)
    ids[10:30, 10:30] = 2
    samples = draw(ids, np.ones((40, 40), np.float32), border_px=3)
    inside = np.zeros((40, 40), bool)
    column, row = np.floor(samples.points_px).astype(int).T
    inside[row, column] = samples.inside
    assert inside[13:27, 13:27].all()
    assert not inside[10:30, 10:13].any()
    assert not inside[27:30, 10:30].any()
    assert inside[:7].all(), "the picture's frame is no border"


def test_samples_of_an_id_leave_its_border_out_where_enough_is_left() -> None:
    ids = np.ones((60, 60), np.int32)
    ids[5:8, 5:8] = 2
    ids[20:50, 20:50] = 3
    samples = draw(ids, np.ones((60, 60), np.float32))
    points_px, z = samples.of(3)
    assert len(points_px) == len(z) == 26 * 26
    assert len(samples.of(2)[1]) == 9, "all that a tiny one has"


def test_small_ids_are_sampled_in_large_pictures() -> None:
    ids = np.ones((2400, 3000), np.int32)
    ids[100:103, 200:203], ids[1000:1050, 1000:1100], ids[2399, 2999] = 2, 3, 4
    z = np.full(ids.shape, 2.0, np.float32)
    samples = draw(ids, z, stride=5)
    count = np.diff(samples.start)
    assert count[2] == 9
    assert 400 <= count[3] <= 5000
    assert count[4] == 1
    assert 100_000 < count[1] < 400_000
    points_px = samples.points_px[samples.start[3] : samples.start[4]]
    assert np.ptp(points_px, axis=0) == pytest.approx([100, 50], abs=12), "spread over the whole of it"


def test_unknown_depth_is_left_out() -> None:
    ids = np.ones((20, 20), np.int32)
    ids[:10] = 2
    z = np.full((20, 20), np.nan, np.float32)
    z[:10, 5], z[0, 0] = 3.0, np.inf
    samples = draw(ids, z)
    assert np.isfinite(samples.z).sum() == 10
    assert len(samples.of(2)[1]) == 10
    assert len(samples.of(1)[1]) == 0


def test_depth_quantiles_are_those_of_the_samples() -> None:
    ids = np.ones((40, 50), np.int32)
    ids[:, 25:] = 3
    z = np.random.default_rng(0).uniform(1, 9, ids.shape).astype(np.float32)
    z[:, 25:] += 10
    quantiles = draw(ids, z, border_px=1).depth_quantiles()
    assert quantiles.shape == (4, len(QUANTILES))
    assert np.isnan(quantiles[[0, 2]]).all()
    np.testing.assert_allclose(quantiles[1], np.quantile(z[:, :24], QUANTILES), rtol=1e-6)
    np.testing.assert_allclose(quantiles[3], np.quantile(z[:, 26:], QUANTILES), rtol=1e-6)


def test_the_same_map_gives_the_same_samples() -> None:
    ids = np.kron(np.random.default_rng(4).integers(0, 5, (20, 20)), np.ones((40, 40), int)).astype(np.int32)
    z = depths_that_name_their_pixel(ids.shape)
    first, again = draw(ids, z), draw(ids, z)
    assert first.points_px.tobytes() == again.points_px.tobytes()
    assert first.z.tobytes() == again.z.tobytes()
