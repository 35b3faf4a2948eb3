"""Coarse maps of networks -> the photo's resolution, along the photo's edges rather than the network's grid."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from .prediction import DepthMap
from .resample import nearest_pixels, resize_depth, shrink, size_within

RADIUS = 1.0  # of the filter's window, in pixels of the coarse map
EPSILON = 8.0**2  # of 255 squared: contrast below is texture, above it is an edge
REACH = 2.0  # in pixels of the coarse map: how far networks' depth runs over an edge
LIKENESS = 25.5  # of 255, standard deviation of colours that are like each other
STEP = 0.12  # of the nearer depth's inverse, within that reach: less is a slope
WORK_PX = 1024  # longer side that depth is sharpened at
LEAST_SIDE_PX = 2
LEAST_RATIO = 1.3  # of sizes: finer maps follow their own edges
SEED = 0  # as OpenCV itself begins


def follow_edges(scores: np.ndarray, rgb: np.ndarray, cell_px: np.ndarray | None = None) -> np.ndarray:
    """Bring scores to a picture's size so that they change where the picture does.

    Args:
        scores: (N, h, w) float32, 0..1.
        rgb: (H, W, 3) uint8, sRGB.
        cell_px: (N,) float32, as of ``MaskStack``.

    Returns:
        (N, H, W) float32, 0..1.

    Source: K. He, J. Sun and X. Tang, Guided Image Filtering, TPAMI 2013 (OpenCV's).
    """
    height, width = rgb.shape[:2]
    ratio = max(height / scores.shape[1], width / scores.shape[2])
    large = np.empty((len(scores), height, width), np.float32)
    for plane, coarse in zip(large, scores, strict=True):
        cv2.resize(np.ascontiguousarray(coarse, np.float32), (width, height), plane, interpolation=cv2.INTER_LINEAR)
    cells = np.full(len(scores), ratio) if cell_px is None else ratio * cell_px
    # One filter serves all planes of about its reach.
    reaches = np.maximum(2, np.rint(2 ** (np.rint(2 * np.log2(RADIUS * cells)) / 2))).astype(int)
    for reach in np.unique(reaches[cells >= LEAST_RATIO]).tolist():
        guided = cv2.ximgproc.createGuidedFilter(rgb, reach, EPSILON)
        for i in np.flatnonzero((reaches == reach) & (cells >= LEAST_RATIO)):
            large[i] = guided.filter(large[i])
    return np.clip(large, 0, 1, out=large)


def sharpen_depth(depth: DepthMap, rgb: np.ndarray) -> DepthMap:
    """Bring depth to a photo's size so that it steps where the photo has edges, without depths between two surfaces.

    Near a step each pixel takes the depth of a coarse pixel around it, by the median of those that look like it: depths
    are chosen there, not mixed. Elsewhere they are interpolated. Depth that is sharp already is only enlarged.

    Args:
        depth: (h, w), of any size and aspect ratio.
        rgb: (H, W, 3) uint8, sRGB.

    Source: Z. Ma et al., Constant Time Weighted Median Filtering, ICCV 2013 (OpenCV's).
    """
    height, width = rgb.shape[:2]
    size = size_within(rgb.shape, WORK_PX, LEAST_SIDE_PX)
    ratio = max(size[0] / depth.z.shape[0], size[1] / depth.z.shape[1])
    if depth.is_sharp or ratio < LEAST_RATIO or min(height, width) < LEAST_SIDE_PX or not np.isfinite(depth.z).all():
        return resize_depth(depth, (height, width))
    small = shrink(rgb, WORK_PX, LEAST_SIDE_PX)
    nearness = nearest_pixels(1 / depth.z, size).astype(np.float32)
    reach = max(2, round(REACH * ratio))
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    low, high = cv2.erode(nearness, kernel), cv2.dilate(nearness, kernel)
    cv2.setRNGSeed(SEED)  # of the colours' clusters: the same photo gives the same depth
    chosen = cv2.ximgproc.weightedMedianFilter(np.ascontiguousarray(small), nearness, reach, sigma=LIKENESS)
    smooth = resize_depth(depth, size).z
    z = np.where(high - low > STEP * high, 1 / chosen, smooth).astype(np.float32)
    return resize_depth(replace(depth, z=z, is_sharp=True), (height, width))
