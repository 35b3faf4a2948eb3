"""What estimators and files gave -> depth and segments of the photo's size that agree with each other."""

from __future__ import annotations

import numpy as np

from .disparity import depth_from_disparity
from .prediction import Camera, DepthMap, DisparityMap, Kind, MaskStack, Photo, SegmentMap
from .resample import fit_segments, nearest_pixels, resize_depth


def fit_maps(
    photo: Photo,
    depth: DepthMap | DisparityMap,
    segments: SegmentMap | MaskStack,
    camera: Camera,
    down_cam: np.ndarray,
) -> tuple[DepthMap, SegmentMap, str]:
    """Bring maps to the photo's size and disparity to depth.

    Args:
        photo: the photo.
        depth: of any size.
        segments: of any size.
        camera: of the photo.
        down_cam: (3,) unit vector along gravity, camera axes.

    Returns:
        Depth and segments of the photo's size, and a note on the depth for the user.
    """
    note = ""
    assert isinstance(segments, SegmentMap)
    if isinstance(depth, DisparityMap):
        ground, sky = (find_kind(segments, kind, depth.values.shape) for kind in ("ground", "sky"))
        depth, note = depth_from_disparity(depth, ground, sky, camera, down_cam)
    return resize_depth(depth, photo.size), fit_segments(segments, photo.size), note


def find_kind(segments: SegmentMap, kind: Kind, size: tuple[int, ...]) -> np.ndarray:
    """Return (h, w) bool of some size: the pixels of the segments of a kind."""
    numbers = [segment.id for segment in segments.segments if segment.kind == kind]
    return np.isin(nearest_pixels(segments.ids, (size[0], size[1])), numbers)
