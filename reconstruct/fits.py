"""Evidence -> shapes that may explain it: robust fits to what is seen, and a stated guess for what is not."""

from __future__ import annotations

from .boxes import fit_boxes, fit_height_profiles
from .evidence import Evidence
from .extents import LEAST_POINTS, find_axes, find_bottom, measure_extent
from .shapes import Shape
from .turned import fit_lathe, fit_lying_cylinder, fit_revolution


def propose(evidence: Evidence, has_ground: bool, with_round: bool = True) -> list[Shape]:
    """Return shapes fitted to one segment; none where too little is seen.

    Args:
        evidence: of the segment, in a world whose y is up.
        has_ground: whether y = 0 is the ground.
        with_round: whether cylinders, cones and turned solids are among them.
    """
    if len(evidence.points) < LEAST_POINTS:
        return []
    bottom = find_bottom(evidence, has_ground)
    shapes: list[Shape] = []
    for axes in find_axes(evidence):
        seen = measure_extent(evidence, axes, bottom)
        shapes += fit_boxes(evidence, seen)
        shapes += fit_height_profiles(evidence, seen)
    if with_round:
        shapes += fit_revolution(evidence, bottom)
        shapes += fit_lying_cylinder(evidence, bottom)
        shapes += fit_lathe(evidence, bottom)
    return shapes
