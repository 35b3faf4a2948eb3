"""What a user may ask of reconstruction, with the defaults and their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shapes = Literal["auto", "prism"]


@dataclass(frozen=True)
class Settings:
    """Options of ``build.reconstruct``.

    Attributes:
        detail: levels of recursion; 0 gives one prism a segment.
        outline_tolerance: furthest that an outline may leave its border, as a share of the photo's long side.
        least_area: smallest segment or part that becomes a prism, as a share of the photo's pixels.
        residual_tolerance: relative depth error of a front face above which a segment is split.
        least_gain: share of that error that a split has to take away.
        shapes: "auto" lets a segment become a box, a profile, a cylinder, a cone or a turned solid where one explains
            what is seen of it; "prism" keeps to prisms.
        close_set: whether ground, walls and ceilings become slabs that go on behind what stands before them.
        scale_factor: multiplies all lengths after the scale is found.
        scale_reference: (label, height in metres): the largest segment of that label gets that height.
    """

    detail: int = 2
    outline_tolerance: float = 0.004
    least_area: float = 0.0003
    residual_tolerance: float = 0.02
    least_gain: float = 0.25
    shapes: Shapes = "auto"
    close_set: bool = True
    scale_factor: float = 1.0
    scale_reference: tuple[str, float] | None = None
