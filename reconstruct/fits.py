"""Evidence -> shapes that may explain it: robust fits to what is seen, and a stated guess for what is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import shapely

from .evidence import Evidence
from .priors import expect_thickness
from .shapes import Shape, make_box, make_lathe, make_profile, make_revolution, upright_axes

LEAST_POINTS = 12
EXTENT = (0.004, 0.996)  # quantiles that stand for the ends of what is seen
LEVEL, UPRIGHT = 0.8, 0.5  # |y| of a normal above which a face lies flat, below which it stands
FACE_SHARE = 0.06  # of the points: a side that is really seen has as many
SEEN_SHARE = 0.25  # of the smaller side of the face: a smaller depth than this is noise, not a side
LATHE_BANDS, LATHE_FLATNESS = 30, (1.0, 0.5)
PROFILE_BINS = 20
TIP = 0.15  # of a cone's height: what may be missing of its tip
THINNEST = 0.01  # of the middle one of its sides
BESIDE = 0.15  # of a face: as far beyond its edges what lies behind it is looked for
PRIOR_SHARE = 0.6  # thickness of what shows one face only, of that face's smaller side


def propose(evidence: Evidence, has_ground: bool, with_round: bool = True) -> list[Shape]:
    """Return shapes fitted to one segment; none where too little is seen.

    Args:
        evidence: of the segment, in a world whose y is up.
        has_ground: whether y = 0 is the ground.
        with_round: whether cylinders, cones and turned solids are among them.
    """
    if len(evidence.points) < LEAST_POINTS:
        return []
    bottom = find_bottom(evidence, has_ground)
    shapes: list[Shape] = []
    for axes in find_axes(evidence):
        seen = measure_extent(evidence, axes, bottom)
        shapes += fit_boxes(evidence, seen)
        shapes += fit_height_profiles(evidence, seen)
    if with_round:
        shapes += fit_revolution(evidence, bottom)
        shapes += fit_lathe(evidence, bottom)
    return shapes


def find_bottom(evidence: Evidence, has_ground: bool) -> float:
    """Return the height on which the segment stands: the ground where it comes near it, else its lowest point."""
    y = evidence.points[:, 1]
    low, high = find_ends(y)
    nearest_ground = 0.12 * (high - low) + 0.01 * evidence.distance
    return 0.0 if has_ground and low < nearest_ground else float(low)


def find_axes(evidence: Evidence) -> list[np.ndarray]:
    """Return upright axes (3, 3) whose z is a level direction towards the camera: from seen sides, and from extent."""
    normals, points = evidence.normals, evidence.points
    angles = []
    with np.errstate(invalid="ignore"):
        standing = np.abs(normals[:, 1]) < UPRIGHT
    if standing.sum() >= max(12, FACE_SHARE * len(points)):
        angles.append(_strongest_angle(np.arctan2(normals[standing, 0], normals[standing, 2])))
    level = points[:, [0, 2]].astype(np.float32)
    low, high = np.stack([find_ends(values, (0.02, 0.98)) for values in level.T], axis=1)
    rect = cv2.minAreaRect(level[((level >= low) & (level <= high)).all(1)])
    angles.append(-np.radians(rect[2]))
    distinct = [a for k, a in enumerate(angles) if all(_turn_between(a, b) > np.radians(4) for b in angles[:k])]
    towards = evidence.eye - points.mean(0)
    return [_turn_towards(angle, towards) for angle in distinct]


def _turn_towards(angle: float, towards: np.ndarray) -> np.ndarray:
    """Return upright axes at an angle, turned by quarters until their z points most towards something."""
    quarter = np.pi / 2
    angle += quarter * round((np.arctan2(towards[0], towards[2]) - angle) / quarter)
    return upright_axes(np.array([np.sin(angle), 0, np.cos(angle)]))


def _strongest_angle(angles: np.ndarray) -> float:
    """Return the direction that most agree on, of angles that are the same every quarter turn."""
    quarter = np.degrees(angles) % 90
    counts = np.bincount((quarter / 2).astype(int) % 45, minlength=45).astype(float)
    smooth = counts + 0.5 * (np.roll(counts, 1) + np.roll(counts, -1))
    peak = 2 * float(np.argmax(smooth)) + 1
    away = (quarter - peak + 45) % 90 - 45
    near = np.abs(away) < 8
    return float(np.radians(peak + np.median(away[near])))


def _turn_between(a: float, b: float) -> float:
    quarter = np.pi / 2
    return abs((a - b + quarter / 2) % quarter - quarter / 2)


@dataclass(frozen=True, eq=False)
class Extent:
    """What is seen of a segment along upright axes.

    Attributes:
        axes: (3, 3), columns x, y = up, z, as from ``find_axes``.
        local: (n, 3) the points along them.
        low, high: (3,) its ends, half a pixel beyond the outermost points, for there the outline runs; y from where it
            stands.
    """

    axes: np.ndarray
    local: np.ndarray
    low: np.ndarray
    high: np.ndarray


def measure_extent(evidence: Evidence, axes: np.ndarray, bottom: float) -> Extent:
    """Return the extent of a segment that stands at the height ``bottom``."""
    local = evidence.points @ axes
    low, high = np.stack([find_ends(values) for values in local.T], axis=1)
    low, high = low - evidence.half_pixel, high + evidence.half_pixel
    low[1] = bottom if bottom < high[1] else low[1]
    return Extent(axes, local, low, high)


def fit_boxes(evidence: Evidence, seen: Extent) -> Iterator[Shape]:
    """Yield the box along given axes, and the profile of its front pulled back as far."""
    axes, local, low, high = seen.axes, seen.local, seen.low.copy(), seen.high.copy()
    normals = evidence.normals @ axes
    for axis in range(3):
        for sign, ends in ((-1, low), (1, high)):
            with np.errstate(invalid="ignore"):
                facing = sign * normals[:, axis] > LEVEL
            if facing.sum() > max(12, FACE_SHARE * len(local)):
                place = float(np.median(local[facing, axis]))
                # A face in the middle of the extent is a seat or a step, not the end of the box.
                if abs(place - ends[axis]) < 0.15 * (high[axis] - low[axis]) + evidence.half_pixel:
                    ends[axis] = place
    source = _extend_hidden(evidence, axes, low, high)
    if _is_degenerate(high - low):
        return
    yield make_box(axes, low, high, source)
    with np.errstate(invalid="ignore"):
        front = normals[:, 2] > LEVEL
    if front.sum() > 0.3 * len(local):
        yield from _fit_profile(evidence, axes, local, front, low, high, source)


def _is_degenerate(size: np.ndarray) -> bool:
    """Return whether a box (3,) is thinner than a card."""
    return bool(size.min() <= THINNEST * np.median(size))


def _extend_hidden(evidence: Evidence, axes: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    """Move the far end along a level axis of which only one face is seen; return where the thickness comes from.

    It stops at what is seen behind: a picture is no thicker than the gap to its wall.
    """
    size = high - low
    flat = 0 if size[0] < size[2] else 2
    smaller = min(size[2 - flat], size[1])
    if size[flat] >= SEEN_SHARE * smaller:
        return "seen: its sides or top"
    eye = float(evidence.eye @ axes[:, flat])
    expected_m = expect_thickness(evidence.label, float(size[2 - flat]) * evidence.metres)
    guess = PRIOR_SHARE * smaller if expected_m is None else expected_m / evidence.metres
    wanted = max(guess, float(size[flat]))
    from_high = eye > (low[flat] + high[flat]) / 2
    room = _room_behind(evidence.behind @ axes, flat, low, high, from_high)
    thickness = max(min(wanted, room), float(size[flat]), 2 * THINNEST * smaller)
    if from_high:
        low[flat] = high[flat] - thickness
    else:
        high[flat] = low[flat] + thickness
    if room < wanted:
        return "seen: the gap behind it"
    return (
        f"prior: {PRIOR_SHARE:g} of the smaller side" if expected_m is None else f"prior: usual for a {evidence.label}"
    )


def _room_behind(behind: np.ndarray, flat: int, low: np.ndarray, high: np.ndarray, from_high: bool) -> float:
    """Return how far behind a face the next thing is seen; infinite where it is not seen on both sides of the face."""
    other, size = 2 - flat, high - low
    near = (behind > low - BESIDE * size) & (behind < high + BESIDE * size)
    behind = behind[near[:, other] & near[:, 1] & (behind[:, 1] > low[1] + BESIDE * size[1])]
    left = behind[:, other] < (low[other] + high[other]) / 2
    gaps = high[flat] - behind[:, flat] if from_high else behind[:, flat] - low[flat]
    if min(np.count_nonzero(left & (gaps > 0)), np.count_nonzero(~left & (gaps > 0))) < 4:
        return np.inf
    return float(np.quantile(gaps[gaps > 0], 0.25))


def _fit_profile(
    evidence: Evidence,
    axes: np.ndarray,
    local: np.ndarray,
    front: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    source: str,
) -> Iterator[Shape]:
    """Yield what the face towards the camera shows, pulled back: gables, sofas and cars seen from one side."""
    outline = _trace(local[front][:, :2], low[:2], high[:2])
    if outline is not None:
        place = float(np.median(local[front, 2]))
        if place - low[2] > THINNEST * (high[2] - low[2]):
            yield make_profile(axes, outline, low[2], place, source)


def _trace(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray | None:
    """Return the (N, 2) outline, counter-clockwise, of the area that (n, 2) points fill; None for a mere speck."""
    size = 48
    scale = size / max(high - low)
    cells = np.floor((points - low) * scale).astype(int).clip(0, size - 1)
    around = 4  # empty cells, or what the closing adds at the picture's border would stay
    image = np.zeros((size + 2 * around, size + 2 * around), np.uint8)
    image[cells[:, 1] + around, cells[:, 0] + around] = 1
    image = cv2.morphologyEx(image, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(image, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea, default=None)
    if largest is None or cv2.contourArea(largest) < 16:
        return None
    corners = cv2.approxPolyDP(largest, 1.2, True)[:, 0].astype(np.float64)
    middle = corners.mean(0)
    # Contours run through the middles of cells: grow by half a cell.
    corners = middle + (corners - middle) * (1 + 1 / np.maximum(np.ptp(corners, axis=0), 1))
    outline = low + (corners + 0.5 - around) / scale
    # What ends within a cell of the extent ends there: feet stand on the ground.
    outline = np.where(outline < low + 1 / scale, low, np.where(outline > high - 1 / scale, high, outline))
    outline = outline[(outline != np.roll(outline, 1, axis=0)).any(axis=1)]
    if len(outline) < 3 or not shapely.is_valid(shapely.Polygon(outline)):
        return None
    x, y = outline.T
    return outline if np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0 else outline[::-1]


def fit_revolution(evidence: Evidence, bottom: float) -> Iterator[Shape]:
    """Yield the upright cylinder or cone whose side points are centre + radius(height) * normal, by least squares."""
    with np.errstate(invalid="ignore"):
        side = np.abs(evidence.normals[:, 1]) < 0.75
    if side.sum() < max(LEAST_POINTS, 0.4 * len(evidence.points)):
        return
    points, normals = evidence.points[side], evidence.normals[side][:, [0, 2]]
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    low, high = find_ends(evidence.points[:, 1])
    share = (points[:, 1] - low) / max(high - low, 1e-9)
    ones, zeros = np.ones(len(points)), np.zeros(len(points))
    columns = np.stack(
        [
            np.column_stack([ones, zeros, normals[:, 0] * (1 - share), normals[:, 0] * share]),
            np.column_stack([zeros, ones, normals[:, 1] * (1 - share), normals[:, 1] * share]),
        ]
    )
    solution = _solve_robustly(columns, points[:, [0, 2]].T)
    if solution is None:
        return
    centre, radii = solution[:2], solution[2:]
    width = float(np.ptp(find_ends(points[:, [0, 2]] @ _across(evidence))))
    if min(radii) < -0.05 * width or not 0.25 * width < max(radii) < 1.2 * width:
        return
    radii = np.maximum(radii, 0)
    apex = radii[1] / max(radii[0] - radii[1], 1e-9) * (high - low)
    if apex < TIP * (high - low):  # too few pixels show a tip for its end to be seen
        high, radii[1] = high + apex, 0.0
    foot = min(bottom, low)
    grown = radii[0] + (radii[0] - radii[1]) * (low - foot) / max(high - low, 1e-9)
    yield make_revolution(centre, foot, float(high), (float(max(grown, 0)), float(radii[1])), "seen: its curvature")
    mean = float(radii.mean())
    yield make_revolution(centre, foot, float(high), (mean, mean), "seen: its curvature")


def _across(evidence: Evidence) -> np.ndarray:
    """Return (2,) the level direction across the view, as world x and z."""
    towards = (evidence.eye - evidence.points.mean(0))[[0, 2]]
    return np.array([-towards[1], towards[0]]) / max(float(np.linalg.norm(towards)), 1e-9)


def _solve_robustly(columns: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """Return the (k,) least-squares solution of (m, n, k) columns and (m, n) values, far points weighted down."""
    weights = np.ones(values.shape[1])
    for _ in range(5):
        rows = (columns * weights[:, None]).reshape(-1, columns.shape[2])
        solution, _, rank, _ = np.linalg.lstsq(rows, (values * weights).reshape(-1), rcond=1e-9)
        if rank < columns.shape[2]:
            return None
        away = np.linalg.norm(np.einsum("mnk,k->mn", columns, solution) - values, axis=0)
        weights = 1 / (1 + (away / max(1.5 * float(np.median(away)), 1e-9)) ** 2)
    return solution


def fit_lathe(evidence: Evidence, bottom: float) -> Iterator[Shape]:
    """Yield ellipses as wide as the outline at each height, about one upright axis, round and flat ones."""
    points = evidence.points
    towards = (evidence.eye - points.mean(0))[[0, 2]]
    towards /= np.linalg.norm(towards)
    sideways = _across(evidence)
    across, near = points[:, [0, 2]] @ sideways, points[:, [0, 2]] @ towards
    low, high = find_ends(points[:, 1], (0.002, 0.998))
    bands = np.linspace(low, high, LATHE_BANDS + 1)
    number = np.searchsorted(bands, points[:, 1]) - 1
    used, left = _quantile_by(number, across, 0.0, LATHE_BANDS)
    _, right = _quantile_by(number, across, 1.0, LATHE_BANDS)
    _, fronts = _quantile_by(number, near, 0.95, LATHE_BANDS)
    if len(used) < 3:
        return
    heights, middles, radii = (bands[used] + bands[used + 1]) / 2, (left + right) / 2, (right - left) / 2
    half = evidence.half_pixel
    ends = radii[[0, -1]] + (radii[[0, -1]] - radii[[1, -2]]) / 2
    radii = np.array([ends[0], *radii, ends[1]]) + half
    heights = np.array([min(bottom, low), *heights, high + half])
    middles, fronts = (np.array([values[0], *values, values[-1]]) for values in (middles, fronts))
    radii = np.maximum(radii, half)
    keep = _corners(np.column_stack([heights, middles, radii]), 0.02 * (high - low))
    for flatness in LATHE_FLATNESS:
        axis = float(np.average(fronts - flatness * radii, weights=radii))
        centres = middles[:, None] * sideways + axis * towards
        yield make_lathe(
            centres[keep], heights[keep], radii[keep], flatness, sideways, f"as deep as {flatness:g} of its width"
        )


def find_ends(values: np.ndarray, shares: tuple[float, float] = EXTENT) -> np.ndarray:
    """Return (2,) the values (n,) below which two shares of them lie."""
    first, second = (round(share * (len(values) - 1)) for share in shares)
    return np.partition(values, (first, second))[[first, second]]


def _quantile_by(number: np.ndarray, values: np.ndarray, share: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers 0..count - 1 that occur three times or more, and the quantile of the values of each."""
    order = np.argsort(values)
    order = order[np.argsort(number[order].astype(np.int16), kind="stable")]
    starts = np.searchsorted(number[order], np.arange(count + 1))
    used = np.flatnonzero(np.diff(starts) >= 3)
    within = np.rint(share * (starts[used + 1] - starts[used] - 1)).astype(int)
    return used, values[order[starts[used] + within]]


def _corners(line: np.ndarray, tolerance: float) -> list[int]:
    """Return the numbers of the points (n, k) of a line without which it would move by more than a tolerance."""
    keep, todo = {0, len(line) - 1}, [(0, len(line) - 1)]
    while todo:
        a, b = todo.pop()
        if b - a < 2:
            continue
        share = (line[a + 1 : b, 0] - line[a, 0]) / (line[b, 0] - line[a, 0])
        away = np.abs(line[a + 1 : b] - line[a] - np.outer(share, line[b] - line[a]))
        worst, _ = divmod(int(away.argmax()), line.shape[1])
        if away[worst].max() > tolerance:
            keep.add(a + 1 + worst)
            todo += [(a, a + 1 + worst), (a + 1 + worst, b)]
    return sorted(keep)


def fit_height_profiles(evidence: Evidence, seen: Extent) -> Iterator[Shape]:
    """Yield solids whose height changes along one level axis only: sofas, beds, cars and gabled houses."""
    axes, local, low, high = seen.axes, seen.local, seen.low.copy(), seen.high.copy()
    bottom = low[1]
    source = _extend_hidden(evidence, axes, low, high)
    if _is_degenerate(high - low):
        return
    for along in (0, 2):
        edges = np.linspace(low[along], high[along], PROFILE_BINS + 1)
        number = np.clip(np.searchsorted(edges, local[:, along]) - 1, 0, PROFILE_BINS - 1)
        known, tops = _quantile_by(number, local[:, 1], 0.97, PROFILE_BINS)
        if len(known) < 0.6 * PROFILE_BINS:
            continue
        tops = np.interp(np.arange(PROFILE_BINS), known, tops)
        places = (edges[1:] + edges[:-1]) / 2
        places[0], places[-1] = edges[0], edges[-1]
        keep = _corners(np.column_stack([places, tops]), 0.05 * (high[1] - bottom))
        if len(keep) < 3 or tops.min() <= bottom:
            continue
        across = 2 - along
        # Seen along the other axis the profile's plane has x = +-along and y up.
        turn = axes if along == 0 else np.column_stack([-axes[:, 2], axes[:, 1], axes[:, 0]])
        sign = 1.0 if along == 0 else -1.0
        outline = np.column_stack([sign * places[keep], tops[keep]])
        outline = (
            np.vstack([[outline[0, 0], bottom], [outline[-1, 0], bottom], outline[::-1]])
            if sign > 0
            else np.vstack([[outline[-1, 0], bottom], [outline[0, 0], bottom], outline])
        )
        yield make_profile(turn, outline, low[across], high[across], source)
