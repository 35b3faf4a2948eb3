import numpy as np
from blockout.inference.mask_stacks import softmax, stack_of_classes, stack_of_queries

NAMES = ["sky", "building", "person", "tree"]


def test_classes_that_win_nowhere_are_left_out() -> None:
    scores = np.zeros((4, 10, 20), np.float32)
    scores[1, :, :12], scores[3, :, 12:], scores[2] = 0.9, 0.6, 0.3
    stack = stack_of_classes(scores, NAMES)
    assert [(s.id, s.label, s.kind, s.score) for s in stack.segments] == [
        (1, "building", "structure", 0.9),
        (2, "tree", "object", 0.6),
    ]
    assert not stack.is_instance.any()


def test_things_stay_apart_and_stuff_is_one() -> None:
    classes = softmax(np.array([[0, 0, 9, 0], [0, 0, 8, 0], [9, 0, 0, 0], [8, 0, 0, 0], [1, 1, 1, 1]], float), axis=1)
    masks = np.zeros((5, 10, 20), np.float32)
    masks[0, :, :5] = masks[1, :, 5:10] = masks[2, :5, 10:] = masks[3, 5:, 10:] = masks[4] = 1
    stack = stack_of_queries(classes, masks, NAMES)
    assert [(s.label, bool(i)) for s, i in zip(stack.segments, stack.is_instance, strict=True)] == [
        ("person", True),
        ("person", True),
        ("sky", False),
    ]
    assert (stack.scores[2, :, 10:] > 0.9).all()
