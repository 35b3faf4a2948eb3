"""Borders -> one outline a segment, simplified so that neighbours still share every point.

Each arc between two junctions is simplified on its own, once, so both of its segments get the same points. Where a
simplified outline would touch or cross itself, its arcs keep the corners of the pixel border near that place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import shapely

from .borders import OUTSIDE, Arc, trace_borders
from .straighten import straighten

TOLERANCE_OF_SIZE = 0.14  # of the side of a square as large as the segment
LEAST_TOLERANCE_PX = 0.75  # flattens the steps of a slanted border
RAGGED_POINTS, RAGGED_EDGE = 16, 6.0  # more corners than this, and edges shorter than so many tolerances: foliage
RAGGED_TOLERANCE = 2.0  # times that of other borders
REPAIR_PX = 0.05  # opens a pinched corner
TOUCH_PX = 1e-3
ROUNDS = 12  # of keeping more corners, before an arc goes back to its pixel border


@dataclass(frozen=True, eq=False)
class Outline:
    """The border of a segment in the photo.

    Attributes:
        id: of the segment.
        points: (N, 2) float64, (x, y) px, pixel centres at +0.5; rings one after another, the outer one first. Seen on
            the picture the outer ring runs counter-clockwise and holes clockwise.
        ring_sizes: number of points of each ring.
    """

    id: int
    points: np.ndarray
    ring_sizes: tuple[int, ...]

    def rings(self) -> list[np.ndarray]:
        """Return the rings, each (n, 2)."""
        return np.split(self.points, np.cumsum(self.ring_sizes)[:-1])


def trace_outlines(ids: np.ndarray, tolerance_px: float) -> list[Outline]:
    """Trace and simplify the outline of every segment.

    Args:
        ids: (H, W) int32, above 0; each segment in one 4-connected piece (of several, the largest is taken).
        tolerance_px: furthest that an outline may leave the pixel border.

    Returns:
        One outline for each id, in rising order, each a valid polygon.
    """
    arcs = trace_borders(ids)
    rings = {id_: keep_largest(arcs, found) for id_, found in find_rings(arcs).items()}
    tolerances = choose_tolerances(arcs, rings, tolerance_px)
    kept = [{0, len(arc.points) - 1} for arc in arcs]
    borders = [arc.points for arc in arcs]
    simple = [simplify(border, tolerance) for border, tolerance in zip(borders, tolerances, strict=True)]
    for k in find_ragged(simple, tolerances):
        tolerances[k] *= RAGGED_TOLERANCE
        simple[k] = simplify(borders[k], tolerances[k])
    lines = straighten(borders, simple, np.array([arc.is_loop for arc in arcs], bool), tolerances)
    outlines: dict[int, Outline] = {}
    pending = sorted(rings)
    for round_ in range(ROUNDS + 1):
        for id_ in pending:
            outlines[id_] = _join(id_, rings[id_], lines)
        valid = are_valid([outlines[id_] for id_ in pending])
        pending = [id_ for id_, is_valid in zip(pending, valid, strict=True) if not is_valid]
        if not pending:
            break
        faulty: dict[int, int] = {}
        for id_ in pending:
            faulty |= find_conflict(outlines[id_], rings[id_], arcs, lines)
        for index, corner in faulty.items():
            if round_ == ROUNDS - 1:
                tolerances[index] = 0
            elif corner in kept[index]:
                tolerances[index] /= 2
            kept[index].add(corner)
            lines[index] = simplify_between(arcs[index].points, sorted(kept[index]), tolerances[index])
        # An arc that changed changes the segment on its other side as well.
        pending = sorted(id_ for id_, found in rings.items() if any(i >> 1 in faulty for ring in found for i in ring))
    outlines.update({id_: _repair(outlines[id_]) for id_ in pending})
    return [outlines[id_] for id_ in sorted(outlines)]


def choose_tolerances(arcs: list[Arc], rings: dict[int, list[list[int]]], tolerance_px: float) -> np.ndarray:
    """Return (len(arcs),) px: a small segment's border is kept more closely than a large one's."""
    tolerances = np.full(len(arcs), tolerance_px)
    for found in rings.values():
        size = np.sqrt(signed_area(ring_points(arcs, found[0])))
        used = [index >> 1 for ring in found for index in ring]
        tolerances[used] = np.minimum(tolerances[used], TOLERANCE_OF_SIZE * size)
    return np.maximum(tolerances, LEAST_TOLERANCE_PX)


def find_ragged(lines: list[np.ndarray], tolerances: np.ndarray) -> list[int]:
    """Return the numbers of the simplified arcs that still wind to and fro: no corner of theirs matters."""
    winding = [k for k, line in enumerate(lines) if len(line) > RAGGED_POINTS]
    edges = [np.linalg.norm(np.diff(lines[k], axis=0), axis=1) for k in winding]
    return [k for k, edge in zip(winding, edges, strict=True) if edge.mean() < RAGGED_EDGE * tolerances[k]]


def find_rings(arcs: list[Arc]) -> dict[int, list[list[int]]]:
    """Join arcs to closed rings.

    Returns:
        For each id its rings, each a list of directed arcs: 2 k is arc k as walked, 2 k + 1 is arc k reversed. The
        segment lies on the left of each.
    """
    leaving = {}
    for k, arc in enumerate(arcs):
        leaving[(*arc.points[0].tolist(), arc.first)] = 2 * k
        leaving[(*arc.points[-1].tolist(), (arc.last + 2) % 4)] = 2 * k + 1
    rings = defaultdict(list)
    used = bytearray(2 * len(arcs))
    for start in range(2 * len(arcs)):
        arc = arcs[start >> 1]
        id_ = arc.right if start & 1 else arc.left
        if used[start] or id_ == OUTSIDE:
            continue
        ring, index = [], start
        while not used[index]:
            used[index] = True
            ring.append(index)
            index = index if arc.is_loop else _following(arcs, index, leaving)
        rings[id_].append(ring)
    return rings


def _following(arcs: list[Arc], index: int, leaving: dict[tuple[int, int, int], int]) -> int:
    """Return the directed arc that goes on around the same pixels: the leftmost one."""
    arc = arcs[index >> 1]
    end, direction = (arc.points[0], (arc.first + 2) % 4) if index & 1 else (arc.points[-1], arc.last)
    x, y = end.tolist()
    turns = ((x, y, (direction + turn) % 4) for turn in (3, 0, 1))
    return next(leaving[turn] for turn in turns if turn in leaving)


def keep_largest(arcs: list[Arc], rings: list[list[int]]) -> list[list[int]]:
    """Return the outer ring of the largest piece, then its holes."""
    points = [ring_points(arcs, ring) for ring in rings]
    areas = [signed_area(p) for p in points]
    outer = int(np.argmax(areas))
    holes = [k for k, area in enumerate(areas) if area < 0]
    if sum(area > 0 for area in areas) > 1:
        shell = points[outer].astype(np.float32)
        holes = [k for k in holes if cv2.pointPolygonTest(shell, tuple(points[k].mean(0).tolist()), False) >= 0]
    return [rings[outer], *(rings[k] for k in holes)]


def ring_points(arcs: list[Arc], ring: list[int]) -> np.ndarray:
    """Return the (N, 2) int32 px corners of a ring before any simplification."""
    return np.concatenate([_directed(arcs[index >> 1].points, index) for index in ring])


def signed_area(points: np.ndarray) -> float:
    """Return the area in px^2 inside a ring of (N, 2) picture points, positive when it is seen counter-clockwise."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    return float(np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)) / 2)


def simplify(points: np.ndarray, tolerance_px: float) -> np.ndarray:
    """Return the (M, 2) int32 points of an arc that stay within the tolerance; its ends always stay.

    Source: Douglas and Peucker 1973, through OpenCV; a closed arc is cut at the point furthest from its start.
    """
    if len(points) <= 2 or tolerance_px <= 0:
        return points
    if (points[0] != points[-1]).any():
        return cv2.approxPolyDP(points.reshape(-1, 1, 2), tolerance_px, False).reshape(-1, 2)
    cut = int(np.argmax(((points - points[0]).astype(np.int64) ** 2).sum(1)))
    return np.concatenate([simplify(points[: cut + 1], tolerance_px)[:-1], simplify(points[cut:], tolerance_px)])


def simplify_between(points: np.ndarray, kept: list[int], tolerance_px: float) -> np.ndarray:
    """Return the simplified points of an arc whose corners numbered ``kept``, its ends among them, must stay."""
    parts = [simplify(points[a : b + 1], tolerance_px) for a, b in pairwise(kept)]
    return np.concatenate([*(part[:-1] for part in parts[:-1]), parts[-1]])


def are_valid(outlines: list[Outline]) -> np.ndarray:
    """Return (len(outlines),) bool: whether each is a polygon whose rings do not cross or touch."""
    valid = np.zeros(len(outlines), bool)
    whole = [k for k, outline in enumerate(outlines) if min(outline.ring_sizes) >= 3]
    rings = [outlines[k].rings() for k in whole]
    polygons = np.array([shapely.Polygon(r[0], r[1:]) for r in rings], dtype=object)
    borders = np.array(
        [shapely.MultiLineString([np.vstack([ring, ring[:1]]) for ring in r]) for r in rings], dtype=object
    )
    valid[whole] = shapely.is_valid(polygons) & shapely.is_simple(borders)
    return valid


def find_conflict(outline: Outline, rings: list[list[int]], arcs: list[Arc], lines: list[np.ndarray]) -> dict[int, int]:
    """Find the arcs that meet where an invalid outline touches or crosses itself.

    Returns:
        By number of the arc, its corner nearest to that place: where it should keep to the pixel border.
    """
    found = outline.rings()
    place = None
    if min(outline.ring_sizes) >= 3:
        place = re.search(r"\[(\S+) (\S+)\]", shapely.is_valid_reason(shapely.Polygon(found[0], found[1:])))
    used = sorted({index >> 1 for ring in rings for index in ring})
    if place is None:  # collapsed, or rings that touch: the corner that the simplification moved most
        return {index: _furthest_corner(arcs[index].points, lines[index]) for index in used}
    point = np.array([float(place[1]), float(place[2])])
    away = shapely.distance(shapely.Point(point), [shapely.LineString(lines[index]) for index in used])
    near = [index for index, distance in zip(used, away, strict=True) if distance < TOUCH_PX]
    return {index: int(np.argmin(((arcs[index].points - point) ** 2).sum(1))) for index in near or used}


def _furthest_corner(points: np.ndarray, line: np.ndarray) -> int:
    return int(np.argmax(shapely.distance(shapely.LineString(line), shapely.points(points))))


def _directed(points: np.ndarray, index: int) -> np.ndarray:
    """Return the points of a directed arc without its last, which begins the next one."""
    return (points[::-1] if index & 1 else points)[:-1]


def _join(id_: int, rings: list[list[int]], lines: list[np.ndarray]) -> Outline:
    joined = [np.concatenate([_directed(lines[i >> 1], i) for i in ring]) for ring in rings]
    return Outline(id_, np.concatenate(joined).astype(np.float64), tuple(map(len, joined)))


def _repair(outline: Outline) -> Outline:
    """Return a valid polygon close to an outline that touches itself at a mere corner of two pixels."""
    rings = [ring for ring in outline.rings() if len(ring) >= 3]
    fixed = shapely.make_valid(shapely.Polygon(rings[0], rings[1:])).buffer(-REPAIR_PX, join_style="mitre")
    largest = max(shapely.get_parts(fixed), key=shapely.area)
    largest = shapely.geometry.polygon.orient(largest, -1.0)  # y points down: clockwise there is counter-clockwise seen
    joined = [np.array(ring.coords)[:-1] for ring in (largest.exterior, *largest.interiors)]
    return Outline(outline.id, np.concatenate(joined), tuple(map(len, joined)))
