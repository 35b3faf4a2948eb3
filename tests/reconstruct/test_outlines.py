from collections import defaultdict

import numpy as np
import pytest
import shapely
from blockout.reconstruct import outlines
from blockout.reconstruct.outlines import Outline, trace_outlines
from blockout.reconstruct.pieces import separate_pieces
from hypothesis import given, settings
from hypothesis import strategies as st

TOLERANCE_PX = 2.0


def polygon_of(outline: Outline) -> shapely.Polygon:
    rings = outline.rings()
    return shapely.Polygon(rings[0], rings[1:])


def turning_area(ring: np.ndarray) -> float:
    """Return the ring's area, positive when it is counter-clockwise to somebody who looks at the picture."""
    x, y = ring[:, 0], -ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def pixel_region(ids: np.ndarray, id_: int) -> shapely.Geometry:
    """Return the union of an id's pixels."""
    y, x = np.nonzero(ids == id_)
    return shapely.union_all(shapely.box(x, y, x + 1, y + 1))


def make_blobs(seed: int, size: tuple[int, int] = (60, 80), count: int = 12) -> np.ndarray:
    """Return a map of the cells nearest to random points, their borders made ragged, each id in one piece."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[: size[0], : size[1]] + 0.5 + random.normal(0, 0.8, (2, *size))
    centres = random.uniform((0, 0), size, (count, 2))
    away = (row[..., None] - centres[:, 0]) ** 2 + (column[..., None] - centres[:, 1]) ** 2
    return separate_pieces(away.argmin(-1).astype(np.int32) + 1, 12)[0]


SEEDS = st.integers(0, 2**32 - 1)


def test_one_segment_gives_the_picture_s_four_corners() -> None:
    (outline,) = trace_outlines(np.full((30, 40), 3, np.int32), TOLERANCE_PX)
    assert outline.id == 3
    assert outline.ring_sizes == (4,)
    assert {tuple(point) for point in outline.points.tolist()} == {(0, 0), (40, 0), (0, 30), (40, 30)}


def test_rings_turn_as_documented() -> None:
    ids = np.ones((40, 40), np.int32)
    ids[10:30, 10:30] = 2
    outer, inner = trace_outlines(ids, TOLERANCE_PX)
    assert [np.sign(turning_area(ring)) for ring in outer.rings()] == [1, -1]
    assert [np.sign(turning_area(ring)) for ring in inner.rings()] == [1]


def test_a_hole_stays_open_and_an_island_in_it_fills_it() -> None:
    ids = np.ones((60, 60), np.int32)
    ids[10:50, 10:50], ids[20:40, 20:40] = 2, 3
    outside, frame, island = (polygon_of(outline) for outline in trace_outlines(ids, TOLERANCE_PX))
    assert [len(polygon.interiors) for polygon in (outside, frame, island)] == [1, 1, 0]
    assert [polygon.area for polygon in (outside, frame, island)] == [3600 - 1600, 1600 - 400, 400]
    assert frame.intersection(island).area == 0
    assert not frame.contains(island)


def test_two_islands_that_touch_make_one_hole() -> None:
    ids = np.ones((40, 60), np.int32)
    ids[10:30, 10:30], ids[10:30, 30:50] = 2, 3
    outer = trace_outlines(ids, TOLERANCE_PX)[0]
    assert len(outer.ring_sizes) == 2
    assert polygon_of(outer).area == 2400 - 800


def test_a_slanted_border_becomes_one_straight_line() -> None:
    row, column = np.mgrid[:100, :100]
    left, right = trace_outlines(np.where(column < 20 + 0.6 * row, 1, 2).astype(np.int32), TOLERANCE_PX)
    assert len(left.points) == 4
    assert len(right.points) == 4


def test_a_segment_may_touch_the_frame_s_edges_and_corners() -> None:
    ids = np.ones((50, 50), np.int32)
    ids[:20, :20], ids[30:, 20:30], ids[20:30, 40:] = 2, 3, 4
    outlines = trace_outlines(ids, TOLERANCE_PX)
    assert [polygon_of(outline).area for outline in outlines] == [2500 - 400 - 200 - 100, 400, 200, 100]
    assert [len(outline.points) for outline in outlines[1:]] == [4, 4, 4]


def test_a_segment_of_one_pixel_stays_inside_its_pixel() -> None:
    ids = np.ones((9, 9), np.int32)
    ids[4, 5] = 2
    around, outline = trace_outlines(ids, TOLERANCE_PX)
    assert shapely.box(5, 4, 6, 5).covers(polygon_of(outline))
    assert polygon_of(outline).area + polygon_of(around).area == 81
    assert polygon_of(outline).area >= 0.5


def test_lines_of_one_pixel_s_width_keep_their_area() -> None:
    ids = np.ones((30, 30), np.int32)
    ids[10, 3:28] = 2
    ids[12:29, 7] = 3
    outlines = trace_outlines(ids, TOLERANCE_PX)
    assert [polygon_of(outline).area for outline in outlines] == [900 - 25 - 17, 25, 17]


def test_of_several_pieces_the_largest_is_taken_with_its_own_holes() -> None:
    ids = np.ones((60, 90), np.int32)
    ids[5:55, 5:45], ids[20:40, 15:35] = 2, 3
    ids[10:30, 60:80], ids[15:20, 65:70] = 2, 4
    outline = next(o for o in trace_outlines(ids, TOLERANCE_PX) if o.id == 2)
    assert polygon_of(outline).equals(shapely.box(5, 5, 45, 55) - shapely.box(15, 20, 35, 40))


def test_ids_may_be_sparse_and_huge() -> None:
    ids = np.full((20, 30), 2**31 - 1, np.int32)
    ids[:, :10] = 5
    assert [outline.id for outline in trace_outlines(ids, TOLERANCE_PX)] == [5, 2**31 - 1]


def test_a_larger_tolerance_gives_fewer_points() -> None:
    ids = make_blobs(1, (200, 300), 8)
    counts = [sum(len(o.points) for o in trace_outlines(ids, tolerance)) for tolerance in (0.75, 2, 6)]
    assert counts[0] > counts[1] > counts[2]


def test_a_small_segment_is_kept_more_closely_than_a_large_one() -> None:
    row, column = np.mgrid[:300, :300] + 0.5
    ids = np.ones((300, 300), np.int32)
    for id_, radius, middle in ((2, 100, 110), (3, 8, 270)):
        ids[np.hypot(row - middle, column - middle) < radius] = id_
    _, large, small = trace_outlines(ids, 8.0)
    for outline, radius in ((large, 100), (small, 8)):
        assert polygon_of(outline).area == pytest.approx(np.pi * radius**2, rel=0.1)
    assert len(small.points) > 4


@given(SEEDS)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_outlines_are_valid_and_fill_the_picture(seed: int) -> None:
    ids = make_blobs(seed)
    outlines = trace_outlines(ids, TOLERANCE_PX)
    polygons = [polygon_of(outline) for outline in outlines]
    assert [outline.id for outline in outlines] == np.unique(ids).tolist()
    assert all(polygon.is_valid and polygon.area > 0 for polygon in polygons)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(ids.size, rel=1e-9)
    assert shapely.union_all(polygons).area == pytest.approx(ids.size, rel=1e-9)


@given(SEEDS)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_rings_are_simple_apart_from_each_other_and_rightly_turned(seed: int) -> None:
    for outline in trace_outlines(make_blobs(seed), TOLERANCE_PX):
        areas = [turning_area(ring) for ring in outline.rings()]
        assert areas[0] > 0
        assert all(area < 0 for area in areas[1:])
        lines = shapely.MultiLineString([np.vstack([ring, ring[:1]]) for ring in outline.rings()])
        assert lines.is_simple
        assert len(np.unique(outline.points, axis=0)) == len(outline.points) == sum(outline.ring_sizes)


@given(SEEDS)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_neighbours_share_every_point_of_their_border(seed: int) -> None:
    ids = make_blobs(seed)
    users = defaultdict(list)
    for outline in trace_outlines(ids, TOLERANCE_PX):
        for ring in outline.rings():
            for start, end in zip(ring.tolist(), np.roll(ring, -1, 0).tolist(), strict=True):
                users[frozenset([tuple(start), tuple(end)])].append((tuple(start), tuple(end)))
    height, width = ids.shape
    for edge, directed in users.items():
        on_frame = any(
            all(point[axis] == value for point in edge) for axis, value in ((0, 0), (0, width), (1, 0), (1, height))
        )
        assert len(directed) == (1 if on_frame else 2)
        assert len(set(directed)) == len(directed), "neighbours walk a border in opposite directions"


@given(SEEDS, st.floats(0.75, 6))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_outlines_stay_within_the_tolerance_of_the_pixels(seed: int, tolerance_px: float) -> None:
    ids = make_blobs(seed, (40, 50), 6)
    for outline in trace_outlines(ids, tolerance_px):
        border = pixel_region(ids, outline.id).boundary
        assert shapely.hausdorff_distance(polygon_of(outline).boundary, border, densify=0.2) <= tolerance_px + 1


@given(SEEDS)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_even_noise_gives_valid_outlines(seed: int) -> None:
    random = np.random.default_rng(seed)
    ids = random.integers(1, 6, random.integers(2, 30, 2)).astype(np.int32)
    for outline in trace_outlines(ids, TOLERANCE_PX):
        assert polygon_of(outline).is_valid
        assert polygon_of(outline).area > 0
        assert min(outline.ring_sizes) >= 3


def make_thin(shape: str) -> np.ndarray:
    """Return a map with a shape so thin that each of its sides, simplified on its own, would cross the other."""
    row, column = np.mgrid[:240, :320] + 0.5
    away, turn = np.hypot(row - 120, column - 160), np.arctan2(row - 120, column - 160) / (2 * np.pi)
    thin = {
        "ring": np.abs(away - 90) < 1,
        "spiral": np.abs(away - 30 - 12 * ((turn + 0.5) % 1) - 12 * np.round((away - 30) / 12 - (turn + 0.5) % 1))
        < 1.2,
        "wave": np.abs(row - 120 - 40 * np.sin(column / 12)) < 2,
        "sector": (away < 110) & (np.abs(turn) < 0.02),
    }[shape]
    return separate_pieces(np.where(thin, 2, 1).astype(np.int32), 1)[0]


@pytest.mark.parametrize("tolerance_px", [1.0, 4.0, 12.0])
@pytest.mark.parametrize("shape", ["ring", "spiral", "wave", "sector"])
def test_thin_shapes_do_not_cross_themselves(shape: str, tolerance_px: float) -> None:
    ids = make_thin(shape)
    outlines = trace_outlines(ids, tolerance_px)
    polygons = [polygon_of(outline) for outline in outlines]
    assert [outline.id for outline in outlines] == np.unique(ids).tolist()
    assert all(polygon.is_valid for polygon in polygons)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(ids.size, rel=1e-9)
    assert shapely.union_all(polygons).area == pytest.approx(ids.size, rel=1e-9)


def test_the_same_map_gives_the_same_outlines_and_is_left_alone() -> None:
    ids = make_blobs(3)
    before = ids.copy()
    first, again = trace_outlines(ids, TOLERANCE_PX), trace_outlines(ids, TOLERANCE_PX)
    np.testing.assert_array_equal(ids, before)
    for a, b in zip(first, again, strict=True):
        assert a.points.tobytes() == b.points.tobytes()
        assert a.ring_sizes == b.ring_sizes


def edge_of(ids: np.ndarray) -> tuple[int, float]:
    """Return the number of corners of the lower segment, and the share of its pixels that it keeps."""
    outline = trace_outlines(ids, TOLERANCE_PX)[-1]
    region = pixel_region(ids, outline.id)
    polygon = polygon_of(outline)
    return len(outline.points), polygon.intersection(region).area / polygon.union(region).area


def test_foliage_is_simplified_further_than_a_skyline(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(900)
    heights = np.random.default_rng(1).uniform(60, 160, 30)
    skyline = np.repeat(heights, 30)
    foliage = 100 + 3 * np.sin(x / 3.0) + np.random.default_rng(2).normal(0, 1, 900)
    rows = np.arange(300)[:, None]
    towers, kept = edge_of((rows > skyline).astype(np.int32) + 1)
    assert towers >= 60
    assert kept > 0.99
    ids = separate_pieces((rows > foliage).astype(np.int32) + 1, 40)[0]
    leaves, kept = edge_of(ids)
    monkeypatch.setattr(outlines, "RAGGED_POINTS", 1000)
    assert edge_of((rows > skyline).astype(np.int32) + 1)[0] == towers
    assert leaves < 0.7 * edge_of(ids)[0]
    assert kept > 0.97
