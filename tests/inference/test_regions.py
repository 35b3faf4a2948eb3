import numpy as np
from blockout.inference.regions import boxes_of, join_pairs, keep_connected, most_common


def test_boxes_enclose_their_ids_and_an_absent_one_has_none() -> None:
    ids = np.zeros((8, 10), np.int32)
    ids[2:5, 3:9] = 1
    ids[7, 0] = 3
    assert boxes_of(ids).tolist() == [[0, 0, 8, 10], [2, 3, 5, 9], [0, 0, 0, 0], [7, 0, 8, 1]]


def test_chains_of_pairs_are_one_group() -> None:
    assert join_pairs([(4, 2), (5, 4), (1, 0)], 7).tolist() == [0, 0, 2, 3, 2, 2, 6]
    assert join_pairs([], 3).tolist() == [0, 1, 2]


def test_each_id_tells_what_most_of_its_pixels_are() -> None:
    ids = np.array([[1, 1, 1, 3], [3, 3, 3, 3]])
    values = np.array([[7, 2, 2, 0], [5, 5, 5, 0]])
    assert most_common(ids, values)[[1, 3]].tolist() == [2, 5]


def test_parts_get_ids_of_their_own_and_slivers_join_what_is_around() -> None:
    ids = np.ones((10, 20), np.int32)
    ids[:, 8:12] = 2
    ids[5, 15] = 2
    kept = keep_connected(ids, 5)
    assert kept[0, [0, 9, 19]].tolist() == [1, 3, 2]
    assert kept[5, 15] == 2
