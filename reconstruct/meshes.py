"""Prism -> polygons: front and back caps as triangles, side walls as quads."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .frames import transform
from .scene import Prism


@dataclass(frozen=True, eq=False)
class Mesh:
    """Polygons of one closed solid, faces counter-clockwise seen from outside.

    Attributes:
        points: (P, 3) float64, world metres; 0..N-1 the front outline, N..2 N-1 the back, then those between.
        face_sizes: (F,) int32; all front triangles, then all back triangles, then the side quads.
        face_points: (sum of face_sizes,) int32, point numbers.
        front_faces: how many of the first faces make up the front.
    """

    points: np.ndarray
    face_sizes: np.ndarray
    face_points: np.ndarray
    front_faces: int


def mesh_of(prism: Prism) -> Mesh:
    """Return the solid's polygons."""
    count = len(prism.outline)
    sections = np.vstack([[0, 0, 0, 1], [*prism.extrusion, prism.taper], prism.middles])
    flat = np.column_stack([prism.outline, np.zeros(count)])
    rings = sections[:, None, 3:] * flat + sections[:, None, :3]
    points = transform(prism.world_from_plane, rings.reshape(-1, 3))
    following = following_in_ring(prism.ring_sizes)
    order = [0, *range(2, len(sections)), 1]  # front, what lies between, back
    sides = [_walls(count, following, a, b) for a, b in pairwise(order)]
    faces = [prism.cap.ravel(), prism.cap[:, ::-1].ravel() + count, *(side.ravel() for side in sides)]
    sizes = np.concatenate([np.full(2 * len(prism.cap), 3), np.full(count * len(sides), 4)])
    return Mesh(points, sizes.astype(np.int32), np.concatenate(faces).astype(np.int32), len(prism.cap))


def _walls(count: int, following: np.ndarray, ring: int, next_ring: int) -> np.ndarray:
    """Return (N, 4) the quads between two copies of the outline."""
    here = np.arange(count)
    first, second = ring * count, next_ring * count
    return np.column_stack([here + first, here + second, following + second, following + first])


def triangles_of(mesh: Mesh) -> np.ndarray:
    """Return (T, 3, 3) float64, the corners of the triangles that the faces fall into."""
    return mesh.points[triangulate_faces(mesh)[0]]


def triangulate_faces(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, 3) the points of the triangles that the faces fall into, and (T,) the numbers of their faces."""
    starts = np.cumsum(mesh.face_sizes) - mesh.face_sizes
    faces = [np.flatnonzero(mesh.face_sizes > k + 1) for k in range(1, int(mesh.face_sizes.max()) - 1)]
    fans = [starts[large][:, None] + [0, k, k + 1] for k, large in enumerate(faces, start=1)]
    return mesh.face_points[np.concatenate(fans)], np.concatenate(faces)


def following_in_ring(ring_sizes: tuple[int, ...]) -> np.ndarray:
    """Return (N,) int64, for each point of rings laid one after another the number of the next in its ring."""
    following = np.arange(1, sum(ring_sizes) + 1)
    ends = np.cumsum(ring_sizes)
    following[ends - 1] = ends - np.array(ring_sizes)
    return following
