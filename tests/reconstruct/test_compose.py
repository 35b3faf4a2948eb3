from dataclasses import replace

import numpy as np
import pytest
from blockout.reconstruct import compose
from blockout.reconstruct.compose import EXPRESSED, ROUND, Fit, choose_shape, solidify
from blockout.reconstruct.evidence import Evidence
from blockout.reconstruct.frames import transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Prism
from blockout.reconstruct.shapes import Shape
from casts import Ball, Cone, House, Log, box_error, check_solid, gather
from rooms import FLOOR, WALL, Box, Room, Solid, look, make_camera, photograph

CAMERA = make_camera(360, 480)
HIGH = look(2.2, -20)
CRATE = Box("crate", (-0.5, 0, -3.4), (0.3, 0.8, -2.8), turn_deg=25)
DRUM = Cone("drum", (0.1, -3), 0, 0.9, (0.4, 0.4))
PILE = Cone("pile", (0.1, -3), 0, 1.0, (0.5, 0.0))
BALL = Ball("ball", (0.2, 1.2, -3), 0.4)
BARN = House("barn", Box("", (-0.6, 0, -3.9), (0.4, 0.6, -2.7), turn_deg=30), 1.0)
POSTER = Box("card", (-0.5, 1, -4.95), (0.5, 2, -4.9))
THINGS: dict[str, Solid] = {"box": CRATE, "cylinder": DRUM, "cone": PILE, "lathe": BALL, "profile": BARN}


def photo_of(*things: Solid, pose: np.ndarray = HIGH) -> Room:
    return photograph([FLOOR, WALL, *things], pose, CAMERA)


def choose(evidence: Evidence) -> Fit:
    choice = choose_shape(evidence, True)
    assert choice is not None
    return choice


def solid_of(fit: Fit) -> Prism:
    return solidify(fit, "object", CAMERA, HIGH)


@pytest.mark.parametrize("kind", THINGS)
def test_known_solids_are_told_apart(kind: str) -> None:
    choice = choose(gather(photo_of(THINGS[kind]), THINGS[kind].label))
    assert choice.is_good
    assert solid_of(choice).shape == kind
    assert choice.verdict.overlap > 0.95
    check_solid(solid_of(choice))


@pytest.mark.parametrize("kind", THINGS)
def test_a_choice_says_why_and_how_well_it_fits(kind: str) -> None:
    choice = choose(gather(photo_of(THINGS[kind]), THINGS[kind].label))
    assert solid_of(choice).reason.startswith(f"{kind}: keeps ")
    assert solid_of(choice).residual == choice.verdict.error
    assert 0 <= solid_of(choice).residual < 0.02


def test_a_log_is_a_lying_cylinder() -> None:
    choice = choose(gather(photo_of(Log("log", (0.1, 0.3, -3.2), 0.3, 1.4, 35)), "log"))
    assert choice.is_good
    assert choice.shape.kind == "cylinder"
    assert abs(choice.shape.world_from_plane[1, 2]) < 0.01
    check_solid(solid_of(choice))


def test_a_box_is_chosen_as_it_is() -> None:
    assert box_error(solid_of(choose(gather(photo_of(CRATE), "crate"))), CRATE) < 0.01


def test_a_card_stays_before_its_wall() -> None:
    choice = choose(gather(photo_of(POSTER, pose=look()), "card"))
    assert solid_of(choice).shape == "box"
    assert mesh_of(solid_of(choice)).points[:, 2].min() > -5.01
    assert solid_of(choice).thickness_m == pytest.approx(0.1, abs=0.01)


def test_an_occluded_box_stays_whole_behind_what_hides_it() -> None:
    hidden = replace(CRATE, turn_deg=0)
    post = Box("post", (-0.15, 0, -2.3), (0.0, 3, -2.2))
    choice = choose(gather(photo_of(hidden, post), "crate"))
    assert choice.is_good
    assert solid_of(choice).shape == "box"
    points = mesh_of(solid_of(choice)).points
    assert (points[:, 0].min(), points[:, 0].max()) == pytest.approx((-0.5, 0.3), abs=0.01)


def test_rubble_is_no_good_shape() -> None:
    room = photo_of(CRATE)
    rng = np.random.default_rng(3)
    z = room.prediction.depth.z * np.where(room.mask("crate"), rng.uniform(0.7, 1.3, (CAMERA.height, CAMERA.width)), 1)
    evidence = gather(replace(room, prediction=room.having_depth(z)), "crate")
    choice = choose_shape(evidence, True)
    assert choice is None or not choice.is_good


def test_two_things_of_one_segment_are_no_good_shape() -> None:
    things = [Box("crates", (-0.9, 0, -3.2), (-0.5, 0.5, -2.8)), Box("crates", (0.5, 0, -4.2), (0.9, 1.5, -3.8))]
    choice = choose_shape(gather(photo_of(*things), "crates"), True)
    assert choice is None or not choice.is_good


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_is_chosen_for_what_is_hardly_seen(count: int) -> None:
    evidence = gather(photo_of(CRATE), "crate")
    few = replace(evidence, points=evidence.points[:count], normals=evidence.normals[:count])
    assert choose_shape(few, True) is None


def test_unknown_depth_gives_no_shape() -> None:
    room = photo_of(CRATE)
    z = np.where(room.mask("crate"), np.nan, room.prediction.depth.z)
    evidence = gather(replace(room, prediction=room.having_depth(z)), "crate")
    assert choose_shape(evidence, True) is None


@pytest.mark.parametrize("kind", THINGS)
def test_the_same_evidence_gives_the_same_choice(kind: str) -> None:
    label = THINGS[kind].label
    one, other = (solid_of(choose(gather(photo_of(THINGS[kind]), label))) for _ in range(2))
    assert mesh_of(one).points.tobytes() == mesh_of(other).points.tobytes()
    assert (one.reason, one.residual) == (other.reason, other.residual)


@pytest.mark.parametrize("kind", THINGS)
def test_a_hundred_times_the_size_gives_the_same_choice_as_large(kind: str) -> None:
    room = photo_of(THINGS[kind])
    pose = room.world_from_camera.copy()
    pose[:3, 3] *= 100
    giant = Room(room.having_depth(100 * room.prediction.depth.z), pose)
    small, large = (solid_of(choose(gather(each, THINGS[kind].label))) for each in (room, giant))
    assert large.shape == small.shape
    assert mesh_of(large).points == pytest.approx(100 * mesh_of(small).points, rel=1e-3, abs=1e-2)
    assert large.thickness_m == pytest.approx(100 * small.thickness_m, rel=1e-3)


def flattened(evidence: Evidence) -> Evidence:
    """Return what a network that sees a round thing as a flat one would tell."""
    plane = median_depth(evidence)
    z = np.where(evidence.own, plane, evidence.z)
    rays = transform(evidence.camera_from_world, evidence.points)
    points = transform(evidence.world_from_camera, rays / rays[:, 2:] * plane)
    towards = (evidence.eye - points.mean(0)) * [1, 0, 1]
    normals = np.tile(towards / np.linalg.norm(towards), (len(points), 1))
    return replace(evidence, z=z, points=points, normals=normals)


def median_depth(evidence: Evidence) -> float:
    return float(np.nanmedian(evidence.z[evidence.own]))


@pytest.mark.parametrize(("thing", "expected"), [(BALL, "sphere"), (DRUM, "cylinder")], ids=["ball", "drum"])
def test_what_is_said_to_be_round_is_round_though_its_depth_is_flat(thing: Solid, expected: str) -> None:
    evidence = flattened(gather(photo_of(thing, pose=look(1.0, 0)), thing.label))
    assert choose(evidence).shape.kind not in ROUND
    told = choose(replace(evidence, expected=expected))
    assert told.shape.kind in EXPRESSED[expected]
    assert told.is_good


def test_depth_that_may_bend_walls_shows_nothing_round_on_its_own() -> None:
    tank = Cone("tank", (0.1, -3), 0, 1.6, (1.2, 1.2))
    evidence = gather(photo_of(tank), "tank")
    assert choose(replace(evidence, depth_error=0.05)).shape.kind in ROUND
    doubted = replace(evidence, depth_error=0.12)
    assert choose(doubted).shape.kind not in ROUND
    assert choose(replace(doubted, expected="cylinder")).shape.kind in ROUND


def test_of_what_is_flat_in_doubtful_depth_the_outline_is_all_that_is_known() -> None:
    seen = replace(gather(photo_of(CRATE), "crate"), depth_error=0.12)
    assert choose(seen).shape.kind == "box"
    flat = flattened(seen)
    assert choose_shape(flat, has_ground=True) is None
    assert choose_shape(replace(flat, depth_error=0.05), has_ground=True) is not None
    assert choose(replace(flat, expected="box")).shape.kind == "box"


@pytest.mark.parametrize(("depth_error", "size", "is_kept"), [(0.05, 2.0, True), (0.12, 2.0, False), (0.12, 1.2, True)])
def test_adjusting_makes_nothing_much_larger_where_depth_is_too_doubtful_to_hold_it(
    monkeypatch: pytest.MonkeyPatch, depth_error: float, size: float, is_kept: bool
) -> None:
    evidence = replace(gather(photo_of(CRATE), "crate"), depth_error=depth_error)
    fits = compose.fit_each([evidence], True)[0]

    def lengthen(shape: Shape, *_: object) -> Shape:
        return replace(shape, outline=shape.outline * [size, 1], extrusion=shape.extrusion * size)

    monkeypatch.setattr(compose, "adjust", lengthen)
    assert bool(compose._adjust_best(fits, evidence)) is is_kept


@pytest.mark.parametrize("expected", ["sphere", "cone", "prism"])
def test_what_depth_shows_clearly_outweighs_what_is_said(expected: str) -> None:
    assert choose(replace(gather(photo_of(CRATE), "crate"), expected=expected)).shape.kind == "box"
