"""Area, box, centroid and colour of every piece in one pass, and the depth samples that the fits work on.

The map is read once as runs of equal ids along its rows. Area, box, centroid and colour are exact sums over runs;
depth is sampled on a regular grid, small pieces more densely, because fits need thousands of points, not millions.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .frames import linear_from_srgb

PIECE_SAMPLES = 400  # wanted of each piece, where it has as many pixels
QUANTILES = (0.02, 0.1, 0.5, 0.9, 0.98)
BLOCK_PIXELS = 1 << 20


@dataclass(frozen=True, eq=False)
class Runs:
    """Maximal stretches of one id along a row.

    Attributes:
        start: (R,) int64, number of the first pixel in the flattened map.
        length: (R,) int64 px.
        id: (R,) int32.
        row, column: (R,) int64, of the first pixel.
    """

    start: np.ndarray
    length: np.ndarray
    id: np.ndarray
    row: np.ndarray
    column: np.ndarray


@dataclass(frozen=True, eq=False)
class Statistics:
    """What is known of each id; row i belongs to id i, row 0 is unused.

    Attributes:
        area: (S + 1,) int64 px.
        box: (S + 1, 4) int64, (x0, y0, x1, y1) px, the last ones exclusive.
        centroid: (S + 1, 2) float64, (x, y) px, pixel centres at +0.5.
        colour: (S + 1, 3) float64, mean linear-light RGB, sRGB primaries.
    """

    area: np.ndarray
    box: np.ndarray
    centroid: np.ndarray
    colour: np.ndarray


@dataclass(frozen=True, eq=False)
class Samples:
    """Pixels of known depth, grouped by id; those of id i are start[i] to start[i + 1].

    Attributes:
        start: (S + 2,) int64.
        points_px: (M, 2) float64, pixel centres.
        z: (M,) float64, depth in the map's unit.
        inside: (M,) bool, whether the pixel lies off the border, where depth does not bleed over.
    """

    start: np.ndarray
    points_px: np.ndarray
    z: np.ndarray
    inside: np.ndarray

    def of(self, id_: int) -> tuple[np.ndarray, np.ndarray]:
        """Return points_px (n, 2) and z (n,) of one id; only those inside where enough of them are."""
        part = slice(self.start[id_], self.start[id_ + 1])
        inside = self.inside[part]
        if inside.sum() < max(0.3 * inside.size, 12):
            return self.points_px[part], self.z[part]
        return self.points_px[part][inside], self.z[part][inside]

    def depth_quantiles(self) -> np.ndarray:
        """Return (S + 1, 5) float64, the depths at ``QUANTILES`` for each id; NaN where none is known."""
        quantiles = np.full((len(self.start) - 1, len(QUANTILES)), np.nan)
        for id_ in np.flatnonzero(np.diff(self.start)):
            quantiles[id_] = np.quantile(self.of(int(id_))[1], QUANTILES)
        return quantiles


def find_runs(ids: np.ndarray) -> Runs:
    """Return the runs of an (H, W) int32 map, row by row."""
    flat = ids.reshape(-1)
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins.reshape(ids.shape)[:, 0] = True
    start = np.flatnonzero(begins)
    row, column = np.divmod(start, ids.shape[1])
    return Runs(start, np.diff(start, append=flat.size), flat[start], row, column)


def measure(runs: Runs, rgb: np.ndarray, count: int) -> Statistics:
    """Measure all ids at once.

    Args:
        runs: of the id map.
        rgb: (H, W, 3) uint8 sRGB, the photo.
        count: S, the highest id.
    """
    size = count + 1
    area = _sum_by(runs.id, runs.length, size)
    middle = runs.column + runs.length / 2
    weight = np.maximum(area, 1)
    centroid = np.column_stack(
        [_sum_by(runs.id, middle * runs.length, size), _sum_by(runs.id, (runs.row + 0.5) * runs.length, size)]
    )
    box = np.zeros((size, 4), np.int64)
    box[:, :2] = max(rgb.shape[:2])
    np.minimum.at(box[:, 0], runs.id, runs.column)
    np.minimum.at(box[:, 1], runs.id, runs.row)
    np.maximum.at(box[:, 2], runs.id, runs.column + runs.length)
    np.maximum.at(box[:, 3], runs.id, runs.row + 1)
    colour = _sum_colours(runs, rgb, size) / weight[:, None]
    return Statistics(area.astype(np.int64), box, centroid / weight[:, None], colour)


def draw_samples(ids: np.ndarray, z: np.ndarray, runs: Runs, area: np.ndarray, border_px: int, stride: int) -> Samples:
    """Pick pixels of known depth of every id.

    Args:
        ids: (H, W) int32.
        z: (H, W) float32, NaN unknown.
        runs: of ``ids``.
        area: (S + 1,) int64 px, of each id.
        border_px: pixels closer than this to another id are not ``inside``.
        stride: px between samples; smaller for ids that then have few.
    """
    height, width = ids.shape
    rows, columns = np.meshgrid(
        np.arange(stride // 2, height, stride), np.arange(stride // 2, width, stride), indexing="ij"
    )
    pixels = (rows * width + columns).reshape(-1)
    sampled = ids.reshape(-1)[pixels]
    sparse = (np.bincount(sampled, minlength=len(area)) < PIECE_SAMPLES) & (stride > 1)
    pixels = np.concatenate([pixels[~sparse[sampled]], _pixels_of_sparse(runs, sparse, area)])
    pixels = pixels[np.isfinite(z.reshape(-1)[pixels])]
    owner = ids.reshape(-1)[pixels]
    order = np.argsort(owner, kind="stable")
    pixels, owner = pixels[order], owner[order]
    row, column = np.divmod(pixels, width)
    inside = np.ones(len(pixels), bool)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (0.7, 0.7), (0.7, -0.7), (-0.7, 0.7), (-0.7, -0.7)):
        near_row = np.clip(row + round(dy * border_px), 0, height - 1)
        near_column = np.clip(column + round(dx * border_px), 0, width - 1)
        inside &= ids[near_row, near_column] == owner
    start = np.searchsorted(owner, np.arange(len(area) + 1))
    return Samples(start, np.column_stack([column, row]) + 0.5, z.reshape(-1)[pixels].astype(np.float64), inside)


def _pixels_of_sparse(runs: Runs, sparse: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Return numbers of evenly spread pixels of the ids that the grid hardly meets."""
    chosen = np.flatnonzero(sparse[runs.id])
    chosen = chosen[np.argsort(runs.id[chosen], kind="stable")]
    length, id_ = runs.length[chosen], runs.id[chosen]
    ends = np.cumsum(length)
    offsets = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - length, length)
    pixels = np.repeat(runs.start[chosen], length) + offsets
    every = np.maximum(area // (2 * PIECE_SAMPLES), 1)[np.repeat(id_, length)]
    return pixels[np.arange(len(pixels)) % every == 0]


def _sum_colours(runs: Runs, rgb: np.ndarray, size: int) -> np.ndarray:
    """Return (size, 3) float64, the summed linear light of each id; blocks of rows bound the memory."""
    table = np.repeat(linear_from_srgb(np.arange(256) / 255).astype(np.float32)[None, :, None], 3, axis=2)
    rows = max(1, BLOCK_PIXELS // rgb.shape[1])
    total = np.zeros((size, 3))
    for top in range(0, rgb.shape[0], rows):
        first, last = np.searchsorted(runs.row, [top, top + rows])
        light = cv2.LUT(rgb[top : top + rows], table).reshape(-1, 3)
        sums = np.add.reduceat(light, runs.start[first:last] - top * rgb.shape[1], axis=0)
        for channel in range(3):
            total[:, channel] += _sum_by(runs.id[first:last], sums[:, channel], size)
    return total


def _sum_by(id_: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(id_, weights=values, minlength=size)
