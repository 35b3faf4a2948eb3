"""Corners of a simplified border -> corners where the straight lines that fit its pixels best meet.

Leaving points out keeps corners that stick out farthest: edges lean on one side of the border and ragged borders stay
ragged. A line fitted to all pixels of an edge runs through their middle, and neighbouring lines meet in a true corner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_TURN = 0.2  # radians between two edges, below which where they meet is too uncertain
DECIMALS = 6  # of a pixel: corners of the pixel grid come out as such
LEAST_LENGTH_PX = 3.0  # of an edge whose direction its pixels tell


def straighten(
    borders: Sequence[np.ndarray], lines: Sequence[np.ndarray], are_loops: np.ndarray, tolerances_px: np.ndarray
) -> list[np.ndarray]:
    """Move the inner corners of simplified borders to where the fitted edges meet.

    Args:
        borders: each (N, 2) int32, the corners of a border's walk; none twice but a loop's first, which ends it too.
        lines: each (M, 2) int32, the corners that are kept, the ends among them.
        are_loops: (len(borders),) bool; of others the ends stay where they are.
        tolerances_px: (len(borders),) how far a border's corner may be from the edge that stands for it.

    Returns:
        Each (M, 2) float64.
    """
    if not lines:
        return []
    corner = np.concatenate(lines).astype(np.float64)
    pixels = np.concatenate(borders).astype(np.float64)
    sizes = np.array([len(line) for line in lines])
    last = np.cumsum(sizes) - 1
    first = last - sizes + 1
    place = _find_places(borders, lines)
    begins, before, after = _find_edges(first, last)
    normal, offset, is_known = _fit_edges(pixels, place[begins], place[begins + 1])
    moved, meets = _meet(normal, offset, before, after)
    is_free = np.ones(len(corner), bool)
    is_free[first], is_free[last] = are_loops, are_loops
    tolerance = np.repeat(tolerances_px, sizes)
    is_free &= meets & is_known[before] & is_known[after]
    is_free &= np.hypot(*(moved - corner).T) <= tolerance
    while is_free.any():
        placed = np.where(is_free[:, None], moved, corner)
        off = _distance(pixels, placed[begins], placed[begins + 1], place[begins], place[begins + 1])
        is_far = off > tolerance[begins] + 1e-9
        spoilt = np.zeros(len(corner), bool)
        spoilt[begins[is_far]] = spoilt[begins[is_far] + 1] = True
        spoilt[first[are_loops]] = spoilt[last[are_loops]] = spoilt[first[are_loops]] | spoilt[last[are_loops]]
        if not (spoilt & is_free).any():
            corner = placed
            break
        is_free &= ~spoilt
    return np.split(corner, last[:-1] + 1)


def _find_places(borders: Sequence[np.ndarray], lines: Sequence[np.ndarray]) -> np.ndarray:
    """Return for each kept corner its number among the corners of all borders."""

    def keys_of(parts: Sequence[np.ndarray]) -> np.ndarray:
        numbers = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        x, y = np.concatenate(parts).astype(np.int64).T
        return numbers << 48 | y << 24 | x

    keys = keys_of(borders)
    order = np.argsort(keys, kind="stable")
    place = order[np.searchsorted(keys[order], keys_of(lines))]
    ends = np.cumsum([len(line) for line in lines]) - 1
    place[ends] = np.cumsum([len(border) for border in borders]) - 1  # a loop's last corner is its first as well
    return place


def _find_edges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the (E,) corners where edges begin, which run to the next corner, and the edges before and after each.

    An arc's last corner begins none; what comes before its first edge is its last, as in a loop.
    """
    count = int(last[-1]) + 1
    begins = np.delete(np.arange(count), last)
    before, after, edge_of = np.zeros((3, count), np.int64)
    edge_of[begins] = np.arange(len(begins))
    after[begins], before[begins + 1] = edge_of[begins], edge_of[begins]
    before[first], after[last] = edge_of[np.maximum(last - 1, 0)], edge_of[first]
    return begins, before, after


def _fit_edges(pixels: np.ndarray, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a line to each run of border steps by total least squares, each step by its length.

    Returns:
        (E, 2) unit normals, (E,) offsets with normal . point = offset, (E,) bool, whether there is enough to fit.
    """
    edge, number = _runs(start, stop - start)
    step = pixels[number + 1] - pixels[number]
    length = np.abs(step).sum(axis=1)
    x, y = (pixels[number] + step / 2 - pixels[start][edge]).T
    own = step**2 / 12  # second moments of a step about its own middle
    moments = np.stack([np.ones(len(x)), x, y, x * x + own[:, 0], x * y, y * y + own[:, 1]]) * length
    total, sx, sy, sxx, sxy, syy = np.add.reduceat(moments, np.searchsorted(edge, np.arange(len(start))), axis=1)
    mx, my = sx / total, sy / total
    angle = 0.5 * np.arctan2(2 * (sxy / total - mx * my), sxx / total - mx * mx - (syy / total - my * my))
    normal = np.column_stack([-np.sin(angle), np.cos(angle)])
    middle = pixels[start] + np.column_stack([mx, my])
    return normal, np.einsum("ij,ij->i", normal, middle), total >= LEAST_LENGTH_PX


def _runs(start: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for runs of ``counts`` numbers from ``start`` on one after another, the run and the number of each."""
    run = np.repeat(np.arange(len(counts)), counts)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts - start, counts)


def _meet(
    normal: np.ndarray, offset: np.ndarray, before: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (M, 2) where pairs of lines meet, and (M,) bool, whether they do so at an angle."""
    (ax, ay), (bx, by) = normal[before].T, normal[after].T
    turn = ax * by - ay * bx
    meets = np.abs(turn) > np.sin(LEAST_TURN)
    turn = np.where(meets, turn, 1)
    p, q = offset[before], offset[after]
    return np.round(np.column_stack([(p * by - q * ay) / turn, (ax * q - bx * p) / turn]), DECIMALS), meets


def _distance(
    pixels: np.ndarray, begin: np.ndarray, end: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> np.ndarray:
    """Return (E,) how far the corners of a border, from ``start`` to ``stop``, are at most from the edge for them."""
    edge, number = _runs(start, stop - start + 1)
    along = (end - begin)[edge]
    from_begin = pixels[number] - begin[edge]
    squared = np.maximum(np.einsum("ij,ij->i", along, along), 1e-12)
    share = np.clip(np.einsum("ij,ij->i", from_begin, along) / squared, 0, 1)
    away = np.hypot(*(from_begin - share[:, None] * along).T)
    return np.maximum.reduceat(away, np.searchsorted(edge, np.arange(len(start))))
