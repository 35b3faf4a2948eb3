"""Evidence -> boxes turned about the vertical, and profiles pulled along a level axis: gables, sofas and cars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import shapely

from .evidence import Evidence
from .extents import FACE_SHARE, LEAST_POINTS, Extent, keep_corners
from .order import median, quantile_by, thin
from .priors import expect_thickness
from .shapes import Shape, make_box, make_profile

LEVEL = 0.8  # |y| of a normal above which a face lies flat
SEEN_SHARE = 0.25  # of the smaller side of the face: a smaller depth than this is noise, not a side
PROFILE_BINS = 20
TOP, TOP_SHARE = 0.15, 0.1  # of the height: what lies level above that is the top; its least share of the points
THINNEST = 0.01  # of the middle one of its sides
BESIDE = 0.15  # of a face: as far beyond its edges what lies behind it is looked for
PRIOR_SHARE = 0.6  # thickness of what shows one face only, of that face's smaller side


def fit_boxes(evidence: Evidence, seen: Extent) -> Iterator[Shape]:
    """Yield the box along given axes, and the profile of its front pulled back as far."""
    axes, local, low, high = seen.axes, seen.local, seen.low.copy(), seen.high.copy()
    normals = evidence.normals @ axes
    for axis in range(3):
        for sign, ends in ((-1, low), (1, high)):
            with np.errstate(invalid="ignore"):
                facing = sign * normals[:, axis] > LEVEL
            if facing.sum() > max(LEAST_POINTS, FACE_SHARE * len(local)):
                place = median(local[facing, axis])
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
    least, middle, _ = sorted(size.tolist())
    return bool(least <= THINNEST * middle)


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
        place = median(local[front, 2])
        if place - low[2] > THINNEST * (high[2] - low[2]):
            yield make_profile(axes, outline, low[2], place, source)


def fit_footprint(evidence: Evidence, seen: Extent) -> Iterator[Shape]:
    """Yield what the top shows, pulled down to where the segment stands: counters, corner sofas, L-shaped blocks."""
    axes, local, low, high = seen.axes, seen.local, seen.low, seen.high
    with np.errstate(invalid="ignore"):
        is_top = (evidence.normals[:, 1] > LEVEL) & (local[:, 1] > high[1] - TOP * (high[1] - low[1]))
    if is_top.sum() < max(LEAST_POINTS, TOP_SHARE * len(local)):
        return
    flat = np.array([[1.0, 0, 0], [0, 0, -1]])  # x and away from the camera, seen from above
    ends = np.sort(flat @ np.column_stack([low, high]), axis=1)
    outline = _trace(local[is_top] @ flat.T, ends[:, 0], ends[:, 1])
    if outline is not None:
        top = median(local[is_top, 1])
        lying = np.column_stack([axes[:, 0], -axes[:, 2], axes[:, 1]])
        block = make_profile(lying, outline, float(low[1]), top, "seen: its top")
        yield replace(block, thickness=float(np.ptp(outline[:, 1])))


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
    # What ends within a cell of the extent ends there: feet stand on the ground, hidden ones too.
    lowest = np.array([low[0], max(low[1], points[:, 1].min())])
    outline = np.where(outline < lowest + 1 / scale, low, np.where(outline > high - 1 / scale, high, outline))
    outline = outline[(outline != np.roll(outline, 1, axis=0)).any(axis=1)]
    if len(outline) < 3 or not shapely.is_valid(shapely.Polygon(outline)):
        return None
    x, y = outline.T
    return outline if np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) > 0 else outline[::-1]


def fit_height_profiles(evidence: Evidence, seen: Extent) -> Iterator[Shape]:
    """Yield solids whose height changes along one level axis only: sofas, beds, cars and gabled houses."""
    axes, local, low, high = seen.axes, thin(seen.local), seen.low.copy(), seen.high.copy()
    bottom = low[1]
    source = _extend_hidden(evidence, axes, low, high)
    if _is_degenerate(high - low):
        return
    for along in (0, 2):
        edges = np.linspace(low[along], high[along], PROFILE_BINS + 1)
        number = ((local[:, along] - low[along]) / (edges[1] - edges[0])).astype(int).clip(0, PROFILE_BINS - 1)
        known, tops = quantile_by(number, local[:, 1], 0.97, PROFILE_BINS)
        if len(known) < 0.6 * PROFILE_BINS:
            continue
        tops = np.interp(np.arange(PROFILE_BINS), known, tops)
        places = (edges[1:] + edges[:-1]) / 2
        places[0], places[-1] = edges[0], edges[-1]
        keep = keep_corners(np.column_stack([places, tops]), 0.05 * (high[1] - bottom))
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
