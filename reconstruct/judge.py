"""Which shape explains a segment: seen through the camera it must keep the outline and the depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .evidence import SQUARE, Evidence
from .frames import transform
from .raster import rasterise_solids
from .shapes import Shape

ERROR_CAP = 0.25  # a pixel that is missed, or leaks, counts as this relative depth error
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


def judge(candidates: Sequence[tuple[Shape, Evidence]]) -> list[Verdict]:
    """Look at solids through the camera of their grid, each against evidence of its own, all on one grid."""
    if not candidates:
        return []
    grid = candidates[0][1]
    surfaces = [shape.triangles for shape, _ in candidates]
    layer = np.repeat(np.arange(len(surfaces)), [len(triangles) for triangles in surfaces])
    triangles = transform(grid.camera_from_world, np.concatenate(surfaces))
    depths = rasterise_solids(triangles, layer, len(surfaces), grid.camera)
    return [_compare(depth, evidence) for depth, (_, evidence) in zip(depths, candidates, strict=True)]


def _compare(depth: np.ndarray, evidence: Evidence) -> Verdict:
    """Return how a solid's depth (h, w), NaN beside it, matches what is seen."""
    own, z = evidence.own, evidence.z
    hit = np.isfinite(depth)
    near_hit = cv2.dilate(hit.view(np.uint8), SQUARE).view(bool)
    with np.errstate(invalid="ignore"):
        error = np.where(hit, np.abs(depth / z - 1), ERROR_CAP)[own & np.isfinite(z) & (hit | ~near_hit)]
        leaks = hit & ~evidence.near & ((depth < z * (1 + BEHIND)) | np.isnan(z))
    missed, leaked = int(np.count_nonzero(own & ~near_hit)), int(np.count_nonzero(leaks))
    union = int(np.count_nonzero(own)) + leaked
    mean = float(np.minimum(error, ERROR_CAP).mean()) if len(error) else ERROR_CAP
    return Verdict(mean, 1 - (missed + leaked) / max(union, 1))
