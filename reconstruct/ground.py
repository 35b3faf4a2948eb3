"""Where the ground is, and with it which way is down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .order import median
from .planes import Plane, fit_plane

LEAST_SAMPLES = 50
SEARCH_SAMPLES = 1500
HYPOTHESES = 400
STEEPEST_DEG = 40.0  # ground further from level than this, against what is known of gravity, is no ground
INLIER_ERROR = 0.03
TILT_OF_ERROR = 0.25  # as smooth errors of 5 % did to 39 synthetic scenes of benchmarks/
LEAST_TILT_DEG, MOST_TILT_DEG = 0.4, 6.0
OF_GROUND = 0.15  # relative error of what is of the ground
LEAST_SHARE = 0.08  # of the samples, to lie on a ground that no label names
MOST_BELOW = 0.04  # of the samples: more of them below a plane and it is a table, not the ground


@dataclass(frozen=True, eq=False)
class Ground:
    """Which way is down, and how high the camera stands.

    Attributes:
        down_cam: (3,) float64 unit vector along gravity, camera axes.
        camera_height: distance of the camera from the ground in the depth map's unit; None when none was found.
    """

    down_cam: np.ndarray
    camera_height: float | None


def find_ground(
    ground: tuple[np.ndarray, np.ndarray], everything: tuple[np.ndarray, np.ndarray], gravity_cam: np.ndarray | None
) -> Ground:
    """Find the ground plane from labelled samples, else from any.

    Args:
        ground: rays (N, 3) and depths (N,) of the segments of kind ground.
        everything: rays (M, 3) and depths (M,) of the whole photo, sky left out.
        gravity_cam: (3,) unit vector from an estimator, None when there is none.
    """
    down = np.array([0.0, 1.0, 0.0]) if gravity_cam is None else gravity_cam / np.linalg.norm(gravity_cam)
    plane = fit_plane(*ground) if len(ground[1]) >= LEAST_SAMPLES else None
    if plane is None or not _is_level(plane.w[None], down)[0]:
        plane = search_level_plane(*everything, down)
    if plane is None:
        return Ground(down, None)
    return Ground(-plane.normal, plane.distance)


def level_ground(ground: Ground, down_cam: np.ndarray, rays: np.ndarray, z: np.ndarray) -> Ground:
    """Return the ground with its plane turned to be level.

    Args:
        ground: as found.
        down_cam: (3,) unit vector along gravity, better known than by the depth.
        rays, z: (N, 3), (N,) samples of the ground; others among them do no harm.
    """
    heights = (z * (rays @ down_cam))[_lies_on(ground, rays, z)]
    return Ground(down_cam, median(heights)) if len(heights) >= LEAST_SAMPLES else ground


def doubt_tilt(ground: Ground, rays: np.ndarray, z: np.ndarray, depth_error: float) -> float:
    """Return by how many degrees, a standard deviation, errors of the depth may have tilted the ground.

    The lower in the picture and the wider apart its samples are, the less.

    Args:
        ground, rays, z: as for ``level_ground``.
        depth_error: mean relative error of the depth, which is smooth.
    """
    on = rays[_lies_on(ground, rays, z)]
    if len(on) < LEAST_SAMPLES:
        return MOST_TILT_DEG
    side = np.cross(ground.down_cam, [0.0, 0.0, 1.0])
    fall, across = on @ ground.down_cam, on @ (side / np.linalg.norm(side))
    along_both = depth_error * fall.mean() * np.array([1 / max(fall.std(), 1e-6), 1 / max(across.std(), 1e-6)])
    deg = TILT_OF_ERROR * np.degrees(np.sqrt(np.mean(np.square(along_both))))
    return float(np.clip(deg, LEAST_TILT_DEG, MOST_TILT_DEG))


def _lies_on(ground: Ground, rays: np.ndarray, z: np.ndarray) -> np.ndarray:
    assert ground.camera_height is not None, "there is a ground"
    return np.asarray(np.abs(z * (rays @ ground.down_cam) / ground.camera_height - 1) < OF_GROUND)


def search_level_plane(rays: np.ndarray, z: np.ndarray, down_cam: np.ndarray) -> Plane | None:
    """Return the roughly level plane that carries most samples and has next to none below it, if there is one."""
    if len(z) < LEAST_SAMPLES:
        return None
    keep = np.linspace(0, len(z) - 1, min(len(z), SEARCH_SAMPLES)).astype(int)
    points = rays[keep] * z[keep][:, None]
    rng = np.random.default_rng(len(z))
    triples = points[rng.integers(0, len(points), (HYPOTHESES, 3))]
    size = np.prod(np.linalg.norm(triples, axis=2), axis=1)
    triples = triples[np.abs(np.linalg.det(triples)) > 1e-9 * size]
    hypotheses = np.linalg.solve(triples, np.ones((len(triples), 3, 1)))[:, :, 0]
    hypotheses = hypotheses[_is_level(hypotheses, down_cam)]
    if not len(hypotheses):
        return None
    errors = points @ hypotheses.T - 1
    carried = (np.abs(errors) < INLIER_ERROR).mean(0)
    carried[(errors > 2 * INLIER_ERROR).mean(0) > MOST_BELOW] = 0
    best = int(carried.argmax())
    if carried[best] < LEAST_SHARE:
        return None
    on = np.abs(rays * z[:, None] @ hypotheses[best] - 1) < INLIER_ERROR
    plane = fit_plane(rays[on], z[on])
    return plane if _is_level(plane.w[None], down_cam)[0] else None


def _is_level(w: np.ndarray, down_cam: np.ndarray) -> np.ndarray:
    """Return (N,) bool: planes w (N, 3) that lie below the camera and face up."""
    return (w @ down_cam) > np.cos(np.radians(STEEPEST_DEG)) * np.linalg.norm(w, axis=1)
