"""Segment map -> a map whose every id is one connected piece worth modelling."""

from __future__ import annotations

import cv2
import numpy as np

from .borders import crack_codes, trace_borders
from .outlines import find_rings, ring_points, signed_area

Box = tuple[int, int, int, int]  # x0, y0, x1, y1, the last ones exclusive
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SADDLE_ROUNDS = 8


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
        pieces = renumber[pieces]
    return pieces, np.array([0, *(owner[p] for p in kept)], np.int32)


def _number_pieces(ids: np.ndarray) -> tuple[np.ndarray, list[int], dict[int, Box], dict[int, int]]:
    """Return a map of numbered pieces with owner, box and area for each number."""
    arcs = trace_borders(ids)
    rings = find_rings(arcs)
    number = np.zeros(max(rings) + 1, np.int32)
    number[sorted(rings)] = np.arange(1, len(rings) + 1)
    pieces = number[ids]
    owner = [0, *sorted(rings)]
    boxes, areas = {}, dict(enumerate(np.bincount(pieces.ravel()).tolist()))
    del areas[0]
    for piece in range(1, len(owner)):
        found = rings[owner[piece]]
        corners = np.concatenate([arcs[index >> 1].points for ring in found for index in ring])
        boxes[piece] = (*corners.min(0).tolist(), *corners.max(0).tolist())
        if sum(signed_area(ring_points(arcs, ring)) > 0 for ring in found) > 1:
            _split_pieces(pieces, piece, owner, boxes, areas)
    return pieces, owner, boxes, areas


def _split_pieces(
    pieces: np.ndarray, piece: int, owner: list[int], boxes: dict[int, Box], areas: dict[int, int]
) -> None:
    """Number the 4-connected parts of one piece: the first keeps its number, the others get new ones."""
    x0, y0, x1, y1 = boxes[piece]
    crop = pieces[y0:y1, x0:x1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats((crop == piece).view(np.uint8), connectivity=4)
    numbers = [piece, *range(len(owner), len(owner) + count - 2)]
    for label, number in enumerate(numbers, start=1):
        x, y, width, height, area = stats[label].tolist()
        boxes[number] = (x0 + x, y0 + y, x0 + x + width, y0 + y + height)
        areas[number] = area
    np.copyto(crop, np.array([0, *numbers], np.int32)[labels], where=labels > 0)
    owner.extend([owner[piece]] * (count - 2))


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
    """Repaint single pixels until hardly any piece touches itself at a mere corner: a prism would pinch there."""
    for _ in range(SADDLE_ROUNDS):
        codes = crack_codes(pieces)
        y, x = np.nonzero(codes[1:-1, 1:-1] == 15)
        upper_left, upper_right = pieces[y, x], pieces[y, x + 1]
        lower_left, lower_right = pieces[y + 1, x], pieces[y + 1, x + 1]
        falling, rising = upper_left == lower_right, upper_right == lower_left
        if not (falling | rising).any():
            return
        pieces[y[falling], x[falling] + 1] = upper_left[falling]
        rising &= ~falling
        pieces[y[rising], x[rising]] = upper_right[rising]
