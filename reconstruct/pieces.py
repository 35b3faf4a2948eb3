"""Segment map -> a map whose every id is one connected piece worth modelling."""

from __future__ import annotations

import cv2
import numpy as np

from .borders import ROWS, crack_codes, trace_borders
from .outlines import find_rings, ring_points, signed_area

Box = tuple[int, int, int, int]  # x0, y0, x1, y1, the last ones exclusive
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SADDLE_ROUNDS = 8
LARGEST_TABLE = 1 << 20  # of ids, above which they are searched for: slower, but an id may be any number
_ALL_CRACKS = 15  # of the four at a corner


def separate_pieces(ids: np.ndarray, least_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Give every 4-connected piece an id of its own and merge crumbs into the neighbour along their longest border.

    Args:
        ids: (H, W) int32, 0 = none.
        least_px: pieces with fewer pixels are crumbs, those without a segment too.

    Returns:
        pieces: (H, W) int32, 1..P in order of the segment's id, a segment's largest piece first.
        owner: (P + 1,) int32, the segment's id for each piece, 0 for a piece of none; owner[0] is 0.
    """
    pieces, owner, boxes, areas = _number_pieces(ids)
    for piece in sorted((p for p in areas if areas[p] < least_px), key=lambda p: (areas[p], p)):
        if areas[piece] >= least_px:
            continue  # it has grown by an earlier crumb
        into = _merge_into_neighbour(pieces, piece, boxes[piece])
        if into is not None:
            areas[into] += areas.pop(piece)
            boxes[into] = _union(boxes[into], boxes[piece])
    open_saddles(pieces)
    kept = sorted(areas, key=lambda p: (owner[p], -areas[p], p))
    if kept != list(range(1, len(owner))):
        renumber = np.zeros(len(owner), np.int32)
        renumber[kept] = np.arange(1, len(kept) + 1)
        pieces = relabel(pieces, renumber)
    return pieces, np.array([0, *(owner[p] for p in kept)], np.int32)


def _number_pieces(ids: np.ndarray) -> tuple[np.ndarray, list[int], dict[int, Box], dict[int, int]]:
    """Return a map of numbered pieces with owner, box and area for each number."""
    arcs = trace_borders(ids)
    rings = find_rings(arcs)
    known = np.array(sorted(rings), np.int32)
    if known[-1] < LARGEST_TABLE:
        number = np.zeros(known[-1] + 1, np.int32)
        number[known] = np.arange(1, len(known) + 1)
        pieces = relabel(ids, number)
    else:
        pieces = np.searchsorted(known, ids).astype(np.int32) + 1
    owner = [0, *sorted(rings)]
    boxes, areas = {}, {}
    for piece in range(1, len(owner)):
        found = [ring_points(arcs, ring) for ring in rings[owner[piece]]]
        outer = sorted(((signed_area(points), k) for k, points in enumerate(found)), reverse=True)
        shells = [found[k] for area, k in outer if area > 0]
        areas[piece] = round(sum(area for area, _ in outer))
        boxes[piece] = _box(shells[0])
        for shell in shells[1:]:
            boxes[len(owner)] = _box(shell)
            areas[len(owner)] = _renumber(pieces, piece, shell, len(owner))
            areas[piece] -= areas[len(owner)]
            owner.append(owner[piece])
    return pieces, owner, boxes, areas


def relabel(ids: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return ``table[ids]`` of (H, W) ids, in blocks that stay in the processor's cache: twice as fast."""
    renamed = np.empty(ids.shape, table.dtype)
    for top in range(0, len(ids), ROWS):
        np.take(table, ids[top : top + ROWS], out=renamed[top : top + ROWS], mode="clip")
    return renamed


def _box(corners: np.ndarray) -> Box:
    (x0, y0), (x1, y1) = corners.min(0).tolist(), corners.max(0).tolist()
    return x0, y0, x1, y1


def _renumber(pieces: np.ndarray, piece: int, shell: np.ndarray, number: int) -> int:
    """Give the 4-connected part of a piece within a ring of corners a number of its own; return its area."""
    x0, y0, x1, y1 = _box(shell)
    crop = pieces[y0:y1, x0:x1]
    _, labels = cv2.connectedComponents((crop == piece).view(np.uint8), connectivity=4)
    seed = min(shell[shell[:, 1] == y0][:, 0].tolist()) - x0  # right below the leftmost of the topmost corners
    inside = labels == labels[0, seed]
    crop[inside] = number
    return int(np.count_nonzero(inside))


def _merge_into_neighbour(pieces: np.ndarray, piece: int, box: Box) -> int | None:
    """Repaint a piece with the number that surrounds it most; None when it fills the picture."""
    x0, y0, x1, y1 = box
    crop = pieces[max(y0 - 1, 0) : y1 + 1, max(x0 - 1, 0) : x1 + 1]
    inside = (crop == piece).view(np.uint8)
    around = crop[(cv2.dilate(inside, _CROSS) > inside)]
    if not len(around):
        return None
    numbers, counts = np.unique(around, return_counts=True)
    into = int(numbers[np.argmax(counts)])
    crop[inside.view(bool)] = into
    return into


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def open_saddles(pieces: np.ndarray) -> None:
    """Repaint single pixels until hardly any piece touches itself at a mere corner: a prism would pinch there.

    A pixel is repainted only where the rest of its piece hangs together without it, so no piece falls apart or goes.
    Corners three pixels apart do not touch each other's surroundings, so those are treated at once.
    """
    corners = crack_codes(pieces)[1:-1, 1:-1] == _ALL_CRACKS
    y, x = np.divmod(np.flatnonzero(corners), max(corners.shape[1], 1))
    for _ in range(SADDLE_ROUNDS):
        group = y % 3 * 3 + x % 3
        repainted = [_open_apart(pieces, y[group == number], x[group == number]) for number in range(9)]
        y, x = _corners_of(np.concatenate(repainted), pieces.shape)
        if not len(y):
            return


def _corners_of(pixels: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (y, x), named as the pixel to their upper left, of pixels (n, 2) that lie inside a map."""
    corners = np.unique(np.concatenate([pixels - (dy, dx) for dy in (0, 1) for dx in (0, 1)]), axis=0)
    y, x = corners[((corners >= 0) & (corners < np.array(shape) - 1)).all(axis=1)].T
    return y, x


def _open_apart(pieces: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Open the saddles at the lower right corners of pixels (y, x), far from each other; return those repainted."""
    repainted = [np.zeros((0, 2), np.int64)]
    for dy, dx in ((0, 1), (1, 0), (0, 0), (1, 1)):
        if not len(y):
            break
        here, beside, below, across = (pieces[y + row, x + column] for row, column in _around(dy, dx))
        apart = (here != beside) & (here != below) & (across != beside) & (across != below)
        saddle = apart & ((here == across) | (beside == below))
        spare = saddle & _is_spare(pieces, y + dy, x + dx, 2 * dy - 1, 2 * dx - 1)
        pieces[y[spare] + dy, x[spare] + dx] = beside[spare]
        repainted.append(np.column_stack([y[spare] + dy, x[spare] + dx]))
        y, x = y[saddle & ~spare], x[saddle & ~spare]
    return np.concatenate(repainted)


def _around(dy: int, dx: int) -> tuple[tuple[int, int], ...]:
    """Return a pixel of four about a corner, the one beside it, the one above or below it and the one across."""
    return (dy, dx), (dy, 1 - dx), (1 - dy, dx), (1 - dy, 1 - dx)


def _is_spare(pieces: np.ndarray, y: np.ndarray, x: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return whether pixels are not what holds their piece together; towards -down and -right it has none of it."""
    height, width = pieces.shape

    def same(dy: int, dx: int) -> np.ndarray:
        row, column = y + dy, x + dx
        within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        return within & (pieces[row.clip(0, height - 1), column.clip(0, width - 1)] == pieces[y, x])

    along, across = same(down, 0), same(0, right)
    return (along ^ across) | (along & across & same(down, right))
