"""What reconstruction makes: prisms and the scene that holds them. World: right-handed, Y up, metres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..inference.prediction import Camera, Kind, Photo, Source
from .clean_plate import CleanPlate


@dataclass(frozen=True, eq=False)
class Prism:
    """A closed solid: an outline on a plane, extruded away from the camera.

    Plane axes: x and y span the front face, z points out of it to the camera's side. The rings of ``outline`` are
    oriented about +z: the outer ring counter-clockwise, holes clockwise. Point i of the back face is
    ``taper * outline[i] + extrusion``, so vertices 0..N-1 of the solid are its front and N..2N-1 its back.

    Attributes:
        name: unique ASCII identifier, "seg_001_table".
        label, kind, score: of the segment (a part inherits them).
        level: 0 for a segment and for the pieces that it falls into, 1 and up for parts.
        outline: (N, 2) float64, metres on the plane; rings one after another, the outer one first.
        ring_sizes: number of points of each ring; sums to N.
        outline_px: (N, 2) float64, (x, y) px of the same points in the photo, pixel centres at +0.5.
        cap: (T, 3) int32 triangles over ``outline``, counter-clockwise about +z, each point used.
        world_from_plane: (4, 4) float64, rigid.
        extrusion: (3,) float64, metres in plane axes, z negative.
        taper: size of the back over the front; 1 for straight sides.
        thickness_m: distance between front and back along the plane's normal.
        thickness_source: in words, such as "depth spread" or "prior: 0.5 of the smaller side".
        colour: (3,) float64, mean linear-light RGB (sRGB primaries) of the segment.
        pixels: number of photo pixels of the segment.
        residual: mean relative depth error of the solid, seen through the camera, against the depth map.
        middles: (K, 4) float64, further copies of the outline between front and back: offset in plane axes, metres, and
            size over the front's; none for a plain prism.
        shape: "prism" where the front lies on the seen surface; "box", "profile", "cylinder", "cone" or "lathe" where
            the whole solid was fitted.
        reason: why this shape was chosen, in words.
        supported_by: name of the prism at the tree's top, or "ground", that carries this one; "" where none is known,
            and for all below the top.
        shows_plate: whether its front goes on behind other things, where the clean plate tells its colours.
        children: parts or pieces; when there are any this prism is a group. The own solid of a group of parts stands
            for them at its level; that of a group of pieces has the shape of the largest only and is never shown.
    """

    name: str
    label: str
    kind: Kind
    score: float
    level: int
    outline: np.ndarray
    ring_sizes: tuple[int, ...]
    outline_px: np.ndarray
    cap: np.ndarray
    world_from_plane: np.ndarray
    extrusion: np.ndarray
    taper: float
    thickness_m: float
    thickness_source: str
    colour: np.ndarray
    pixels: int
    residual: float
    middles: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    shape: str = "prism"
    reason: str = ""
    supported_by: str = ""
    shows_plate: bool = False
    children: tuple[Prism, ...] = ()

    @property
    def is_split(self) -> bool:
        """Whether the children are pieces of a segment that the photo shows apart, of the same level, not parts."""
        return any(child.level == self.level for child in self.children)

    def walk(self) -> Iterator[Prism]:
        """Yield this prism and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Scale:
    """How the depth's unit became the metre.

    Attributes:
        factor: that was applied.
        source: why, in words for the summary.
        is_metric: whether somebody knew the metre, a user or the depth map.
        uncertainty: relative standard deviation of an estimate, such as 0.15; None where the metre was known.
    """

    factor: float
    source: str
    is_metric: bool
    uncertainty: float | None = None

    @property
    def in_words(self) -> str:
        """Return why and how surely."""
        return self.source if self.uncertainty is None else f"{self.source}, +-{100 * self.uncertainty:.0f} %"


@dataclass(frozen=True, eq=False)
class Scene:
    """A camera matched to the photo and a tree of prisms.

    Attributes:
        world_from_camera: (4, 4) float64, rigid, from OpenCV camera axes to the world.
        prisms: one tree for each segment that gives a solid.
        sky_colour: (3,) float64, mean linear-light RGB of the sky; None without sky.
        has_ground: whether y = 0 is a ground plane that was found.
        limits: what bounded the recursion, in words by name, for the summary.
        plate: the photo without what stands before the set; None where nothing goes on behind anything.
    """

    photo: Photo
    camera: Camera
    world_from_camera: np.ndarray
    prisms: tuple[Prism, ...]
    scale: Scale
    sources: tuple[Source, ...]
    sky_colour: np.ndarray | None = None
    has_ground: bool = False
    limits: tuple[tuple[str, str], ...] = ()
    plate: CleanPlate | None = None

    def walk(self) -> Iterator[Prism]:
        """Yield every prism and group, parents first."""
        for prism in self.prisms:
            yield from prism.walk()

    @property
    def finest(self) -> int:
        """Return the level at which every part shows."""
        return max((prism.level for prism in self.walk()), default=0)

    def solids(self, level: int | None = None) -> Iterator[Prism]:
        """Yield the prisms that are solids at a level, where parents of that level stand for their parts.

        Args:
            level: 0 to ``finest``; None is the finest, where the solids are the prisms without children.
        """
        waiting = list(reversed(self.prisms))
        while waiting:
            prism = waiting.pop()
            if not prism.children or (prism.level == level and not prism.is_split):
                yield prism
            else:
                waiting += reversed(prism.children)
