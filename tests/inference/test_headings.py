"""Which way drawn walls run, by the level lines on them."""

import cv2
import numpy as np
import pytest
from blockout.inference.camera import camera_from_fov
from blockout.inference.headings import find_slants
from blockout.inference.standing import level_axes
from blockout.inference.vanishing import detect_lines, down_from_angles

SIZE = (480, 640)
CAMERA = camera_from_fov(60, SIZE, "test")
DOWN = down_from_angles(-6.0, 1.5)
KINDS = ["sky", "ground", "structure", "structure", "object"]
EYE_M, STOREY_M = 1.6, 0.8


def draw(*walls, steep=0.0):
    """Return a picture and its ids of upright walls: an id, a slant, how near straight ahead, left and right in px.

    A wall has a line every 0.8 m of height, which rises by ``steep`` of its length.
    """
    ahead, right = level_axes(DOWN)
    rgb, ids = np.full((*SIZE, 3), 120, np.uint8), np.zeros(SIZE, np.int32)
    row, column = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    rays = np.stack([(column - CAMERA.cx) / CAMERA.fx, (row - CAMERA.cy) / CAMERA.fy, np.ones(SIZE)], axis=-1)
    for number, slant, near, left, right_px in walls:
        points = rays / (near * (rays @ ahead + slant * (rays @ right)))[..., None]
        height = EYE_M - points @ DOWN
        along = points @ (right - slant * ahead) / np.hypot(1, slant)
        inside = (column >= left) & (column < right_px) & (height > 0) & (height < 6)
        band = np.floor((height - steep * along) / STOREY_M).astype(int) % 2
        rgb[inside] = np.where(band[inside, None] == 1, [170, 80, 60], [210, 200, 190])
        ids[inside] = number
    return cv2.GaussianBlur(rgb, (0, 0), 0.8), ids


def slants_of(picture, expected=None, kinds=KINDS):
    rgb, ids = picture
    return find_slants(
        detect_lines(rgb), ids, kinds, CAMERA, DOWN, np.zeros(len(kinds)) if expected is None else expected
    )


def degrees_between(slant, other):
    return abs(np.degrees(np.arctan(slant) - np.arctan(other)))


@pytest.mark.parametrize("slant", [-1.2, -0.4, 0.0, 0.25, 1.0])
def test_lines_tell_which_way_a_wall_runs(slant):
    found = slants_of(draw((2, slant, 0.12, 150, 500)))
    assert degrees_between(found[2], slant) < 1.5
    assert np.isnan(found[[0, 1, 4]]).all()


def test_a_wall_that_runs_straight_ahead_is_found_as_one():
    found = slants_of(draw((2, -25.0, 0.01, 20, 260)))
    assert degrees_between(found[2], -25.0) < 2


def test_walls_on_both_sides_that_run_straight_ahead_come_nearer_outwards():
    left, right = draw((2, -25.0, 0.01, 20, 260)), draw((3, 25.0, 0.01, 390, 620))
    both = np.where(left[1][..., None] > 0, left[0], right[0]), np.maximum(left[1], right[1])
    found = slants_of(both)
    assert found[2] < -14 and found[3] > 14


def test_walls_at_nearly_right_angles_are_at_right_angles():
    found = slants_of(draw((2, 0.6, 0.12, 60, 320), (3, np.tan(np.arctan(0.6) - np.radians(86)), 0.12, 320, 600)))
    assert found[2] * found[3] == pytest.approx(-1, abs=1e-9)


def test_lines_that_climb_pass_for_level_ones_only_where_nothing_else_is_expected():
    picture = draw((2, 0.4, 0.12, 150, 500), steep=1.0)
    assert degrees_between(slants_of(picture)[2], 0.4) > 40
    assert np.isnan(slants_of(picture, np.full(len(KINDS), np.arctan(0.4)))[2])


def test_what_is_expected_decides_between_lines_of_two_walls():
    one, other = 0.7, -0.7
    left, right = draw((2, one, 0.12, 60, 320)), draw((2, other, 0.12, 320, 600))
    both = np.where(left[1][..., None] > 0, left[0], right[0]), np.maximum(left[1], right[1])
    assert np.isnan(slants_of(both)[2])
    for wanted in (one, other):
        found = slants_of(both, np.full(len(KINDS), np.arctan(wanted)))
        assert degrees_between(found[2], wanted) < 2


def test_a_plain_part_of_a_wall_runs_as_what_it_borders_on():
    rgb, ids = draw((2, 0.6, 0.12, 150, 500))
    window = ids[200:230, 300:340]
    assert (window == 2).all()
    rgb[200:230, 300:340] = 90
    window[:] = 3
    found = slants_of((rgb, ids))
    assert found[3] == found[2]


def test_where_no_lines_are_nothing_is_told():
    ids = np.full(SIZE, 2, np.int32)
    assert np.isnan(slants_of((np.full((*SIZE, 3), 120, np.uint8), ids))).all()


def test_upright_lines_tell_nothing():
    rgb, ids = draw((2, 0.3, 0.12, 150, 500))
    stripes = np.full_like(rgb, 200)
    foot = np.array([DOWN[0], DOWN[1]]) / DOWN[2] * CAMERA.fx + [CAMERA.cx, CAMERA.cy]  # all of them point there
    for across in range(40, 640, 40):
        top = np.array([across, 0.0])
        end = top + (foot - top) * (SIZE[0] / foot[1])
        cv2.polylines(
            stripes, [np.rint(16 * np.stack([top, end])).astype(np.int32)], False, (40,) * 3, 2, cv2.LINE_AA, 4
        )
    assert np.isnan(slants_of((stripes, ids))[2])
    assert degrees_between(slants_of((np.minimum(rgb, stripes), ids))[2], 0.3) < 2


def test_things_are_not_asked():
    rgb, ids = draw((4, 0.5, 0.12, 150, 500))
    assert np.isnan(slants_of((rgb, ids))).all()
