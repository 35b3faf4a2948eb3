"""Overlapping masks of a network -> segments worth modelling, at the photo's size and along its edges.

Things go over stuff, the surer and, where two overlap, the one whose depth shows. A mask that is a whole class is
split into what stands apart: see split.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .edges import follow_edges
from .prediction import MaskStack, Segment, SegmentMap
from .regions import sharpen_outlines
from .resample import nearest_pixels, shrink
from .split import join_slivers, split_classes

WORK_PX = 1024  # longer side that masks are resolved at; only outlines need more
SURE = 0.5  # a pixel's score in a thing's mask from which it may belong to it
LEAST_AREA = 0.0006  # of the picture: no segment is smaller
LEAST_LEFT = 0.5  # of a thing's mask that surer things must leave: else it is one of them again
SAME_DEPTH = 0.04  # relative: things nearer to each other than this are ordered by score


def segments_from_masks(stack: MaskStack, rgb: np.ndarray, z: np.ndarray) -> SegmentMap:
    """Resolve masks to one segment a pixel.

    Args:
        stack: what a network gave.
        rgb: (H, W, 3) uint8, sRGB, the photo.
        z: (h, w) float32, depth in any unit and of any size, NaN unknown.

    Returns:
        Segments of the photo's size; id 0 where no mask claims a pixel.
    """
    small = shrink(rgb, WORK_PX)
    depth = nearest_pixels(z, small.shape[:2])
    least_px = max(4, round(LEAST_AREA * depth.size))
    scores = follow_edges(stack.scores, small, stack.cell_px)
    things = _keep_things(scores, stack, least_px)
    ids = _resolve_stuff(scores, stack)
    ids = _order_things(scores, stack, things, depth, ids)
    classes = {s.id for s, is_one in zip(stack.segments, stack.is_instance, strict=True) if not is_one}
    kinds = {segment.id: segment.kind for segment in stack.segments}
    ids, origin = split_classes(ids, depth, {i: kinds[i] for i in classes}, least_px)
    ids = join_slivers(ids, least_px)
    ids = _to_photo(ids, rgb)
    by_id = {segment.id: segment for segment in stack.segments}
    return _number(ids, {i: replace(by_id[source], id=i) for i, source in origin.items()})


def _keep_things(scores: np.ndarray, stack: MaskStack, least_px: int) -> list[int]:
    """Return which instances are kept, the surest first: each must show enough that no surer one claims."""
    order = sorted(np.flatnonzero(stack.is_instance).tolist(), key=lambda i: -stack.segments[i].score)
    taken = np.zeros(scores.shape[1:], bool)
    kept = []
    for i in order:
        mask = scores[i] > SURE
        area = np.count_nonzero(mask)
        if area >= least_px and np.count_nonzero(mask & ~taken) >= LEAST_LEFT * area:
            kept.append(i)
            taken |= mask
    return kept


def _resolve_stuff(scores: np.ndarray, stack: MaskStack) -> np.ndarray:
    """Return (h, w) int32, at each pixel the id of the class with the highest score, 0 where there are none."""
    stuff = np.flatnonzero(~stack.is_instance)
    if not len(stuff):
        return np.zeros(scores.shape[1:], np.int32)
    numbers = np.array([stack.segments[i].id for i in stuff], np.int32)
    best = scores[stuff].argmax(axis=0)
    claimed = scores[stuff].max(axis=0) > 0
    return np.where(claimed, numbers[best], 0).astype(np.int32)


def _order_things(
    scores: np.ndarray, stack: MaskStack, things: list[int], depth: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """Return ids with things painted over stuff; where two of them overlap the one shows whose depth is seen there."""
    ids = ids.copy()
    masks = {i: scores[i] > SURE for i in things}
    for i in reversed(things):
        ids[masks[i]] = stack.segments[i].id
    for place, i in enumerate(things):
        for j in things[place + 1 :]:
            overlap = masks[i] & masks[j]
            if overlap.any() and _shows_second(depth, masks[i] & ~masks[j], masks[j] & ~masks[i], overlap):
                ids[overlap & (ids == stack.segments[i].id)] = stack.segments[j].id
    return ids


def _shows_second(depth: np.ndarray, first: np.ndarray, second: np.ndarray, overlap: np.ndarray) -> bool:
    """Tell whether the depth of two things' overlap is that of the second, and not the first, surer one."""
    logs = []
    for region in (first, second, overlap):
        known = depth[region]
        known = known[np.isfinite(known) & (known > 0)]
        if not len(known):
            return False
        logs.append(float(np.log(np.median(known))))
    apart = abs(logs[0] - logs[1]) > SAME_DEPTH
    return apart and abs(logs[2] - logs[1]) < abs(logs[2] - logs[0])


def _to_photo(ids: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Return ids of the photo's size, borders moved to its edges; pixels without one compete as a region of theirs."""
    nothing = int(ids.max()) + 1
    fine = sharpen_outlines(np.where(ids == 0, nothing, ids).astype(np.int32), rgb)
    fine[fine == nothing] = 0
    return fine


def _number(ids: np.ndarray, table: dict[int, Segment]) -> SegmentMap:
    """Return a map whose ids count from 1 without gaps, in the order of the table."""
    present = [i for i in sorted(table) if (ids == i).any()]
    new = np.zeros(int(ids.max()) + 1, np.int32)
    new[present] = np.arange(1, len(present) + 1)
    return SegmentMap(new[ids], tuple(replace(table[i], id=k) for k, i in enumerate(present, start=1)))
