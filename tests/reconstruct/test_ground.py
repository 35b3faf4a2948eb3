import numpy as np
import pytest
from blockout.reconstruct.ground import LEAST_TILT_DEG, MOST_TILT_DEG, Ground, doubt_tilt, find_ground, level_ground
from rooms import FLOOR, WALL, Box, Room, look, photograph, plain_room, street, table_room

NOTHING = (np.zeros((0, 3)), np.zeros(0))
UNKNOWN = None


def angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def noisy(samples: tuple[np.ndarray, np.ndarray], share: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    rays, z = samples
    return rays, z * (1 + np.random.default_rng(0).normal(0, share, len(z)))


def check(ground: Ground, room: Room, height_rel: float = 0.01) -> None:
    assert ground.camera_height is not None
    assert ground.camera_height == pytest.approx(room.world_from_camera[1, 3], rel=height_rel)
    assert angle_deg(ground.down_cam, room.down_cam) < 0.5
    assert np.linalg.norm(ground.down_cam) == pytest.approx(1)


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(0, 0), (4, -3), (0, 6), (-8, 0), (-12, 5), (-25, -9)])
def test_height_pitch_and_roll_are_found_from_a_labelled_floor(pitch_deg: float, roll_deg: float) -> None:
    room = plain_room(look(1.4, pitch_deg, roll_deg))
    check(find_ground(noisy(room.samples("floor")), noisy(room.samples()), UNKNOWN), room)


@pytest.mark.parametrize(("pitch_deg", "roll_deg"), [(-8, 0), (-12, 5), (-25, -9)])
def test_height_pitch_and_roll_are_found_from_a_floor_that_no_label_names(pitch_deg: float, roll_deg: float) -> None:
    room = plain_room(look(1.4, pitch_deg, roll_deg))
    check(find_ground(NOTHING, noisy(room.samples()), UNKNOWN), room)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_street_has_a_ground(labelled: bool) -> None:
    room = street(look(1.7, 3, -2))
    ground = room.samples("road") if labelled else NOTHING
    check(find_ground(noisy(ground), noisy(room.samples()), UNKNOWN), room)


def test_a_table_above_the_floor_is_not_taken_for_it() -> None:
    room = table_room(look(1.6, -30))
    assert room.mask("table").sum() > 0.2 * room.mask("floor").sum()
    check(find_ground(NOTHING, noisy(room.samples()), UNKNOWN), room)
    larger = Box("table", (-2, 0.7, -3), (2, 0.75, -1.2))
    room = photograph([FLOOR, WALL, larger], look(1.6, -30))
    assert room.mask("table").sum() > room.mask("floor").sum()
    check(find_ground(NOTHING, noisy(room.samples()), UNKNOWN), room)


def test_a_labelled_ground_wins_over_a_larger_level_surface() -> None:
    room = photograph([FLOOR, WALL, Box("table", (-2, 0.7, -3), (2, 0.75, -1.2))], look(1.6, -30))
    check(find_ground(room.samples("floor"), room.samples(), UNKNOWN), room)


def test_a_wall_that_is_labelled_ground_is_not_believed() -> None:
    room = plain_room(look(1.5, -10))
    check(find_ground(room.samples("wall"), noisy(room.samples()), UNKNOWN), room)


def test_a_wall_alone_is_no_ground() -> None:
    room = photograph([Box("wall", (-50, -50, -6), (50, 50, -5), "structure")], look())
    ground = find_ground(NOTHING, room.samples(), UNKNOWN)
    assert ground.camera_height is None
    np.testing.assert_array_equal(ground.down_cam, [0, 1, 0])


def test_a_ceiling_is_no_ground() -> None:
    room = photograph([Box("ceiling", (-50, 3, -50), (50, 4, 50), "structure")], look(1.6, 20))
    assert find_ground(NOTHING, room.samples(), UNKNOWN).camera_height is None


def test_without_a_ground_gravity_is_the_estimator_s() -> None:
    ground = find_ground(NOTHING, NOTHING, np.array([0.0, 1.8, 0.6]))
    assert ground.camera_height is None
    np.testing.assert_allclose(ground.down_cam, np.array([0.0, 0.9, 0.3]) / np.hypot(0.9, 0.3))


def test_a_few_samples_are_no_ground() -> None:
    rays, z = plain_room().samples("floor")
    few = rays[:20], z[:20]
    assert find_ground(few, few, UNKNOWN).camera_height is None


def test_straight_down_needs_to_know_of_gravity() -> None:
    room = plain_room(look(2.0, -90))
    check(find_ground(room.samples("floor"), room.samples(), room.down_cam), room)
    assert find_ground(room.samples("floor"), room.samples(), UNKNOWN).camera_height is None


def test_the_ground_corrects_a_gravity_that_is_a_little_wrong() -> None:
    room = plain_room(look(1.6, -12, 4))
    guess = look(1.6, -5, -3)
    check(find_ground(room.samples("floor"), room.samples(), -guess[1, :3]), room)


def test_the_height_is_in_the_map_s_unit() -> None:
    room = plain_room(look(1.5, -10))
    rays, z = room.samples("floor")
    ground = find_ground((rays, 7 * z), NOTHING, UNKNOWN)
    assert ground.camera_height == pytest.approx(7 * 1.5, rel=1e-3)


def test_the_same_samples_give_the_same_ground() -> None:
    samples = noisy(plain_room(look(1.5, -10)).samples(), 0.05)
    first, again = find_ground(NOTHING, samples, UNKNOWN), find_ground(NOTHING, samples, UNKNOWN)
    assert first.down_cam.tobytes() == again.down_cam.tobytes()
    assert first.camera_height == again.camera_height


def tilted(rays: np.ndarray, z: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return samples whose depth errs from left to right, by ``share`` at most."""
    return rays, z * (1 + share * rays[:, 0] / np.abs(rays[:, 0]).max())


def test_a_tilted_ground_is_turned_level_at_its_height() -> None:
    room = plain_room(look(1.4, -12, 5))
    samples = tilted(*room.samples("floor"), 0.05)
    found = find_ground(samples, samples, UNKNOWN)
    assert angle_deg(found.down_cam, room.down_cam) > 0.5
    level = level_ground(found, room.down_cam, *samples)
    assert level.down_cam == pytest.approx(room.down_cam)
    assert level.camera_height == pytest.approx(1.4, rel=0.01)
    rays, z = (np.concatenate(pair) for pair in zip(samples, room.samples("wall"), strict=True))
    assert level_ground(found, room.down_cam, rays, z).camera_height == pytest.approx(level.camera_height, rel=0.01)


def test_a_ground_that_nothing_lies_on_stays() -> None:
    ground = Ground(np.array([0.0, 1.0, 0.0]), 1.6)
    assert level_ground(ground, np.array([0.0, 0.6, 0.8]), *NOTHING) is ground


def test_tilt_is_doubted_with_the_error_and_with_how_little_is_seen() -> None:
    room = plain_room(look(1.4, -12))
    rays, z = room.samples("floor")
    ground = find_ground((rays, z), (rays, z), UNKNOWN)
    wide = [doubt_tilt(ground, rays, z, error) for error in (0.001, 0.02, 0.04)]
    assert wide[0] == LEAST_TILT_DEG < wide[1] < wide[2]
    near = np.abs(rays[:, 0]) < 0.1
    assert doubt_tilt(ground, rays[near], z[near], 0.02) > wide[1]
    assert doubt_tilt(ground, rays, z, 10.0) == doubt_tilt(ground, *NOTHING, 0.02) == MOST_TILT_DEG
