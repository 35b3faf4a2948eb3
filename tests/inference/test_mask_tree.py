import numpy as np
from blockout.inference.mask_tree import DEEPEST, boxes_of, depth_of, find_wholes, suppress_boxes
from hypothesis import given
from hypothesis import strategies as st


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_boxes_enclose_masks_and_an_empty_one_has_none() -> None:
    masks = np.stack([box(3, 9, 20, 50), box(0, 0, 0, 0)])
    assert boxes_of(masks).tolist() == [[20, 3, 50, 9], [0, 0, 0, 0]]


def test_of_boxes_that_are_about_the_same_the_best_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 5, 10], [20, 0, 30, 10]])
    assert suppress_boxes(boxes, np.array([0.8, 0.9, 0.7, 0.95])).tolist() == [3, 1, 2]


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 4), min_size=1, max_size=12), st.randoms())
def test_suppression_is_that_of_the_definition(corners: list[tuple[int, int, int, int]], random: object) -> None:
    boxes = np.array([(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in corners])
    scores = np.array([random.random() for _ in boxes])  # type: ignore[attr-defined]
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        pixels = {(x, y) for x in range(boxes[i][0], boxes[i][2]) for y in range(boxes[i][1], boxes[i][3])}
        others = [
            {(x, y) for x in range(boxes[j][0], boxes[j][2]) for y in range(boxes[j][1], boxes[j][3])} for j in kept
        ]
        if all(len(pixels & other) <= 0.7 * len(pixels | other) for other in others):
            kept.append(int(i))
    assert suppress_boxes(boxes, scores).tolist() == kept


def test_a_part_hangs_on_the_smallest_mask_around_it() -> None:
    masks = np.stack([box(0, 40, 0, 60), box(5, 35, 5, 55), box(10, 20, 10, 20), box(30, 38, 50, 60)])
    assert find_wholes(masks).tolist() == [-1, 0, 1, 0]


def test_what_lies_half_outside_is_no_part() -> None:
    assert find_wholes(np.stack([box(0, 20, 0, 30), box(10, 30, 10, 20)])).tolist() == [-1, -1]


def test_what_is_as_large_is_no_part() -> None:
    assert find_wholes(np.stack([box(0, 20, 0, 30), box(0, 20, 0, 28)])).tolist() == [-1, -1]


def test_chains_end_at_parts_of_parts() -> None:
    masks = np.stack([box(0, 40 - 4 * i, 0, 60 - 8 * i) for i in range(6)])
    wholes = find_wholes(masks)
    assert [depth_of(i, wholes) for i in range(6)] == [1, 2, 3, 3, 3, 3]
    assert max(depth_of(i, wholes) for i in range(6)) == DEEPEST
