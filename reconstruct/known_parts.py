"""Parts that the segments themselves name, such as the back of a chair: they divide a whole before depth does."""

from __future__ import annotations

import cv2
import numpy as np

from ..inference.prediction import Segment, SegmentMap


def find_wholes(segments: SegmentMap) -> np.ndarray:
    """Return (H, W) int32, at each pixel the id of the whole that its segment is in the end a part of."""
    chains = segments.chains()
    if all(len(chain) == 1 for chain in chains.values()):
        return segments.ids
    return _look_up(segments.ids, {i: chain[-1] for i, chain in chains.items()})


def find_known_parts(
    segments: SegmentMap, whole: Segment, inside: np.ndarray, ids: np.ndarray, least_px: int
) -> tuple[np.ndarray, list[Segment]] | None:
    """Look for the parts that a segment is known to have within a leaf of it.

    Args:
        segments: all of them.
        whole: the leaf's segment.
        inside: (h, w) bool, the leaf within its box.
        ids: (h, w) int32, ids of ``segments`` there.
        least_px: smallest part.

    Returns:
        (h, w) int32 part numbers, 0 outside, 1..K inside, each part 4-connected, and the segment of each: ``whole``
        itself for what no part claims. None where there is one part or none.
    """
    part_at = {0: whole.id}
    for i, chain in segments.chains().items():
        place = chain.index(whole.id) if whole.id in chain else 0
        part_at[i] = chain[place - 1] if place else whole.id
    claimed = np.where(inside, _look_up(ids, part_at), 0)
    by_id = {segment.id: segment for segment in segments.segments}
    parts = np.zeros(inside.shape, np.int32)
    found: list[Segment] = []
    for part in np.unique(claimed[inside]).tolist():
        count, labels, stats, _ = cv2.connectedComponentsWithStats((claimed == part).astype(np.uint8), connectivity=4)
        for piece in range(1, count):
            if stats[piece, cv2.CC_STAT_AREA] >= least_px:
                found.append(by_id[part])
                parts[labels == piece] = len(found)
    if len(found) < 2:
        return None
    _grow_within(parts, inside)
    return parts, found


def _look_up(ids: np.ndarray, table: dict[int, int]) -> np.ndarray:
    """Return (h, w) int32, for each id what the table says, the id itself where it says nothing."""
    numbers, place = np.unique(ids, return_inverse=True)
    said = np.array([table.get(number, number) for number in numbers.tolist()], np.int32)
    return said[place].reshape(ids.shape)


def _grow_within(parts: np.ndarray, inside: np.ndarray) -> None:
    """Fill in place what is inside and in no part from 4-neighbours, one ring at a time, so that parts stay whole."""
    while True:
        around = np.pad(parts, 1)
        nearby = np.maximum.reduce([around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]])
        reached = inside & (parts == 0) & (nearby > 0)
        if not reached.any():
            return
        parts[reached] = nearby[reached]
