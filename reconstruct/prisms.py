"""Outline + plane + thickness -> a prism that the photo's camera sees as its segment and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import shapely

from ..inference.prediction import Camera, Kind
from .frames import rays_through
from .meshes import following_in_ring
from .outlines import Outline
from .planes import Plane, limit_tilt, mean_error, straighten_up
from .scene import Prism
from .thickness import Usual, estimate_thickness

SHOWN_SIDES = 0.01  # of the segment's area: how much of the photo a prism's sides may cover beyond its outline


def fit_front(
    outline: Outline,
    plane: Plane,
    rays: np.ndarray,
    z: np.ndarray,
    camera: Camera,
    up_cam: np.ndarray | None = None,
    depth_error: float = 0.0,
) -> Plane:
    """Return the plane of a front face: the fitted one, turned as far as the whole outline keeps its depths.

    Args:
        outline: of the segment, px.
        plane, rays, z: that was fitted, and to which samples.
        camera: of the photo.
        up_cam: (3,) unit vector against gravity where the face rather stands upright than not, None for no telling.
        depth_error: mean relative error of the depth map, which tilts small faces at random.
    """
    w, corners = plane.w, rays_through(outline.points, camera)
    if up_cam is not None and depth_error > 0:
        w = straighten_up(w, corners, up_cam, depth_error)
    w = limit_tilt(w, rays, z, corners)
    return Plane(w, mean_error(z * (rays @ w) - 1))


def make_prism(
    outline: Outline,
    plane: Plane,
    samples: tuple[np.ndarray, np.ndarray],
    camera: Camera,
    up_cam: np.ndarray,
    kind: Kind,
    expect: Callable[[float], Usual | None] = lambda width: None,
    depth_error: float = 0.0,
) -> Prism:
    """Extrude a face of the photo away from the camera.

    The prism grows along the ray through its middle, so a convex face hides its own sides. Where a hollow outline would
    show them, the back is widened (``taper``) towards the cone of rays through the outline, which shows none.

    Args:
        outline: of the segment, px.
        plane: of the front face, camera axes, in front of the camera all over the outline.
        samples: rays (N, 3) and depths (N,) of the segment.
        camera: of the photo.
        up_cam: (3,) unit vector against gravity, in camera axes.
        kind: of the segment.
        expect: returns how thick a thing of the segment's name usually is, given the width of its face.
        depth_error: mean relative error of the depth map itself.

    Returns:
        The prism in camera axes (``world_from_plane`` is camera from plane); name, colour and counts are still blank.
    """
    middle_px = find_middle(outline)
    camera_from_plane, flat = _lay_flat(outline, plane, middle_px, camera, up_cam)
    axes, origin = camera_from_plane[:3, :3], camera_from_plane[:3, 3]
    smaller_side = measure_smaller_side(outline, camera) * float(origin[2])
    thickness_m, source = estimate_thickness(plane, *samples, smaller_side, kind, expect(smaller_side), depth_error)
    growth = 1 + thickness_m / plane.distance
    return Prism(
        name="",
        label="",
        kind=kind,
        score=1.0,
        level=0,
        outline=flat,
        ring_sizes=outline.ring_sizes,
        outline_px=outline.points,
        cap=triangulate(outline.points, outline.ring_sizes)[:, ::-1],  # y points down in the photo
        world_from_plane=camera_from_plane,
        extrusion=(growth - 1) * (origin @ axes),
        taper=least_taper(outline, middle_px, growth),
        thickness_m=thickness_m,
        thickness_source=source,
        colour=np.zeros(3),
        pixels=0,
        residual=plane.residual,
    )


def _lay_flat(
    outline: Outline, plane: Plane, middle_px: np.ndarray, camera: Camera, up_cam: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return camera from plane (4, 4), its origin behind a point of the photo, and the outline (N, 2) on the plane."""
    rays, middle_ray = rays_through(outline.points, camera), rays_through(middle_px, camera)
    corners = rays * plane.depth_at(rays)[:, None]
    camera_from_plane = np.eye(4)
    camera_from_plane[:3, :3] = plane_axes(plane.normal, up_cam)
    camera_from_plane[:3, 3] = middle_ray * float(plane.depth_at(middle_ray[None])[0])
    return camera_from_plane, (corners - camera_from_plane[:3, 3]) @ camera_from_plane[:3, :2]


def measure_smaller_side(outline: Outline, camera: Camera) -> float:
    """Return the smaller side of the smallest rectangle around an outline, as a share of its depth.

    Measured as the camera sees it: a floor or a roof at a glancing angle runs on for many metres of which the photo
    tells next to nothing.
    """
    ring = rays_through(outline.points[: outline.ring_sizes[0]], camera)[:, :2]
    return float(min(cv2.minAreaRect(ring.astype(np.float32))[1]))


def plane_axes(normal: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return (3, 3) whose columns are a plane's x (level where it can be), y and z = ``normal``."""
    x = np.cross(up, normal)
    if np.linalg.norm(x) < 0.1:  # lying flat: x points to the picture's right
        x = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x = x / np.linalg.norm(x)
    return np.column_stack([x, np.cross(normal, x), normal])


def find_middle(outline: Outline) -> np.ndarray:
    """Return (2,) px, the centroid of the area inside the outer ring."""
    ring = outline.points[: outline.ring_sizes[0]]
    start, end = ring - ring[0], np.roll(ring, -1, 0) - ring[0]
    cross = end[:, 0] * start[:, 1] - start[:, 0] * end[:, 1]
    return ring[0] + ((start + end) * cross[:, None]).sum(0) / (3 * cross.sum())


def least_taper(outline: Outline, middle_px: np.ndarray, growth: float) -> float:
    """Return the smallest taper with which the sides cover no more than ``SHOWN_SIDES`` beyond the outline.

    Seen from the camera the back of a prism is its front, scaled about the middle by taper / growth; an edge that faces
    the middle then shows its wall, which covers (1 - (taper / growth)^2) of the triangle that it spans with the middle.

    Args:
        outline: px.
        middle_px: (2,) px, where the ray of extrusion passes.
        growth: depth of the back over that of the front along one ray.
    """
    start = outline.points - middle_px
    end = start[following_in_ring(outline.ring_sizes)]
    triangles = (end[:, 0] * start[:, 1] - start[:, 0] * end[:, 1]) / 2
    facing = -float(triangles[triangles < 0].sum())
    allowed = SHOWN_SIDES * float(triangles.sum())
    if facing <= allowed:
        return 1.0
    return max(1.0, growth * float(np.sqrt(1 - allowed / facing)))


def triangulate(points: np.ndarray, ring_sizes: tuple[int, ...]) -> np.ndarray:
    """Return (T, 3) int32 triangles over the points (N, 2) of rings, the outer one first; they turn as the axes do."""
    rings = np.split(points, np.cumsum(ring_sizes)[:-1])
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(shapely.Polygon(rings[0], rings[1:])))
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]
    number = {(x, y): i for i, (x, y) in enumerate(points.tolist())}
    cap = np.array([[number[x, y] for x, y in triangle] for triangle in corners.tolist()], np.int32)
    a, b, c = points[cap].transpose(1, 0, 2)
    backwards = (b - a)[:, 0] * (c - a)[:, 1] < (b - a)[:, 1] * (c - a)[:, 0]
    cap[backwards] = cap[backwards][:, ::-1]
    return cap


def place(prism: Prism, world_from_camera: np.ndarray) -> Prism:
    """Return the prism, with all below it, carried from camera axes to the world."""
    return replace(
        prism,
        world_from_plane=world_from_camera @ prism.world_from_plane,
        children=tuple(place(child, world_from_camera) for child in prism.children),
    )


def rescale(prism: Prism, factor: float) -> Prism:
    """Return the prism, with all below it, with every length in metres multiplied."""
    pose = prism.world_from_plane.copy()
    pose[:3, 3] *= factor
    return replace(
        prism,
        middles=prism.middles * [factor, factor, factor, 1],
        outline=prism.outline * factor,
        world_from_plane=pose,
        extrusion=prism.extrusion * factor,
        thickness_m=prism.thickness_m * factor,
        children=tuple(rescale(child, factor) for child in prism.children),
    )
