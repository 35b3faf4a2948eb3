"""What no shape explains -> the plane that parts it into pieces that shapes explain: crown and trunk, seat and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .compose import choose_best, fit_each
from .evidence import Evidence
from .extents import LEAST_POINTS, find_axes

UP = np.array([0.0, 1.0, 0.0])
BANDS, CHANGES_TRIED, FACES_TRIED = 24, 3, 2
CHANGE = 0.2  # of the greatest width: a smaller change of it is no place to cut
FACING, FACE_SHARE = 0.8, 0.04  # cosine between a face and the direction, and its least share of the points
END = 0.15  # of the extent: a face that near to the end is the end
LOOK = 3  # every so many pixels while cuts are tried
LEAST_PIECE = 0.03  # of the segment's pixels: a smaller piece of a cut does not count
EXPLAINED = 0.85  # of the segment's pixels, to lie on pieces with good shapes
WORTHWHILE, TRIED_FURTHER = 0.2, 2  # share that a first cut has to explain for second ones, and how many of them


@dataclass(frozen=True, eq=False)
class Cut:
    """A plane in the world: points P with direction . P >= place lie on its far side.

    Attributes:
        direction: (3,) unit vector.
        place: along it.
    """

    direction: np.ndarray
    place: float


@dataclass(frozen=True, eq=False)
class _Trial:
    """A cut, the share of the pixels on pieces with good shapes, and the pieces that have none."""

    cut: Cut
    explained: float
    open: list[Evidence]


def find_cut(evidence: Evidence, has_ground: bool, cuts: int = 1) -> Cut | None:
    """Return the plane that parts a segment into pieces of good shapes; None where there is none.

    Args:
        evidence: of the segment.
        has_ground: whether y = 0 is the ground.
        cuts: how many may follow each other; with two, pieces of the first may need a second.
    """
    thin = evidence.thinned(LOOK)
    for family in (_list_upward, _list_level):  # most things stand on top of each other
        trials = sorted(_try(family(evidence), thin, has_ground), key=lambda trial: -trial.explained)
        if trials and trials[0].explained > EXPLAINED:
            return trials[0].cut
        promising = [trial for trial in trials if trial.explained > WORTHWHILE][:TRIED_FURTHER]
        for trial in promising if cuts > 1 else []:
            if _explain_twice(trial, thin, has_ground, family) > EXPLAINED:
                return trial.cut
    return None


def _explain_twice(
    trial: _Trial, evidence: Evidence, has_ground: bool, family: Callable[[Evidence], list[Cut]]
) -> float:
    """Return the share of the pixels that is explained when each open piece is cut once more."""
    whole = np.count_nonzero(evidence.own)
    explained = trial.explained
    for piece in trial.open:
        further = _try(family(piece), piece, has_ground)
        explained += max((t.explained for t in further), default=0.0) * np.count_nonzero(piece.own) / whole
    return explained


def _try(cuts: list[Cut], evidence: Evidence, has_ground: bool) -> list[_Trial]:
    """Return what each of several cuts explains."""
    pieces = [(number, piece) for number, cut in enumerate(cuts) for piece in _part(evidence, cut)]
    fits = [choose_best(found) for found in fit_each([piece for _, piece in pieces], has_ground)]
    whole = np.count_nonzero(evidence.own)
    explained, left = [0.0] * len(cuts), [[] for _ in cuts]  # type: tuple[list[float], list[list[Evidence]]]
    for (number, piece), fit in zip(pieces, fits, strict=True):
        # A stick of a few pixels is as good as a shape already.
        if len(piece.points) < LEAST_POINTS or (fit is not None and fit.looks_good):
            explained[number] += np.count_nonzero(piece.own) / whole
        else:
            left[number].append(piece)
    return [_Trial(*each) for each in zip(cuts, explained, left, strict=True)]


def _list_upward(evidence: Evidence) -> list[Cut]:
    """Return level cuts: where the width changes most, and right above level faces, such as seats and bonnets."""
    if len(evidence.points) < BANDS:
        return []
    places = [*_find_changes(evidence), *_find_faces(evidence, UP)]
    return [Cut(UP, place) for k, place in enumerate(places) if place not in places[:k]]


def _list_level(evidence: Evidence) -> list[Cut]:
    """Return upright cuts right before upright faces that are no ends, such as the front of a back."""
    if len(evidence.points) < BANDS:
        return []
    axes = find_axes(evidence)[0]
    directions = [sign * axes[:, k] for k in (2, 0) for sign in (1, -1)]
    return [Cut(direction, place) for direction in directions for place in _find_faces(evidence, direction)]


def _find_changes(evidence: Evidence) -> list[float]:
    """Return the heights where a segment's width changes most."""
    y = evidence.points[:, 1]
    low, high = np.quantile(y, (0.01, 0.99))
    edges = np.linspace(low, high, BANDS + 1)
    columns = np.nonzero(evidence.own & np.isfinite(evidence.z))[1]
    filled = np.zeros((BANDS, evidence.own.shape[1]), bool)
    filled[np.searchsorted(edges[1:-1], y), columns] = True
    widths = filled.sum(axis=1)
    change = np.abs(np.diff(widths))
    order = np.argsort(-change, kind="stable")
    return [float(edges[k + 1]) for k in order[:CHANGES_TRIED] if change[k] > CHANGE * widths.max()]


def _find_faces(evidence: Evidence, direction: np.ndarray) -> list[float]:
    """Return the places right before the largest faces towards a direction that are not its end."""
    along = evidence.points @ direction
    with np.errstate(invalid="ignore"):
        facing = along[evidence.normals @ direction > FACING]
    least = FACE_SHARE * len(along)
    if len(facing) < least:
        return []
    low, high = np.quantile(along, (0.01, 0.99))
    counts, edges = np.histogram(facing, BANDS, (low, high))
    pairs = counts[:-1] + counts[1:]  # a face may lie on the border of two bands
    apart = END * (high - low)
    found: list[float] = []
    for k in np.argsort(-pairs, kind="stable").tolist():
        place = float(edges[k + 2])
        if pairs[k] < least or len(found) == FACES_TRIED:
            break
        if place < high - apart and all(abs(place - other) > apart for other in found):
            found.append(place)
    return found


def _part(evidence: Evidence, cut: Cut) -> Iterator[Evidence]:
    """Yield the evidence of each connected piece on either side."""
    known = evidence.own & np.isfinite(evidence.z)
    number = np.full(evidence.own.shape, -1)
    number[known] = np.arange(len(evidence.points))
    beyond = np.zeros(evidence.own.shape, bool)
    beyond[known] = evidence.points @ cut.direction >= cut.place
    for side in (beyond, known & ~beyond):
        count, labels = cv2.connectedComponents(side.view(np.uint8), connectivity=4)
        for label in range(1, count):
            own = labels == label
            if np.count_nonzero(own) >= LEAST_PIECE * np.count_nonzero(evidence.own):
                chosen = number[own]
                points, normals = evidence.points[chosen], evidence.normals[chosen]
                yield replace(evidence, own=own, points=points, normals=normals, expected="")
