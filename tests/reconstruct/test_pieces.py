import time
import tracemalloc

import numpy as np
import pytest
from blockout.reconstruct.pieces import separate_pieces
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage


def make_noisy(seed: int) -> np.ndarray:
    """Return a random map of blocks with some noise; 0 is none and ids skip numbers."""
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 9, 2)
    ids = np.kron(random.choice([0, 3, 4, 9, 70], (height, width)), np.ones((6, 6), int))
    noisy = random.random(ids.shape) < random.choice([0, 0.02, 0.3])
    ids[noisy] = random.choice([0, 3, 4, 9], int(noisy.sum()))
    return ids.astype(np.int32)


def make_rectangles(seed: int) -> np.ndarray:
    """Return a random map of rectangles laid over each other."""
    random = np.random.default_rng(seed)
    ids = np.zeros((40, 50), np.int32)
    for _ in range(12):
        (y0, y1), (x0, x1) = np.sort(random.integers(0, 40, 2)), np.sort(random.integers(0, 50, 2))
        ids[y0:y1, x0:x1] = random.choice([0, 3, 4, 9, 70])
    return ids


SEEDS = st.integers(0, 2**32 - 1)


def label_independently(ids: np.ndarray) -> np.ndarray:
    """Return a map that numbers the 4-connected pieces of each id, none included."""
    labels = np.zeros(ids.shape, int)
    for id_ in np.unique(ids):
        found, _ = ndimage.label(ids == id_)
        labels += np.where(found > 0, found + labels.max(), 0)
    return labels


def count_saddles(ids: np.ndarray) -> int:
    """Return at how many corners two pixels of one id touch while the other two keep them apart."""
    a, b, c, d = ids[:-1, :-1], ids[:-1, 1:], ids[1:, :-1], ids[1:, 1:]
    apart = (a != b) & (a != c) & (b != d) & (c != d)
    return int((apart & ((a == d) | (b == c))).sum())


@given(SEEDS)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_pieces_are_numbered_without_gaps_and_each_hangs_together(seed: int) -> None:
    ids = make_noisy(seed)
    for least_px in (1, 10):
        pieces, owner = separate_pieces(ids, least_px)
        assert np.unique(pieces).tolist() == list(range(1, len(owner)))
        assert all(ndimage.label(pieces == piece)[1] == 1 for piece in range(1, len(owner)))
        assert owner[0] == 0
        assert set(owner.tolist()) <= {0, *np.unique(ids).tolist()}


@given(SEEDS)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_without_crumbs_and_saddles_pieces_are_those_of_an_independent_labelling(seed: int) -> None:
    ids = make_rectangles(seed)
    assume(count_saddles(ids) == 0)
    pieces, owner = separate_pieces(ids, 1)
    labels = label_independently(ids)
    pairs = np.unique(np.stack([pieces.ravel(), labels.ravel()]), axis=1)
    assert pairs.shape[1] == pieces.max() == labels.max()
    np.testing.assert_array_equal(owner[pieces], ids)


@given(SEEDS)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_crumbs_are_gone(seed: int) -> None:
    ids = make_rectangles(seed)
    pieces, owner = separate_pieces(ids, 25)
    # Opening a saddle may still move a pixel or two from one piece to another.
    assert len(owner) == 2 or np.bincount(pieces.ravel())[1:].min() >= 23


def test_pieces_are_numbered_by_segment_and_then_by_size() -> None:
    ids = np.zeros((20, 40), np.int32)
    ids[2:8, 2:6], ids[2:8, 10:18], ids[12:18, 2:4], ids[12:18, 10:30] = 8, 8, 8, 5
    pieces, owner = separate_pieces(ids, 1)
    assert owner.tolist() == [0, 0, 5, 8, 8, 8]
    assert [int(pieces[y, x]) for y, x in ((0, 0), (12, 10), (2, 10), (2, 2), (12, 2))] == [1, 2, 3, 4, 5]


def test_a_crumb_goes_to_the_neighbour_with_the_longest_border() -> None:
    ids = np.full((30, 30), 1, np.int32)
    ids[:, 15:] = 2
    ids[10:13, 14:19] = 3  # one of its columns in segment 1, four in segment 2
    pieces, owner = separate_pieces(ids, 16)
    assert owner.tolist() == [0, 1, 2]
    assert set(owner[pieces[10:13, 14:19]].ravel().tolist()) == {2}


def test_a_crumb_of_nothing_inside_a_segment_is_filled_and_a_crumb_of_a_segment_in_nothing_is_dropped() -> None:
    ids = np.zeros((30, 30), np.int32)
    ids[:, :15] = 4
    ids[10:12, 5:7] = 0
    ids[10:12, 20:22] = 6
    pieces, owner = separate_pieces(ids, 5)
    assert owner.tolist() == [0, 0, 4]
    assert np.array_equal(owner[pieces] == 4, np.arange(30) < np.full((30, 1), 15))


def test_crumbs_that_lie_together_may_add_up_to_a_piece() -> None:
    ids = np.full((20, 20), 1, np.int32)
    ids[5:10, 5:10], ids[6:9, 6:9] = 3, 2  # 16 px around 9
    pieces, owner = separate_pieces(ids, 20)
    assert owner.tolist() == [0, 1, 3]
    assert (pieces[5:10, 5:10] == 2).all()


def test_where_nothing_is_named_the_owner_is_none() -> None:
    ids = np.zeros((20, 20), np.int32)
    ids[:, 12:] = 9
    pieces, owner = separate_pieces(ids, 4)
    assert owner[pieces[0, 0]] == 0
    assert owner[pieces[0, 19]] == 9


def test_a_picture_smaller_than_a_crumb_stays_one_piece() -> None:
    pieces, owner = separate_pieces(np.full((2, 2), 7, np.int32), 50)
    assert pieces.tolist() == [[1, 1], [1, 1]]
    assert owner.tolist() == [0, 7]


def test_the_map_given_is_left_alone() -> None:
    ids = make_noisy(11)
    before = ids.copy()
    separate_pieces(ids, 10)
    np.testing.assert_array_equal(ids, before)


@pytest.mark.parametrize("seed", range(20))
def test_no_saddles_are_left_on_usual_maps(seed: int) -> None:
    random = np.random.default_rng(seed)
    row, column = np.mgrid[:120, :160] + random.normal(0, 1.2, (2, 120, 160))
    centres = random.uniform((0, 0), (120, 160), (15, 2))
    ids = ((row[..., None] - centres[:, 0]) ** 2 + (column[..., None] - centres[:, 1]) ** 2).argmin(-1) + 1
    assert count_saddles(ids) > 0
    pieces, _ = separate_pieces(ids.astype(np.int32), 20)
    assert count_saddles(pieces) == 0


def test_five_thousand_segments_take_seconds() -> None:
    tiles = np.arange(1, 5001, dtype=np.int32).reshape(50, 100)
    ids = np.kron(np.random.default_rng(0).permutation(tiles.ravel()).reshape(50, 100), np.ones((12, 12), np.int32))
    start = time.process_time()
    pieces, owner = separate_pieces(ids, 20)
    assert len(owner) == 5001
    np.testing.assert_array_equal(owner[pieces], ids)
    assert time.process_time() - start < 8


def test_huge_ids_cost_no_more_memory_than_small_ones() -> None:
    ids = np.zeros((60, 80), np.int32)
    ids[:, 30:], ids[20:40, 40:60] = 2**31 - 1, 17
    tracemalloc.start()
    pieces, owner = separate_pieces(ids, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert owner.tolist() == [0, 0, 17, 2**31 - 1]
    np.testing.assert_array_equal(owner[pieces], ids)
    assert peak < 10e6


def test_the_same_map_gives_the_same_pieces() -> None:
    first, again = separate_pieces(make_noisy(2), 8), separate_pieces(make_noisy(2), 8)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
