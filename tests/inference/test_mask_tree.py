import numpy as np
from blockout.inference.mask_tree import DEEPEST, boxes_of, depth_of, find_wholes


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_boxes_enclose_masks_and_an_empty_one_has_none() -> None:
    masks = np.stack([box(3, 9, 20, 50), box(0, 0, 0, 0)])
    assert boxes_of(masks).tolist() == [[20, 3, 50, 9], [0, 0, 0, 0]]


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
