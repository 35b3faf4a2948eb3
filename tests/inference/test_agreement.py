"""What neighbours agree on: known wishes, feet and borders."""

import numpy as np
import pytest
from blockout.inference.agreement import MOST_DIFFERENT, agree
from blockout.inference.prediction import Kind

SIZE = (60, 90)
ROW, COLUMN = np.mgrid[: SIZE[0], : SIZE[1]]
IDS = np.where(ROW >= 40, 1, 2 + COLUMN // 30)  # ground below three fronts side by side
KINDS: list[Kind] = ["object", "ground", "structure", "structure", "structure"]
NEARER = np.full(SIZE, -1.0)  # than the ground would be: feet do not matter


def wanted(*moves: float) -> np.ndarray:
    return np.array([0.0, 0.0, *moves])[IDS]


def test_a_part_follows_what_it_touches_on_both_sides() -> None:
    move = wanted(0, 0.2, 0)
    assert agree(move, NEARER, IDS, KINDS) == pytest.approx([0, 0, 0, -0.2, 0], abs=0.02)


def test_one_wish_for_all_is_granted() -> None:
    assert agree(wanted(0.3, 0.3, 0.3), NEARER, IDS, KINDS) == pytest.approx(0, abs=1e-6)


def test_what_differs_much_does_not_belong_together() -> None:
    move = wanted(0, MOST_DIFFERENT + 0.1, 0)
    assert agree(move, NEARER, IDS, KINDS) == pytest.approx(0, abs=1e-6)


def test_things_with_a_foot_stand_alone_and_others_lean() -> None:
    move, kinds = wanted(0, 0.2, 0), [*KINDS]
    kinds[3] = "object"
    assert agree(move, NEARER, IDS, kinds) == pytest.approx(0, abs=1e-6)
    ids = np.where((IDS == 3) & (ROW > 34), 2, IDS)
    assert agree(np.where(ids == 3, 0.2, 0), NEARER, ids, kinds)[3] == pytest.approx(-0.2, abs=0.02)


def test_what_stands_beyond_its_foot_comes_nearer_and_takes_its_neighbours_along() -> None:
    more = agree(wanted(0, 0, 0), np.where(IDS == 2, 0.3, -1), IDS, KINDS)
    assert more[2] == pytest.approx(-0.3, abs=0.02)
    alone = agree(np.where(IDS == 2, 0.0, 9.0), np.where(IDS == 2, 0.3, -1), IDS, KINDS)
    assert alone == pytest.approx([0, 0, -0.3, 0, 0], abs=0.02)


def test_the_number_of_a_segment_that_has_no_pixel_changes_nothing() -> None:
    assert agree(wanted(0, 0.2, 0), NEARER, IDS, [*KINDS, "object"])[:5] == pytest.approx(
        agree(wanted(0, 0.2, 0), NEARER, IDS, KINDS)
    )


def test_pixels_without_depth_do_not_count() -> None:
    move = wanted(0, 0.2, 0)
    move[:5] = np.nan
    assert agree(move, NEARER, IDS, KINDS)[3] == pytest.approx(-0.2, abs=0.02)


def test_what_the_picture_cuts_off_below_has_no_foot_there() -> None:
    ids = np.where(COLUMN < 45, 0, 1)  # the ground is number 0, as what lies below the picture is not
    more = agree(np.zeros(SIZE), np.full(SIZE, 0.3), ids, ["ground", "object"])
    assert more == pytest.approx(0, abs=1e-6)
