"""What lies on the ground of known scenes, and what stands there."""

import numpy as np
import pytest
from blockout.inference.camera import camera_from_fov
from blockout.inference.layout import height_over_horizon
from blockout.inference.lying import find_lying
from blockout.inference.prediction import KINDS
from blockout.inference.vanishing import down_from_angles

SIZE = (120, 160)
CAMERA = camera_from_fov(60, SIZE, "test")
DOWN = down_from_angles(-12.0, 1.0)
SKY, GROUND, STRUCTURE, OBJECT = range(4)
PATCH = (slice(80, 110), slice(50, 90))


def scene(place=PATCH, kind="object"):
    """Return (log_z, ids, kinds): the ground under the sky, and one thing that lies on the ground, at any scale."""
    fall = -height_over_horizon(CAMERA, DOWN)
    log_z = 0.7 - np.log(np.maximum(fall, 0.01))
    ids = np.where(fall > 0, 2, 1)
    ids[place] = 3
    return log_z, ids, np.array([0, SKY, GROUND, KINDS.index(kind)])


def lying(log_z, ids, kinds, likely=0.4):
    found = find_lying(log_z, ids, kinds, np.array([0, 0, 0.9, likely]), CAMERA, DOWN)
    assert not found[:3].any()
    return bool(found[3])


def test_a_patch_on_the_ground_lies():
    assert lying(*scene())


@pytest.mark.parametrize("size", [1.0, 100.0])
def test_it_does_at_any_scale_and_with_errors(size):
    log_z, ids, kinds = scene()
    row, column = np.mgrid[: SIZE[0], : SIZE[1]]
    bent = log_z + np.log(size) + 0.05 * np.sin(row / 7) * np.cos(column / 11)
    assert lying(np.where(ids == 3, bent - 0.1, bent), ids, kinds)


def test_what_stands_does_not():
    log_z, ids, kinds = scene()
    foot = log_z[PATCH[0].stop - 1]
    assert not lying(np.where(ids == 3, foot, log_z), ids, kinds)


def test_a_table_top_does_not():
    log_z, ids, kinds = scene()
    assert not lying(np.where(ids == 3, log_z - 0.4, log_z), ids, kinds)


@pytest.mark.parametrize("kind", ["structure", "ground", "sky"])
def test_only_objects_do(kind):
    assert not lying(*scene(kind=kind))


def test_nothing_does_that_can_hardly_be_ground():
    log_z, ids, kinds = scene()
    assert not lying(log_z, ids, kinds, likely=0.2)


def test_nothing_does_that_rises_over_the_horizon():
    assert not lying(*scene((slice(20, 110), slice(50, 90))))


def test_nothing_does_that_touches_no_ground():
    log_z, ids, kinds = scene()
    ids[70:, 40:100] = np.where(ids[70:, 40:100] == 3, 3, 4)
    ids[60:70, 40:100] = 4
    found = find_lying(log_z, ids, np.append(kinds, STRUCTURE), np.array([0, 0, 0.9, 0.4, 0]), CAMERA, DOWN)
    assert not found.any()


def test_without_ground_nothing_does():
    log_z, ids, _ = scene()
    assert not find_lying(log_z, ids, np.array([0, SKY, STRUCTURE, OBJECT]), np.ones(4), CAMERA, DOWN).any()


@pytest.mark.parametrize("pitch", [-90.0, 90.0])
def test_cameras_that_look_straight_down_or_up(pitch):
    log_z, ids, kinds = scene()
    found = find_lying(log_z, ids, kinds, np.full(4, 0.5), CAMERA, down_from_angles(pitch, 0.0))
    assert found.shape == (4,)
