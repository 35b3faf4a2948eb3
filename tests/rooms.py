"""Rooms with known answers: boxes in a world of metres, seen by a known camera, one ray a pixel.

Poses, rays and hits are worked out here anew, without the package's own geometry, so that an error in it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from blockout.inference.prediction import Camera, DepthMap, Kind, Photo, Prediction, Segment, SegmentMap, Source

FAR_M = 1000.0
SKY_RGB = (150, 190, 240)


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in world metres, turned about the vertical through its middle; of one label, one segment."""

    label: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    kind: Kind = "object"
    rgb: tuple[int, int, int] = (128, 128, 128)
    turn_deg: float = 0.0

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Return (...,) how far along each ray it is entered, inf where it is missed."""
        return hit_box(self, origin, rays)


class Solid(Protocol):
    """What can be photographed: of one label, one segment."""

    @property
    def label(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def rgb(self) -> tuple[int, int, int]: ...

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Return (...,) how far along each ray it is entered, inf where it is missed."""
        ...


@dataclass(frozen=True, eq=False)
class Room:
    """A prediction without any error, and the pose that it was taken with."""

    prediction: Prediction
    world_from_camera: np.ndarray

    @property
    def down_cam(self) -> np.ndarray:
        """Return (3,) the true direction of gravity in camera axes."""
        return -self.world_from_camera[1, :3]

    def mask(self, label: str) -> np.ndarray:
        """Return (H, W) bool, the pixels of a label."""
        found = next(s.id for s in self.prediction.segments.segments if s.label == label)
        return self.prediction.segments.ids == found

    def samples(self, label: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return rays (N, 3) and depths (N,) of a label's pixels, or of all that are not sky."""
        z = self.prediction.depth.z
        chosen = np.isfinite(z) if label is None else self.mask(label) & np.isfinite(z)
        return cast_rays(self.prediction.camera)[chosen], z[chosen].astype(np.float64)

    def having(self, **changes: object) -> Prediction:
        """Return the prediction with another depth, segments or anything else."""
        return replace(self.prediction, **changes)  # type: ignore[arg-type]

    def having_depth(self, z: np.ndarray, *, is_metric: bool = True) -> Prediction:
        """Return the prediction with other depths."""
        return self.having(depth=DepthMap(z.astype(np.float32), is_metric))


def make_camera(height: int = 180, width: int = 240, fov_deg: float = 60.0) -> Camera:
    """Return a camera whose horizontal field of view is ``fov_deg``."""
    focal_px = width / 2 / np.tan(np.radians(fov_deg) / 2)
    return Camera(focal_px, focal_px, width / 2, height / 2, height, width, "known")


def look(height_m: float = 1.6, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> np.ndarray:
    """Return (4, 4) world from camera, towards -z; pitch > 0 looks up, roll > 0 leans gravity to the right."""
    (cp, sp), (cr, sr) = ((np.cos(np.radians(a)), np.sin(np.radians(a))) for a in (pitch_deg, roll_deg))
    pose = np.eye(4)
    pose[:3, :3] = (
        np.diag([1, -1, -1]) @ [[1, 0, 0], [0, cp, -sp], [0, sp, cp]] @ [[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]
    )
    pose[1, 3] = height_m
    return pose


def cast_rays(camera: Camera) -> np.ndarray:
    """Return (H, W, 3) rays of unit depth through the pixels' centres."""
    row, column = np.mgrid[: camera.height, : camera.width] + 0.5
    return np.stack([(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, np.ones_like(row)], axis=-1)


def hit_box(box: Box, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Return (...,) how far along each ray it enters a box, inf where it misses."""
    middle = (np.array(box.low) + box.high) / 2
    cosine, sine = np.cos(np.radians(box.turn_deg)), np.sin(np.radians(box.turn_deg))
    turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    start, along = turn @ (origin - middle), rays @ turn.T
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = [(np.array(corner) - middle - start) / along for corner in (box.low, box.high)]
    enter, leave = np.minimum(*ends).max(-1), np.maximum(*ends).min(-1)
    return np.where((enter < leave) & (enter > 0), enter, np.inf)


def hit_triangles(triangles: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Return (...,) how far along rays from the origin the nearest of (T, 3, 3) triangles lies, inf where none does.

    Source: Möller and Trumbore 1997.
    """
    nearest = np.full(rays.shape[:-1], np.inf)
    for corner, left, right in np.asarray(triangles, np.float64):
        across, up = left - corner, right - corner
        p = np.cross(rays, up)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (p @ -corner) / (p @ across)
            q = np.cross(-corner, across)
            v = (rays @ q) / (p @ across)
            t = (up @ q) / (p @ across)
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
        nearest = np.where(hit & (t < nearest), t, nearest)
    return nearest


def photograph(
    boxes: Sequence[Solid],
    pose: np.ndarray,
    camera: Camera | None = None,
    *,
    gravity: bool = True,
    is_metric: bool = True,
) -> Room:
    """Take a picture of boxes; what no ray hits is sky without depth."""
    camera = camera or make_camera()
    rays = cast_rays(camera)
    hits = np.stack([box.hit(pose[:3, 3], rays @ pose[:3, :3].T) for box in boxes] + [np.full(rays.shape[:2], FAR_M)])
    first = hits.argmin(0)
    labels = list(dict.fromkeys(box.label for box in boxes))
    kinds = {box.label: box.kind for box in boxes}
    numbers = np.array([labels.index(box.label) + 1 for box in boxes] + [len(labels) + 1], np.int32)
    ids = numbers[first]
    table = [Segment(k, label, kinds[label]) for k, label in enumerate(labels, start=1) if (ids == k).any()]
    if (ids == len(labels) + 1).any():
        table.append(Segment(len(labels) + 1, "sky", "sky"))
    z = np.where(first == len(boxes), np.nan, hits.min(0)).astype(np.float32)
    rgb = np.array([box.rgb for box in boxes] + [SKY_RGB], np.uint8)[first]
    prediction = Prediction(
        Photo(rgb),
        camera,
        DepthMap(z, is_metric),
        SegmentMap(ids, tuple(table)),
        -pose[1, :3] if gravity else None,
        (Source("depth", "known"), Source("segments", "known"), Source("camera", "known")),
    )
    return Room(prediction, pose)


FLOOR = Box("floor", (-FAR_M, -1, -FAR_M), (FAR_M, 0, FAR_M), "ground", (150, 130, 100))
WALL = Box("wall", (-FAR_M, 0, -6), (FAR_M, FAR_M, -5), "structure", (200, 200, 210))
CRATE = Box("crate", (-1.2, 0, -3.6), (-0.2, 2.0, -3.0), rgb=(170, 60, 40))
POST = Box("post", (0.7, 0, -4.2), (0.9, 2.2, -4.0), rgb=(60, 90, 160))


def plain_room(pose: np.ndarray | None = None, camera: Camera | None = None, *, gravity: bool = True) -> Room:
    """Return a floor, a wall at 5 m, a crate at 3 m and a post at 4 m; crate and post reach above the eye."""
    return photograph([FLOOR, WALL, CRATE, POST], look() if pose is None else pose, camera, gravity=gravity)


def table_room(pose: np.ndarray | None = None) -> Room:
    """Return a table on a floor before a wall; its top is seen from above."""
    legs = [
        Box("table", (x, 0, z), (x + 0.08, 0.7, z + 0.08), rgb=(120, 80, 40))
        for x in (-0.9, 0.82)
        for z in (-3.2, -2.1)
    ]
    top = Box("table", (-0.9, 0.7, -3.2), (0.9, 0.75, -2.0), rgb=(120, 80, 40))
    return photograph([FLOOR, WALL, top, *legs], look(pitch_deg=-15) if pose is None else pose)


def street(pose: np.ndarray | None = None, camera: Camera | None = None) -> Room:
    """Return a road to the horizon, a facade that runs along it on the right, and sky."""
    road = replace(FLOOR, label="road")
    facade = Box("facade", (4, 0, -40), (10, 9, 10), "structure", (190, 120, 90))
    return photograph([road, facade], look() if pose is None else pose, camera)
