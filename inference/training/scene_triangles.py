"""The solids of a scene as triangles, for renderers that know nothing else."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .render_solids import SceneSolids

SIDES = 32  # of round solids
RINGS = 16  # of balls, from pole to pole
TOLERANCE = 1e-4


def triangulate(scene: SceneSolids) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, 3, 3) float32 world metres and (T,) int64, the surface that each triangle belongs to."""
    corners, owners = [np.zeros((0, 3, 3))], [np.zeros(0, np.int64)]
    for owner, frame, planes, rounds in zip(scene.owners, scene.frames, scene.planes, scene.rounds, strict=True):
        local = _triangulate_round(*rounds) if planes is None else _triangulate_polytope(planes)
        corners.append(local @ frame[:, :3].T + frame[:, 3])
        owners.append(np.full(len(local), owner))
    for owner, mesh, *_ in scene.meshes:
        corners.append(mesh)
        owners.append(np.full(len(mesh), owner))
    return np.concatenate(corners).astype(np.float32), np.concatenate(owners)


def _triangulate_polytope(planes: np.ndarray) -> np.ndarray:
    """Return (T, 3, 3) of the faces of n . x <= d, each a fan around its middle."""
    rows = planes[np.abs(planes[:, :3]).sum(axis=1) > 0].astype(float)
    points = []
    for three in combinations(rows, 3):
        matrix = np.array([row[:3] for row in three])
        if abs(np.linalg.det(matrix)) > 1e-9:
            point = np.linalg.solve(matrix, [row[3] for row in three])
            if (rows[:, :3] @ point <= rows[:, 3] + TOLERANCE).all():
                points.append(point)
    vertices = np.array(points).reshape(-1, 3)
    fans = [np.zeros((0, 3, 3))]
    for row in rows:
        face = np.unique(vertices[np.abs(vertices @ row[:3] - row[3]) < 2 * TOLERANCE].round(4), axis=0)
        if len(face) >= 3:
            fans.append(_fan(face, row[:3]))
    return np.concatenate(fans)


def _fan(face: np.ndarray, normal: np.ndarray) -> np.ndarray:
    middle = face.mean(axis=0)
    along = face[np.linalg.norm(face - middle, axis=1).argmax()] - middle
    across = np.cross(normal, along)
    ring = face[np.argsort(np.arctan2((face - middle) @ across, (face - middle) @ along * np.linalg.norm(normal)))]
    return np.stack([np.broadcast_to(middle, ring.shape), ring, np.roll(ring, -1, axis=0)], axis=1)


def _triangulate_round(middle: float, slope: float, is_ball: float) -> np.ndarray:
    """Return (T, 3, 3) of a ball, or of a frustum and its lids, in the cube from -1 to 1."""
    if is_ball:
        fall = np.linspace(0, np.pi, RINGS + 1)
        levels, radii = np.cos(fall), np.sin(fall)
    else:
        levels = np.array([1.0, 1, -1, -1])
        radii = np.array([0, middle - slope, middle + slope, 0])
    turn = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.stack([np.cos(turn), np.zeros(SIDES), np.sin(turn)], axis=1)
    rings = radii[:, None, None] * ring + levels[:, None, None] * [0, 1, 0]
    upper, lower = rings[:-1], rings[1:]
    beside = (np.roll(rings, -1, axis=1)[:-1], np.roll(rings, -1, axis=1)[1:])
    first, second = np.stack([upper, lower, beside[1]], axis=2), np.stack([upper, beside[1], beside[0]], axis=2)
    return np.concatenate([first.reshape(-1, 3, 3), second.reshape(-1, 3, 3)])
