"""Front faces fine enough for the photo: a texture that is laid on by the corners bends where depth changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .frames import project, transform
from .meshes import Mesh
from .scene import Prism, Scene

TOLERANCE = 0.0025  # furthest that the photo may lie from its place, as a share of its long side: as for outlines

Triangle = tuple[int, int, int]
Middles = dict[tuple[int, int], int]


def refine_front(solid: Mesh, prism: Prism, scene: Scene) -> tuple[Mesh, np.ndarray]:
    """Halve the edges of the seen faces between whose ends the photo would be shown in the wrong place.

    Renderers spread a texture evenly along an edge in space, the photo shows even steps along it in perspective: half
    way they are apart by length_px / 2 * |w0 - w1| / (w0 + w1), where w is 1 / depth at the ends. Both triangles at an
    edge come to the same decision, so the solid stays closed; other faces get more corners, not more faces.

    Args:
        solid: of the prism.
        prism: one without parts.
        scene: for its camera.

    Returns:
        The solid with its seen faces first and its new points after the old ones, and (points, 2) float64 px, where
        the photo would show each point.
    """
    camera = scene.camera
    points_cam = transform(np.linalg.inv(scene.world_from_camera), solid.points)
    seen = find_seen_faces(solid, prism, points_cam)
    starts = np.cumsum(solid.face_sizes) - solid.face_sizes
    polygons = [
        solid.face_points[start : start + size].tolist() for start, size in zip(starts, solid.face_sizes, strict=True)
    ]
    fans = [(f[0], b, c) for f, is_seen in zip(polygons, seen, strict=True) if is_seen for b, c in pairwise(f[1:])]
    triangles = np.array(fans, np.int32).reshape(-1, 3)
    nearness = 1 / np.maximum(points_cam[:, 2], 1e-6)
    points, points_px = solid.points, project(points_cam, camera)
    tolerance_px = TOLERANCE * max(camera.height, camera.width)
    middles: Middles = {}
    while len(edges := _find_bent_edges(triangles, points_px, nearness, tolerance_px)):
        a, b = edges.T
        share = nearness[edges] / nearness[edges].sum(axis=1, keepdims=True)
        middles |= {(i, j): len(points) + k for k, (i, j) in enumerate(edges.tolist())}
        points = np.concatenate([points, share[:, :1] * points[a] + share[:, 1:] * points[b]])
        points_px = np.concatenate([points_px, (points_px[a] + points_px[b]) / 2])
        nearness = np.concatenate([nearness, (nearness[a] + nearness[b]) / 2])
        triangles = np.array([part for corners in triangles.tolist() for part in _halve(corners, middles)], np.int32)
    others = [_widen(f, middles) for f, is_seen in zip(polygons, seen, strict=True) if not is_seen]
    sizes = [3] * len(triangles) + [len(face) for face in others]
    face_points = np.array([*triangles.ravel().tolist(), *(point for face in others for point in face)], np.int32)
    return Mesh(points, np.array(sizes, np.int32), face_points, len(triangles)), points_px


def find_seen_faces(solid: Mesh, prism: Prism, points_cam: np.ndarray) -> np.ndarray:
    """Return (F,) bool, the faces that carry the photo: a prism's front, of other shapes what faces the camera."""
    if prism.shape == "prism":
        return np.arange(len(solid.face_sizes)) < solid.front_faces
    starts = np.cumsum(solid.face_sizes) - solid.face_sizes
    a, b, c = (points_cam[solid.face_points[starts + k]] for k in range(3))
    return (np.cross(b - a, c - a) * a).sum(axis=1) < 0


def _widen(face: list[int], middles: Middles) -> list[int]:
    """Return a face with the points that its edges got."""
    edges = zip(face, [*face[1:], face[0]], strict=True)
    return [point for start, end in edges for point in (start, *_between(start, end, middles))]


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
