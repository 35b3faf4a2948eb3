"""Prism -> polygons: front and back caps as triangles, side walls as quads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import transform
from .scene import Prism


@dataclass(frozen=True, eq=False)
class Mesh:
    """Polygons of one closed solid, faces counter-clockwise seen from outside.

    Attributes:
        points: (2 N, 3) float64, world metres; 0..N-1 the front outline, N..2 N-1 the back.
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
    front = np.column_stack([prism.outline, np.zeros(count)])
    back = np.column_stack([prism.taper * prism.outline, np.zeros(count)]) + prism.extrusion
    points = transform(prism.world_from_plane, np.concatenate([front, back]))
    here = np.arange(count)
    following = following_in_ring(prism.ring_sizes)
    sides = np.column_stack([here, here + count, following + count, following])
    faces = [prism.cap.ravel(), prism.cap[:, ::-1].ravel() + count, sides.ravel()]
    sizes = np.concatenate([np.full(2 * len(prism.cap), 3), np.full(count, 4)])
    return Mesh(points, sizes.astype(np.int32), np.concatenate(faces).astype(np.int32), len(prism.cap))


def following_in_ring(ring_sizes: tuple[int, ...]) -> np.ndarray:
    """Return (N,) int64, for each point of rings laid one after another the number of the next in its ring."""
    following = np.arange(1, sum(ring_sizes) + 1)
    ends = np.cumsum(ring_sizes)
    following[ends - 1] = ends - np.array(ring_sizes)
    return following
