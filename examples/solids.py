"""What a ray caster can hit: convex solids and spheres, with materials and labels. Metres, y up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from surfaces import leaf_at

Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Solid:
    """A convex body, or a sphere where ``radius`` is given.

    Attributes:
        segment: its segment's number.
        planes: (K, 4) float32, outward normal and offset: n x + d <= 0 inside; a sphere has its centre in one row.
        bounds: (M, 3) float32, points whose convex hull holds the body.
    """

    segment: int
    material: str
    colour: np.ndarray
    planes: np.ndarray
    bounds: np.ndarray
    radius: float = 0.0
    casts_shadow: bool = True

    def hit(self, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (...) float32 distances along rays, infinite where missed, and (...) int8 numbers of faces."""
        return self._hit_sphere(origin, direction) if self.radius else self._hit_planes(origin, direction)

    def normal_at(self, place: np.ndarray, face: np.ndarray) -> np.ndarray:
        """Return (N, 3) float32 outward normals."""
        return (place - self.planes[0, :3]) / self.radius if self.radius else self.planes[face, :3]

    def _hit_planes(self, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = direction @ self.planes[:, :3].T
        along = np.where(np.abs(along) < 1e-9, np.float32(1e-9), along)
        t = -(origin @ self.planes[:, :3].T + self.planes[:, 3]) / along
        enters = np.where(along < 0, t, -np.inf)
        face = enters.argmax(axis=-1)
        enter = np.take_along_axis(enters, face[..., None], axis=-1)[..., 0]
        leave = np.where(along > 0, t, np.inf).min(axis=-1)
        return np.where((enter < leave) & (enter > 0), enter, np.float32(np.inf)), face.astype(np.int8)

    def _hit_sphere(self, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        local = origin - self.planes[0, :3]
        a, b = (direction * direction).sum(axis=-1), (local * direction).sum(axis=-1)
        root = b * b - a * ((local * local).sum(axis=-1) - self.radius**2)
        t = (-b - np.sqrt(np.maximum(root, 0))) / a
        found = (root > 0) & (t > 0)
        if self.material == "leaves":  # ragged, and light falls through
            ray = np.broadcast_to(t[..., None] * direction, (*t.shape, 3))[found]
            found[found] = leaf_at(np.broadcast_to(origin, (*t.shape, 3))[found] + ray)[0]
        return np.where(found, t, np.float32(np.inf)), np.zeros(t.shape, np.int8)


class Model:
    """A list of solids and labels that grows by the things put into it."""

    def __init__(self) -> None:
        self.solids: list[Solid] = []
        self.labels: list[str] = []

    def begin(self, label: str) -> None:
        """Let what follows belong to a new segment."""
        self.labels.append(label)

    def extrude(
        self,
        material: str,
        colour: Vector,
        outline: list[tuple[float, float]] | np.ndarray,
        length: float,
        place: Vector = (0, 0, 0),
        turn_deg: float = 0.0,
        casts_shadow: bool = True,
    ) -> None:
        """Add a convex outline in x and y, counter-clockwise, drawn ``length`` long along z, turned and moved."""
        flat = np.asarray(outline, float)
        points = np.concatenate([np.column_stack([flat, np.full(len(flat), z)]) for z in (length / 2, -length / 2)])
        edges = np.roll(flat, -1, axis=0) - flat
        walls = np.column_stack([edges[:, 1], -edges[:, 0], np.zeros(len(flat))])
        normals = np.concatenate([walls / np.linalg.norm(walls, axis=1, keepdims=True), [[0, 0, 1], [0, 0, -1]]])
        offsets = -np.concatenate([(normals[: len(flat), :2] * flat).sum(axis=1), [length / 2, length / 2]])
        c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
        world_from_local = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        normals, points = normals @ world_from_local.T, points @ world_from_local.T + place
        planes = np.column_stack([normals, offsets - normals @ np.asarray(place, float)])
        self._add(material, colour, planes, points, 0.0, casts_shadow)

    def box(
        self,
        material: str,
        colour: Vector,
        size: Vector,
        foot: Vector,
        turn_deg: float = 0.0,
        casts_shadow: bool = True,
    ) -> None:
        """Add a box of (x, y, z) size standing on the middle of its lower face."""
        w, h, d = size
        outline = [(-w / 2, 0), (w / 2, 0), (w / 2, h), (-w / 2, h)]
        self.extrude(material, colour, outline, d, foot, turn_deg, casts_shadow)

    def post(
        self,
        material: str,
        colour: Vector,
        radius: float,
        height: float,
        foot: Vector,
    ) -> None:
        """Add an upright round post."""
        around = np.radians(np.arange(0, 360, 20))
        rim = radius * np.column_stack([np.cos(around), np.sin(around)])
        normals = np.column_stack([np.cos(around + np.radians(10)), np.zeros(18), -np.sin(around + np.radians(10))])
        offsets = np.full(18, -radius * np.cos(np.radians(10)))
        normals = np.concatenate([normals, [[0, 1, 0], [0, -1, 0]]])
        planes = np.column_stack([normals, np.concatenate([offsets, [-height, 0]]) - normals @ np.asarray(foot, float)])
        points = np.concatenate([np.column_stack([rim[:, 0], np.full(18, y), -rim[:, 1]]) for y in (0, height)])
        self._add(material, colour, planes, points + foot, 0.0, True)

    def ball(
        self,
        material: str,
        colour: Vector,
        radius: float,
        centre: Vector,
        casts_shadow: bool = True,
    ) -> None:
        """Add a sphere."""
        corners = np.array(np.meshgrid(*[(-radius, radius)] * 3)).reshape(3, -1).T + centre
        self._add(material, colour, np.array([[*centre, 0.0]]), corners, radius, casts_shadow)

    def _add(
        self,
        material: str,
        colour: Vector,
        planes: np.ndarray,
        points: np.ndarray,
        radius: float,
        casts_shadow: bool,
    ) -> None:
        body = planes.astype(np.float32), points.astype(np.float32), radius, casts_shadow
        self.solids.append(Solid(len(self.labels), material, np.asarray(colour, np.float32), *body))
