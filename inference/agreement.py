"""What each segment wants to be moved by -> what neighbours agree on, and none stands beyond its foot."""

from __future__ import annotations

import numpy as np

from .layout import are
from .prediction import Kind
from .regions import boxes_of, medians_of, touching_pixels
from .standing import FOOT_GAP_PX, FOOT_SEEN

BORDER_WEIGHT = 0.7  # of a pixel of shared border, against the square root of a segment's pixels
FOOT_WEIGHT = 10.0  # of a pixel at which a foot meets the ground, likewise
MOST_DIFFERENT = 0.7  # in log depth: neighbours whose movements differ by more do not belong together
EXACT, ROUNDS = 0.01, 30  # differences below that are none; rounds of weighted least squares


def agree(move: np.ndarray, beyond: np.ndarray, ids: np.ndarray, kinds: list[Kind]) -> np.ndarray:
    """Return how much further each segment moves so that a building's parts move alike.

    The sum of absolute differences is the least: of each segment from what it wanted, of structures, and of things
    without a foot, from what they touch, and of feet from the ground, where they stand beyond it: a foot that is
    hidden is nearer than where it seems to be, and none is further.

    Args:
        move: (H, W) what each pixel is to be moved by, in log depth; NaN where there is no depth.
        beyond: (H, W) log depth, as moved, over that of the ground which goes on there.
        ids: (H, W) which segment each pixel is of.
        kinds: (N,) of the segments.

    Returns:
        (N,) float64, to be added to ``move``.

    Source: total variation on a graph, fused lasso (Tibshirani and others, 2005), by iteratively reweighted least
    squares; differences over ``MOST_DIFFERENT`` do not count.
    """
    count, is_upright = len(kinds), are(kinds, "structure", "object")
    foot = _find_feet(ids, is_upright, are(kinds, "ground"))
    feet, past = np.bincount(ids[foot], minlength=count), medians_of(beyond[foot], ids[foot], count)
    boxes, width = boxes_of(ids), np.zeros(count)
    width[: len(boxes)] = boxes[:, 3] - boxes[:, 1]
    borders = _find_borders(move, ids, are(kinds, "structure") | is_upright & (feet < FOOT_SEEN * width))
    own = np.sqrt(np.maximum(np.bincount(ids.ravel(), minlength=count), 1))
    return np.where(is_upright, _settle(own, FOOT_WEIGHT * feet, past, *borders), 0)


def _settle(
    own: np.ndarray,
    feet: np.ndarray,
    past: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    apart: np.ndarray,
    border: np.ndarray,
) -> np.ndarray:
    """Return (N,) what makes the sum least; ``own`` and ``feet`` are weights, the rest as of ``_find_borders``."""
    more = np.zeros(len(own))
    for _ in range(ROUNDS):
        rest = np.abs(apart + more[one] - more[other])
        tie = np.where(rest < MOST_DIFFERENT, BORDER_WEIGHT * border / np.maximum(rest, EXACT), 0)
        hold = own / np.maximum(np.abs(more), EXACT)
        pull = np.where(past + more > 0, feet / np.maximum(past + more, EXACT), 0)
        matrix, right = np.diag(hold + pull), -pull * past
        for here, there, sign in ((one, other, 1), (other, one, -1)):
            np.add.at(matrix, (here, here), tie)
            np.add.at(matrix, (here, there), -tie)
            np.add.at(right, here, -sign * tie * apart)
        more = np.linalg.solve(matrix, right)
    return np.asarray(more)


def _find_feet(ids: np.ndarray, is_upright: np.ndarray, is_ground: np.ndarray) -> np.ndarray:
    """Return (H, W) bool, the last pixels of segments under which is ground, across the line of their shade."""
    foot = np.zeros(ids.shape, bool)
    last = ids[:-FOOT_GAP_PX] != ids[1 : len(ids) + 1 - FOOT_GAP_PX]
    foot[:-FOOT_GAP_PX] = last & is_upright[ids[:-FOOT_GAP_PX]] & is_ground[ids[FOOT_GAP_PX:]]
    return foot


def _find_borders(
    move: np.ndarray, ids: np.ndarray, joins: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of segments that touch: both numbers, the median by which the first moves more, pixels of border."""
    first, second = touching_pixels(ids)
    a, b, difference = ids.ravel()[first], ids.ravel()[second], move.ravel()[first] - move.ravel()[second]
    counts = joins[a] & joins[b] & np.isfinite(difference)
    pairs, index = np.unique((a.astype(np.int64) * len(joins) + b)[counts], return_inverse=True)
    apart = medians_of(difference[counts], index, len(pairs))
    return pairs // len(joins), pairs % len(joins), apart, np.bincount(index, minlength=len(pairs))
