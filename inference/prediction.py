"""What travels from inference to reconstruction: arrays with a name, a shape and a unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

Kind = Literal["sky", "ground", "structure", "object"]
KINDS: tuple[Kind, ...] = ("sky", "ground", "structure", "object")
SHAPES = ("box", "cylinder", "sphere", "cone", "prism")  # cone: wedge roofs as well; prism: what is none of the others


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph, upright.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB.
        focal_px: focal length in pixels of ``rgb`` from EXIF, None when EXIF has none.
        path: the file that it was read from.
        original_size: (height, width) px of the upright file, larger than ``rgb`` when it was reduced.
    """

    rgb: np.ndarray
    focal_px: float | None = None
    path: Path = Path("photo")
    original_size: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: OpenCV axes (x right, y down, z forward), pixel centres at +0.5.

    Attributes:
        fx, fy, cx, cy: px.
        height, width: px, of the picture that the values hold for.
        source: where the values come from, in words for the summary ("EXIF", "--fov 60", "assumed 55 degrees").
        down_cam: unit vector along gravity in camera axes, where the one who states the camera states that too.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int
    source: str = "assumed"
    down_cam: tuple[float, float, float] | None = None

    def resized(self, height: int, width: int) -> Camera:
        """Return the same camera for a picture of another size."""
        sy, sx = height / self.height, width / self.width
        return replace(
            self, fx=self.fx * sx, fy=self.fy * sy, cx=self.cx * sx, cy=self.cy * sy, height=height, width=width
        )

    def record(self) -> dict[str, float | int | str]:
        """Return lens, size and source by name, as JSON can hold them."""
        return {key: value for key, value in asdict(self).items() if key != "down_cam"}

    @property
    def fov_deg(self) -> float:
        """Return the horizontal field of view in degrees."""
        return float(np.degrees(np.arctan(self.cx / self.fx) + np.arctan((self.width - self.cx) / self.fx)))


@dataclass(frozen=True, eq=False)
class DepthMap:
    """Depth along the optical axis.

    Attributes:
        z: (H, W) float32, metres when ``is_metric``, else metres up to one unknown factor; NaN where unknown.
        is_metric: whether the unit is known to be the metre.
        error: relative error within a thing that its maker reckons with; 0 where only the map itself can tell.
        is_sharp: whether it steps where the photo does, as of ``edges.sharpen_depth``.
    """

    z: np.ndarray
    is_metric: bool = False
    error: float = 0.0
    is_sharp: bool = False


@dataclass(frozen=True, eq=False)
class DisparityMap:
    """Affine-invariant disparity: a / depth + b with unknown a > 0 and b, as relative depth networks give it.

    Attributes:
        values: (h, w) float32, larger when nearer, any size and aspect ratio; NaN unknown.
    """

    values: np.ndarray


@dataclass(frozen=True)
class Segment:
    """One row of a segment map's table; ``id`` is its value in ``SegmentMap.ids``, never 0.

    Attributes:
        part_of: id of the segment that this one is a part of, 0 for a whole.
        shape: one of ``SHAPES``, where somebody tells what the whole thing looks like; "" where nobody does.
    """

    id: int
    label: str
    kind: Kind = "object"
    score: float = 1.0
    part_of: int = 0
    shape: str = ""


@dataclass(frozen=True, eq=False)
class SegmentMap:
    """Which segment each pixel belongs to.

    Attributes:
        ids: (H, W) int32, 0 = none.
        segments: one row for each id that occurs, and for the wholes of which only parts do, in rising order of id.
    """

    ids: np.ndarray
    segments: tuple[Segment, ...]

    def chains(self) -> dict[int, tuple[int, ...]]:
        """Return for each id itself and what it is a part of, the whole last."""
        whole_of = {segment.id: segment.part_of for segment in self.segments}
        chains = {}
        for first in whole_of:
            chain = [first]
            while whole_of.get(chain[-1], 0) in whole_of and whole_of[chain[-1]] not in chain:
                chain.append(whole_of[chain[-1]])
            chains[first] = tuple(chain)
        return chains


@dataclass(frozen=True, eq=False)
class MaskStack:
    """Masks that may overlap, as networks give them: instances, and classes of which all instances share one mask.

    Attributes:
        scores: (N, h, w) float32, 0..1, any size and aspect ratio.
        segments: N rows with ids 1..N, in the order of ``scores``.
        is_instance: (N,) bool, whether a mask is one thing; else it is everything of its class.
        cell_px: (N,) float32, px of ``scores`` that one value of the network was enlarged to, which is how far its
            outlines may be off; None where nothing was enlarged.
    """

    scores: np.ndarray
    segments: tuple[Segment, ...]
    is_instance: np.ndarray
    cell_px: np.ndarray | None = None


@dataclass(frozen=True)
class Source:
    """Who made a map, and what is worth knowing of how: for the summary, scene.json and the stage's documentation."""

    task: Literal["depth", "segments", "camera"]
    name: str
    version: str = ""
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What one estimator says about a photo; None for what it does not estimate.

    Attributes:
        gravity_cam: (3,) float64 unit vector that points down, in camera axes.
        note: what is worth knowing of how it was made, such as a smaller size for want of memory.
    """

    depth: DepthMap | DisparityMap | None = None
    segments: SegmentMap | MaskStack | None = None
    camera: Camera | None = None
    gravity_cam: np.ndarray | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Prediction:
    """All that reconstruction needs; the three maps have the photo's size.

    Attributes:
        gravity_cam: (3,) float64 unit vector that points down, in camera axes; None when nothing was estimated.
        sources: one ``Source`` for each of depth, segments and camera.
    """

    photo: Photo
    camera: Camera
    depth: DepthMap
    segments: SegmentMap
    gravity_cam: np.ndarray | None = None
    sources: tuple[Source, ...] = field(default=())
