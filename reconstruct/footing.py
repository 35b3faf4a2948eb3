"""Things that errors of the depth put behind the ground that their feet are seen on: how much nearer they stand."""

from __future__ import annotations

import numpy as np

from .evidence import Evidence
from .frames import rays_through, transform
from .raster import rasterise_solids
from .shapes import Shape

LEAST_FEET = 3  # columns of the grid
FEET_SHARE = 0.15  # of the columns of a thing, below which the ground is to be seen
GROUND_ERROR, GROUND_ERRORS = 0.03, 4.0  # relative; times the depth's own: what is so near to the ground belongs to it
# Where a thing bulges its outline ends before its foot does, and where it is thick its sides end behind it: of what the
# columns tell, the share that is lower than the true value.
LOWEST = 0.15
FAR_OFF = 0.3  # relative distance from the ground beyond which a column tells of something else
PIXELS_OF_DOUBT, GROUND_DOUBT = 0.5, 0.01  # deviation: of where an outline ends, and of the ground, relative
MOST, LEAST = 0.12, 0.004  # relative: further is no error of depth, and less is none


def find_footing(evidence: Evidence, shape: Shape) -> float:
    """Return by which factor a thing has to come nearer so that its foot is on the ground, where it is seen to be.

    The likeliest of what its depth tells, which errs as the map does, and of what the lower end of its outline tells.

    Args:
        evidence: of a thing in a world with a ground.
        shape: that fits it best.

    Returns:
        At most 1, and 1 where no foot is seen, or the thing is before the ground there.
    """
    own, camera = evidence.own, evidence.camera
    columns = np.flatnonzero(own.any(axis=0))
    lowest = own.shape[0] - 1 - own[::-1, columns].argmax(axis=0)
    inside = lowest + 2 < own.shape[0]
    columns, lowest = columns[inside], lowest[inside]
    triangles = transform(evidence.camera_from_world, shape.triangles)
    depth = rasterise_solids(triangles, np.zeros(len(triangles), np.int64), 1, camera)[0]
    at_foot, below = (_ground_depth(evidence, columns, row) for row in (lowest + 1.0, lowest + 2.5))
    tolerance = GROUND_ERROR + GROUND_ERRORS * evidence.depth_error
    with np.errstate(invalid="ignore"):
        stands = np.abs(evidence.z[lowest + 2, columns] / below - 1) < tolerance
        nearer = np.log(at_foot / depth[lowest, columns])
        told = stands & (np.abs(nearer) < FAR_OFF)
    if np.count_nonzero(told) < max(LEAST_FEET, FEET_SHARE * len(columns)):
        return 1.0
    doubt = PIXELS_OF_DOUBT * float(np.median(at_foot[told])) / (camera.fy * evidence.eye[1]) + GROUND_DOUBT
    likeliest = float(np.quantile(nearer[told], LOWEST)) / (1 + (doubt / evidence.depth_error) ** 2)
    return float(np.exp(max(likeliest, -MOST))) if likeliest < -LEAST else 1.0


def _ground_depth(evidence: Evidence, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return (n,) how deep the ground is, y = 0, at places of the grid; NaN where it is not."""
    rays = rays_through(np.column_stack([columns + 0.5, rows]), evidence.camera)
    fall = -(rays @ evidence.world_from_camera[1, :3])
    with np.errstate(divide="ignore"):
        return np.where(fall > 0, evidence.eye[1] / fall, np.nan)
