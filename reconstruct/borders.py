"""Segment map -> the arcs where two segments meet, each walked once, so that neighbours share their border.

A border runs on the cracks between pixels. Its nodes are pixel corners: node (x, y) is the upper left corner of pixel
column x, row y, so a node's coordinates are picture coordinates (pixel centres at +0.5). An arc runs between two
junctions (corners where three or four cracks meet, and the frame's corners) or is a closed loop without any.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

OUTSIDE = -1  # the segment beyond the frame
ROWS = 64  # of a large map that are worked on at once, so that they stay in the processor's cache

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
    bends = _find_bends(crack_codes(ids))
    following = bends.following.tolist()
    steps = array("q")  # of all arcs, one after another
    ends = [0]

    def walk(start: int) -> int:
        """Add the steps of an arc and the node where it ends; return its first step when it is walked backwards."""
        step = start
        while True:
            steps.append(step)
            last, step = step, following[step]
            if step < 0 or step == start:
                break
        end = step if step >= 0 else 4 * ~step
        steps.append(end)
        ends.append(len(steps))
        return (end & ~3) + (last + 2) % 4

    backwards = set()
    for node in np.flatnonzero(bends.is_junction).tolist():
        for direction in _LEAVING[bends.codes[node]]:
            if 4 * node + direction not in backwards:
                backwards.add(walk(4 * node + direction))
    is_seen = bends.is_junction.copy()
    is_seen[np.array(steps) >> 2] = True
    for node in np.flatnonzero((bends.codes == _UPPER_LEFT) & ~is_seen).tolist():
        if not is_seen[node]:
            walk(4 * node + RIGHT)
            is_seen[np.array(steps[ends[-2] :]) >> 2] = True
    return _make_arcs(np.array(steps), np.array(ends), bends, ids)


@dataclass(frozen=True, eq=False)
class _Bends:
    """The nodes at which a walk may turn or end; between them cracks run straight.

    Attributes:
        points: (N, 2) int32, (x, y) px, row by row.
        codes: (N,) uint8, the bits of the directions in which cracks leave.
        is_junction: (N,) bool, whether walks end there.
        following: (4 N,) int64, for each step, that is 4 times a node plus the direction in which it leaves, the step
            after it, or ~node where it ends at a junction; without meaning where no crack leaves.
    """

    points: np.ndarray
    codes: np.ndarray
    is_junction: np.ndarray
    following: np.ndarray


def _find_bends(codes: np.ndarray) -> _Bends:
    """Return the bends among the nodes (H + 1, W + 1) of a map."""
    y, x = np.divmod(np.flatnonzero(cv2.LUT(codes, _BEND).view(bool)), codes.shape[1])
    code = codes[y, x]
    is_junction = _JUNCTION[code]
    is_junction[((x == 0) | (x == codes.shape[1] - 1)) & ((y == 0) | (y == codes.shape[0] - 1))] = True
    # Cracks run straight up to the next bend in their row or column.
    ahead = np.zeros((len(code), 4), np.int64)
    ahead[:-1, RIGHT], ahead[1:, LEFT] = np.arange(1, len(code)), np.arange(len(code) - 1)
    by_column = np.argsort(x, kind="stable")
    ahead[by_column[:-1], DOWN], ahead[by_column[1:], UP] = by_column[1:], by_column[:-1]
    following = np.where(is_junction[ahead], ~ahead, 4 * ahead + _NEXT[code[ahead], np.arange(4)])
    return _Bends(np.column_stack([x, y]).astype(np.int32), code, is_junction, following.ravel())


def crack_codes(ids: np.ndarray) -> np.ndarray:
    """Return (H + 1, W + 1) uint8: for each node of an (H, W) map, the bits of the directions in which cracks leave."""
    height, width = ids.shape
    codes = np.zeros((height + 1, width + 1), np.uint8)
    codes[[0, -1], :-1] |= 1 << RIGHT
    codes[[0, -1], 1:] |= 1 << LEFT
    codes[:-1, [0, -1]] |= 1 << DOWN
    codes[1:, [0, -1]] |= 1 << UP
    for top in range(0, height, ROWS):
        rows = ids[top : top + ROWS + 1]
        along = (rows[1:] != rows[:-1]).view(np.uint8)
        inner = codes[top + 1 : top + 1 + len(along)]
        inner[:, :-1] |= np.multiply(along, 1 << RIGHT, out=along)
        inner[:, 1:] |= np.multiply(along, 1 << (LEFT - RIGHT), out=along)
        rows = rows[:ROWS]
        across = (rows[:, 1:] != rows[:, :-1]).view(np.uint8)
        codes[top : top + len(rows), 1:-1] |= np.multiply(across, 1 << DOWN, out=across)
        codes[top + 1 : top + 1 + len(rows), 1:-1] |= np.multiply(across, 1 << (UP - DOWN), out=across)
    return codes


def _make_arcs(steps: np.ndarray, ends: np.ndarray, bends: _Bends, ids: np.ndarray) -> list[Arc]:
    """Return the arcs of steps (M,), those of arc k being ends[k] to ends[k + 1]."""
    points = bends.points[steps >> 2]
    begin, first, last = ends[:-1], steps[ends[:-1]] % 4, steps[ends[1:] - 2] % 4
    left, right = (_pixels(ids, points[begin] + beside[first]).tolist() for beside in (_LEFT_OF, _RIGHT_OF))
    is_loop = ~bends.is_junction[steps[begin] >> 2]
    pieces = [points[a:b] for a, b in pairwise(ends.tolist())]
    columns = (pieces, left, right, first.tolist(), last.tolist(), is_loop.tolist())
    return [Arc(*values) for values in zip(*columns, strict=True)]


def _pixels(ids: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (N,) the ids at pixels (N, 2) x, y, ``OUTSIDE`` beyond the frame."""
    last = np.array(ids.shape[::-1]) - 1
    x, y = np.clip(places, 0, last).T
    return np.where(((places >= 0) & (places <= last)).all(axis=1), ids[y, x], OUTSIDE)


def _next_direction(code: int, direction: int) -> int:
    """Return where a walk goes on at a node of two cracks."""
    onward = code & ~(1 << (direction + 2) % 4)
    return {1 << d: d for d in range(4)}.get(onward, direction)


# The pixels on either side of a step, less the node that it leaves, by its direction.
_LEFT_OF = np.array([(0, -1), (0, 0), (-1, 0), (-1, -1)])
_RIGHT_OF = np.array([(0, 0), (-1, 0), (-1, -1), (0, -1)])
_UPPER_LEFT = 1 << RIGHT | 1 << DOWN  # each loop has such a corner: the leftmost of its topmost nodes
_NEXT = np.array([[_next_direction(code, direction) for direction in range(4)] for code in range(16)])
_LEAVING = [[d for d in range(4) if code >> d & 1] for code in range(16)]
_STRAIGHT = (0, 1 << RIGHT | 1 << LEFT, 1 << DOWN | 1 << UP)
_BEND = np.array([code not in _STRAIGHT for code in range(256)], np.uint8)
_JUNCTION = np.array([code.bit_count() > 2 for code in range(16)])
