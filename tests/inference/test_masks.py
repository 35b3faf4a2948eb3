from __future__ import annotations

import numpy as np
import pytest
from blockout.inference.masks import segments_from_masks
from blockout.inference.prediction import Kind, MaskStack, Segment, SegmentMap

SIZE = (120, 160)
GREY = np.full((*SIZE, 3), 128, np.uint8)


def stack_of(*masks: tuple[str, Kind, float, bool, np.ndarray]) -> MaskStack:
    rows = tuple(Segment(k, label, kind, score) for k, (label, kind, score, _, _) in enumerate(masks, start=1))
    return MaskStack(
        np.stack([mask for *_, mask in masks]).astype(np.float32), rows, np.array([one for *_, one, _ in masks])
    )


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def labels(found: SegmentMap) -> list[str]:
    return [segment.label for segment in found.segments]


def at(found: SegmentMap, row: int, column: int) -> int:
    return int(found.ids[row, column])


def resolve(stack: MaskStack, z: np.ndarray | float = 5.0) -> SegmentMap:
    found = segments_from_masks(stack, GREY, np.broadcast_to(np.float32(z), SIZE))
    numbers = sorted(set(np.unique(found.ids)) - {0})
    assert numbers == [segment.id for segment in found.segments] == list(range(1, len(numbers) + 1))
    return found


def test_two_towers_at_different_depths_become_two_segments() -> None:
    towers, sky = box(30, 120, 40, 120), ~box(30, 120, 40, 120)
    z = np.where(box(0, 120, 0, 80), 20.0, 40.0)
    found = resolve(stack_of(("sky", "sky", 0.9, False, sky), ("building", "structure", 0.9, False, towers)), z)
    assert sorted(labels(found)) == ["building", "building", "sky"]
    assert at(found, 80, 60) != at(found, 80, 100)
    edge = np.flatnonzero(np.diff(found.ids[80, 50:110]))[0] + 50
    assert edge == pytest.approx(79, abs=2)


def test_a_blurred_step_splits_too() -> None:
    ramp = np.interp(np.arange(160), [77, 83], [1 / 20, 1 / 40])
    found = resolve(stack_of(("building", "structure", 0.9, False, np.ones(SIZE, bool))), 1 / ramp)
    assert labels(found) == ["building", "building"]


def test_a_rim_to_which_the_depth_behind_has_leaked_is_no_thing() -> None:
    tree, rim = box(20, 100, 40, 120), box(20, 100, 40, 120) & ~box(22, 98, 42, 118)
    z = np.where(tree & ~rim, 5.0, 30.0)
    found = resolve(stack_of(("sky", "sky", 0.9, False, ~tree), ("tree", "object", 0.9, False, tree)), z)
    assert sorted(labels(found)) == ["sky", "tree"]


def test_a_wall_that_recedes_stays_one() -> None:
    nearness = np.linspace(1 / 3, 1 / 30, 160)
    found = resolve(stack_of(("wall", "structure", 0.9, False, np.ones(SIZE, bool))), 1 / nearness)
    assert labels(found) == ["wall"]


def test_a_ground_stays_one_however_far_it_goes() -> None:
    with np.errstate(divide="ignore"):
        z = np.where(np.arange(120) > 40, 100 / (np.arange(120) - 40.0), np.nan)[:, None]
    found = resolve(stack_of(("road", "ground", 0.9, False, np.ones(SIZE, bool))), np.broadcast_to(z, SIZE))
    assert labels(found) == ["road"]


def test_a_fence_seen_through_a_tree_stays_one() -> None:
    tree = box(0, 120, 70, 90)
    fence = box(60, 100, 0, 160) & ~tree
    grass = ~(tree | fence)
    z = np.where(tree, 4.0, np.where(fence, 8.0, 20.0))
    found = resolve(
        stack_of(
            ("tree", "object", 0.9, False, tree),
            ("fence", "structure", 0.9, False, fence),
            ("sky", "sky", 0.9, False, grass),
        ),
        z,
    )
    assert sorted(labels(found)) == ["fence", "sky", "tree"]


def test_two_cars_with_road_between_them_are_two() -> None:
    cars = box(60, 90, 10, 60) | box(60, 90, 100, 150)
    z = np.where(cars, 8.0, 12.0)
    found = resolve(stack_of(("road", "ground", 0.9, False, ~cars), ("car", "object", 0.9, False, cars)), z)
    assert sorted(labels(found)) == ["car", "car", "road"]


def test_slivers_belong_to_what_is_around_them() -> None:
    specks = np.zeros(SIZE, bool)
    specks[10:118:20, 10:150:20] = True
    found = resolve(stack_of(("wall", "structure", 0.9, False, ~specks), ("picture", "object", 0.9, False, specks)))
    assert labels(found) == ["wall"]
    assert (found.ids == 1).all()


def test_things_go_over_stuff_and_never_overlap() -> None:
    wall, person = np.ones(SIZE, bool), box(40, 100, 60, 90)
    found = resolve(stack_of(("wall", "structure", 0.99, False, wall), ("person", "object", 0.7, True, person)))
    assert labels(found) == ["wall", "person"]
    np.testing.assert_array_equal(found.ids == 2, person)


@pytest.mark.parametrize(("overlap_m", "winner"), [(3.0, "near"), (6.0, "far")])
def test_where_two_things_overlap_the_one_shows_whose_depth_is_there(overlap_m: float, winner: str) -> None:
    far, near = box(20, 100, 20, 90), box(20, 100, 70, 140)
    z = np.where(far, 6.0, 3.0)
    z[far & near] = overlap_m
    stack = stack_of(("far", "object", 0.9, True, far), ("near", "object", 0.8, True, near))
    found = resolve(stack, z)
    assert labels(found)[at(found, 60, 80) - 1] == winner


def test_at_one_depth_the_surer_thing_shows() -> None:
    left, right = box(20, 100, 20, 90), box(20, 100, 70, 140)
    found = resolve(stack_of(("left", "object", 0.7, True, left), ("right", "object", 0.9, True, right)))
    assert labels(found)[at(found, 60, 80) - 1] == "right"


def test_a_thing_found_twice_is_one() -> None:
    first, again = box(20, 100, 20, 90), box(22, 100, 22, 92)
    found = resolve(stack_of(("cat", "object", 0.9, True, first), ("dog", "object", 0.7, True, again)))
    assert labels(found) == ["cat"]
    assert at(found, 5, 5) == 0


def test_instances_of_one_class_at_one_depth_stay_apart() -> None:
    left, right = box(20, 100, 20, 80), box(20, 100, 80, 140)
    found = resolve(stack_of(("person", "object", 0.9, True, left), ("person", "object", 0.8, True, right)))
    assert labels(found) == ["person", "person"]


def test_outlines_follow_the_picture_and_not_the_grid() -> None:
    row, column = np.mgrid[:240, :320]
    disc = np.hypot(row - 120, column - 160) < 70
    rgb = np.where(disc[..., None], (200, 60, 40), (60, 90, 160)).astype(np.uint8)
    coarse = disc.reshape(30, 8, 40, 8).mean(axis=(1, 3))
    stack = MaskStack(
        np.stack([coarse, 1 - coarse]).astype(np.float32),
        (Segment(1, "ball"), Segment(2, "wall", "structure")),
        np.array([False, False]),
    )
    found = segments_from_masks(stack, rgb, np.full((30, 40), 3, np.float32))
    wrong = np.mean((found.ids == 1) != disc)
    grid = np.mean((np.kron(coarse, np.ones((8, 8))) > 0.5) != disc)
    assert wrong < 0.2 * grid
