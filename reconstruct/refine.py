"""Front faces fine enough for the photo: a texture that is laid on by the corners bends where depth changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .frames import transform
from .meshes import Mesh
from .scene import Prism, Scene

TOLERANCE = 0.0025  # furthest that the photo may lie from its place, as a share of its long side: as for outlines

Triangle = tuple[int, int, int]
Middles = dict[tuple[int, int], int]


def refine_front(solid: Mesh, prism: Prism, scene: Scene) -> tuple[Mesh, np.ndarray]:
    """Halve the edges of the front face between whose ends the photo would be shown in the wrong place.

    Renderers spread a texture evenly along an edge in space, the photo shows even steps along it in perspective: half
    way they are apart by length_px / 2 * |w0 - w1| / (w0 + w1), where w is 1 / depth at the ends. Both triangles at an
    edge come to the same decision, so the solid stays closed; walls get more corners, not more faces.

    Args:
        solid: of the prism.
        prism: one without parts.
        scene: for its camera.

    Returns:
        The solid with its new points after the old ones, and (points, 2) float64 px, where the photo shows them; a
        point of the back has the place of its point of the front.
    """
    count = len(prism.outline)
    camera_from_world = np.linalg.inv(scene.world_from_camera)
    points = solid.points
    points_px = np.tile(prism.outline_px, (2, 1))
    nearness = 1 / transform(camera_from_world, points)[:, 2]
    tolerance_px = TOLERANCE * max(scene.camera.height, scene.camera.width)
    triangles = solid.face_points[: 3 * solid.front_faces].reshape(-1, 3)
    middles: Middles = {}
    while len(edges := _find_bent_edges(triangles, points_px, nearness, tolerance_px)):
        a, b = edges.T
        share = nearness[edges] / nearness[edges].sum(axis=1, keepdims=True)
        middles |= {(i, j): len(points) + k for k, (i, j) in enumerate(edges.tolist())}
        points = np.concatenate([points, share[:, :1] * points[a] + share[:, 1:] * points[b]])
        points_px = np.concatenate([points_px, (points_px[a] + points_px[b]) / 2])
        nearness = np.concatenate([nearness, (nearness[a] + nearness[b]) / 2])
        halves = [part for corners in triangles.tolist() for part in _halve(corners, middles)]
        triangles = np.array(halves, np.int32)
    if not middles:
        return solid, points_px
    walls = solid.face_points[-4 * count :].reshape(-1, 4).tolist()
    walls = [[*wall, *_between(wall[3], wall[0], middles)] for wall in walls]
    back = solid.face_points[3 * solid.front_faces : 6 * solid.front_faces]
    sizes = [3] * (len(triangles) + solid.front_faces) + [len(wall) for wall in walls]
    face_points = np.concatenate([triangles.ravel(), back, np.concatenate(walls)]).astype(np.int32)
    return Mesh(points, np.array(sizes, np.int32), face_points, len(triangles)), points_px


def _find_bent_edges(
    triangles: np.ndarray, points_px: np.ndarray, nearness: np.ndarray, tolerance_px: float
) -> np.ndarray:
    """Return (E, 2) point numbers, the lower one first, of the edges that are to be halved."""
    edges = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    a, b = edges.T
    length_px = np.linalg.norm(points_px[a] - points_px[b], axis=1)
    shift_px = length_px / 2 * np.abs(nearness[a] - nearness[b]) / (nearness[a] + nearness[b])
    return edges[shift_px > tolerance_px]


def _halve(corners: Sequence[int], middles: Middles) -> list[Triangle]:
    """Return the triangles that take the place of one when the edges with a middle are halved."""
    a, b, c = corners
    ab, bc, ca = (middles.get((min(edge), max(edge))) for edge in ((a, b), (b, c), (c, a)))
    if ab is None and bc is None and ca is None:
        return [(a, b, c)]
    if ab is None or (ca is not None and bc is None):  # turn until a-b is halved and c-a is the last that would be
        return _halve((b, c, a), middles)
    if bc is None:
        return [(a, ab, c), (ab, b, c)]
    if ca is None:
        return [(ab, b, bc), (a, ab, bc), (a, bc, c)]
    return [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]


def _between(start: int, end: int, middles: Middles) -> list[int]:
    """Return the points that an edge got between its ends, in order."""
    middle = middles.get((min(start, end), max(start, end)))
    if middle is None:
        return []
    return [*_between(start, middle, middles), middle, *_between(middle, end, middles)]
