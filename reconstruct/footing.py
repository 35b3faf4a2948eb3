"""Things that errors of the depth put behind the ground that their feet are seen on: how much nearer they stand."""

from __future__ import annotations

import numpy as np

from .evidence import Evidence
from .frames import rays_through, transform
from .planes import fit_roughly, straighten_up

LEAST_FEET = 3  # columns of the grid
FEET_SHARE = 0.15  # of the columns of a thing, below which the ground is to be seen
GROUND_ERROR, GROUND_ERRORS = 0.03, 4.0  # relative; times the depth's own: what is so near to the ground belongs to it
# Where a thing bulges its outline ends before its foot does, and where it is thick its sides end behind it: of what the
# columns tell, the share that is lower than the true value.
LOWEST = 0.15
FAR_OFF = 0.3  # relative distance from the ground beyond which a column tells of something else
PIXELS_OF_DOUBT, GROUND_DOUBT = 0.5, 0.01  # deviation: of where an outline ends, and of the ground, relative
MOST, LEAST = 0.12, 0.004  # relative: further is no error of depth, and less is none


def find_footing(evidence: Evidence) -> float:
    """Return by which factor a thing has to come nearer so that its foot is on the ground, where it is seen to be.

    The likeliest of what its depth tells, which errs as the map does, and of what the lower end of its outline tells.

    Args:
        evidence: of a thing in a world with a ground at y = 0.

    Returns:
        At most 1, and 1 where no foot is seen, or the thing is before the ground there.
    """
    own, camera = evidence.own, evidence.camera
    columns = np.flatnonzero(own.any(axis=0))
    lowest = own.shape[0] - 1 - own[::-1, columns].argmax(axis=0)
    inside = lowest + 2 < own.shape[0]
    columns, lowest = columns[inside], lowest[inside]
    if len(columns) < LEAST_FEET or len(evidence.points) < LEAST_FEET:
        return 1.0
    feet = rays_through(np.column_stack([columns + 0.5, lowest + 1.0]), camera)
    below = rays_through(np.column_stack([columns + 0.5, lowest + 2.5]), camera)
    inverse = feet @ _front(evidence)
    tolerance = GROUND_ERROR + GROUND_ERRORS * evidence.depth_error
    with np.errstate(invalid="ignore", divide="ignore"):
        stands = np.abs(evidence.z[lowest + 2, columns] / _ground_depth(evidence, below) - 1) < tolerance
        nearer = np.log(_ground_depth(evidence, feet) * np.where(inverse > 0, inverse, np.nan))
        told = stands & (np.abs(nearer) < FAR_OFF)
    if np.count_nonzero(told) < max(LEAST_FEET, FEET_SHARE * len(columns)):
        return 1.0
    distance = float(np.median(_ground_depth(evidence, feet[told])))
    doubt = PIXELS_OF_DOUBT * distance / (camera.fy * evidence.eye[1]) + GROUND_DOUBT
    likeliest = float(np.quantile(nearer[told], LOWEST)) / (1 + (doubt / evidence.depth_error) ** 2)
    return float(np.exp(max(likeliest, -MOST))) if likeliest < -LEAST else 1.0


def _front(evidence: Evidence) -> np.ndarray:
    """Return the plane w (3,) in camera axes that a thing shows: upright as far as the depth errs."""
    w = fit_roughly(transform(evidence.camera_from_world, evidence.points))
    corners = rays_through(np.array(evidence.box, np.float64), evidence.camera)
    return straighten_up(w, corners, evidence.camera_from_world[:3, 1], evidence.depth_error)


def _ground_depth(evidence: Evidence, rays: np.ndarray) -> np.ndarray:
    """Return (n,) how deep the ground is along (n, 3) rays of unit depth; NaN where it is not."""
    fall = -(rays @ evidence.world_from_camera[1, :3])
    with np.errstate(divide="ignore"):
        return np.where(fall > 0, evidence.eye[1] / fall, np.nan)
