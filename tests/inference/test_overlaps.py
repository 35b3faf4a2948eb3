import numpy as np
from blockout.inference.overlaps import suppress_overlaps
from hypothesis import given
from hypothesis import strategies as st


def test_of_boxes_that_are_about_the_same_the_best_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 5, 10], [20, 0, 30, 10]])
    assert suppress_overlaps(boxes, np.array([0.8, 0.9, 0.7, 0.95]), 0.7).tolist() == [3, 1, 2]


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
    assert suppress_overlaps(boxes, scores, 0.7).tolist() == kept


def test_boxes_of_other_groups_do_not_compete() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10]], np.float32)
    scores = np.array([0.8, 0.9, 0.7])
    assert suppress_overlaps(boxes, scores, 0.5, np.array([1, 2, 2])).tolist() == [1, 0]
