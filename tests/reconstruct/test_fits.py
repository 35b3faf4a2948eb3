from dataclasses import replace

import numpy as np
import pytest
from blockout.reconstruct.boxes import fit_boxes, fit_height_profiles
from blockout.reconstruct.evidence import Evidence
from blockout.reconstruct.extents import find_axes, find_bottom, measure_extent
from blockout.reconstruct.fits import propose
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Prism
from blockout.reconstruct.shapes import Shape, to_prism
from blockout.reconstruct.turned import LATHE_SECTIONS, fit_lathe, fit_lying_cylinder
from casts import Ball, Cone, House, Log, box_error, gather
from rooms import FLOOR, WALL, Box, Solid, look, make_camera, photograph

CAMERA = make_camera(360, 480)
HIGH = look(2.2, -20)
CRATE = Box("crate", (-0.5, 0, -3.4), (0.3, 0.8, -2.8), turn_deg=25)


def photo_of(thing: Solid, *others: Solid, pose: np.ndarray = HIGH) -> Evidence:
    return gather(photograph([FLOOR, WALL, thing, *others], pose, CAMERA), thing.label)


def to_world(shape: Shape, evidence: Evidence) -> Prism:
    return to_prism(shape, "object", CAMERA, evidence.world_from_camera)


def bounds_of(shape: Shape, evidence: Evidence) -> np.ndarray:
    points = mesh_of(to_world(shape, evidence)).points
    return np.array([points.min(0), points.max(0)])


def first(shapes: list[Shape], kind: str) -> Shape:
    return next(shape for shape in shapes if shape.kind == kind)


@pytest.mark.parametrize("turn_deg", [0.0, 10.0, 25.0, 45.0, 70.0])
def test_a_box_seen_from_above_is_recovered_to_one_percent(turn_deg: float) -> None:
    thing = replace(CRATE, turn_deg=turn_deg)
    evidence = photo_of(thing)
    box = first(propose(evidence, True), "box")
    assert box_error(to_world(box, evidence), thing) < 0.01
    assert box.thickness_source.startswith("seen")


def test_a_tall_box_of_which_two_sides_are_seen_is_recovered_to_one_percent() -> None:
    thing = replace(CRATE, low=(-0.5, 0, -4.4), high=(0.3, 2.0, -3.8), turn_deg=30)
    evidence = photo_of(thing, pose=look(1.6, -5))
    assert box_error(to_world(first(propose(evidence, True), "box"), evidence), thing) < 0.01


@pytest.mark.parametrize("turn_deg", [0.0, 35.0, 60.0, 90.0])
def test_a_lying_cylinder_is_recovered_to_one_percent(turn_deg: float) -> None:
    evidence = photo_of(Log("log", (0.1, 0.3, -3.2), 0.3, 1.4, turn_deg))
    axis = np.array([np.sin(np.radians(turn_deg)), 0, np.cos(np.radians(turn_deg))])
    log = max(fit_lying_cylinder(evidence, 0.0), key=lambda shape: abs(shape.world_from_plane[:3, 2] @ axis))
    assert abs(log.world_from_plane[:3, 2] @ axis) > np.cos(np.radians(1))
    assert log.rings.mean(axis=(0, 1)) == pytest.approx((0.1, 0.3, -3.2), abs=0.02)
    assert np.ptp(log.outline[:, 1]) == pytest.approx(0.6, rel=0.03)
    assert -log.extrusion[2] == pytest.approx(1.4, rel=0.02)


def test_the_seen_sides_tell_the_yaw() -> None:
    axes = find_axes(photo_of(CRATE))[0]
    assert np.degrees(np.arctan2(axes[0, 2], axes[2, 2])) == pytest.approx(25, abs=0.2)


def test_what_comes_near_the_ground_stands_on_it() -> None:
    evidence = photo_of(CRATE)
    assert find_bottom(evidence, has_ground=True) == 0
    assert find_bottom(evidence, has_ground=False) == pytest.approx(0, abs=0.03)
    raised = photo_of(Box("lamp", (-0.2, 1.5, -3.2), (0.2, 1.9, -2.9)))
    assert find_bottom(raised, has_ground=True) == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("radius", [0.15, 0.4])
def test_a_cylinder_is_recovered_to_one_percent(radius: float) -> None:
    evidence = photo_of(Cone("drum", (0.1, -3), 0, 0.9, (radius, radius)))
    drum = first(propose(evidence, True), "cylinder")
    low, high = bounds_of(drum, evidence)
    assert drum.thickness == pytest.approx(2 * radius, rel=0.015)
    assert (low + high)[[0, 2]] / 2 == pytest.approx([0.1, -3], abs=0.01)
    assert (low[1], high[1]) == pytest.approx((0, 0.9), abs=0.009)


@pytest.mark.parametrize(("radii", "height"), [((0.5, 0.0), 1.2), ((0.5, 0.25), 0.8), ((0.25, 0.45), 0.8)])
def test_a_cone_is_recovered_to_two_percent(radii: tuple[float, float], height: float) -> None:
    evidence = photo_of(Cone("pile", (-0.1, -3), 0, height, radii), pose=look(1.6, -15))
    low, high = bounds_of(first(propose(evidence, True), "cone"), evidence)
    assert (low + high)[[0, 2]] / 2 == pytest.approx([-0.1, -3], abs=0.02 * max(radii))
    assert (high - low)[[0, 2]] == pytest.approx(2 * max(radii), rel=0.025)
    assert (low[1], high[1]) == pytest.approx((0, height), abs=0.02 * height)


def test_a_ball_is_turned_to_its_size() -> None:
    evidence = photo_of(Ball("ball", (0.2, 1.2, -3), 0.4), pose=look(1.2))
    low, high = bounds_of(next(fit_lathe(evidence, find_bottom(evidence, has_ground=True))), evidence)
    assert (low + high) / 2 == pytest.approx([0.2, 1.2, -3], abs=0.02)
    assert high - low == pytest.approx([0.8] * 3, rel=0.06), "a polygon through few of its circles is smaller"


def test_a_gable_seen_head_on_is_traced_to_one_percent() -> None:
    house = House("barn", Box("", (-4, 0, -20), (2, 3, -12)), 5)
    evidence = gather(photograph([FLOOR, house], look(1.6), CAMERA), "barn")
    axes = find_axes(evidence)[0]
    profile = list(fit_boxes(evidence, measure_extent(evidence, axes, 0.0)))[1]
    assert profile.kind == "profile"
    low, high = bounds_of(profile, evidence)
    assert (low[0], high[0], low[1]) == pytest.approx((-4, 2, 0), abs=0.06)
    assert high[1] == pytest.approx(5, abs=0.3), "a tip shows few pixels"
    assert high[2] == pytest.approx(-12, abs=1e-3)


def test_a_roof_seen_from_above_is_recovered_along_its_ridge() -> None:
    house = House("barn", Box("", (-4, 0, -20), (2, 3, -12), turn_deg=30), 5)
    evidence = gather(photograph([FLOOR, house], look(6, -10), CAMERA), "barn")
    axes = find_axes(evidence)[0]
    profile = next(fit_height_profiles(evidence, measure_extent(evidence, axes, 0.0)))
    points = mesh_of(to_world(profile, evidence)).points @ axes
    assert np.ptp(points, axis=0) == pytest.approx([6, 5, 8], rel=0.02)


@pytest.mark.parametrize("gap_m", [0.02, 0.05, 0.2])
def test_a_card_before_a_wall_gets_no_thicker_than_the_gap(gap_m: float) -> None:
    poster = Box("card", (-0.5, 1, -5 + gap_m - 0.001), (0.5, 2, -5 + gap_m))
    evidence = photo_of(poster, pose=look())
    for shape in fit_boxes(evidence, measure_extent(evidence, np.eye(3), 1.0)):
        assert bounds_of(shape, evidence)[0, 2] > -5 - 0.01
        assert shape.thickness_source == "seen: the gap behind it"


def test_what_shows_one_face_only_says_that_its_depth_is_a_guess() -> None:
    board = Box("board", (-0.5, 1.1, -3.1), (0.5, 2.1, -3.0))
    evidence = gather(photograph([FLOOR, board], look(), CAMERA), "board")
    box = next(fit_boxes(evidence, measure_extent(evidence, np.eye(3), 1.1)))
    assert box.thickness_source.startswith("prior")
    assert 0 < box.thickness < 1


def test_the_label_s_usual_depth_counts_where_one_face_is_seen() -> None:
    door = Box("door", (-0.45, 0, -3.1), (0.45, 2.05, -3.0))
    evidence = gather(photograph([FLOOR, door], look(), CAMERA), "door")
    box = next(fit_boxes(evidence, measure_extent(evidence, np.eye(3), 0.0)))
    assert box.thickness_source == "prior: usual for a door"
    assert 0.02 < box.thickness < 0.21


def test_a_box_that_something_hides_keeps_its_width() -> None:
    thing = Box("crate", (-0.8, 0, -3.4), (0.8, 0.9, -2.8))
    post = Box("post", (-0.1, 0, -2.3), (0.1, 3, -2.2))
    evidence = photo_of(thing, post)
    low, high = bounds_of(first(propose(evidence, True), "box"), evidence)
    assert (low[0], high[0]) == pytest.approx((-0.8, 0.8), abs=0.01)
    assert (low[1], high[1]) == pytest.approx((0, 0.9), abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 11])
def test_too_little_to_see_gives_no_shape(count: int) -> None:
    evidence = photo_of(CRATE)
    few = replace(evidence, points=evidence.points[:count], normals=evidence.normals[:count])
    assert propose(few, True) == []


def test_points_on_one_line_do_no_harm() -> None:
    evidence = photo_of(CRATE)
    for step in ([0.01, 0, 0], [0, 0.01, 0], [0, 0, 0.01], [0, 0, 0]):
        points = np.array([0, 0.5, -3]) + np.arange(40)[:, None] * step
        line = replace(evidence, points=points, normals=np.full((40, 3), np.nan), behind=np.zeros((0, 3)))
        for shape in propose(line, True):
            assert np.isfinite(mesh_of(to_world(shape, evidence)).points).all()


def test_outliers_in_depth_hardly_move_a_box() -> None:
    room = photograph([FLOOR, WALL, CRATE], HIGH, CAMERA)
    z = room.prediction.depth.z.copy()
    chosen = np.random.default_rng(1).random(z.shape) < 0.003
    z[chosen] *= 1.3
    evidence = gather(replace(room, prediction=room.having_depth(z)), "crate")
    box = first(propose(evidence, True), "box")
    assert box_error(to_world(box, evidence), CRATE) < 0.03


def test_a_foot_hidden_behind_something_stands_on_the_ground() -> None:
    low = Box("low", (-1.5, 0, -2.6), (1.5, 0.4, -2.5))
    evidence = photo_of(replace(CRATE, turn_deg=0), low, pose=look(1.0, 0))
    assert evidence.points[:, 1].min() > 0.2
    assert find_bottom(evidence, True) == 0
    assert find_bottom(evidence, False) > 0.2


def test_what_hangs_in_sight_does_not_stand_on_the_ground() -> None:
    lamp = Box("lamp", (-0.3, 0.6, -3.3), (0.3, 1.1, -3.0))
    assert find_bottom(photo_of(lamp, pose=look(1.0, 0)), True) == pytest.approx(0.6, abs=0.02)


def test_a_turned_solid_of_noisy_outline_has_few_sections() -> None:
    evidence = photo_of(Ball("vase", (0.2, 0.6, -3.0), 0.5))
    noisy = replace(evidence, points=evidence.points + np.random.default_rng(3).normal(0, 0.03, evidence.points.shape))
    for shape in fit_lathe(noisy, find_bottom(noisy, has_ground=True)):
        assert 3 <= len(shape.middles) + 2 <= LATHE_SECTIONS
