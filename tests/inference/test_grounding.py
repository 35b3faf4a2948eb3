"""A network's depth, laid on the ground that the photo shows: known scenes, bent on purpose."""

from dataclasses import replace

import numpy as np
import pytest
from blockout.inference.camera import camera_from_fov
from blockout.inference.grounding import MOST_APART, _group_storeys, ground_depth
from blockout.inference.layout import height_over_horizon
from blockout.inference.prediction import Camera, DepthMap, Kind, Segment, SegmentMap
from blockout.inference.standing import level_axes
from blockout.inference.vanishing import down_from_angles

SIZE = (240, 320)
CAMERA = camera_from_fov(60, SIZE, "test")
DOWN = down_from_angles(-8.0, 2.0)
BOX = (slice(90, 170), slice(120, 180))
KINDS: dict[int, Kind] = {1: "sky", 2: "ground", 3: "structure", 4: "object"}
NO_SKY = np.zeros((60, 80), bool)


def true_depth() -> tuple[np.ndarray, np.ndarray]:
    """Return depth and ids of a street seen from 1.6 m: sky 1, ground 2, a wall at 20 m 3, an upright box 4."""
    fall = -height_over_horizon(CAMERA, DOWN)
    ahead = -DOWN[2] * DOWN + [0, 0, 1]
    along = height_over_horizon(CAMERA, -ahead / np.linalg.norm(ahead))
    z = np.where(fall > 0, 1.6 / np.maximum(fall, 1e-9), np.inf)
    ids = np.full(SIZE, 2)
    wall = 20 / along
    ids[wall < z] = 3
    z = np.minimum(z, wall)
    ids[:40], z[:40] = 1, 300
    ids[BOX] = 4
    z[BOX] = z[170, 150] * along[170, 150] / along[BOX]
    return z.astype(np.float32), ids.astype(np.int32)


def settle(
    z: np.ndarray,
    ids: np.ndarray,
    down: np.ndarray = DOWN,
    kinds: dict[int, Kind] = KINDS,
    camera: Camera = CAMERA,
    sky: np.ndarray = NO_SKY,
) -> tuple[DepthMap, np.ndarray]:
    rows = tuple(Segment(i, kind, kind) for i, kind in kinds.items() if (ids == i).any())
    return ground_depth(DepthMap(z, error=0.1), SegmentMap(ids, rows), np.zeros((0, 4)), camera, down, sky)


def ratio(z: np.ndarray, truth: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return how far off depth is, by the scale that the ground has."""
    return np.asarray(z[where] / truth[where])


def test_true_depth_stays_as_it_is() -> None:
    truth, ids = true_depth()
    depth, down = settle(truth, ids)
    assert depth.z[ids > 1] == pytest.approx(truth[ids > 1], rel=0.05)
    assert down == pytest.approx(DOWN, abs=0.002)
    assert depth.error == 0.1


def test_bent_ground_is_flat_and_things_stand_on_it() -> None:
    truth, ids = true_depth()
    row, column = np.mgrid[: SIZE[0], : SIZE[1]]
    bent = truth * np.exp(0.12 * np.sin(column / 40) * np.cos(row / 30)).astype(np.float32)
    bent[BOX] *= 1.3
    depth, down = settle(bent, ids)
    off = ratio(depth.z, truth, ids == 2)
    assert off.std() < 0.3 * ratio(bent, truth, ids == 2).std()
    assert np.median(ratio(depth.z, truth, ids == 4)) == pytest.approx(np.median(off), rel=0.04)
    assert np.degrees(np.arccos(down @ DOWN)) < 1.5


def test_nothing_stands_beyond_its_foot() -> None:
    truth, ids = true_depth()
    far = truth.copy()
    far[BOX] *= 2
    assert np.median(settle(far, ids)[0].z[BOX] / truth[BOX]) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("off", "moves"), [(0.2, 0.2), (MOST_APART, MOST_APART), (0.5, 0.18), (0.9, 0.0)])
def test_the_nearer_a_thing_than_its_foot_says_the_less_that_is_its_own(off: float, moves: float) -> None:
    truth, ids = true_depth()
    near = truth.copy()
    near[BOX] *= np.exp(-off)
    moved = np.log(np.median(settle(near, ids)[0].z[BOX] / near[BOX]))
    assert moved == pytest.approx(moves, abs=0.06)


def test_a_part_of_a_front_whose_foot_is_hidden_moves_with_what_it_touches() -> None:
    truth, ids = true_depth()
    column = np.arange(SIZE[1])
    part = (ids == 3) & (column >= 200) & (column < 240)
    hedge = (np.arange(SIZE[0])[:, None] >= 100) & (column >= 195) & (column < 245)
    bent = np.where(ids == 3, 1.5 * truth, truth)
    ids[part], ids[hedge] = 5, 6
    bent[hedge] = 3.0
    z = settle(bent.astype(np.float32), ids, kinds=KINDS | {5: "structure", 6: "object"})[0].z
    off = ratio(z, truth, (ids == 5) & (np.arange(SIZE[0])[:, None] < 95))
    assert np.median(off) == pytest.approx(float(np.median(ratio(z, truth, ids == 3))), rel=0.06)


def test_a_tower_behind_a_row_that_leads_away_is_not_as_slanted_as_the_row() -> None:
    truth, ids = true_depth()
    row, column = np.mgrid[: SIZE[0], : SIZE[1]]
    piles = (row > 100) & (row < 200 - column / 3) & (column < 200)
    tower = (row > 50) & (row <= 100) & (column < 200)
    bent, ids = truth.copy(), ids.copy()
    ids[ids == 4] = 2
    ids[piles], ids[tower] = 4, 5
    foot = np.clip(200 - column / 3, 0, SIZE[0] - 1).astype(int)
    bent[piles] = truth[foot, column][piles]
    bent[tower] = 60.0
    z = settle(bent, ids, kinds=KINDS | {5: "structure"})[0].z
    assert np.ptp(np.log(z[75, 10:190])) < 0.1


def test_storeys_of_a_building_move_as_one() -> None:
    truth, ids = true_depth()
    upper = (ids == 3) & (np.arange(SIZE[0])[:, None] < 70)
    ids[upper] = 5
    bent = np.where(upper, 1.3 * truth, truth).astype(np.float32)
    z = settle(bent, ids, kinds=KINDS | {5: "structure"})[0].z
    assert np.median(z[upper] / truth[upper]) == pytest.approx(np.median(z[ids == 3] / truth[ids == 3]), rel=0.05)


def test_storeys_whose_planes_differ_by_rounding_are_one_building() -> None:
    plane = np.array([-4.9e-05, 6.2e-03, 9.0e-02])
    planes = np.stack([np.full(3, np.nan), plane, np.nextafter(plane, 1), plane * 1.001, plane])
    ids = np.repeat([[1, 2, 3, 4]], 5, axis=0)
    groups, kinds = _group_storeys(planes, ["sky", "structure", "structure", "structure", "object"], 0.0 * ids, ids)
    assert groups[1] == groups[2]
    assert len(np.unique(groups)) == len(kinds) == 4


def test_what_is_seen_far_behind_a_low_wall_is_no_storey_of_it() -> None:
    """A plane that a wall's foot gives what is seen above it, but not at that distance."""
    planes = np.tile([0.0, 0.0, 0.1], (4, 1))
    ids = np.repeat([1, 2, 3], 20).reshape(12, 5)
    apart = np.array([0, 0.02, -0.02, 0.4])[ids]
    groups, kinds = _group_storeys(planes, ["sky", "structure", "structure", "structure"], apart, ids)
    assert groups[1] == groups[2] != groups[3]
    assert kinds[groups[3]] == "structure"


def test_half_of_the_relief_within_a_thing_stays() -> None:
    truth, ids = true_depth()
    bulging = truth.copy()
    bulging[BOX] *= np.linspace(0.9, 1.1, 60).astype(np.float32)
    across = settle(bulging, ids)[0].z[110:150, 122:178].mean(0)
    assert np.log(across[-1] / across[0]) == pytest.approx(0.5 * np.log(1.09 / 0.91), rel=0.2)


def test_without_ground_depth_and_gravity_stay() -> None:
    truth, ids = true_depth()
    ids[ids == 2] = 3
    depth, down = settle(truth, ids)
    np.testing.assert_array_equal(depth.z, truth)
    assert down is DOWN


def test_gravity_that_the_camera_has_stays() -> None:
    truth, ids = true_depth()
    bent = truth * np.linspace(0.8, 1.2, SIZE[0], dtype=np.float32)[:, None]
    told = tuple(DOWN.tolist())
    assert not np.allclose(settle(bent, ids)[1], DOWN, atol=0.002)
    assert settle(bent, ids, camera=replace(CAMERA, down_cam=told))[1] is DOWN


def test_depth_does_not_tell_how_the_camera_rolls() -> None:
    truth, ids = true_depth()
    bent = truth * np.linspace(0.85, 1.15, SIZE[1], dtype=np.float32)
    down = settle(bent, ids)[1]
    assert down[0] == pytest.approx(DOWN[0], abs=0.006)
    assert np.abs(down - DOWN).max() < 0.05


@pytest.mark.parametrize("down", [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)])
def test_axes_of_a_camera_that_looks_straight_down_or_up(down: tuple[float, float, float]) -> None:
    ahead, right = level_axes(np.array(down))
    assert ahead == pytest.approx([0, -1, 0])
    assert right == pytest.approx(np.cross(down, ahead))


def test_the_sky_keeps_its_depth() -> None:
    truth, ids = true_depth()
    np.testing.assert_allclose(settle(truth, ids)[0].z[ids == 1], 300, rtol=1e-5)


def test_ground_that_depth_puts_over_the_camera_leaves_gravity_alone() -> None:
    truth, ids = true_depth()
    down = -DOWN
    assert settle(truth, ids, down)[1] is down


@pytest.mark.parametrize(("right", "is_pole"), [(138, True), (180, False)])
def test_a_pole_stands_upright_whatever_its_depth_leans(right: int, is_pole: bool) -> None:
    truth, ids = true_depth()
    ids[BOX] = 3
    ids[90:170, 120:right] = 4
    row = np.arange(SIZE[0], dtype=np.float32)[:, None]
    leaning = np.where(ids == 4, truth * np.exp(0.4 * (170 - row) / 80), truth)
    found = settle(leaning, ids)[0].z
    spread = np.ptp(np.log(found / truth)[95:165, 124 : right - 4], axis=0).mean()
    assert (spread < 0.03) == is_pole


def test_under_open_sky_gravity_is_less_led_astray_by_depth_and_the_horizon_stays_below() -> None:
    truth, ids = true_depth()
    bent = truth * np.linspace(0.5, 1.2, SIZE[0], dtype=np.float32)[:, None]  # too near where it is far
    sky = NO_SKY.copy()
    sky[:15] = True
    off = [np.degrees(np.arccos(settle(bent, ids, sky=seen)[1] @ DOWN)) for seen in (NO_SKY, sky)]
    assert off[1] < 0.65 * off[0]
    looking_down = down_from_angles(-35.0, 2.0)
    assert (height_over_horizon(CAMERA, settle(bent, ids, looking_down, sky=sky)[1])[:55] > 0).mean() > 0.9
