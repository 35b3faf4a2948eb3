"""Boxes, profiles and turned solids, all said as prisms on planes of their own.

A box is its front rectangle pulled back, a cylinder a circle pulled up, a gabled house its pentagon pulled along the
ridge, a bottle a circle pulled up through several sizes: so an artist finds the same handles on each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from ..inference.prediction import Camera, Kind
from .frames import project, transform
from .prisms import triangulate
from .scene import Prism

CIRCLE_POINTS = 16
CIRCLE_GROWTH = 1.01  # so that a polygon of as many corners looks as wide as its circle, on average


@dataclass(frozen=True, eq=False)
class Shape:
    """A solid in the world, not yet a part of any scene.

    Attributes:
        kind: "box", "profile", "cylinder", "cone" or "lathe".
        outline: (N, 2) float64 on the plane, counter-clockwise about its z.
        world_from_plane: (4, 4) rigid.
        extrusion: (3,) plane axes, z negative.
        taper: size of the back over the front.
        thickness: extent away from the camera, in the world's unit.
        thickness_source: in words.
        middles: (K, 4) as in ``Prism``.
    """

    kind: str
    outline: np.ndarray
    world_from_plane: np.ndarray
    extrusion: np.ndarray
    taper: float
    thickness: float
    thickness_source: str
    middles: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))

    @cached_property
    def cap(self) -> np.ndarray:
        """Return (T, 3) int32 triangles over the outline, counter-clockwise about +z."""
        count = len(self.outline)
        return triangulate(self.outline, (count,)) if self.kind == "profile" else _fan(count)

    @cached_property
    def rings(self) -> np.ndarray:
        """Return (S, N, 3) float64, world: the outline at the front, at those between and at the back."""
        sections = np.vstack([[0, 0, 0, 1], self.middles, [*self.extrusion, self.taper]])
        flat = np.column_stack([self.outline, np.zeros(len(self.outline))])
        return transform(self.world_from_plane, sections[:, None, 3:] * flat + sections[:, None, :3])

    @property
    def triangles(self) -> np.ndarray:
        """Return (T, 3, 3) float64, world, the surface, counter-clockwise seen from outside."""
        sections, count = self.rings.shape[:2]
        back = self.cap[:, ::-1] + (sections - 1) * count
        return self.rings.reshape(-1, 3)[np.concatenate([self.cap, back, _walls(sections, count)])]


@lru_cache(maxsize=64)
def _fan(count: int) -> np.ndarray:
    """Return (count - 2, 3) int32 triangles of a convex outline."""
    numbers = np.arange(1, count - 1, dtype=np.int32)
    return np.column_stack([np.zeros_like(numbers), numbers, numbers + 1])


@lru_cache(maxsize=64)
def _walls(sections: int, count: int) -> np.ndarray:
    """Return (T, 3) triangles between copies of an outline laid one after another."""
    here = np.arange((sections - 1) * count)
    following = here + 1 - count * (here % count == count - 1)
    halves = [here, here + count, following + count], [here, following + count, following]
    return np.concatenate([np.column_stack(half) for half in halves])


def to_prism(shape: Shape, kind: Kind, camera: Camera, world_from_camera: np.ndarray) -> Prism:
    """Return a shape as a prism in the world; name, colour and counts are still blank."""
    return Prism(
        name="",
        label="",
        kind=kind,
        score=1.0,
        level=0,
        outline=shape.outline,
        ring_sizes=(len(shape.outline),),
        outline_px=project(transform(np.linalg.inv(world_from_camera), shape.rings[0]), camera),
        cap=shape.cap,
        world_from_plane=shape.world_from_plane,
        extrusion=shape.extrusion,
        taper=shape.taper,
        thickness_m=shape.thickness,
        thickness_source=shape.thickness_source,
        colour=np.zeros(3),
        pixels=0,
        residual=0.0,
        middles=shape.middles,
        shape=shape.kind,
    )


def upright_axes(direction: np.ndarray) -> np.ndarray:
    """Return (3, 3) columns x, y = up, z = the level direction (x, z components of a world vector)."""
    x, z = float(direction[0]), float(direction[-1])
    length = math.hypot(x, z)
    x, z = x / length, z / length
    return np.array([[z, 0.0, x], [0.0, 1.0, 0.0], [-x, 0.0, z]])


def make_box(axes: np.ndarray, low: np.ndarray, high: np.ndarray, source: str) -> Shape:
    """Return the box between two corners given along upright axes whose z faces the camera."""
    outline = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    return make_profile(axes, outline, float(low[2]), float(high[2]), source, "box")


def make_profile(
    axes: np.ndarray, outline: np.ndarray, back: float, front: float, source: str, kind: str = "profile"
) -> Shape:
    """Return an outline (N, 2) on an upright plane, pulled back level from z = front to z = back along ``axes``."""
    middle = outline.mean(0)
    pose = np.eye(4)
    pose[:3, :3] = axes
    pose[:3, 3] = axes @ [middle[0], middle[1], front]
    depth = front - back
    return Shape(kind, outline - middle, pose, np.array([0.0, 0.0, -depth]), 1.0, depth, source)


def make_revolution(centre: np.ndarray, bottom: float, top: float, radii: tuple[float, float], source: str) -> Shape:
    """Return an upright cylinder or cone: radii at the bottom and at the top about a centre (2,), world x and z.

    It starts from the wider end, so that the taper never exceeds one.
    """
    angles = 2 * np.pi * np.arange(CIRCLE_POINTS) / CIRCLE_POINTS
    circle = CIRCLE_GROWTH * np.column_stack([np.cos(angles), np.sin(angles)])
    wide_below = radii[0] >= radii[1]
    wide, narrow = max(radii), min(radii)
    pose = np.eye(4)
    up = -1.0 if wide_below else 1.0  # the plane's z points out of the front, which is the wider end
    pose[:3, :3] = np.column_stack([[1, 0, 0], [0, 0, -up], [0, up, 0]])
    pose[:3, 3] = [centre[0], bottom if wide_below else top, centre[1]]
    kind = "cylinder" if narrow > 0.9 * wide else "cone"
    taper = max(narrow / wide, 0.02)
    return Shape(kind, wide * circle, pose, np.array([0.0, 0.0, bottom - top]), taper, 2 * wide, source)


def make_lying_cylinder(
    axes: np.ndarray, centre: np.ndarray, radius: float, ends: tuple[float, float], source: str
) -> Shape:
    """Return a level cylinder about the z of upright axes: centre (2,), x and y there, and its ends along z."""
    angles = 2 * np.pi * (np.arange(CIRCLE_POINTS) + 0.5) / CIRCLE_POINTS  # a flat side lies below
    circle = CIRCLE_GROWTH * radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return make_profile(axes, centre + circle, *ends, source, "cylinder")


def make_lathe(
    centres: np.ndarray, heights: np.ndarray, radii: np.ndarray, flatness: float, across: np.ndarray, source: str
) -> Shape:
    """Return ellipses stacked from the bottom up: bottles, trees, lamps and people.

    Args:
        centres: (K, 2) world x and z of each.
        heights: (K,) world y, rising.
        radii: (K,) half width across the view, above zero.
        flatness: depth over width.
        across: (2,) unit, world x and z, the direction of the width.
        source: of the thickness.
    """
    angles = 2 * np.pi * np.arange(CIRCLE_POINTS) / CIRCLE_POINTS
    pose = np.eye(4)
    x = np.array([across[0], 0.0, across[1]])
    down = np.array([0.0, -1.0, 0.0])
    pose[:3, :3] = np.column_stack([x, np.cross(down, x), down])
    pose[:3, 3] = [centres[0, 0], heights[0], centres[0, 1]]
    outline = CIRCLE_GROWTH * radii[0] * np.column_stack([np.cos(angles), flatness * np.sin(angles)])
    world = np.column_stack([centres[:, 0], heights, centres[:, 1]]) - pose[:3, 3]
    sections = np.column_stack([world @ pose[:3, :3], radii / radii[0]])
    thickness = 2 * flatness * float(radii.max())
    return Shape("lathe", outline, pose, sections[-1, :3], float(sections[-1, 3]), thickness, source, sections[1:-1])
