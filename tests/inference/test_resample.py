import time

import numpy as np
import pytest
from blockout.errors import MapAspectMismatch
from blockout.inference.prediction import DepthMap, Segment, SegmentMap
from blockout.inference.resample import (
    AGREEMENT,
    fit_depth,
    fit_segments,
    present_ids,
    resize_depth,
    same_aspect,
    shrink,
    size_within,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def segments_of(ids: np.ndarray) -> SegmentMap:
    ids = np.asarray(ids, np.int32)
    return SegmentMap(ids, tuple(Segment(i, f"label {i}") for i in present_ids(ids).tolist()))


def depth_of(z: object) -> DepthMap:
    return DepthMap(np.asarray(z, np.float32))


def test_a_map_of_the_photos_size_is_left_as_it_is() -> None:
    segments, depth = segments_of(np.ones((4, 6))), depth_of(np.ones((4, 6)))
    assert fit_segments(segments, (4, 6)) is segments
    assert fit_depth(depth, (4, 6)) is depth


def test_ids_enlarge_by_whole_blocks() -> None:
    ids = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(fit_segments(segments_of(ids), (6, 9)).ids, np.kron(ids, np.ones((3, 3))))


def test_ids_shrink_to_the_middle_of_each_block() -> None:
    ids = np.arange(54).reshape(6, 9)
    fitted = fit_segments(segments_of(ids), (2, 3))
    np.testing.assert_array_equal(fitted.ids, ids[1::3, 1::3])
    assert [row.id for row in fitted.segments] == ids[1::3, 1::3].ravel().tolist()


def test_a_border_stays_at_its_share_of_the_picture() -> None:
    ids = np.ones((40, 60))
    ids[:, 15:] = 2  # at a quarter of the width
    for size in ((100, 150), (400, 600), (20, 30)):
        fitted = fit_segments(segments_of(ids), size).ids
        assert abs((fitted == 1).sum(axis=1) / size[1] - 0.25).max() <= 0.5 / size[1] + 1e-9


@pytest.mark.parametrize("size", [(90, 130), (360, 520), (45, 65), (33, 48)])
def test_a_ramp_of_depth_stays_in_place(size: tuple[int, int]) -> None:
    def ramp(height: int, width: int) -> np.ndarray:
        rows, columns = np.mgrid[0:height, 0:width] + 0.5
        return 10 + columns / width + rows / height

    fitted = fit_depth(depth_of(ramp(90, 130)), size).z
    inside = slice(5, -5)
    difference = (fitted - ramp(*size))[inside, inside]
    assert abs(difference.mean()) < 1e-3  # half a pixel's shift would make 0.005
    assert abs(difference).max() < 2e-2


def test_enlarging_interpolates_on_a_surface() -> None:
    z = fit_depth(depth_of([[1.0, 1.04]]), (1, 4)).z
    np.testing.assert_allclose(z, [[1, 1.01, 1.03, 1.04]], rtol=1e-6)


def test_no_depth_lies_between_two_surfaces() -> None:
    z = np.full((20, 30), 2.0)
    z[:, 13:] = 6.0
    for size in ((200, 300), (100, 150), (60, 90), (173, 260), (10, 15), (7, 11)):
        assert set(np.unique(fit_depth(depth_of(z), size).z)) == {2.0, 6.0}


def test_unknown_depth_stays_unknown_and_spreads_by_less_than_a_pixel() -> None:
    z = np.full((20, 30), 2.0)
    z[5:10, 10:20] = np.nan
    fitted = fit_depth(depth_of(z), (80, 120)).z
    np.testing.assert_array_equal(np.isnan(fitted), np.kron(np.isnan(z), np.ones((4, 4))))


def test_shrinking_passes_over_outliers_and_unknown_depths() -> None:
    z = np.full((30, 30), 2.0)
    z[::3, 1::3] = 50
    z[2::3, ::3] = np.nan
    assert (fit_depth(depth_of(z), (10, 10)).z == 2).all()


def test_the_unit_is_kept() -> None:
    assert fit_depth(DepthMap(np.ones((2, 3), np.float32), True), (4, 6)).is_metric


@pytest.mark.parametrize(
    ("size", "photo_size"),
    [((288, 512), (1152, 2048)), ((518, 921), (1152, 2048)), ((37, 56), (398, 600)), ((38, 56), (398, 600)),
     ((5332, 8000), (3999, 6000)), ((1, 1), (30, 40))],
)  # fmt: skip
def test_the_rounding_of_a_side_is_no_other_aspect(size: tuple[int, int], photo_size: tuple[int, int]) -> None:
    assert same_aspect(size, photo_size)
    assert same_aspect(size[::-1], photo_size[::-1])


@pytest.mark.parametrize(
    ("size", "photo_size"),
    [((256, 512), (1152, 2048)), ((480, 640), (640, 480)), ((480, 640), (480, 660)), ((375, 1242), (398, 600))],
)
def test_another_aspect_is_refused_with_both_sizes(size: tuple[int, int], photo_size: tuple[int, int]) -> None:
    sentence = rf"{size[1]} x {size[0]} px and the photo {photo_size[1]} x {photo_size[0]}, another aspect ratio"
    with pytest.raises(MapAspectMismatch, match=rf"my\.png has {sentence}"):
        fit_segments(segments_of(np.ones(size)), photo_size, "my.png")
    with pytest.raises(MapAspectMismatch, match=rf"the depth map has {sentence}"):
        fit_depth(depth_of(np.ones(size)), photo_size)


def test_the_ids_that_occur_are_found_without_sorting() -> None:
    assert present_ids(np.array([[5, 0, 2], [2, 5, 9]], np.int32)).tolist() == [2, 5, 9]
    assert present_ids(np.array([[5, 0, 2**31 - 1]], np.int32)).tolist() == [5, 2**31 - 1]
    assert present_ids(np.zeros((2, 2), np.int32)).tolist() == []


def test_12_megapixels_take_a_fraction_of_a_second() -> None:
    z, ids = np.full((768, 1024), 2, np.float32), np.ones((768, 1024), np.int32)
    start = time.perf_counter()
    fit_depth(DepthMap(z), (3000, 4000))
    fit_segments(segments_of(ids), (3000, 4000))
    assert time.perf_counter() - start < 5  # 0.05 s on an idle machine


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines are slow, not wrong
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
KNOWN_OR_NOT = st.one_of(st.just(np.nan), st.floats(0.5, 100, width=32))


def whole_scale(shape: tuple[int, int, int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return a map's size and a photo's size of the same aspect ratio."""
    height, width, numerator, denominator = shape
    return (height * denominator, width * denominator), (height * numerator, width * numerator)


@UNHURRIED
@given(st.data(), SHAPES)
def test_resampled_depth_never_leaves_its_neighbourhood(data: st.DataObject, shape: tuple[int, int, int, int]) -> None:
    size, photo_size = whole_scale(shape)
    z = data.draw(arrays(np.float32, size, elements=KNOWN_OR_NOT))
    fitted = fit_depth(DepthMap(z), photo_size).z
    assert (fitted.shape, fitted.dtype) == (photo_size, np.float32)
    if np.isnan(z).all():
        assert np.isnan(fitted).all()
        return
    known = fitted[~np.isnan(fitted)]
    assert ((known >= np.nanmin(z) * (1 - 1e-6)) & (known <= np.nanmax(z) * (1 + 1e-6))).all()
    nearest = np.abs(known[:, None] - z[~np.isnan(z)][None]).min(axis=1, initial=np.inf)
    assert (nearest <= known * AGREEMENT).all()  # between two that agree, down and then across


@UNHURRIED
@given(st.data(), SHAPES)
def test_resampled_ids_are_never_invented(data: st.DataObject, shape: tuple[int, int, int, int]) -> None:
    size, photo_size = whole_scale(shape)
    ids = data.draw(arrays(np.int32, size, elements=st.integers(0, 2**31 - 1)))
    fitted = fit_segments(segments_of(ids), photo_size)
    assert set(np.unique(fitted.ids)) <= set(np.unique(ids))
    assert [row.id for row in fitted.segments] == [i for i in np.unique(fitted.ids) if i > 0]


@pytest.mark.parametrize(
    ("size", "expected"), [((300, 400), (300, 400)), ((3000, 4000), (480, 640)), ((10000, 7), (640, 1))]
)
def test_a_picture_shrinks_until_its_longer_side_fits(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert size_within(size, 640) == expected
    rgb = np.full((*size, 3), 90, np.uint8)
    small = shrink(rgb, 640)
    assert small.shape == (*expected, 3)
    assert (small is rgb) == (size == expected)
    assert (small == 90).all()


def test_depth_of_another_size_keeps_what_is_known_of_it() -> None:
    small = DepthMap(np.full((4, 6), 2.0, np.float32), is_metric=True, error=0.1)
    resized = resize_depth(small, (8, 12))
    assert (resized.is_metric, resized.error) == (True, 0.1)
