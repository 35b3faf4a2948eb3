from dataclasses import replace

import numpy as np
import pytest
from blockout.reconstruct.evidence import Evidence
from blockout.reconstruct.judge import ERROR_CAP, UNSEEN, Verdict, judge
from blockout.reconstruct.shapes import Shape, make_box, make_revolution
from casts import Cone, gather
from rooms import FLOOR, WALL, Box, look, make_camera, photograph

CAMERA = make_camera(360, 480)
HIGH = look(2.2, -20)
CRATE = Box("crate", (-0.5, 0, -3.4), (0.3, 0.8, -2.8))
DRUM = Cone("drum", (0.1, -3), 0, 0.9, (0.4, 0.4))
POST = Box("post", (-0.1, 0, -2.3), (0.1, 3, -2.2))


def look_at(shape: Shape, evidence: Evidence) -> Verdict:
    return judge([(shape, evidence)])[0]


def crate_of(low: tuple[float, float, float] = CRATE.low, high: tuple[float, float, float] = CRATE.high) -> Shape:
    return make_box(np.eye(3), np.array(low), np.array(high), "known")


@pytest.fixture
def crate() -> Evidence:
    return gather(photograph([FLOOR, WALL, CRATE], HIGH, CAMERA), "crate")


def test_the_true_box_is_without_fault(crate: Evidence) -> None:
    verdict = look_at(crate_of(), crate)
    assert verdict.overlap == 1.0
    assert verdict.error < 1e-3


def test_the_true_cylinder_is_nearly_without_fault() -> None:
    evidence = gather(photograph([FLOOR, WALL, DRUM], HIGH, CAMERA), "drum")
    verdict = look_at(make_revolution(np.array(DRUM.centre), 0, 0.9, (0.4, 0.4), "known"), evidence)
    assert verdict.overlap > 0.995
    assert verdict.error < 3e-3, "its corners are few"


def test_a_solid_that_goes_far_where_nobody_looks_is_doubted_with_the_depth(crate: Evidence) -> None:
    long = crate_of(high=(9.0, 0.8, -2.8))
    sure, doubted = (look_at(long, replace(crate, depth_error=error)) for error in (0.0, 0.01))
    assert doubted.overlap == pytest.approx(UNSEEN * sure.overlap)
    assert look_at(crate_of(), replace(crate, depth_error=0.01)).overlap == 1.0
    cut = replace(crate, depth_error=0.01, touches_frame=(False, False, True, False))
    assert look_at(long, cut).overlap == sure.overlap, "the frame cuts it off: it may go on"


def test_a_box_too_near_keeps_the_outline_but_not_the_depth(crate: Evidence) -> None:
    towards = crate.eye - np.array([-0.1, 0.4, -3.1])
    nearer = crate_of()
    pose = nearer.world_from_plane.copy()
    pose[:3, 3] += 0.05 * towards
    verdict = look_at(replace(nearer, world_from_plane=pose), crate)
    assert verdict.error > 0.02


def test_what_leaks_over_the_floor_costs_overlap(crate: Evidence) -> None:
    verdict = look_at(crate_of(high=(0.7, 0.8, -2.8)), crate)
    assert verdict.overlap < 0.9
    assert verdict.error < 1e-3


def test_what_is_missed_costs_overlap_and_depth(crate: Evidence) -> None:
    verdict = look_at(crate_of(high=(0.1, 0.8, -2.8)), crate)
    assert verdict.overlap == pytest.approx(0.75, abs=0.05)
    assert verdict.error == pytest.approx(0.25 * ERROR_CAP, abs=0.02)


def test_what_a_nearer_thing_hides_is_no_leak() -> None:
    evidence = gather(photograph([FLOOR, WALL, CRATE, POST], HIGH, CAMERA), "crate")
    whole = look_at(crate_of(), evidence)
    assert whole.overlap == 1.0
    assert whole.error < 1e-3
    halves = look_at(crate_of(high=(-0.12, 0.8, -2.8)), evidence)
    assert halves.overlap < whole.overlap, "a box may not end at what hides it"


def test_a_solid_behind_the_camera_is_all_wrong(crate: Evidence) -> None:
    verdict = look_at(crate_of((-0.5, 0, 2.8), (0.3, 0.8, 3.4)), crate)
    assert verdict.overlap == 0
    assert verdict.error == ERROR_CAP


def test_unknown_depth_tells_nothing_of_the_error(crate: Evidence) -> None:
    blind = replace(crate, z=np.full(crate.z.shape, np.nan), points=np.zeros((0, 3)), normals=np.zeros((0, 3)))
    assert look_at(crate_of(), blind).error == ERROR_CAP


def test_several_looks_at_once_are_each_by_themselves(crate: Evidence) -> None:
    shapes = [crate_of(), crate_of(high=(0.1, 0.8, -2.8)), crate_of((-0.5, 0, 2.8), (0.3, 0.8, 3.4)), crate_of()]
    assert judge([(shape, crate) for shape in shapes]) == [look_at(shape, crate) for shape in shapes]
    assert judge([]) == []
