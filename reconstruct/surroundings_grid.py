"""What a photo shows, on few pixels, and what its camera sees of solids there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..inference.prediction import Camera
from .frames import rays_through, transform
from .meshes import mesh_of, triangles_of
from .outlines import Outline
from .raster import rasterise
from .scene import Prism, Scene

GRID_PX = 256  # long side of the grid
NEAR = 0.1  # of the least depth: what is nearer to the camera is not looked at


@dataclass(frozen=True, eq=False)
class Seen:
    """What the photo shows, as the tree of segments left it.

    Attributes:
        ids: (H, W) int32, number of a leaf at each pixel.
        z: (H, W) float32, depth in the scene's unit, NaN unknown.
        outlines: of the leaves, the sky's too.
        owner: for each leaf but the sky's, the number of its segment in ``Scene.prisms``.
        error: relative, of the depth, as who made it says, else as it shows: so far off a plane, ground or a wall still
            is one.
    """

    ids: np.ndarray
    z: np.ndarray
    outlines: tuple[Outline, ...]
    owner: Mapping[int, int]
    error: float = 0.0


@dataclass(frozen=True, eq=False)
class Grid:
    """The photo on few pixels.

    Attributes:
        ids: (h, w) int32, number of a leaf at each.
        owner: (h, w) int, number of its segment in ``Scene.prisms``; -1 for none.
        z: (h, w) float64, depth in the scene's unit, NaN unknown.
        rays: (h, w, 3) float64, camera axes, 1 along the axis.
        camera: of as many pixels.
        sky: (h, w) bool.
    """

    ids: np.ndarray
    owner: np.ndarray
    z: np.ndarray
    rays: np.ndarray
    camera: Camera
    sky: np.ndarray


def lay_grid(camera: Camera, seen: Seen) -> Grid:
    """Return what the photo shows at the middles of few pixels; ``camera`` is the photo's."""
    height, width = seen.ids.shape
    scale = min(1.0, GRID_PX / max(height, width))
    small = camera.resized(max(1, round(height * scale)), max(1, round(width * scale)))
    row, column = np.mgrid[: small.height, : small.width] + 0.5
    rows = (row[:, 0] * height / small.height).astype(int)
    columns = (column[0] * width / small.width).astype(int)
    ids = seen.ids[np.ix_(rows, columns)]
    number = np.full(int(seen.ids.max()) + 1, -1)
    for leaf, owner in seen.owner.items():
        number[leaf] = owner
    sky = np.isin(ids, [outline.id for outline in seen.outlines if outline.id not in seen.owner])
    rays = rays_through(np.stack([column, row], axis=-1), small)
    return Grid(ids, number[ids], seen.z[np.ix_(rows, columns)].astype(np.float64), rays, small, sky)


def look_at(scene: Scene, prisms: Iterable[Prism], grid: Grid) -> np.ndarray:
    """Return (h, w) the depth at which the grid's camera sees the solids of some prisms, inf where it sees none."""
    solids = [solid for prism in prisms for solid in prism.walk() if not solid.children]
    triangles = np.concatenate([np.zeros((0, 3, 3)), *(triangles_of(mesh_of(solid)) for solid in solids)])
    nearest = NEAR * float(np.nanmin(grid.z, initial=np.inf))
    raster = rasterise(transform(np.linalg.inv(scene.world_from_camera), triangles), grid.camera, nearest)
    return np.where(np.isnan(raster.depth), np.inf, raster.depth)
