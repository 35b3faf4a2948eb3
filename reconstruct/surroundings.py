"""Ground, walls and ceilings -> slabs that go on behind what stands before them, to the frame and to each other.

What is seen of a plane keeps its exact outline. What is hidden of it is decided on a small grid: a pixel's ray may meet
the plane where a thing stands nearer; of several planes the nearest one closes the view.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import cv2
import numpy as np
import shapely

from .clean_plate import CleanPlate
from .outlines import Outline, trace_outlines
from .pieces import open_saddles
from .planes import fit_plane, mean_error
from .scene import Prism, Scene
from .slabs import Region, SlabPlane, make_slabs
from .surroundings_grid import Grid, Seen, lay_grid, look_at

TOLERANCE_PX = 1.5  # of the grid: furthest that a hidden edge may leave its border there
UPRIGHT_SET = re.compile(r"\b(wall|ceiling)s?\b")
# Mean relative depth error of a slab: always well; over that of what it replaces; at most.
ON_PLANE, WORSE, WORST = 0.01, 0.003, 0.03
SNAP_HEIGHT = 0.02  # of the camera's height: level ground nearer to y = 0 lies there
# A plane ends this much beyond the furthest depth seen of it, yet between so many times nearly the furthest one.
BEYOND, REACH = 1.2, (3.0, 8.0)
MOST_LOST = (0.01, 0.1)  # of what is seen of a plane, beyond its reach
TOUCHING = 1e-4  # relative: a thing this little before a plane stands on it
SAME_DEPTH = 0.03  # relative: two grounds this near to each other share what is hidden by the way to what is seen
MOST_OF_ALL = 0.98  # of what stands in reach: so far level ground goes on
WIDE = np.ones((1, 3), np.uint8)  # of the grid, at least, what that is hidden by; few rows show what is far off
LEAKING, LEAKS = 2e-3, 5e-4  # nearer than others by so much is seen; so large a share of the grid may be
TRIALS = 3  # of a slab, each without what of the one before was seen


@dataclass(frozen=True, eq=False)
class _Member:
    """A plane of the set, its segment's number, (h, w) bool, what the grid sees of it, and how far feet sink."""

    number: int
    plane: SlabPlane
    own: np.ndarray
    sunk: float

    @property
    def is_level(self) -> bool:
        return bool(self.plane.away_world[1] == -1)


def close_set(scene: Scene, seen: Seen) -> Scene:
    """Replace ground, walls and ceilings by slabs, wherever no other segment is seen differently for it.

    Args:
        scene: as its prisms were made, in the unit of ``seen.z``.
        seen: what they were made from.

    Returns:
        The scene; a plane whose slab would show before something else keeps its prisms.
    """
    grid = lay_grid(scene.camera, seen)
    members = [
        m for k, prism in enumerate(scene.prisms) if (m := _find_plane(scene, prism, k, grid, seen.error)) is not None
    ]
    if not members:
        return scene
    planes = {member.number for member in members}
    things = look_at(scene, (p for k, p in enumerate(scene.prisms) if k not in planes), grid)
    labels = _share_out(members, grid, things)
    regions = _trace(labels, members, grid, things, seen)
    prisms = list(scene.prisms)
    slabs = set()
    for number, (member, region) in enumerate(zip(members, regions, strict=True)):
        old = prisms[member.number]
        most = _find_leaks(scene, old, number, members, grid, things).mean() + LEAKS
        for _ in range(TRIALS):
            new = make_slabs(old, region, member.plane, scene.camera, scene.world_from_camera)
            if new is None:
                break
            leaks = _find_leaks(scene, new, number, members, grid, things)
            if leaks.mean() <= most:
                prisms[member.number] = new
                slabs.add(number)
                break
            region = _without(region, leaks, seen.ids.shape)
    return replace(scene, prisms=tuple(prisms), plate=_make_plate(scene, seen, members, labels, slabs))


def _make_plate(
    scene: Scene, seen: Seen, members: list[_Member], labels: np.ndarray, slabs: set[int]
) -> CleanPlate | None:
    """Return the clean plate of the planes, by number, that became slabs; None for none."""
    if not slabs:
        return None
    own = np.any([members[number].own for number in slabs], axis=0)
    owners = {members[number].number for number in slabs}
    leaves = tuple(leaf for leaf, owner in seen.owner.items() if owner in owners)
    hidden = np.where(np.isin(labels, list(slabs)), labels, -1)
    return CleanPlate(scene.photo.rgb, seen.ids, leaves, hidden, own)


def _find_plane(scene: Scene, prism: Prism, number: int, grid: Grid, depth_error: float) -> _Member | None:
    """Return the plane of a segment that belongs to the set and lies on one plane."""
    upright = prism.kind == "structure" and UPRIGHT_SET.search(prism.label.lower())
    own = grid.owner == number
    known = own & np.isfinite(grid.z)
    if not (prism.kind == "ground" or upright) or known.sum() < 12:
        return None
    rays, z = grid.rays[known], grid.z[known]
    rotation, eye = scene.world_from_camera[:3, :3], scene.world_from_camera[:3, 3]
    if prism.kind == "ground":
        if not scene.has_ground:
            return None
        height = float(np.median((rays * z[:, None]) @ rotation[1] + eye[1]))
        height = 0.0 if abs(height) < SNAP_HEIGHT * eye[1] else height
        if height >= eye[1]:
            return None
        w, away = rotation[1] / (height - eye[1]), np.array([0.0, -1.0, 0.0])
    else:
        plane = fit_plane(rays, z)
        w, away = plane.w, -rotation @ plane.normal
        away = np.array([0.0, 1.0, 0.0]) if away[1] > 0.7 else away * [1, 0, 1]
        if np.linalg.norm(away) < 0.7:
            return None
        away = away / np.linalg.norm(away)
    error = mean_error(z * (rays @ w) - 1)
    present = look_at(scene, [prism], grid)[known] / z - 1
    if error > max(depth_error, min(WORST, max(ON_PLANE, mean_error(present) + WORSE))):
        return None
    far, median, furthest = np.quantile(z, [0.98, 0.5, 1]).tolist()
    reach = min(max(REACH[0] * far, BEYOND * furthest), REACH[1] * far)
    lost = float(np.clip(depth_error, *MOST_LOST))  # doubtful depth takes things for ground that reach over its horizon
    sunk = depth_error if prism.kind == "ground" else 0.0  # feet sink into the ground: a hole there would be worse
    return _Member(number, SlabPlane(w, away, median, far, reach, lost), own, sunk)


def _depth_of(member: _Member, grid: Grid) -> np.ndarray:
    """Return (h, w) the depth at which each pixel's ray meets a plane, inf where it does not within reach."""
    inverse = grid.rays @ member.plane.w
    return np.where(inverse * member.plane.furthest >= 1, 1 / np.maximum(inverse, 1e-12), np.inf)


def _share_out(members: list[_Member], grid: Grid, things: np.ndarray) -> np.ndarray:
    """Return (h, w) int, the number in ``members`` of the plane behind each pixel, seen or hidden, else -1."""
    depth = np.stack([_depth_of(member, grid) for member in members])
    # In a room two planes that a ray meets close it off. Elsewhere nothing says that a wall goes on for ever.
    closed = (np.isfinite(depth).sum(axis=0) > 1) & (not grid.sky.any())
    within = np.stack([_find_extent(member, grid, things) for member in members])
    level = np.array([member.is_level for member in members])
    sunk = np.array([member.sunk for member in members])[:, None, None]
    depth[~(within | closed) | (depth < things * (1 + TOUCHING - sunk))] = np.inf
    away = np.stack([cv2.distanceTransform((~member.own).astype(np.uint8), cv2.DIST_L2, 3) for member in members])
    best, first = depth.min(axis=0), depth.argmin(axis=0)
    tied = (depth <= best * (1 + SAME_DEPTH)) & (level[:, None, None] & level[first] | (depth == best))
    hidden = np.where(np.isfinite(best) & np.isfinite(things), np.where(tied, away, np.inf).argmin(axis=0), -1)
    seen = np.stack([member.own for member in members])
    return np.where(seen.any(axis=0), seen.argmax(axis=0), hidden)


def _find_extent(member: _Member, grid: Grid, things: np.ndarray) -> np.ndarray:
    """Return (h, w) bool, where a plane may be: in the convex hull of what is seen of it.

    Ground is everywhere that near, and goes on behind what is not all too narrow, as far as anything stands on it.
    """
    row, column = np.nonzero(member.own)
    mask = np.zeros(grid.z.shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.column_stack([column, row]).astype(np.int32)), 1)
    if member.is_level:
        inverse = grid.rays @ member.plane.w
        stands = grid.z[np.isfinite(grid.z) & ~grid.sky & (grid.z < member.plane.furthest)]
        on = (inverse < 1 / member.plane.far) & (inverse >= 1 / np.quantile(stands, MOST_OF_ALL))
        behind = (on & (inverse <= 1 / things)).astype(np.uint8)
        mask |= (inverse >= 1 / member.plane.far) | cv2.morphologyEx(behind, cv2.MORPH_OPEN, WIDE).view(bool)
    return mask.view(bool)


def _trace(labels: np.ndarray, members: list[_Member], grid: Grid, things: np.ndarray, seen: Seen) -> list[Region]:
    """Return for each plane where the photo shows or hides it, px: its exact outline and what is hidden of it."""
    numbered = np.ones(labels.shape, np.int32)
    planes = []
    for number, member in enumerate(members):
        count, pieces = cv2.connectedComponents((labels == number).astype(np.uint8), connectivity=4)
        for piece in range(1, count):
            if (member.own & (pieces == piece)).any():
                planes.append(number)
                numbered[pieces == piece] = 1 + len(planes)
    open_saddles(numbered)
    ratio = np.array(seen.ids.shape[::-1]) / labels.shape[::-1]
    traced = [(planes[o.id - 2], _polygon(o, ratio)) for o in trace_outlines(numbered, TOLERANCE_PX) if o.id > 1]
    outlines = {outline.id: _polygon(outline) for outline in seen.outlines}
    numbers = {member.number for member in members}
    regions = []
    for number, member in enumerate(members):
        own = shapely.union_all([shape for leaf, shape in outlines.items() if seen.owner.get(leaf) == member.number])
        before = _find_hiding(member, grid, things)
        in_view = [shape for leaf, shape in outlines.items() if leaf not in before or seen.owner.get(leaf) in numbers]
        hidden = shapely.union_all([shape for plane, shape in traced if plane == number])
        regions.append(Region(own, hidden, shapely.union_all(in_view).difference(own), float(ratio.max())))
    return regions


def _find_hiding(member: _Member, grid: Grid, things: np.ndarray) -> set[int]:
    """Return the leaves that stand before a plane over most of where it could be."""
    depth = _depth_of(member, grid)
    hit = np.isfinite(depth)
    could = np.bincount(grid.ids[hit])
    hides = np.bincount(grid.ids[hit & (things < depth)], minlength=len(could))
    return set(np.flatnonzero(hides > could / 2).tolist())


def _polygon(outline: Outline, ratio: np.ndarray | float = 1.0) -> shapely.Polygon:
    rings = [ring * ratio for ring in outline.rings()]
    return shapely.Polygon(rings[0], rings[1:])


def _without(region: Region, leaks: np.ndarray, size: tuple[int, ...]) -> Region:
    """Return a region that does not go on where its slab was seen, (h, w) bool, nor right beside."""
    row, column = np.nonzero(cv2.dilate(leaks.view(np.uint8), np.ones((3, 3), np.uint8)))
    down, right = size[0] / leaks.shape[0], size[1] / leaks.shape[1]
    cells = shapely.box(column * right, row * down, (column + 1) * right, (row + 1) * down)
    wider = shapely.union_all(cells).buffer(right / 3, join_style="mitre")  # cells that met at a corner would pinch it
    return replace(region, hidden=region.hidden.difference(wider))


def _find_leaks(
    scene: Scene, prism: Prism, number: int, members: list[_Member], grid: Grid, things: np.ndarray
) -> np.ndarray:
    """Return (h, w) bool, where a plane is seen before, or in place of, another segment."""
    others = things * (1 - members[number].sunk)
    for k, member in enumerate(members):
        if k != number:
            others = np.minimum(others, np.where(member.own, _depth_of(member, grid), np.inf))
    with np.errstate(invalid="ignore"):
        shows = look_at(scene, [prism], grid) < others * (1 - LEAKING)
    # Where a thing's solid falls short of its segment, a plane behind it is better than nothing.
    return np.asarray(shows & ~members[number].own & (grid.sky | np.isfinite(others)))
