"""Which shape explains a segment: seen through the camera it must keep the outline and the depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .evidence import SQUARE, Evidence
from .frames import project, transform
from .raster import rasterise_solids
from .shapes import Shape

ERROR_CAP = 0.25  # a pixel that is missed, or leaks, counts as this relative depth error
FAR_OUTSIDE, UNSEEN = 1.0, 0.9  # of the grid's size; times the overlap of a solid that goes further out of it
BENT = 0.003  # relative error of a depth map that sets solids askew, and tilts the ground
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
    verdicts = [_compare(depth, evidence) for depth, (_, evidence) in zip(depths, candidates, strict=True)]
    if grid.depth_error <= BENT:
        return verdicts
    outside = _reach_outside(triangles, layer, len(surfaces), grid)
    return [replace(v, overlap=v.overlap * UNSEEN) if out else v for v, out in zip(verdicts, outside, strict=True)]


def _reach_outside(triangles_cam: np.ndarray, layer: np.ndarray, count: int, grid: Evidence) -> np.ndarray:
    """Return (count,) bool: solids that go far beyond the grid, where nobody looks, and the frame does not cut them.

    Depth that errs bends a face into the side of a solid several times as long as what is seen of it.
    """
    corners = triangles_cam.reshape(-1, 3)
    size = np.array([grid.camera.width, grid.camera.height])
    with np.errstate(divide="ignore", invalid="ignore"):
        place = project(corners, grid.camera) / size
    beyond = np.hstack([place < -FAR_OUTSIDE, place > 1 + FAR_OUTSIDE]) & ~np.array(grid.touches_frame)
    found = (corners[:, 2] > 0) & beyond.any(axis=1)
    return np.bincount(np.repeat(layer, 3), found, count) > 0


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
