from collections import Counter

import numpy as np
import pytest
from blockout.reconstruct.borders import DOWN, LEFT, OUTSIDE, RIGHT, UP, Arc, crack_codes, trace_borders
from hypothesis import given, settings
from hypothesis import strategies as st

Crack = tuple[int, int, int, int]  # x, y of a crack's upper or left end, then of the other


def make_map(seed: int) -> np.ndarray:
    """Return a small random map of blocks or noise, so that junctions, saddles and loops all occur."""
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 12, 2)
    coarse = random.integers(1, random.integers(2, 7), (height, width))
    block = int(random.integers(1, 4))
    return np.kron(coarse, np.ones((block, block), int)).astype(np.int32)


MAPS = st.integers(0, 2**32 - 1).map(make_map)


def pixel(ids: np.ndarray, row: int, column: int) -> int:
    inside = 0 <= row < ids.shape[0] and 0 <= column < ids.shape[1]
    return int(ids[row, column]) if inside else OUTSIDE


def find_cracks(ids: np.ndarray) -> dict[Crack, frozenset[int]]:
    """Return the two ids at every crack, pixel by pixel."""
    cracks = {}
    for y in range(ids.shape[0] + 1):
        for x in range(ids.shape[1] + 1):
            upright = frozenset((pixel(ids, y, x - 1), pixel(ids, y, x)))
            level = frozenset((pixel(ids, y - 1, x), pixel(ids, y, x)))
            if len(upright) == 2:
                cracks[x, y, x, y + 1] = upright
            if len(level) == 2:
                cracks[x, y, x + 1, y] = level
    return cracks


def walk(arc: Arc) -> list[tuple[int, int, int, int]]:
    """Return an arc's unit steps: x, y, dx, dy."""
    steps = []
    for (x, y), (end_x, end_y) in zip(arc.points[:-1].tolist(), arc.points[1:].tolist(), strict=True):
        length = abs(end_x - x) + abs(end_y - y)
        dx, dy = (end_x - x) // length, (end_y - y) // length
        assert abs(dx) + abs(dy) == 1, "a walk keeps to the cracks"
        steps += [(x + k * dx, y + k * dy, dx, dy) for k in range(length)]
    return steps


@given(MAPS)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_every_crack_is_walked_once(ids: np.ndarray) -> None:
    walked: Counter[Crack] = Counter()
    for arc in trace_borders(ids):
        for x, y, dx, dy in walk(arc):
            (ax, ay), (bx, by) = sorted([(x, y), (x + dx, y + dy)])
            walked[ax, ay, bx, by] += 1
    assert set(walked) == set(find_cracks(ids))
    assert set(walked.values()) == {1}


@given(MAPS)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_left_and_right_are_the_ids_on_either_hand(ids: np.ndarray) -> None:
    for arc in trace_borders(ids):
        for x, y, dx, dy in walk(arc):
            # The middle of the step, then half a pixel to the left hand (y points down).
            across, down = x + dx / 2 + dy / 2, y + dy / 2 - dx / 2
            assert pixel(ids, int(np.floor(down)), int(np.floor(across))) == arc.left
            across, down = x + dx / 2 - dy / 2, y + dy / 2 + dx / 2
            assert pixel(ids, int(np.floor(down)), int(np.floor(across))) == arc.right


@given(MAPS)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_arcs_end_where_borders_meet_and_turn_at_each_of_their_points(ids: np.ndarray) -> None:
    degree = Counter(end for x, y, to_x, to_y in find_cracks(ids) for end in ((x, y), (to_x, to_y)))
    height, width = ids.shape
    corners = {(0, 0), (width, 0), (0, height), (width, height)}
    for arc in trace_borders(ids):
        steps = walk(arc)
        nodes = [(x, y) for x, y, _, _ in steps]
        ends = {tuple(arc.points[0].tolist()), tuple(arc.points[-1].tolist())}
        inner = nodes if arc.is_loop else nodes[1:]
        assert all(degree[node] == 2 and node not in corners for node in inner)
        assert len(ends) == 1 if arc.is_loop else all(degree[end] > 2 or end in corners for end in ends)
        turns = [nodes[k] for k in range(1, len(steps)) if steps[k][2:] != steps[k - 1][2:]]
        assert turns == [tuple(point) for point in arc.points[1:-1].tolist()]
        directions = {(1, 0): RIGHT, (0, 1): DOWN, (-1, 0): LEFT, (0, -1): UP}
        assert (arc.first, arc.last) == (directions[steps[0][2:]], directions[steps[-1][2:]])


def test_one_segment_has_the_frame_for_its_border() -> None:
    arcs = trace_borders(np.full((3, 5), 7, np.int32))
    assert len(arcs) == 4
    assert {(arc.left, arc.right) for arc in arcs} <= {(7, OUTSIDE), (OUTSIDE, 7)}
    points = {tuple(point) for arc in arcs for point in arc.points.tolist()}
    assert points == {(0, 0), (5, 0), (0, 3), (5, 3)}


def test_an_island_is_a_loop() -> None:
    ids = np.ones((5, 5), np.int32)
    ids[1:4, 2:4] = 2
    loops = [arc for arc in trace_borders(ids) if arc.is_loop]
    assert len(loops) == 1
    assert {tuple(point) for point in loops[0].points.tolist()} == {(2, 1), (4, 1), (4, 4), (2, 4)}
    assert {loops[0].left, loops[0].right} == {1, 2}


def test_arcs_between_junctions_come_first_in_order_of_their_start() -> None:
    ids = np.ones((9, 9), np.int32)
    ids[:, 5:] = 2
    ids[1:3, 1:3] = ids[5:7, 1:3] = ids[3:5, 6:8] = 3
    arcs = trace_borders(ids)
    loops = [arc.is_loop for arc in arcs]
    assert loops == sorted(loops)
    assert sum(loops) == 3
    for is_loop in (False, True):
        starts = [tuple(arc.points[0][::-1].tolist()) for arc in arcs if arc.is_loop is is_loop]
        assert starts == sorted(starts)


def test_a_node_knows_the_directions_of_its_cracks() -> None:
    codes = crack_codes(np.array([[1, 2], [3, 1]], np.int32))
    everywhere = 1 << RIGHT | 1 << DOWN | 1 << LEFT | 1 << UP
    assert codes[1, 1] == everywhere
    assert codes[0, 0] == 1 << RIGHT | 1 << DOWN
    assert codes[0, 1] == 1 << RIGHT | 1 << DOWN | 1 << LEFT
    assert codes[2, 2] == 1 << LEFT | 1 << UP


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_the_narrowest_pictures_are_walked_too(shape: tuple[int, int]) -> None:
    ids = np.arange(1, shape[0] * shape[1] + 1, dtype=np.int32).reshape(shape)
    assert sum(len(walk(arc)) for arc in trace_borders(ids)) == len(find_cracks(ids))
