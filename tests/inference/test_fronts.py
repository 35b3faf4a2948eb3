"""Bent walls of known scenes, straightened."""

import numpy as np
import pytest
from blockout.inference.camera import camera_from_fov
from blockout.inference.fronts import straighten_fronts
from blockout.inference.layout import height_over_horizon
from blockout.inference.standing import level_axes
from blockout.inference.vanishing import down_from_angles

SIZE = (120, 160)
CAMERA = camera_from_fov(60, SIZE, "test")
DOWN = down_from_angles(-8.0, 2.0)
ERROR = 0.1
ROW, COLUMN = np.mgrid[: SIZE[0], : SIZE[1]]


def wall(near: float, slant: float) -> np.ndarray:
    """Return (H, W) log depth of an upright wall."""
    ahead, right = level_axes(DOWN)
    inverse = near * height_over_horizon(CAMERA, -ahead) + slant * height_over_horizon(CAMERA, -right)
    return np.asarray(-np.log(inverse))


@pytest.mark.parametrize("slant", [0.0, 0.04, -0.04])
def test_a_bent_wall_is_straight_and_stays_where_it_is(slant: float) -> None:
    true = wall(0.1, slant)
    bent = true + 0.08 * np.sin(COLUMN / 9) * np.cos(ROW / 11)
    straight = straighten_fronts(bent, np.ones(SIZE, int), np.array([1]), CAMERA, DOWN, ERROR)
    assert straight == pytest.approx(true, abs=0.02)


def test_a_wall_of_which_it_is_known_how_it_runs_does_so_however_depth_bends() -> None:
    for told, slant, error in ((0.6, 0.06, 0.02), (-0.6, -0.06, 0.02), (np.nan, 0.02, 0.1)):
        bent = wall(0.1, 0.02)
        straight = straighten_fronts(bent, np.ones(SIZE, int), np.array([1]), CAMERA, DOWN, 5.0, np.array([0, told]))
        off = straight - wall(0.1, slant)
        assert np.ptp(off) == pytest.approx(0, abs=error), told


def test_what_stands_out_further_than_depth_errs_still_does() -> None:
    true, bay = wall(0.1, 0.0), (slice(40, 80), slice(60, 100))
    bent = true.copy()
    bent[bay] -= 0.5
    straight = straighten_fronts(bent, np.ones(SIZE, int), np.array([1]), CAMERA, DOWN, ERROR)
    assert straight[bay] == pytest.approx(true[bay] - 0.5 + ERROR, abs=0.02)
    assert straight[:30] == pytest.approx(true[:30], abs=0.02)


def test_only_fronts_change_and_unknown_depth_stays_unknown() -> None:
    ids = np.where(COLUMN < 80, 1, 2)
    bent = wall(0.1, 0.0) + 0.05 * np.sin(COLUMN / 9)
    bent[:10] = np.nan
    straight = straighten_fronts(bent, ids, np.array([1]), CAMERA, DOWN, ERROR)
    np.testing.assert_array_equal(straight[ids == 2], bent[ids == 2])
    assert np.isnan(straight[:10]).all()
    assert np.abs(straight - bent)[10:, :80].max() > 0.04


def test_a_front_that_would_lead_far_away_faces_the_camera() -> None:
    true = wall(0.1, 0.12)
    straight = straighten_fronts(true, np.ones(SIZE, int), np.array([1]), CAMERA, DOWN, 10.0)
    forward = height_over_horizon(CAMERA, -level_axes(DOWN)[0])
    assert np.ptp(straight + np.log(forward)) == pytest.approx(0, abs=1e-6)


def test_a_few_pixels_are_no_front() -> None:
    ids = np.zeros(SIZE, int)
    ids[:5, :5] = 1
    bent = wall(0.1, 0.0) + 0.05 * np.sin(COLUMN / 3)
    np.testing.assert_array_equal(straighten_fronts(bent, ids, np.array([1, 2]), CAMERA, DOWN, ERROR), bent)


def test_neighbours_in_line_become_one_front_across_a_post_and_others_do_not() -> None:
    post = abs(COLUMN - 80) < 2
    ids = np.where(post, 3, np.where(COLUMN < 80, 1, 2))
    for apart, joins in ((0.12, True), (0.2, False)):
        bent = np.where(COLUMN < 80, wall(0.1, 0.0), wall(0.1, 0.0) + apart)
        straight = straighten_fronts(bent, ids, np.array([1, 2]), CAMERA, DOWN, ERROR)
        step = straight[60, 90] - straight[60, 70] - (bent[60, 90] - bent[60, 70] - apart)
        assert step == pytest.approx(0 if joins else apart, abs=0.03), apart
    np.testing.assert_array_equal(straight[post], bent[post])


def test_fronts_that_run_apart_stay_two_though_they_meet() -> None:
    ids, bent = np.where(COLUMN < 80, 1, 2), np.where(COLUMN < 80, wall(0.1, 0.06), wall(0.1, -0.06))
    straight = straighten_fronts(bent, ids, np.array([1, 2]), CAMERA, DOWN, ERROR)
    assert straight == pytest.approx(bent, abs=0.02)


def test_fronts_in_line_far_from_each_other_stay_two() -> None:
    ids = np.where(COLUMN < 60, 1, np.where(COLUMN > 100, 2, 3))
    bent = wall(0.1, 0.0) + np.where(COLUMN < 80, 0, 0.12)
    straight = straighten_fronts(bent, ids, np.array([1, 2]), CAMERA, DOWN, ERROR)
    assert straight == pytest.approx(bent, abs=1e-6)
