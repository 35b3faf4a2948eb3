"""Which way walls run: the level edges on a front, of storeys and windows, all point at one place of the horizon."""

from __future__ import annotations

import numpy as np

from .layout import are
from .prediction import Camera, Kind
from .regions import means_of, touching_pixels
from .standing import level_axes
from .vanishing import point_at

STEP_DEG, TOLERANCE_DEG = 1.0, 1.5  # between headings that are tried; of a line's direction in the picture
UPRIGHT = 0.3  # how well a line may point at the vertical vanishing point: what does so better is no level edge
BESIDE_PX, ALONG = 2.5, (0.2, 0.4, 0.6, 0.8)  # where a line is asked what it borders on
SHARED = 0.25  # weight of a line between two upright regions, of either of which it may be
LEAST_AREA = 0.008  # of the picture, of a front that speaks for itself: the edges of a smaller one are its outline
LEAST_LENGTH = 0.06  # of the picture's longer side, of the lines that agree
LEAST_GAIN, APART_DEG = 1.6, 12  # over the best heading that is so far off; both over what any heading has
SQUARE_DEG = 8.0  # fronts that run so nearly alike, or at right angles, do
AHEAD_DEG = 4.0  # a front that runs so nearly straight ahead does
UNEXPECTED, EXPECTED_DEG = 0.1, 30.0  # weight of what is far from expected; deviation of that
TELLING_DEG = 40.0  # an expectation that is so far from facing the camera counts in full
NEIGHBOUR, OWN = 3.0, 3.0  # weights of neighbours and of own few lines, of a front that runs as others do: most is one
LEAST_LIKELY = 0.3  # of these together


def find_slants(
    lines: np.ndarray, ids: np.ndarray, kinds: list[Kind], camera: Camera, down_cam: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """Return how much nearer each structure's front comes towards the right: the part of its nearness straight ahead.

    Where its lines do not tell, it runs as one of those does of which they do: as a neighbour, or as most.

    Args:
        lines: as of ``detect_lines``.
        ids: (H, W), from 0.
        kinds: (N,) of the ids.
        camera: of the picture.
        down_cam: (3,) unit vector along gravity, camera axes.
        expected: (N,) radians, the arc tangents of what is looked for, as roughly known.

    Returns:
        (N,) float64 s: the plane's nearness is in proportion to ``ahead + s * right`` of ``level_axes``; NaN for what
        is no structure, or runs otherwise than all that lines tell of.
    """
    slants, tangents = np.full(len(kinds), np.nan), np.radians(np.arange(STEP_DEG / 2, 180, STEP_DEG) - 90)
    lines = lines[point_at(lines, camera, down_cam[None], TOLERANCE_DEG)[0] < UPRIGHT]
    ahead, right = level_axes(down_cam)
    directions = np.cos(tangents)[:, None] * right - np.sin(tangents)[:, None] * ahead
    votes = _count_votes(lines, point_at(lines, camera, directions, TOLERANCE_DEG), ids, kinds)
    is_large = np.bincount(ids.ravel(), minlength=len(kinds)) > LEAST_AREA * ids.size
    chosen = {}
    for front in np.flatnonzero(are(kinds, "structure") & is_large).tolist():
        if (best := _choose(votes[front] * _weigh(tangents, float(expected[front])), votes[front])) is not None:
            chosen[front] = best
    if not chosen:
        return slants
    fronts, best = np.array(list(chosen.items())).T
    angle, support = _make_square(tangents[best], votes[fronts, best]), votes[fronts, best]
    slants[fronts] = np.tan(angle)
    share = _share_borders(ids, len(kinds))[:, fronts]
    for front in np.setdiff1d(np.flatnonzero(are(kinds, "structure")), fronts):
        own = votes[front, np.abs(_turn_between(tangents[:, None], angle, np.pi)).argmin(axis=0)]
        if (like := _join(angle, support, share[front], own, float(expected[front]))) is not None:
            slants[front] = slants[fronts[like]]
    return _turn_outwards(slants, ids, camera)


def _turn_outwards(slants: np.ndarray, ids: np.ndarray, camera: Camera) -> np.ndarray:
    """Return slants with which what runs straight ahead comes nearer towards the side of the picture that it is on."""
    columns = np.broadcast_to(np.arange(ids.shape[1]) + 0.5, (1, *ids.shape))
    middle = np.full(len(slants), camera.cx)
    middle[: ids.max() + 1] = means_of(columns, ids)[0]
    is_ahead = np.abs(slants) > np.tan(np.radians(90 - AHEAD_DEG))
    return np.where(is_ahead, np.copysign(slants, middle - camera.cx), slants)


def _join(angle: np.ndarray, support: np.ndarray, share: np.ndarray, own: np.ndarray, expected: float) -> int | None:
    """Return as which of (n,) fronts of known angle another one runs, if any.

    Args:
        angle, support: of the fronts, radians, and votes for them.
        share: of its border with each.
        own: its own votes for their angles.
        expected: its angle, as roughly known.
    """
    ways, way = np.unique(angle.round(9), return_inverse=True)
    off = _turn_between(ways, expected, np.pi) / np.radians(EXPECTED_DEG)
    likely = np.bincount(way, support) / support.sum() * np.exp(-0.5 * np.square(off))
    likely += NEIGHBOUR * np.bincount(way, share)
    likely = likely[way] + OWN * np.minimum(own / LEAST_LENGTH, 1)
    best = int(likely.argmax())
    return best if likely[best] > LEAST_LIKELY else None


def _count_votes(lines: np.ndarray, agreeing: np.ndarray, ids: np.ndarray, kinds: list[Kind]) -> np.ndarray:
    """Return (N, K) for each region what length of its lines agrees with each heading, beyond what does with any.

    Args:
        lines: (L, 4) px.
        agreeing: (K, L) 0..1.
        ids, kinds: as of ``find_slants``.
    """
    votes = np.zeros((len(kinds), len(agreeing)))
    if not len(lines):
        return votes
    beside, is_upright = _regions_beside(lines, ids), are(kinds, "structure", "object")
    length = np.hypot(*(lines[:, 2:] - lines[:, :2]).T) / max(ids.shape)
    for region in np.unique(beside[beside >= 0]):
        own = beside == region
        alone = (own | ((beside >= 0) & ~is_upright[beside])).all(axis=1)
        votes[region] = agreeing @ (length * own.any(axis=1) * np.where(alone, 1, SHARED))
    return np.asarray(votes - np.median(votes, axis=1, keepdims=True))


def _regions_beside(lines: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return (L, 2) the ids on both sides of each line, -1 where there are several."""
    start, along = lines[:, None, :2], (lines[:, 2:] - lines[:, :2])[:, None]
    across = along[..., ::-1] * [-1, 1] / np.linalg.norm(along, axis=-1, keepdims=True)
    sides = []
    for side in (-BESIDE_PX, BESIDE_PX):
        places = (start + np.array(ALONG)[:, None] * along + side * across).astype(int)
        x, y = np.moveaxis(places.clip(0, np.array(ids.shape[::-1]) - 1), -1, 0)
        beside = np.sort(ids[y, x], axis=1)
        middle = beside[:, len(ALONG) // 2]
        sides.append(np.where((beside == middle[:, None]).mean(axis=1) > 0.5, middle, -1))
    return np.column_stack(sides)


def _weigh(angles: np.ndarray, expected: float) -> np.ndarray:
    """Return (K,) how likely angles are; what is expected to face the camera is so only for want of knowledge."""
    off = _turn_between(angles, expected, np.pi) / np.radians(EXPECTED_DEG)
    told = min(1.0, abs(expected) / np.radians(TELLING_DEG))
    return np.asarray(1 - told * (1 - UNEXPECTED) * (1 - np.exp(-0.5 * np.square(off))))


def _choose(weighed: np.ndarray, votes: np.ndarray) -> int | None:
    """Return what most of (K,) votes are for, as weighed; None where few are, or hardly fewer for another."""
    count, best = len(votes), int(weighed.argmax())
    apart_deg = STEP_DEG * np.abs(_turn_between(np.arange(count), best, count))
    is_clear = votes[best] >= LEAST_LENGTH and weighed[best] >= LEAST_GAIN * weighed[apart_deg > APART_DEG].max()
    return best if is_clear else None


def _turn_between(angles: np.ndarray, other: np.ndarray | float, whole: float) -> np.ndarray:
    """Return by how much angles exceed others, where those that differ by ``whole`` are the same."""
    return (angles - other + whole / 2) % whole - whole / 2


def _make_square(angle: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Return (n,) angles in radians, those that are nearly alike or at right angles made so, the surest first."""
    square, waiting = angle.copy(), np.ones(len(angle), bool)
    for front in np.argsort(-support, kind="stable"):
        if not waiting[front]:
            continue
        off = _turn_between(angle, angle[front], np.pi / 2)
        alike = waiting & (np.abs(off) <= np.radians(SQUARE_DEG))
        square[alike] = angle[alike] - off[alike] + np.average(off[alike], weights=support[alike])
        waiting &= ~alike
    return square


def _share_borders(ids: np.ndarray, count: int) -> np.ndarray:
    """Return (count, count), the part of each region's border that it shares with each other one."""
    first, second = touching_pixels(ids)
    pairs = ids.ravel()[first].astype(np.int64) * count + ids.ravel()[second]
    pixels = np.bincount(pairs, minlength=count**2).reshape(count, count)
    pixels = pixels + pixels.T
    return np.asarray(pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1))
