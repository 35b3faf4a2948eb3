"""Segments of even colour: graph-based region merging on a reduced picture, outlines sharpened at full size."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from .resample import nearest_pixels

MIN_AREA = 0.0015  # of the picture: smaller regions join their most similar neighbour
ALIKE = 4.0  # of 255 in 8-bit Lab: neighbours that differ less were parted by noise or shading only
MAX_REGIONS = 60  # fewer, larger things are what an artist moves
GRANULARITY = 160.0


def segment_regions(
    rgb: np.ndarray, granularity: float = GRANULARITY, most: int = MAX_REGIONS, least_area: float = MIN_AREA
) -> np.ndarray:
    """Split a reduced picture into regions of even colour.

    Args:
        rgb: (H, W, 3) uint8, sRGB, about 600 px long.
        granularity: how much contrast a large region tolerates, k of the source.
        most: about how many regions there may be.
        least_area: of the picture; smaller ones join their neighbours.

    Returns:
        (H, W) int32, ids 1..N, each 4-connected.

    Source: P. Felzenszwalb and D. Huttenlocher, Efficient Graph-Based Image Segmentation, IJCV 2004 (OpenCV's).
    """
    height, width = rgb.shape[:2]
    least = max(4, round(least_area * height * width))
    smooth = cv2.medianBlur(rgb, 5)  # lit windows, leaves and gravel go, edges stay
    smooth = cv2.bilateralFilter(cv2.bilateralFilter(smooth, 7, 30, 5), 7, 30, 5)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    k = granularity
    for _ in range(4):
        segmenter = cv2.ximgproc.segmentation.createGraphSegmentation(sigma=0.5, k=k, min_size=least)
        ids = keep_connected(segmenter.processImage(lab).astype(np.int32) + 1, least)
        ids = keep_connected(_join_alike(ids, lab), 1)
        if ids.max() <= most:
            break
        k *= 1.5 * ids.max() / most
    return ids


def _join_alike(ids: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """Return ids in which neighbours that differ by no more than noise share the smallest id of their group."""
    number = int(ids.max()) + 1
    pixels = np.maximum(np.bincount(ids.ravel(), minlength=number), 1)
    colour = [np.bincount(ids.ravel(), lab[..., c].ravel(), minlength=number) / pixels for c in range(3)]
    pairs = np.concatenate([(ids[:-1] * number + ids[1:]).ravel(), (ids[:, :-1] * number + ids[:, 1:]).ravel()])
    first, second = np.divmod(np.unique(pairs), number)
    alike = np.linalg.norm(np.array(colour)[:, first] - np.array(colour)[:, second], axis=0) < ALIKE
    return join_pairs(zip(first[alike], second[alike], strict=True), number)[ids]


def join_pairs(pairs: Iterable[tuple[int, int]], count: int) -> np.ndarray:
    """Return (count,) int32, for each number the least one that pairs of equals lead to from it."""
    group = np.arange(count, dtype=np.int32)
    for i, j in pairs:
        low, high = sorted((group[i], group[j]))
        group[group == high] = low
    return group


def most_common(ids: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (N + 1,) int64, for each id the value, a whole number from 0 up, that most of its pixels have."""
    number = int(values.max()) + 1
    counts = np.bincount((ids.astype(np.int64) * number + values).ravel(), minlength=(int(ids.max()) + 1) * number)
    return np.asarray(counts.reshape(-1, number).argmax(axis=1))


def touching_pixels(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) int64 flat places of neighbouring pixels of different ids, first those of the lesser id."""
    above, left = np.zeros(ids.shape, bool), np.zeros(ids.shape, bool)
    np.not_equal(ids[:-1], ids[1:], out=above[:-1])
    np.not_equal(ids[:, :-1], ids[:, 1:], out=left[:, :-1])
    above_of, left_of = np.flatnonzero(above), np.flatnonzero(left)
    one = np.concatenate([above_of, left_of])
    other = np.concatenate([above_of + ids.shape[1], left_of + 1])
    swap = ids.ravel()[one] > ids.ravel()[other]
    return np.where(swap, other, one), np.where(swap, one, other)


def means_of(planes: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return (C, N + 1) means of planes (C, h, w) over each id."""
    pixels = np.maximum(np.bincount(ids.ravel()), 1)
    return np.stack([np.bincount(ids.ravel(), plane.ravel()) / pixels for plane in planes])


def medians_of(values: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """Return (count,) float64 medians of values over each of ids from 0, of the same shape; NaN counts as 0."""
    small = ids.astype(np.uint16) if count <= 2**16 else ids  # NumPy sorts these by radix, five times as fast
    order = np.argsort(small, axis=None, kind="stable")
    parts = np.split(np.nan_to_num(values.ravel())[order], np.cumsum(np.bincount(ids.ravel(), minlength=count))[:-1])
    return np.array([np.median(part) if len(part) else 0.0 for part in parts])


def keep_connected(ids: np.ndarray, least_px: int) -> np.ndarray:
    """Give each 4-connected part an id of its own and let the small ones be taken over by their neighbours.

    Args:
        ids: (H, W) int32, 0 = to be filled.
        least_px: parts of fewer pixels are given up, unless none is larger.

    Returns:
        (H, W) int32, ids 1..N in the order of the ids that they come from, without zeros.
    """
    parts, areas = _label_parts(ids)
    kept = areas >= min(least_px, areas[1:].max(initial=1))
    kept[0] = False
    parts[~kept[parts]] = 0
    grow(parts)
    kept[0], kept[1:] = False, kept[1:] | ~kept.any()
    return np.cumsum(kept, dtype=np.int32)[parts]


def _label_parts(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (H, W) int32 labels of the 4-connected parts, 0 where ids is 0, and the area of each label in pixels."""
    parts = np.zeros(ids.shape, np.int32)
    areas = [np.zeros(1, np.int64)]
    count = 0
    for value, (top, left, bottom, right) in enumerate(boxes_of(ids).tolist()):
        if value == 0 or bottom == 0:
            continue
        window = (slice(top, bottom), slice(left, right))
        mask = ids[window] == value
        number, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
        parts[window][mask] = labels[mask] + count
        areas.append(stats[1:, cv2.CC_STAT_AREA].astype(np.int64))
        count += number - 1
    return parts, np.concatenate(areas)


def boxes_of(ids: np.ndarray) -> np.ndarray:
    """Return (N + 1, 4) int64 px: top, left, bottom and right of each id, the last two exclusive; 0 without pixels."""
    height, width = ids.shape
    number = int(ids.max()) + 1
    in_row = np.bincount((ids + np.arange(height)[:, None] * number).ravel(), minlength=height * number)
    in_column = np.bincount((ids + np.arange(width) * number).ravel(), minlength=width * number)
    in_row, in_column = in_row.reshape(height, number) > 0, in_column.reshape(width, number) > 0
    bottom, right = height - in_row[::-1].argmax(axis=0), width - in_column[::-1].argmax(axis=0)
    boxes = np.stack([in_row.argmax(axis=0), in_column.argmax(axis=0), bottom, right], axis=1)
    return np.where(np.any(in_row, axis=0, keepdims=True).T, boxes, 0)


def grow(ids: np.ndarray) -> None:
    """Fill the zeros in place from 4-neighbours, one ring at a time."""
    height, width = ids.shape
    rows, columns = np.nonzero(ids == 0)
    while len(rows):
        taken = np.zeros(len(rows), np.int32)
        for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0)):
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            taken = np.where(taken == 0, ids[y, x], taken)
        if not taken.any():
            ids[rows, columns] = 1  # nothing to grow from
            return
        ids[rows, columns] = taken
        rows, columns = rows[taken == 0], columns[taken == 0]


def sharpen_outlines(ids: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Bring ids to the photo's size and move their borders to its edges.

    Args:
        ids: (h, w) int32, ids 1..N of the reduced picture.
        rgb: (H, W, 3) uint8, sRGB, the photo.

    Returns:
        (H, W) int32, the same ids, without zeros.
    """
    height, width = rgb.shape[:2]
    if ids.shape == (height, width):
        return ids.copy()
    large = nearest_pixels(ids, (height, width))
    reach = 2 * int(np.ceil(1.5 * max(height / ids.shape[0], width / ids.shape[1]))) + 1
    kernel = np.ones((reach, reach), np.uint8)
    labels = large.astype(np.uint16)
    markers = np.where(cv2.dilate(labels, kernel) == cv2.erode(labels, kernel), large, 0).astype(np.int32)
    for value in np.setdiff1d(np.unique(ids), np.unique(markers)):
        markers[large == value] = value  # thinner than the band: keep all of it
    markers = cv2.watershed(np.ascontiguousarray(cv2.GaussianBlur(rgb, (0, 0), 1.0)), markers)
    markers[markers < 0] = 0
    grow(markers)
    return markers
