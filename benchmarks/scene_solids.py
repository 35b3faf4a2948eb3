"""Closed meshes of known geometry: metres, y up, each standing with the middle of its foot at a given point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from trimesh import Trimesh

Point = tuple[float, float, float]
ORIGIN = (0.0, 0.0, 0.0)
SIDES = 32


def box(width: float, height: float, depth: float, foot: Point = ORIGIN) -> Trimesh:
    """Return a box along the axes."""
    mesh = trimesh.creation.box((width, height, depth))
    mesh.apply_translation(np.add(foot, (0, height / 2, 0)))
    return mesh


def hull(points: Sequence[Sequence[float]] | np.ndarray, foot: Point = ORIGIN) -> Trimesh:
    """Return the convex hull of points."""
    mesh = trimesh.convex.convex_hull(np.asarray(points, np.float64))
    mesh.apply_translation(foot)
    return mesh


def frustum(bottom: float, top: float, height: float, foot: Point = ORIGIN, sides: int = SIDES) -> Trimesh:
    """Return an upright frustum by its two radii: a cylinder when they are equal, a cone when one is 0."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.zeros(sides), np.sin(angle)])
    return hull(np.concatenate([bottom * ring, top * ring + (0, height, 0)]), foot)


def wheel(radius: float, width: float, middle: Point) -> Trimesh:
    """Return a cylinder that lies along x, around its middle."""
    mesh = frustum(radius, radius, width)
    mesh.apply_translation((0, -width / 2, 0))
    mesh.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, (0, 0, 1)))
    mesh.apply_translation(middle)
    return mesh


def ellipsoid(radii: Sequence[float], middle: Point, subdivisions: int = 3) -> Trimesh:
    """Return an ellipsoid along the axes, around its middle."""
    mesh = trimesh.creation.icosphere(subdivisions)
    mesh.apply_scale(np.asarray(radii, np.float64))
    mesh.apply_translation(middle)
    return mesh


def ball(radius: float, middle: Point) -> Trimesh:
    """Return a sphere around its middle."""
    return ellipsoid((radius, radius, radius), middle)


def lathe(profile: Sequence[tuple[float, float]], foot: Point = ORIGIN) -> Trimesh:
    """Return what turns about the vertical: (radius, height) points from the foot up; its ends are closed."""
    rings = [(0.0, profile[0][1]), *profile, (0.0, profile[-1][1])]
    mesh = trimesh.creation.revolve(np.array(rings), sections=SIDES)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, (1, 0, 0)))
    mesh.apply_translation(foot)
    return mesh


def roof(kind: str, width: float, depth: float, height: float, foot: Point = ORIGIN) -> Trimesh:
    """Return a "gable" or "hip" roof with its ridge along x, or a "flat" slab."""
    if kind == "flat":
        return box(width, min(height, 0.3), depth, foot)
    ridge = width / 2 if kind == "gable" else max(width - depth, 0.2 * width) / 2
    eaves = [(x, 0, z) for x in (-width / 2, width / 2) for z in (-depth / 2, depth / 2)]
    return hull([*eaves, (-ridge, height, 0), (ridge, height, 0)], foot)


def join(meshes: Sequence[Trimesh]) -> Trimesh:
    """Return one mesh of several, in their order."""
    mesh = trimesh.util.concatenate(list(meshes))
    assert isinstance(mesh, Trimesh)
    return mesh
