"""How far a solid goes on behind the face that the photo shows."""

from __future__ import annotations

import numpy as np

from ..inference.prediction import Kind
from .planes import Plane

SPREAD_QUANTILES = (0.05, 0.95)
OUTLIER_ERROR = 0.25  # relative depth error beyond which a sample belongs to something else
# Least thickness as a share of the face's smaller side: things are about half as deep as they are wide, walls and
# houses less, for a photo mostly shows one side of them; the ground is a slab.
LEAST_SHARE: dict[Kind, float] = {"object": 0.5, "structure": 0.25, "ground": 0.02, "sky": 0.02}


def estimate_thickness(
    plane: Plane, rays: np.ndarray, z: np.ndarray, sides: tuple[float, float], kind: Kind
) -> tuple[float, str]:
    """Estimate a prism's thickness from the spread of depth about its front face.

    Args:
        plane: of the front face.
        rays, z: (N, 3), (N,) samples off the border; those far off the plane do not count.
        sides: smaller and larger side of the face, metres.
        kind: of the segment.

    Returns:
        Thickness along the plane's normal in metres, and where it comes from.
    """
    smaller, larger = sides
    share = LEAST_SHARE[kind]
    errors = plane.errors(rays, z)
    errors = errors[np.abs(errors) < OUTLIER_ERROR]
    spread = 0.0
    if len(errors) >= 12:
        low, high = np.quantile(errors * plane.distance, SPREAD_QUANTILES)
        spread = min(float(high - low), larger)
    if spread >= share * smaller:
        return spread, "depth spread"
    return share * smaller, f"prior: {share:g} of the smaller side"
