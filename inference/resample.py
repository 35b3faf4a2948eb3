"""Bring maps to the photo's size: ids by nearest neighbour, depth without inventing values across edges.

Pixel i of n covers i / n to (i + 1) / n of a picture in every size, so that no map shifts by half a pixel.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..errors import MapAspectMismatch
from .prediction import DepthMap, SegmentMap

AGREEMENT = 0.1  # four depths this close, relative to the nearest of them, are one surface
_BLOCK_PIXELS = 1 << 19  # rows are done in blocks that stay in the processor's cache


def same_aspect(size: tuple[int, int], photo_size: tuple[int, int]) -> bool:
    """Tell whether one factor brings both sides of the photo within a pixel of the map's.

    The pixel is that of the coarser of the two, whose sides had to be rounded.

    Args:
        size: (height, width) px of a map.
        photo_size: (height, width) px.
    """
    low, high = 0.0, np.inf
    for side, photo_side in zip(size, photo_size, strict=True):
        slack = max(1 / photo_side, side / photo_side**2)
        low, high = max(low, side / photo_side - slack), min(high, side / photo_side + slack)
    return low < high


def fit_segments(segments: SegmentMap, size: tuple[int, int], name: str = "the segment map") -> SegmentMap:
    """Return a segment map in the photo's size, each pixel with the id of the map's pixel below its centre.

    Args:
        segments: of the photo's aspect ratio, to about a pixel.
        size: (height, width) px of the photo.
        name: what to call the map in an error.

    Returns:
        The map; rows of the table that lost their last pixel are dropped.

    Raises:
        MapAspectMismatch: it is no map of this photo.
    """
    if segments.ids.shape == size:
        return segments
    _require_aspect(segments.ids.shape, size, name)
    ids = nearest_pixels(segments.ids, size)
    # A larger map loses none: the small one tells faster which there are.
    is_larger = all(new >= old for new, old in zip(size, segments.ids.shape, strict=True))
    present = keep_present(segments if is_larger else replace(segments, ids=ids))
    return replace(present, ids=ids)


def keep_present(segments: SegmentMap) -> SegmentMap:
    """Return a map whose table holds the ids that occur, and those that they are parts of, in rising order."""
    chains = segments.chains()
    kept = {link for i in present_ids(segments.ids).tolist() for link in chains.get(i, ())}
    rows = sorted(segments.segments, key=lambda row: row.id)
    return SegmentMap(segments.ids, tuple(row for row in rows if row.id in kept))


def present_ids(ids: np.ndarray) -> np.ndarray:
    """Return (N,) int64, rising: the ids other than 0 that occur in (H, W) ids of 0 and above."""
    highest = int(ids.max())
    if highest > 1 << 24:
        found = np.unique(ids)
        return found[found != 0].astype(np.int64)
    seen = np.zeros(highest + 1, bool)  # twenty times as fast as sorting 12 million ids
    seen[ids] = True
    seen[0] = False
    return np.flatnonzero(seen)


def fit_depth(depth: DepthMap, size: tuple[int, int], name: str = "the depth map") -> DepthMap:
    """Return a depth map in the photo's size, without depths that lie between two surfaces.

    Enlarging interpolates where the four neighbours are known and within ``AGREEMENT`` of each other, and takes the
    nearest pixel, known or not, elsewhere. Shrinking takes medians of four, down and then across, over the area that a
    pixel covers, passing over unknown depths; between two surfaces that share it evenly the nearer one wins.

    Args:
        depth: of the photo's aspect ratio, to about a pixel.
        size: (height, width) px of the photo.
        name: what to call the map in an error.

    Raises:
        MapAspectMismatch: it is no map of this photo.
    """
    if depth.z.shape != size:
        _require_aspect(depth.z.shape, size, name)
    return resize_depth(depth, size)


def resize_depth(depth: DepthMap, size: tuple[int, int]) -> DepthMap:
    """Return a depth map in another size as ``fit_depth`` does, whatever its aspect ratio: networks like squares."""
    if depth.z.shape == size:
        return depth
    resize = _shrink_depth if size[0] * size[1] < depth.z.size else _enlarge_depth
    return replace(depth, z=resize(depth.z, size))


def nearest_pixels(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return (H, W) values of another size, each that of the pixel below its centre."""
    if plane.shape == size:
        return plane
    rows, columns = (_nearest(n, m) for n, m in zip(plane.shape, size, strict=True))
    return np.take(plane[rows], columns, axis=1)


def size_within(size: tuple[int, ...], longest_px: int, least_px: int = 1) -> tuple[int, int]:
    """Return (height, width) px of a picture shrunk until no side is longer than so many pixels, and none shorter."""
    scale = min(1.0, longest_px / max(size[:2]))
    return max(least_px, round(size[0] * scale)), max(least_px, round(size[1] * scale))


def shrink(rgb: np.ndarray, longest_px: int, least_px: int = 1) -> np.ndarray:
    """Return a picture of ``size_within``, each pixel the mean of the area that it covers; itself where it fits."""
    if max(rgb.shape[:2]) <= longest_px:
        return rgb
    return np.asarray(cv2.resize(rgb, size_within(rgb.shape, longest_px, least_px)[::-1], interpolation=cv2.INTER_AREA))


def _require_aspect(size: tuple[int, ...], photo_size: tuple[int, int], name: str) -> None:
    height, width = size
    if not same_aspect((height, width), photo_size):
        raise MapAspectMismatch(
            f"{name} has {width} x {height} px and the photo {photo_size[1]} x {photo_size[0]}, another aspect ratio; "
            "make the map from this very photo, uncropped"
        )


def _nearest(source: int, target: int) -> np.ndarray:
    """Return (target,) int64: the source pixel below the centre of each target pixel."""
    return (2 * np.arange(target) + 1) * source // (2 * target)


def _before(source: int, target: int) -> np.ndarray:
    """Return (target,) int64: of the two source pixels around the centre of each target pixel the first."""
    position = np.clip((np.arange(target) + 0.5) * (source / target) - 0.5, 0, source - 1)
    return np.minimum(position.astype(np.int64), max(source - 2, 0))


def _enlarge_depth(z: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    known = np.where(np.isnan(z), 0, z).astype(np.float32)  # rounding may look beyond a cell, at none of its weight
    enlarged = np.asarray(cv2.resize(known, size[::-1], interpolation=cv2.INTER_LINEAR))
    (row, nearest_row), (column, nearest_column) = (
        (_before(n, m), _nearest(n, m)) for n, m in zip(z.shape, size, strict=True)
    )
    is_step = np.take(~_surface_cells(z), column, axis=1)
    for rows in _row_blocks(size):
        y, x = np.divmod(np.flatnonzero(is_step[row[rows]]), size[1])
        enlarged[rows][y, x] = z[nearest_row[rows][y], nearest_column[x]]
    return enlarged


def _surface_cells(z: np.ndarray) -> np.ndarray:
    """Return (H, W) bool: whether pixel (i, j) and its next neighbours right and below are one surface."""
    right = np.concatenate([z[:, 1:], z[:, -1:]], axis=1)
    low, high = np.minimum(z, right), np.maximum(z, right)
    low = np.minimum(low, np.concatenate([low[1:], low[-1:]]))
    high = np.maximum(high, np.concatenate([high[1:], high[-1:]]))
    return high <= low * (1 + AGREEMENT)  # false where one of them is NaN


def _shrink_depth(z: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    down, across = (
        [(8 * np.arange(target) + eighths) * source // (8 * target) for eighths in (1, 3, 5, 7)]
        for source, target in zip(z.shape, size, strict=True)
    )
    shrunk = np.empty(size, np.float32)
    for rows in _row_blocks((size[0], z.shape[1])):
        column = _median_of_four(*(z[index[rows]] for index in down))
        shrunk[rows] = _median_of_four(*(np.take(column, index, axis=1) for index in across))
    return shrunk


def _median_of_four(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return the mean of the middle two if they are one surface, else the nearer; NaN only where all four are."""
    near = np.fmax(np.fmin(a, b), np.fmin(c, d))
    far = np.fmin(np.fmax(a, b), np.fmax(c, d))
    near, far = np.fmin(near, far), np.fmax(near, far)
    return np.where(far <= near * (1 + AGREEMENT), near + (far - near) / 2, near)


def _row_blocks(size: tuple[int, int]) -> list[slice]:
    step = max(1, _BLOCK_PIXELS // size[1])
    return [slice(start, start + step) for start in range(0, size[0], step)]
