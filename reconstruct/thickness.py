"""How far a solid goes on behind the face that the photo shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inference.prediction import Kind
from .order import find_quantiles
from .planes import Plane

SPREAD_QUANTILES = (0.05, 0.25, 0.75, 0.95)
SPREAD_OF_ERROR = 3.4  # times the mean error: twice the middle half of a normal distribution
OUTLIER_ERROR = 0.25  # relative depth error beyond which a sample belongs to something else
# Least thickness as a share of the face's smaller side: things are about half as deep as they are wide, walls and
# houses less, for a photo mostly shows one side of them; the ground is a slab.
LEAST_SHARE: dict[Kind, float] = {"object": 0.5, "structure": 0.25, "ground": 0.02, "sky": 0.02}
# Most that a spread may claim, of the same side: beyond it the segment rather holds several things.
MOST_SHARE: dict[Kind, float] = {"object": 1.5, "structure": 0.5, "ground": 0.02, "sky": 0.02}
THINNEST_SHARE = 0.02  # of the same side: no prior makes a sheet

# How sure a thickness is by where it comes from: relative standard deviation, as benchmarks/ found it on 40 scenes with
# true depth. It is also the order of trust.
UNCERTAINTY = {
    "seen: the gap behind it": 0.1,
    "seen: its curvature": 0.2,
    "seen: its sides or top": 0.25,
    "seen: its top": 0.2,
    "as deep as": 0.3,
    "prior: usual": 0.35,
    "depth spread": 0.4,
    "prior:": 0.5,
    "slab:": 0.5,
}


@dataclass(frozen=True)
class Usual:
    """How thick things of a name usually are, in the unit of the depth."""

    label: str
    thickness: float


def find_uncertainty(source: str) -> float | None:
    """Return the relative standard deviation of a thickness by its source in words; None for what no one guessed."""
    return next((value for start, value in UNCERTAINTY.items() if source.startswith(start)), None)


def estimate_thickness(
    plane: Plane,
    rays: np.ndarray,
    z: np.ndarray,
    smaller_side: float,
    kind: Kind,
    usual: Usual | None = None,
    depth_error: float = 0.0,
) -> tuple[float, str]:
    """Estimate a prism's thickness from the spread of depth about its front face.

    Args:
        plane: of the front face.
        rays, z: (N, 3), (N,) samples off the border; those far off the plane do not count.
        smaller_side: of the face as the camera sees it, metres.
        kind: of the segment.
        usual: what is known of things of the segment's name, None for nothing.
        depth_error: mean relative error of the depth map itself, whose spread is not the thing's.

    Returns:
        Thickness along the plane's normal in metres, and where it comes from.
    """
    share = LEAST_SHARE[kind]
    errors = plane.errors(rays, z)
    errors = errors[np.abs(errors) < OUTLIER_ERROR]
    spread = 0.0
    if len(errors) >= 12:
        low, first, third, high = find_quantiles(errors * plane.distance, SPREAD_QUANTILES)
        # Twice the middle half is the whole of an even spread; what leaks in at silhouettes only widens the tails.
        spread = min(float(high - low), 2 * float(third - first))
        own = spread**2 - (SPREAD_OF_ERROR * depth_error * plane.distance) ** 2
        spread = min(float(np.sqrt(max(own, 0.0))), MOST_SHARE[kind] * smaller_side)
    if spread > share * smaller_side:
        return spread, "depth spread"
    if usual is not None:
        low, high = THINNEST_SHARE * smaller_side, MOST_SHARE[kind] * smaller_side
        return float(np.clip(usual.thickness, low, high)), f"prior: usual for a {usual.label}"
    return share * smaller_side, f"prior: {share:g} of the smaller side"
