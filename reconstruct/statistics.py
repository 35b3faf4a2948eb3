"""Area, box and centroid of every piece in one pass, and the samples of depth and colour that the fits work on.

The map is read once as runs of equal ids along its rows: area, box and centroid are exact sums over runs. Depth and
colour are sampled on a regular grid, small pieces more densely, because fits need thousands of points, not millions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frames import linear_from_bytes

PIECE_SAMPLES = 400  # wanted of each piece, where it has as many pixels
QUANTILES = (0.02, 0.1, 0.5, 0.9, 0.98)
INSIDE_SHARE, LEAST_INSIDE = 0.3, 12  # of a piece's samples, and in number: fewer off the border do not stand for it
TRIMMED = 0.1  # of a piece's samples, the darkest and the lightest each: lamps, glints and gaps are not its colour

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # of linear sRGB. Source: ITU-R BT.709


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
    """

    area: np.ndarray
    box: np.ndarray
    centroid: np.ndarray


@dataclass(frozen=True, eq=False)
class Samples:
    """Pixels with depth and colour, grouped by id; those of id i are start[i] to start[i + 1].

    Attributes:
        start: (S + 2,) int64.
        points_px: (M, 2) float64, pixel centres.
        z: (M,) float64, depth in the map's unit, NaN unknown.
        rgb: (M, 3) uint8 sRGB.
        inside: (M,) bool, whether the pixel lies off the border, where depth and colour do not bleed over.
    """

    start: np.ndarray
    points_px: np.ndarray
    z: np.ndarray
    rgb: np.ndarray
    inside: np.ndarray

    def of(self, id_: int) -> tuple[np.ndarray, np.ndarray]:
        """Return points_px (n, 2) and z (n,) of one id where depth is known; only inside where that is enough."""
        part = slice(self.start[id_], self.start[id_ + 1])
        known = np.isfinite(self.z[part])
        inside = known & self.inside[part]
        if np.count_nonzero(inside) >= max(INSIDE_SHARE * np.count_nonzero(known), LEAST_INSIDE):
            known = inside
        return self.points_px[part][known], self.z[part][known]

    def depth_quantiles(self) -> np.ndarray:
        """Return (S + 1, 5) float64, the depths at ``QUANTILES`` for each id; NaN where none is known."""
        quantiles = np.full((len(self.start) - 1, len(QUANTILES)), np.nan)
        for id_ in range(len(quantiles)):
            z = self.of(id_)[1]
            if len(z):
                quantiles[id_] = np.quantile(z, QUANTILES)
        return quantiles

    def mean_colours(self) -> np.ndarray:
        """Return (S + 1, 3) float64, the mean linear-light RGB of each id, sRGB primaries; 0 for one without samples.

        Only samples inside count where they are enough, and of those neither the darkest nor the lightest.
        """
        count = len(self.start) - 1
        owner = np.repeat(np.arange(count), np.diff(self.start))
        inside = np.bincount(owner[self.inside], minlength=count)
        enough = inside >= np.maximum(INSIDE_SHARE * np.diff(self.start), LEAST_INSIDE)
        used = self.inside | ~enough[owner]
        owner, light = owner[used], linear_from_bytes(self.rgb[used].T)
        order = np.argsort(owner + LUMINANCE @ light / 2)  # by id, then by lightness, which is below 1
        size = np.bincount(owner, minlength=count)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
        cut = (TRIMMED * size).astype(int)
        kept = order[(rank >= np.repeat(cut, size)) & (rank < np.repeat(size - cut, size))]
        ids = owner[kept]
        sums = [np.bincount(ids, weights=channel[kept], minlength=count) for channel in light]
        return np.column_stack(sums) / np.maximum(size - 2 * cut, 1)[:, None]


def find_runs(ids: np.ndarray) -> Runs:
    """Return the runs of an (H, W) int32 map, row by row."""
    flat = ids.reshape(-1)
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins.reshape(ids.shape)[:, 0] = True
    start = np.flatnonzero(begins)
    row, column = np.divmod(start, ids.shape[1])
    return Runs(start, np.diff(start, append=flat.size), flat[start], row, column)


def measure(runs: Runs, count: int) -> Statistics:
    """Measure all ids at once.

    Args:
        runs: of the id map.
        count: S, the highest id.
    """
    size = count + 1
    area = _sum_by(runs.id, runs.length, size)
    middle = runs.column + runs.length / 2
    centroid = np.column_stack(
        [_sum_by(runs.id, middle * runs.length, size), _sum_by(runs.id, (runs.row + 0.5) * runs.length, size)]
    )
    box = np.zeros((size, 4), np.int64)
    box[:, :2] = np.iinfo(np.int64).max
    np.minimum.at(box[:, 0], runs.id, runs.column)
    np.minimum.at(box[:, 1], runs.id, runs.row)
    np.maximum.at(box[:, 2], runs.id, runs.column + runs.length)
    np.maximum.at(box[:, 3], runs.id, runs.row + 1)
    return Statistics(area.astype(np.int64), box, centroid / np.maximum(area, 1)[:, None])


def draw_samples(
    ids: np.ndarray, z: np.ndarray, rgb: np.ndarray, runs: Runs, area: np.ndarray, border_px: int, stride: int
) -> Samples:
    """Pick pixels of every id.

    Args:
        ids: (H, W) int32.
        z: (H, W) float32, NaN unknown.
        rgb: (H, W, 3) uint8 sRGB, the photo.
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
    sampled = ids[stride // 2 :: stride, stride // 2 :: stride].reshape(-1)
    sparse = (np.bincount(sampled, minlength=len(area)) < PIECE_SAMPLES) & (stride > 1)
    pixels = np.concatenate([pixels[~sparse[sampled]], _pixels_of_sparse(runs, sparse, area)])
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
    points_px, depth = np.column_stack([column, row]) + 0.5, z.reshape(-1)[pixels].astype(np.float64)
    depth[np.isinf(depth)] = np.nan
    return Samples(start, points_px, depth, rgb.reshape(-1, 3)[pixels], inside)


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


def _sum_by(id_: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(id_, weights=values, minlength=size)
