"""What is measured on the regions of a picture: where they lie, how they look, what they touch."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .prediction import Camera, Kind
from .regions import boxes_of, means_of

LEAST_HEIGHT_PX, LEAST_FILL, MOST_LEAN = 6, 0.8, 0.15  # of what is upright: part of its box; lean over its height


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each region of a reduced picture lies; arrays are indexed by id, row 0 is unused.

    Attributes:
        ids: (H, W) int32, 1..N.
        area: (N + 1,) float64, of the picture.
        top, bottom, left, right: (N + 1,) int64 px.
        below: (N + 1,) float64, the part of its pixels that lies below the horizon.
        borders: (N + 1, N + 1) float64, pixels of shared border.
        rests_on: (N + 1, N + 1) float64, columns of pixels in which the row's region stands directly on the column's.
    """

    ids: np.ndarray
    area: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    left: np.ndarray
    right: np.ndarray
    below: np.ndarray
    borders: np.ndarray
    rests_on: np.ndarray


@dataclass(frozen=True, eq=False)
class Regions(Layout):
    """Where each region lies, and how it looks.

    Attributes:
        lab: (N + 1, 3) float64, mean CIE Lab colour, L 0..100.
        blue: (N + 1,) float64, mean of blue minus red, -255..255.
        rough: (N + 1,) float64, mean local contrast in lightness, away from its border.
        slant: (N + 1,) float64 0..1, how surely it is long, and neither upright nor level.
        is_upright: (N + 1,) bool, whether it fills its box, between upright sides.
    """

    lab: np.ndarray
    blue: np.ndarray
    rough: np.ndarray
    slant: np.ndarray
    is_upright: np.ndarray


def are(kinds: list[Kind], *wanted: Kind) -> np.ndarray:
    """Return (N,) bool, which of the kinds are among those wanted."""
    return np.array([kind in wanted for kind in kinds])


def height_over_horizon(camera: Camera, down_cam: np.ndarray) -> np.ndarray:
    """Return (H, W) float64, how far each pixel's ray (z = 1) climbs; negative below the horizon."""
    x, y = _tangents(camera)
    return -(down_cam[0] * x + down_cam[1] * y + down_cam[2])


def elevation_of(camera: Camera, down_cam: np.ndarray) -> np.ndarray:
    """Return (H, W) float64 radians, the angle of each pixel's ray over the horizon; negative below."""
    x, y = _tangents(camera)
    sine = height_over_horizon(camera, down_cam) / np.sqrt(1 + x**2 + y**2)
    return np.asarray(np.arcsin(np.clip(sine, -1, 1)))


def _tangents(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return (1, W) and (H, 1) float64, how far each pixel's ray (z = 1) goes to the right and down."""
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
    return x[None], y[:, None]


def find_below(ids: np.ndarray, camera: Camera, down_cam: np.ndarray) -> np.ndarray:
    """Return (N + 1,) float64, the part of each region's pixels that lies below the horizon."""
    return means_of((height_over_horizon(camera, down_cam) < 0)[None].astype(np.float64), ids)[0]


def measure_layout(ids: np.ndarray, camera: Camera, down_cam: np.ndarray) -> Layout:
    """Measure where every region of a picture lies."""
    number = int(ids.max()) + 1
    pixels = np.maximum(np.bincount(ids.ravel(), minlength=number), 1).astype(np.float64)
    top, left, bottom, right = (boxes_of(ids) - [0, 0, 1, 1]).clip(min=0).T
    above_below = np.bincount((ids[:-1] * number + ids[1:]).ravel(), minlength=number**2).reshape(number, number)
    left_right = np.bincount((ids[:, :-1] * number + ids[:, 1:]).ravel(), minlength=number**2).reshape(number, number)
    np.fill_diagonal(above_below, 0)
    np.fill_diagonal(left_right, 0)
    return Layout(
        ids=ids,
        area=pixels / ids.size,
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        below=find_below(ids, camera, down_cam),
        borders=(above_below + above_below.T + left_right + left_right.T).astype(np.float64),
        rests_on=above_below.astype(np.float64),
    )


def measure_regions(rgb: np.ndarray, ids: np.ndarray, camera: Camera, down_cam: np.ndarray) -> Regions:
    """Measure where every region of a reduced picture lies, and how it looks."""
    number = int(ids.max()) + 1
    pixels = np.maximum(np.bincount(ids.ravel(), minlength=number), 1).astype(np.float64)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(ids.ravel(), np.asarray(values, np.float64).ravel(), minlength=number) / pixels

    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    labels = ids.astype(np.uint16)
    inside = cv2.dilate(labels, np.ones((7, 7), np.uint8)) == cv2.erode(labels, np.ones((7, 7), np.uint8))
    contrast = np.abs(lab[..., 0] - cv2.GaussianBlur(lab[..., 0], (0, 0), 2.0))
    rough, core = mean(contrast * inside), mean(inside)
    return Regions(
        **vars(measure_layout(ids, camera, down_cam)),
        lab=np.stack([mean(lab[..., channel]) for channel in range(3)], axis=1),
        blue=mean(rgb[..., 2].astype(np.float32) - rgb[..., 0]),
        rough=np.where(core > 0.1, rough / np.maximum(core, 0.1), mean(contrast)),
        slant=_slant(ids, pixels),
        is_upright=_find_upright(ids, pixels),
    )


def _slant(ids: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return (N + 1,) float64 0..1 from second moments: stripes on a road run so, and things do not stand so."""
    y, x = (np.asarray(axis) for axis in np.indices(ids.shape, np.float64))

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(ids.ravel(), values.ravel(), minlength=len(pixels)) / pixels

    middle_x, middle_y = mean(x), mean(y)
    across = mean(np.square(x)) - np.square(middle_x) + 1 / 12
    along = mean(np.square(y)) - np.square(middle_y) + 1 / 12
    both = mean(np.multiply(x, y)) - middle_x * middle_y
    half, reach = (across + along) / 2, np.hypot((across - along) / 2, both)
    longer = np.sqrt((half + reach) / np.maximum(half - reach, 1e-9))
    off_level_deg = np.degrees(np.abs(np.arctan2(2 * both, across - along))) / 2
    return np.asarray(
        np.clip((longer - 1.8) / 0.8, 0, 1)
        * np.clip((off_level_deg - 12) / 8, 0, 1)
        * np.clip((75 - off_level_deg) / 10, 0, 1)
    )


def _find_upright(ids: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return (N + 1,) bool: a plinth's sides are upright, those of a patch on the ground run to a far point."""
    is_upright = np.zeros(len(pixels), bool)
    for i, (top, left, bottom, right) in enumerate(boxes_of(ids).tolist()):
        height = bottom - top
        if i == 0 or height < LEAST_HEIGHT_PX or pixels[i] < LEAST_FILL * height * (right - left):
            continue
        inside = ids[top:bottom, left:right] == i
        rows = np.flatnonzero(inside.any(axis=1))
        first, last = inside.argmax(axis=1)[rows], inside.shape[1] - inside[:, ::-1].argmax(axis=1)[rows]
        upper, lower = rows < height / 2, rows >= height / 2
        lean = max(abs(float(np.median(side[lower]) - np.median(side[upper]))) for side in (first, last))
        is_upright[i] = lean < MOST_LEAN * height
    return is_upright


def find_smooth(regions: Regions) -> np.ndarray:
    """Return (N + 1,) float64 0..1: high for what has little contrast within."""
    return np.asarray(np.clip(1.6 - regions.rough / 2, 0, 1))


def contrast_to(regions: Regions, i: int) -> np.ndarray:
    """Return (N + 1,) float64, the colour difference of each region to one of them; light and shade count less."""
    return np.linalg.norm((regions.lab - regions.lab[i]) * [0.6, 1, 1], axis=1)


def share_of_border(r: Regions, others: np.ndarray) -> np.ndarray:
    """Return (N + 1,) float64, the part of each region's border that it shares with the regions in a mask."""
    return np.asarray(r.borders[:, others].sum(axis=1) / np.maximum(r.borders.sum(axis=1), 1))
