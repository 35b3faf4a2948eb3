"""A plane and the region of the photo behind which it lies -> a slab, straight on the side that no one sees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from ..inference.prediction import Camera
from .frames import project, rays_through
from .outlines import Outline, are_valid
from .prisms import find_middle, plane_axes, triangulate
from .scene import Prism

THICKNESS = 0.03  # of the plane's median depth: a floor seen 5 m away is 0.15 m thick
OVERSHOOT = 0.015  # of half the frame: how far a slab may leave it
GRAIN_PX = 0.02  # nearer points than that are one
SOURCE = f"slab: {THICKNESS:g} of its median depth, within the frame"


@dataclass(frozen=True, eq=False)
class SlabPlane:
    """The face of a slab.

    Attributes:
        w: (3,) float64, points P on it have w . P = 1 in camera axes.
        away_world: (3,) unit vector, where the slab grows: down, up, or level away from the camera.
        median, far: depth of the middle, and nearly the furthest, of what is seen of it.
        furthest: depth at which it ends at the latest.
        most_lost: share of what is seen of it that may lie beyond.
    """

    w: np.ndarray
    away_world: np.ndarray
    median: float
    far: float
    furthest: float
    most_lost: float


@dataclass(frozen=True, eq=False)
class Region:
    """Where the photo shows a plane, and what else lies behind what stands before it.

    Attributes:
        own: px, the plane's outline as seen.
        hidden: px, where it goes on, known to ``grain_px``.
        others: px, what is seen and does not stand before the plane.
        grain_px: a narrower slit tells nothing.
    """

    own: shapely.Geometry
    hidden: shapely.Geometry
    others: shapely.Geometry
    grain_px: float


def make_slabs(
    prism: Prism, region: Region, plane: SlabPlane, camera: Camera, world_from_camera: np.ndarray
) -> Prism | None:
    """Return a segment as one slab, or as one for each of the pieces that nothing joins.

    Args:
        prism: of the segment as it was; gives names, label and colour.
        region: of the photo that the slabs cover.
        plane: of their faces.
        camera: of the photo.
        world_from_camera: (4, 4) rigid.

    Returns:
        A prism, or a group of pieces, in the world; None where the plane does not carry what is seen of it.
    """
    outlines = find_outlines(region, plane, camera)
    names = [below.name for below in prism.walk() if not below.children]
    if not outlines or len(outlines) > len(names):
        return None
    slabs = [_make_slab(prism, outline, plane, camera, world_from_camera) for outline in outlines]
    if len(slabs) == 1:
        return slabs[0]
    areas = np.array([_polygon(outline).area for outline in outlines])
    pieces = tuple(
        replace(slab, name=name, pixels=round(prism.pixels * share))
        for slab, name, share in zip(slabs, names, areas / areas.sum(), strict=False)
    )
    return replace(pieces[0], name=prism.name, pixels=prism.pixels, children=pieces)


def find_outlines(region: Region, plane: SlabPlane, camera: Camera) -> list[Outline]:
    """Return the outlines of a plane's pieces, the largest first; none where much of what is seen is out of reach."""
    reach = _within_reach(plane, camera)
    own = region.own.intersection(reach)
    if own.area < (1 - plane.most_lost) * region.own.area:
        return []
    whole = shapely.union_all([own, region.hidden])
    # Where a thing's foot sinks a little below the plane the grid leaves slits: they are closed.
    reach_px = region.grain_px / 2
    closed = whole.buffer(reach_px, join_style="mitre").buffer(-reach_px, join_style="mitre")
    whole = shapely.union_all([own, closed.difference(region.others).intersection(reach)], grid_size=GRAIN_PX)
    pieces = [piece for piece in shapely.get_parts(whole) if piece.intersection(own).area > region.grain_px**2]
    outlines = []
    for piece in sorted(pieces, key=shapely.area, reverse=True):
        # Nothing is seen through what is left between two exact outlines.
        holes = [hole for hole in piece.interiors if shapely.Polygon(hole).area > (3 * region.grain_px) ** 2]
        polygon = shapely.Polygon(piece.exterior, holes).simplify(GRAIN_PX)
        polygon = shapely.geometry.polygon.orient(polygon, -1.0)  # y points down: clockwise there is counter-clockwise
        rings = [np.array(ring.coords)[:-1] for ring in (polygon.exterior, *polygon.interiors)]
        outlines.append(Outline(0, np.concatenate(rings), tuple(map(len, rings))))
    return outlines if outlines and are_valid(outlines).all() else []


def _make_slab(
    prism: Prism, outline: Outline, plane: SlabPlane, camera: Camera, world_from_camera: np.ndarray
) -> Prism:
    rays = rays_through(outline.points, camera)
    corners = rays / (rays @ plane.w)[:, None]
    middle = rays_through(find_middle(outline), camera)
    normal = -plane.w / np.linalg.norm(plane.w)
    axes = plane_axes(normal, world_from_camera[1, :3])
    away = world_from_camera[:3, :3].T @ plane.away_world
    thickness = limit_thickness(corners, away, THICKNESS * plane.median, camera)
    origin = middle / float(middle @ plane.w) if middle @ plane.w > 0 else corners.mean(axis=0)
    camera_from_plane = np.eye(4)
    camera_from_plane[:3, :3], camera_from_plane[:3, 3] = axes, origin
    extrusion = thickness * (away @ axes)
    return replace(
        prism,
        outline=((corners - origin) @ axes)[:, :2],
        ring_sizes=outline.ring_sizes,
        outline_px=outline.points,
        cap=triangulate(outline.points, outline.ring_sizes)[:, ::-1],
        world_from_plane=world_from_camera @ camera_from_plane,
        extrusion=extrusion,
        taper=1.0,
        middles=np.zeros((0, 4)),
        thickness_m=float(-extrusion[2]),
        thickness_source=SOURCE,
        shape="prism",
        reason="goes on behind what stands before it",
        shows_plate=True,
        children=(),
    )


def limit_thickness(corners_cam: np.ndarray, away_cam: np.ndarray, wanted: float, camera: Camera) -> float:
    """Return how far (N, 3) corners can be moved before one leaves the frame: the side there would be seen."""
    size = np.array([camera.width, camera.height])
    for share in 0.8 ** np.arange(24):
        moved = corners_cam + share * wanted * away_cam
        if (moved[:, 2] > 0).all() and (np.abs(project(moved, camera) / size * 2 - 1) <= 1 + OVERSHOOT).all():
            return float(share * wanted)
    return float(0.8**24 * wanted)


def _within_reach(plane: SlabPlane, camera: Camera) -> shapely.Polygon:
    """Return the part of the frame, px, in which rays meet a plane within its reach."""
    height, width = camera.height, camera.width
    corners = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    room = rays_through(corners, camera) @ plane.w - 1 / plane.furthest
    kept = []
    for here, following, a, b in zip(corners, np.roll(corners, -1, 0), room, np.roll(room, -1), strict=True):
        if a >= 0:
            kept.append(here)
        if (a >= 0) != (b >= 0):
            kept.append(here + (following - here) * a / (a - b))
    return shapely.Polygon(kept) if len(kept) >= 3 else shapely.Polygon()


def _polygon(outline: Outline) -> shapely.Polygon:
    rings = outline.rings()
    return shapely.Polygon(rings[0], rings[1:])
