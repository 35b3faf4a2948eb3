"""Segment map -> the arcs where two segments meet, each walked once, so that neighbours share their border.

A border runs on the cracks between pixels. Its nodes are pixel corners: node (x, y) is the upper left corner of pixel
column x, row y, so a node's coordinates are picture coordinates (pixel centres at +0.5). An arc runs between two
junctions (corners where three or four cracks meet, and the frame's corners) or is a closed loop without any.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

OUTSIDE = -1  # the segment beyond the frame

RIGHT, DOWN, LEFT, UP = range(4)
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class Arc:
    """A border between two segments.

    Attributes:
        points: (N, 2) int32, (x, y) px; only the corners of the walk, ends included.
        left, right: ids on either side, seen along the walk on the picture as it is looked at.
        first, last: directions of the first and the last step (RIGHT, DOWN, LEFT, UP).
        is_loop: whether it closes on itself without touching a junction.
    """

    points: np.ndarray
    left: int
    right: int
    first: int
    last: int
    is_loop: bool


def trace_borders(ids: np.ndarray) -> list[Arc]:
    """Walk every crack between two segments once.

    Args:
        ids: (H, W) int32; ``OUTSIDE`` must not occur.

    Returns:
        The arcs, those between junctions first, each group in order of its starting node.
    """
    codes = crack_codes(ids)
    columns = codes.shape[1]
    flat = codes.tobytes()
    steps = (1, columns, -1, -columns)
    junction = cv2.LUT(codes, _JUNCTION).view(bool)
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        junction[corner] = True
    is_junction = junction.tobytes()
    seen_loops = set()
    arcs = []

    def walk(start: int, first: int) -> None:
        node, direction = start + steps[first], first
        nodes = [start]
        while node != start and not is_junction[node]:
            code = flat[node]
            if code == _UPPER_LEFT:
                seen_loops.add(node)
            turned = _NEXT[code][direction]
            if turned != direction:
                nodes.append(node)
                direction = turned
            node += steps[direction]
        nodes.append(node)
        arcs.append(_make_arc(np.array(nodes), first, direction, ids, not is_junction[start]))

    walked = set()
    for start in np.flatnonzero(junction).tolist():
        for first in _LEAVING[flat[start]]:
            if (start, first) not in walked:
                walk(start, first)
                end_x, end_y = arcs[-1].points[-1].tolist()
                walked.add((end_y * columns + end_x, (arcs[-1].last + 2) % 4))
    for start in np.flatnonzero((codes == _UPPER_LEFT) & ~junction).tolist():
        if start not in seen_loops:
            walk(start, RIGHT)
    return arcs


def crack_codes(ids: np.ndarray) -> np.ndarray:
    """Return (H + 1, W + 1) uint8: for each node of an (H, W) map, the bits of the directions in which cracks leave."""
    height, width = ids.shape
    codes = np.zeros((height + 1, width + 1), np.uint8)
    codes[[0, -1], :-1] |= 1 << RIGHT
    codes[[0, -1], 1:] |= 1 << LEFT
    codes[:-1, [0, -1]] |= 1 << DOWN
    codes[1:, [0, -1]] |= 1 << UP
    marks = np.empty(ids.size, np.uint8)
    along = marks[: (height - 1) * width].reshape(height - 1, width)
    np.not_equal(ids[1:], ids[:-1], out=along.view(bool))
    codes[1:-1, :-1] |= np.multiply(along, 1 << RIGHT, out=along)
    codes[1:-1, 1:] |= np.multiply(along, 1 << (LEFT - RIGHT), out=along)
    across = marks[: height * (width - 1)].reshape(height, width - 1)
    np.not_equal(ids[:, 1:], ids[:, :-1], out=across.view(bool))
    codes[:-1, 1:-1] |= np.multiply(across, 1 << DOWN, out=across)
    codes[1:, 1:-1] |= np.multiply(across, 1 << (UP - DOWN), out=across)
    return codes


def _make_arc(nodes: np.ndarray, first: int, last: int, ids: np.ndarray, is_loop: bool) -> Arc:
    y, x = np.divmod(nodes, ids.shape[1] + 1)
    # Left and right of the first step among the four pixels that touch node (x, y).
    ahead = {RIGHT: ((-1, 0), (0, 0)), DOWN: ((0, 0), (0, -1)), LEFT: ((0, -1), (-1, -1)), UP: ((-1, -1), (-1, 0))}
    left, right = (_pixel(ids, int(y[0]) + dy, int(x[0]) + dx) for dy, dx in ahead[first])
    return Arc(np.column_stack([x, y]).astype(np.int32), left, right, first, last, is_loop)


def _pixel(ids: np.ndarray, row: int, column: int) -> int:
    inside = 0 <= row < ids.shape[0] and 0 <= column < ids.shape[1]
    return int(ids[row, column]) if inside else OUTSIDE


def _next_direction(code: int, direction: int) -> int:
    """Return where a walk goes on at a node of two cracks."""
    onward = code & ~(1 << (direction + 2) % 4)
    return {1 << d: d for d in range(4)}.get(onward, direction)


_UPPER_LEFT = 1 << RIGHT | 1 << DOWN  # each loop has such a corner: the leftmost of its topmost nodes
_NEXT = [[_next_direction(code, direction) for direction in range(4)] for code in range(16)]
_LEAVING = [[d for d in range(4) if code >> d & 1] for code in range(16)]
_JUNCTION = np.array([code.bit_count() > 2 for code in range(256)], np.uint8)
