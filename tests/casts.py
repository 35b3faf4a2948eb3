"""Cylinders, cones, balls and gabled houses with known answers, to be photographed like the boxes of rooms.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import trimesh
from blockout.inference.prediction import Kind
from blockout.reconstruct.evidence import Evidence, gather_evidence
from blockout.reconstruct.meshes import Mesh, mesh_of
from blockout.reconstruct.scene import Prism
from rooms import Box, Room


@dataclass(frozen=True)
class Cone:
    """An upright cone, or a cylinder or a frustum, in world metres: radii at its foot and at its top."""

    label: str
    centre: tuple[float, float]
    bottom: float
    top: float
    radii: tuple[float, float]
    kind: Kind = "object"
    rgb: tuple[int, int, int] = (90, 140, 90)

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Return (...,) how far along each ray it is entered, inf where missed; its side is steeper than all."""
        slope = (self.radii[1] - self.radii[0]) / (self.top - self.bottom)
        x, z = origin[0] - self.centre[0], origin[2] - self.centre[1]
        radius = self.radii[0] + slope * (origin[1] - self.bottom)
        a = rays[..., 0] ** 2 + rays[..., 2] ** 2 - (slope * rays[..., 1]) ** 2
        b = x * rays[..., 0] + z * rays[..., 2] - slope * radius * rays[..., 1]
        root = np.sqrt(np.maximum(b * b - a * (x * x + z * z - radius**2), 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = [(y - origin[1]) / rays[..., 1] for y in (self.bottom, self.top)]
        enter = np.maximum((-b - root) / a, np.minimum(*ends))
        leave = np.minimum((-b + root) / a, np.maximum(*ends))
        return np.where((root > 0) & (enter < leave) & (enter > 0), enter, np.inf)


@dataclass(frozen=True)
class Log:
    """A level cylinder, in world metres, turned about the vertical; at 0 degrees its axis runs along z."""

    label: str
    centre: tuple[float, float, float]
    radius: float
    length: float
    turn_deg: float = 0.0
    kind: Kind = "object"
    rgb: tuple[int, int, int] = (120, 80, 50)

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Return (...,) how far along each ray it is entered, inf where it is missed."""
        angle = np.radians(self.turn_deg)
        # Stood up on its end: the axis, which is (sin, 0, cos), becomes y.
        upright = np.array([[np.cos(angle), 0, -np.sin(angle)], [np.sin(angle), 0, np.cos(angle)], [0, 1, 0]])
        half = self.length / 2
        return Cone("", (0, 0), -half, half, 2 * (self.radius,)).hit(upright @ (origin - self.centre), rays @ upright.T)


@dataclass(frozen=True)
class Ball:
    """A ball in world metres."""

    label: str
    centre: tuple[float, float, float]
    radius: float
    kind: Kind = "object"
    rgb: tuple[int, int, int] = (200, 90, 40)

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Return (...,) how far along each ray it is entered, inf where it is missed."""
        start = origin - self.centre
        a, b = (rays * rays).sum(-1), rays @ start
        inside = b * b - a * (start @ start - self.radius**2)
        with np.errstate(invalid="ignore"):
            return np.where(inside > 0, (-b - np.sqrt(inside)) / a, np.inf)


@dataclass(frozen=True)
class House:
    """A box with a roof whose ridge runs along z, turned about the vertical through its middle."""

    label: str
    box: Box
    ridge: float
    kind: Kind = "object"
    rgb: tuple[int, int, int] = (180, 150, 120)

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Return (...,) how far along each ray it is entered, inf where it is missed."""
        low, high = np.array(self.box.low), np.array(self.box.high)
        middle, half = (low + high) / 2, (high - low) / 2
        cosine, sine = np.cos(np.radians(self.box.turn_deg)), np.sin(np.radians(self.box.turn_deg))
        turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
        start, along = turn @ (origin - middle), rays @ turn.T
        rise = (self.ridge - high[1]) / half[0]
        sides = np.array(
            [(1, 0, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1), (0, -1, 0), (rise, 1, 0), (-rise, 1, 0)], np.float64
        )
        bounds = np.array([half[0], half[0], half[2], half[2], half[1], *2 * [self.ridge - middle[1]]])
        speed, room = along @ sides.T, bounds - start @ sides.T
        with np.errstate(divide="ignore"):
            at = room / speed
        enter = np.where(speed < 0, at, -np.inf).max(-1)
        leave = np.where(speed > 0, at, np.inf).min(-1)
        return np.where((enter < leave) & (enter > 0), enter, np.inf)


def gather(room: Room, label: str) -> Evidence:
    """Return what a room shows of a label."""
    prediction = room.prediction
    rows, columns = np.nonzero(room.mask(label))
    box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    wanted = [s.id for s in prediction.segments.segments if s.label == label]
    found = gather_evidence(
        prediction.segments.ids, wanted, prediction.depth.z, box, prediction.camera, room.world_from_camera
    )
    return replace(found, label=label)


def to_trimesh(prism: Prism) -> trimesh.Trimesh:
    """Return a prism as triangles that share their points."""
    mesh = mesh_of(prism)
    return trimesh.Trimesh(*_triangulate(mesh), process=False)


def _triangulate(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    starts = np.cumsum(mesh.face_sizes) - mesh.face_sizes
    fans = [
        mesh.face_points[[start, start + k, start + k + 1]]
        for start, size in zip(starts, mesh.face_sizes, strict=True)
        for k in range(1, size - 1)
    ]
    return mesh.points, np.array(fans)


def check_solid(prism: Prism) -> None:
    """Assert that a prism is a closed solid that faces outward, without a face of no area."""
    solid = to_trimesh(prism)
    assert np.isfinite(solid.vertices).all()
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume > 0
    assert solid.area_faces.min() > 1e-9 * solid.area
    assert prism.thickness_m > 0
    assert prism.extrusion[2] < 0
    assert prism.thickness_source


def box_error(prism: Prism, box: Box) -> float:
    """Return how far a fitted box is from the true one: the largest distance between corners, over its diagonal."""
    low, high = np.array(box.low), np.array(box.high)
    middle = (low + high) / 2
    corners = np.array([[(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]] for i, j, k in np.ndindex(2, 2, 2)])
    cosine, sine = np.cos(np.radians(box.turn_deg)), np.sin(np.radians(box.turn_deg))
    truth = (corners - middle) @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]) + middle
    points = mesh_of(prism).points
    apart = np.linalg.norm(truth[:, None] - points[None], axis=-1)
    return float(max(apart.min(0).max(), apart.min(1).max()) / np.linalg.norm(high - low))
