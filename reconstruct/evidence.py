"""What the photo shows of one segment, on a small grid of pixels: the ground on which shapes are fitted and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from ..inference.prediction import Camera
from .frames import rays_through, transform
from .order import median, thin
from .planes import fit_roughly, mean_error

SQUARE = np.ones((3, 3), np.uint8)  # a pixel of the grid: closer than that an outline is not known
GRID_PX = 128  # long side of the grid that a segment's box is reduced to
MARGIN = 0.15  # of the box, around it: what a shape may cover there decides whether it leaks
BLEEDING = 0.02  # relative change of depth from pixel to pixel, into the outline: no face is that steep for long
FLAT, LEAST_FLAT = 0.003, 12  # relative error and pixels of a plane that is too steep for others
BEND_OF_DEVIATION = 0.6745 * 6**0.5  # median size of the second difference of noise of deviation one
TOO_FLAT = 0.05  # of its half width: half of what a plane leaves of a cylinder seen from beside
DOUBTFUL = 0.002  # relative error of a depth map that may bend what it shows
CLEARLY_NEARER = 0.02  # relative
STEP = 0.05  # relative change of depth between neighbours across which no normal is taken


@dataclass(frozen=True, eq=False)
class Evidence:
    """Depth and outline of a segment as its grid of pixels sees them.

    Attributes:
        camera: of the grid.
        world_from_camera: (4, 4) float64.
        own: (h, w) bool, pixels of the segment.
        z: (h, w) float64, depth of whatever each pixel shows, NaN unknown (sky too).
        points: (n, 3) float64, world, the segment's own pixels of known depth.
        normals: (n, 3) float64 unit, world, towards the camera; NaN where the surface breaks off.
        behind: (m, 3) float64, world, what is seen right beside the segment and farther away.
        touches_frame: left, top, right, bottom: whether the segment is cut off there by the photo's frame.
        label: of the segment.
        expected: one of ``prediction.SHAPES``, as a network or the name tells what it looks like; "" for no telling.
        metres: how many a unit of length here is, as far as is known.
        depth_error: relative error of the depth map itself.
    """

    camera: Camera
    world_from_camera: np.ndarray
    own: np.ndarray
    z: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    behind: np.ndarray
    touches_frame: tuple[bool, bool, bool, bool]
    label: str = ""
    expected: str = ""
    metres: float = 1.0
    depth_error: float = 0.0

    @property
    def eye(self) -> np.ndarray:
        """Return the (3,) camera position in the world."""
        return self.world_from_camera[:3, 3]

    @cached_property
    def camera_from_world(self) -> np.ndarray:
        """Return (4, 4)."""
        return np.linalg.inv(self.world_from_camera)

    @cached_property
    def half_pixel(self) -> float:
        """Return the half width of a pixel of the grid where the segment is; there must be points."""
        return 0.5 * self.distance / self.camera.fx

    @cached_property
    def distance(self) -> float:
        """Return how far from the camera the segment is; there must be points."""
        return median(np.linalg.norm(self.points - self.eye, axis=1))

    @cached_property
    def roughness(self) -> float:
        """Return the relative deviation of depth from pixel to pixel where the surface is smooth."""
        log = np.log(np.where(self.own, self.z, np.nan))
        bends = [np.abs(np.diff(log, 2, axis=axis)) for axis in (0, 1)]
        medians = [median(known) for bend in bends if len(known := bend[np.isfinite(bend)])]
        return max(medians, default=0.0) / BEND_OF_DEVIATION

    @cached_property
    def flat_error(self) -> float:
        """Return the mean relative depth error of the plane that fits best: what a shape has to match."""
        points = transform(self.camera_from_world, thin(self.points))
        return mean_error(points @ fit_roughly(points) - 1) if len(points) else 0.0

    @property
    def half_width(self) -> float:
        """Return half of how wide it is, over its distance."""
        low, high = self.box
        return float(high[0] - low[0]) / 2 / self.camera.fx

    @property
    def is_round_all_the_same(self) -> bool:
        """Return whether a network or its name calls it round, and depth knows no better: too flat, or doubtful."""
        is_round = self.expected in ("cylinder", "sphere", "cone")
        return is_round and (self.flat_error < TOO_FLAT * self.half_width or self.depth_error > DOUBTFUL)

    @cached_property
    def is_cut_below(self) -> bool:
        """Return whether something nearer, or the frame, hides what the segment stands on along most of its width."""
        columns = np.flatnonzero(self.own.any(axis=0))
        lowest = self.own.shape[0] - 1 - self.own[::-1, columns].argmax(axis=0)
        below = np.minimum(lowest + 2, self.own.shape[0] - 1)
        with np.errstate(invalid="ignore"):
            nearer = self.z[below, columns] < (1 - CLEARLY_NEARER - 2 * self.depth_error) * self.z[lowest, columns]
        at_frame = lowest + 2 >= self.own.shape[0]
        return bool(np.mean((nearer & ~self.own[below, columns]) | (at_frame & self.touches_frame[3])) > 0.5)

    @cached_property
    def near(self) -> np.ndarray:
        """Return (h, w) bool, pixels of the segment and those that touch it."""
        return cv2.dilate(self.own.view(np.uint8), SQUARE).view(bool)

    @cached_property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the corners (2,) px of the segment's box in the grid, the second exclusive."""
        rows, columns = np.flatnonzero(self.own.any(1)), np.flatnonzero(self.own.any(0))
        return np.array([columns[0], rows[0]]), np.array([columns[-1] + 1, rows[-1] + 1])

    def thinned(self, step: int) -> Evidence:
        """Return the evidence of every so many rows and columns: enough for a first look."""
        known = self.own & np.isfinite(self.z)
        picked = np.zeros(self.own.shape, bool)
        picked[step // 2 :: step, step // 2 :: step] = True
        kept = picked[known]
        middle = (slice(step // 2, None, step),) * 2
        own = self.own[middle]
        camera = replace(self.camera, fx=self.camera.fx / step, fy=self.camera.fy / step, cx=self.camera.cx / step,
                         cy=self.camera.cy / step, height=own.shape[0], width=own.shape[1])  # fmt: skip
        return replace(
            self, camera=camera, own=own, z=self.z[middle], points=self.points[kept], normals=self.normals[kept]
        )


def gather_evidence(
    ids: np.ndarray,
    wanted: list[int],
    z: np.ndarray,
    box: tuple[int, int, int, int],
    camera: Camera,
    world_from_camera: np.ndarray,
) -> Evidence:
    """Reduce a segment and its surroundings to a grid.

    Args:
        ids: (H, W) int32.
        wanted: the ids that make up the segment.
        z: (H, W) float32 depth, NaN unknown.
        box: (x0, y0, x1, y1) px of the segment.
        camera: of the photo.
        world_from_camera: (4, 4).
    """
    grid = _lay_grid(box, camera)
    depth = z[np.ix_(grid.rows, grid.columns)].astype(np.float64)
    inside = np.isin(ids[np.ix_(grid.rows, grid.columns)], wanted)
    depth = settle_edges(depth, inside)
    known = inside & np.isfinite(depth)
    points, behind = (
        transform(world_from_camera, grid.rays(mask) * depth[mask][:, None]) for mask in (known, _beside(inside, depth))
    )
    normals = _estimate_normals(depth, known, grid) @ world_from_camera[:3, :3].T
    (x0, y0, x1, y1), (height, width) = box, z.shape
    frame = (x0 <= 1, y0 <= 1, x1 >= width - 1, y1 >= height - 1)
    return Evidence(grid.camera, world_from_camera, inside, depth, points, normals, behind, frame)


@dataclass(frozen=True, eq=False)
class _Grid:
    """The pixels of the photo that stand for a box: some of its rows (h,) and columns (w,), and the cameras of both."""

    rows: np.ndarray
    columns: np.ndarray
    camera: Camera
    photo_camera: Camera

    def rays(self, mask: np.ndarray) -> np.ndarray:
        """Return (n, 3) the rays of unit depth through the middles of the pixels of a mask (h, w)."""
        row, column = np.nonzero(mask)
        return rays_through(np.column_stack([self.columns[column], self.rows[row]]) + 0.5, self.photo_camera)


def _lay_grid(box: tuple[int, int, int, int], camera: Camera) -> _Grid:
    """Return the grid of a box (x0, y0, x1, y1) px, with a margin around it."""
    x0, y0, x1, y1 = box
    margin = round(MARGIN * max(x1 - x0, y1 - y0)) + 1
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    right, bottom = min(camera.width, x1 + margin), min(camera.height, y1 + margin)
    stride = max(1.0, max(right - left, bottom - top) / GRID_PX)
    shape = max(1, int((bottom - top) / stride)), max(1, int((right - left) / stride))
    columns = np.minimum((left + (np.arange(shape[1]) + 0.5) * stride).astype(int), camera.width - 1)
    rows = np.minimum((top + (np.arange(shape[0]) + 0.5) * stride).astype(int), camera.height - 1)
    small = Camera(
        camera.fx / stride,
        camera.fy / stride,
        (camera.cx - left) / stride,
        (camera.cy - top) / stride,
        *shape,
        source=camera.source,
    )
    return _Grid(rows, columns, small, camera)


def settle_edges(depth: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Give pixels where depth bleeds over the outline the depth of the nearest pixel where it does not.

    Args:
        depth: (h, w) float64, NaN unknown.
        inside: (h, w) bool, the segment.
    """
    known = inside & np.isfinite(depth)
    if min(depth.shape) < 3:
        return depth
    with np.errstate(invalid="ignore", divide="ignore"):
        log = np.log(depth)
        steep = np.hypot(*np.gradient(np.where(known, log, np.nan), edge_order=1)) > BLEEDING
    # A step between two things is two pixels wide at most; a ramp is wider.
    ramp = cv2.morphologyEx((steep & known).view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if not ramp.any():
        return depth
    outside = cv2.dilate((~inside).view(np.uint8), np.ones((5, 5), np.uint8)).view(bool)
    _, labels = cv2.connectedComponents(ramp, connectivity=8)
    suspects = np.setdiff1d(np.unique(labels[outside & known]), [0])
    bleeding = np.isin(labels, [label for label in suspects if not _is_flat(depth, labels == label)]) & known
    good = known & ~bleeding
    if not bleeding.any() or np.count_nonzero(good) < 0.2 * np.count_nonzero(known):
        return depth
    _, nearest = cv2.distanceTransformWithLabels((~good).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(int(nearest.max()) + 1)
    of_label[nearest[good]] = depth[good]
    return np.where(bleeding, of_label[nearest], depth)


def _is_flat(depth: np.ndarray, area: np.ndarray) -> bool:
    """Return whether depth over an area, (h, w) bool, is that of a plane, such as a top seen at a small angle."""
    rows, columns = np.nonzero(area)
    if len(rows) < LEAST_FLAT:
        return False
    coordinates = np.column_stack([columns, rows, np.ones(len(rows))])
    inverse = 1 / depth[area]
    plane = np.linalg.lstsq(coordinates, inverse, rcond=None)[0]
    return median(np.abs(coordinates @ plane / inverse - 1)) < FLAT


def _beside(inside: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Return (h, w) bool, pixels next to the segment that show something farther away than its border there."""
    border = np.where(inside & np.isfinite(depth), depth, 0).astype(np.float32)
    nearest = cv2.dilate(border, np.ones((5, 5), np.uint8))
    with np.errstate(invalid="ignore"):
        return ~inside & (nearest > 0) & (depth > nearest)


def _estimate_normals(depth: np.ndarray, known: np.ndarray, grid: _Grid) -> np.ndarray:
    """Return (n, 3) unit normals in camera axes, towards the camera, at known pixels (h, w) of one segment.

    They are those of the tangent planes w . P = 1: inverse depth changes by (w_x / fx, w_y / fy) from pixel to pixel
    of the photo.
    """
    inverse = 1 / np.where(known, depth, np.nan)
    tilt_x = _slope(inverse.T, grid.columns).T[known] * grid.photo_camera.fx
    tilt_y = _slope(inverse, grid.rows)[known] * grid.photo_camera.fy
    x, y, _ = grid.rays(known).T
    normals = -np.column_stack([tilt_x, tilt_y, inverse[known] - x * tilt_x - y * tilt_y])
    return normals / np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]


def _slope(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (h, w) the slope of values along their rows' places (h,), central where it can be, NaN at lone pixels."""
    step = values[1:] - values[:-1]
    with np.errstate(invalid="ignore"):
        whole = np.abs(step) < STEP * values[1:]
    step = np.where(whole, step, 0)
    gap = whole * np.diff(places)[:, None]
    rise, run = np.zeros(values.shape), np.zeros(values.shape)
    for part in (slice(1, None), slice(None, -1)):
        rise[part] += step
        run[part] += gap
    with np.errstate(invalid="ignore"):
        return rise / run
