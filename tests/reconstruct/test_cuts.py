from dataclasses import replace

import numpy as np
import pytest
from blockout.inference.prediction import SegmentMap
from blockout.reconstruct.cuts import Cut, find_cut
from casts import Ball, Cone, gather
from rooms import FLOOR, WALL, Box, Room, Solid, look, make_camera, photograph

CAMERA = make_camera(360, 480)
HIGH = look(2.2, -20)
CRATE = Box("crate", (-0.5, 0, -3.4), (0.3, 0.8, -2.8), turn_deg=25)


def photo_of(*things: Solid, pose: np.ndarray = HIGH) -> Room:
    return photograph([FLOOR, WALL, *things], pose, CAMERA)


def height_of(cut: Cut | None) -> float:
    assert cut is not None
    assert cut.direction == pytest.approx([0, 1, 0])
    return cut.place


def test_a_crown_is_cut_from_its_trunk() -> None:
    trunk = Cone("tree", (0, -4), 0, 1.0, (0.12, 0.12))
    for crown, pitch_deg in ((Ball("tree", (0, 1.6, -4), 0.65), -8), (Cone("tree", (0, -4), 1.0, 2.6, (0.7, 0)), -3)):
        evidence = gather(photo_of(trunk, crown, pose=look(1.6, pitch_deg)), "tree")
        assert height_of(find_cut(evidence, True)) == pytest.approx(1.0, abs=0.1)


def test_a_top_is_cut_from_its_legs() -> None:
    legs = [Box("table", (x, 0, z), (x + 0.15, 0.7, z + 0.15)) for x in (-0.9, 0.75) for z in (-3.2, -2.15)]
    room = photo_of(Box("table", (-0.9, 0.7, -3.2), (0.9, 0.8, -2)), *legs, pose=look(1.6, -20))
    assert height_of(find_cut(gather(room, "table"), True)) == pytest.approx(0.7, abs=0.05)


def test_a_mere_step_between_two_boxes_is_found() -> None:
    stack = [Box("stack", (-0.6, 0, -3.4), (0.6, 0.5, -2.6)), Box("stack", (-0.2, 0.5, -3.2), (0.2, 1.2, -2.8))]
    evidence = gather(photo_of(*stack), "stack")
    assert height_of(find_cut(evidence, True)) == pytest.approx(0.5, abs=0.08)


def test_a_segment_of_one_pixel_has_no_cut() -> None:
    room = photo_of(CRATE)
    ids = np.ones((CAMERA.height, CAMERA.width), np.int32)
    ids[200, 200] = 3
    segments = SegmentMap(ids, room.prediction.segments.segments)
    evidence = gather(replace(room, prediction=room.having(segments=segments)), "crate")
    assert find_cut(evidence, True) is None


def test_a_back_is_cut_from_its_seat() -> None:
    back, seat = Box("sofa", (-0.8, 0, -3.8), (0.8, 0.9, -3.4)), Box("sofa", (-0.4, 0, -3.4), (0.4, 0.4, -2.6))
    cut = find_cut(gather(photo_of(back, seat), "sofa"), True)
    assert cut is not None
    assert np.abs(cut.direction) == pytest.approx([0, 0, 1], abs=0.02)
    assert abs(cut.place) == pytest.approx(3.4, abs=0.03)


def test_two_cuts_part_what_one_does_not() -> None:
    tiers = ((0.7, 0, 0), (0.45, 0.5, 30), (0.3, 1.0, 60))
    tower = [Box("tower", (-w, y, -3.4 - w), (w, y + 0.5, -3.4 + w), turn_deg=turn) for w, y, turn in tiers]
    evidence = gather(photo_of(*tower), "tower")
    assert height_of(find_cut(evidence, True, cuts=2)) == pytest.approx(0.5, abs=0.03)
    single = find_cut(evidence, True, cuts=1)
    assert single is None or abs(single.direction[1]) < 0.1, "no single level cut will do"


@pytest.mark.parametrize("cuts", [1, 2])
def test_what_shows_no_depth_is_not_cut(cuts: int) -> None:
    room = photo_of(CRATE)
    z = np.where(room.mask("crate"), np.nan, room.prediction.depth.z)
    assert find_cut(gather(replace(room, prediction=room.having_depth(z)), "crate"), True, cuts) is None
