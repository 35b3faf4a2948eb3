import cv2
import numpy as np
import pytest
import shapely
from blockout.reconstruct.outlines import trace_outlines
from hypothesis import given
from hypothesis import strategies as st


def draw(corners: np.ndarray, size: int = 200) -> np.ndarray:
    """Return a map whose pixels 2 have their centres within a polygon."""
    y, x = np.mgrid[:size, :size] + 0.5
    inside = shapely.contains_xy(shapely.Polygon(corners), x.ravel(), y.ravel())
    return inside.reshape(size, size).astype(np.int32) + 1


def outline_of(ids: np.ndarray, tolerance_px: float) -> np.ndarray:
    return next(outline for outline in trace_outlines(ids, tolerance_px) if outline.id == 2).points


def turned_box(width: float, height: float, angle_deg: float) -> np.ndarray:
    corners = cv2.boxPoints(((100.3, 99.6), (width, height), angle_deg))
    return corners.astype(np.float64)


@given(st.floats(60, 120), st.floats(60, 120), st.floats(0, 90))
def test_a_box_s_corners_are_found_to_a_fraction_of_a_pixel(width: float, height: float, angle_deg: float) -> None:
    corners = turned_box(width, height, angle_deg)
    found = outline_of(draw(corners), 2.5)
    away = np.hypot(*(found[:, None] - corners[None]).transpose(2, 0, 1))
    assert np.median(away.min(axis=0)) < 0.75
    assert len(found) <= 6  # where the walk begins may be a corner more


def test_ragged_borders_keep_their_area_and_lose_their_teeth() -> None:
    rng = np.random.default_rng(5)
    reach = 100 + np.repeat(rng.integers(-4, 5, 60), 4)[:200]
    ids = (np.arange(200)[None, :] < reach[:, None]).astype(np.int32) + 1
    points = outline_of(ids, 6.0)
    assert len(points) <= 10
    area = shapely.Polygon(points).area
    assert area == pytest.approx(np.count_nonzero(ids == 2), rel=0.03)  # both ends are the frame's


def test_a_round_border_keeps_its_area_with_few_corners() -> None:
    y, x = np.mgrid[:200, :200] + 0.5
    ids = (np.hypot(x - 100, y - 100) < 70).astype(np.int32) + 1
    points = outline_of(ids, 4.0)
    assert len(points) <= 16
    assert shapely.Polygon(points).area == pytest.approx(np.pi * 70**2, rel=0.01)


def test_corners_on_the_pixel_grid_stay_exactly_there() -> None:
    ids = np.ones((60, 80), np.int32)
    ids[10:50, 20:70] = 2
    assert sorted(outline_of(ids, 2.0).tolist()) == [[20, 10], [20, 50], [70, 10], [70, 50]]
