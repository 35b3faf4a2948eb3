"""How far a solid goes on behind the face that the photo shows."""

from __future__ import annotations

import numpy as np

from ..inference.prediction import Kind
from .planes import Plane

SPREAD_QUANTILES = (0.05, 0.25, 0.75, 0.95)
OUTLIER_ERROR = 0.25  # relative depth error beyond which a sample belongs to something else
# Least thickness as a share of the face's smaller side: things are about half as deep as they are wide, walls and
# houses less, for a photo mostly shows one side of them; the ground is a slab.
LEAST_SHARE: dict[Kind, float] = {"object": 0.5, "structure": 0.25, "ground": 0.02, "sky": 0.02}
# Most that a spread may claim, of the same side: beyond it the segment rather holds several things.
MOST_SHARE: dict[Kind, float] = {"object": 1.5, "structure": 0.5, "ground": 0.02, "sky": 0.02}


def estimate_thickness(
    plane: Plane, rays: np.ndarray, z: np.ndarray, smaller_side: float, kind: Kind
) -> tuple[float, str]:
    """Estimate a prism's thickness from the spread of depth about its front face.

    Args:
        plane: of the front face.
        rays, z: (N, 3), (N,) samples off the border; those far off the plane do not count.
        smaller_side: of the face as the camera sees it, metres.
        kind: of the segment.

    Returns:
        Thickness along the plane's normal in metres, and where it comes from.
    """
    share = LEAST_SHARE[kind]
    errors = plane.errors(rays, z)
    errors = errors[np.abs(errors) < OUTLIER_ERROR]
    spread = 0.0
    if len(errors) >= 12:
        low, first, third, high = np.quantile(errors * plane.distance, SPREAD_QUANTILES)
        # Twice the middle half is the whole of an even spread; what leaks in at silhouettes only widens the tails.
        spread = min(float(high - low), 2 * float(third - first), MOST_SHARE[kind] * smaller_side)
    if spread > share * smaller_side:
        return spread, "depth spread"
    return share * smaller_side, f"prior: {share:g} of the smaller side"
