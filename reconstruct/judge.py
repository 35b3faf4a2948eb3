"""Which shape explains a segment: seen through the camera it must keep the outline and the depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .evidence import Evidence
from .frames import project, transform
from .meshes import mesh_of, triangles_of
from .raster import rasterise
from .scene import Prism

ERROR_CAP = 0.25  # a pixel that is missed, or leaks, counts as this relative depth error
SHORT = 0.12  # of the segment's width or height
_SQUARE = np.ones((3, 3), np.uint8)  # a pixel of the grid: closer than that an outline is not known
BEHIND = 0.01  # relative: a solid that is not this far behind what a pixel shows would hide it


@dataclass(frozen=True)
class Verdict:
    """How a shape looks through the camera.

    Attributes:
        error: mean relative depth error over the segment's pixels, each capped, those missed at the cap.
        overlap: pixels of the segment that it covers, over those that it covers or leaks on.
    """

    error: float
    overlap: float

    @property
    def cost(self) -> float:
        """Return error and lost overlap as one number."""
        return self.error + ERROR_CAP * (1 - self.overlap)


def may_keep_outline(prism: Prism, evidence: Evidence) -> bool:
    """Return whether the box around a solid, as the camera sees it, reaches about as far as the segment's.

    A solid that is hidden in part may reach further; one that falls short of the segment never keeps its outline.
    """
    points = transform(np.linalg.inv(evidence.world_from_camera), mesh_of(prism).points)
    if (points[:, 2] <= 0).any():
        return True
    seen = project(points, evidence.camera)
    rows, columns = np.flatnonzero(evidence.own.any(1)), np.flatnonzero(evidence.own.any(0))
    low = np.array([columns[0], rows[0]])
    high = np.array([columns[-1] + 1, rows[-1] + 1])
    slack = SHORT * (high - low) + 1
    return bool((seen.min(0) <= low + slack).all() and (seen.max(0) >= high - slack).all())


def judge(prism: Prism, evidence: Evidence) -> Verdict:
    """Look at a solid in the world through the grid's camera."""
    camera_from_world = np.linalg.inv(evidence.world_from_camera)
    depth = rasterise(transform(camera_from_world, triangles_of(mesh_of(prism))), evidence.camera).depth
    hit = np.isfinite(depth)
    own, z = evidence.own, evidence.z
    near_own, near_hit = (cv2.dilate(mask.view(np.uint8), _SQUARE).view(bool) for mask in (own, hit))
    with np.errstate(invalid="ignore"):
        error = np.where(hit, np.abs(depth / z - 1), ERROR_CAP)[own & np.isfinite(z) & (hit | ~near_hit)]
        leaks = hit & ~near_own & ((depth < z * (1 + BEHIND)) | np.isnan(z))
    missed, leaked = int(np.count_nonzero(own & ~near_hit)), int(np.count_nonzero(leaks))
    union = int(np.count_nonzero(own)) + leaked
    mean = float(np.minimum(error, ERROR_CAP).mean()) if len(error) else ERROR_CAP
    return Verdict(mean, 1 - (missed + leaked) / max(union, 1))
