"""What estimators and files gave -> depth and segments of the photo's size that agree with each other."""

from __future__ import annotations

import numpy as np

from .disparity import depth_from_disparity
from .edges import sharpen_depth
from .masks import segments_from_masks
from .prediction import Camera, DepthMap, DisparityMap, Kind, MaskStack, Photo, SegmentMap
from .resample import fit_segments, nearest_pixels


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
        segments: of any size; masks are resolved with the help of the depth.
        camera: of the photo.
        down_cam: (3,) unit vector along gravity, camera axes.

    Returns:
        Depth and segments of the photo's size, and a note on the depth for the user.
    """
    note = ""
    if isinstance(depth, DisparityMap):
        ground, sky = (find_kind(segments, kind, depth.values.shape) for kind in ("ground", "sky"))
        depth, note = depth_from_disparity(depth, ground, sky, camera, down_cam)
    if isinstance(segments, MaskStack):
        segments = segments_from_masks(segments, photo.rgb, depth.z)
    return sharpen_depth(depth, photo.rgb), fit_segments(segments, photo.size), note


def find_kind(segments: SegmentMap | MaskStack, kind: Kind, size: tuple[int, ...]) -> np.ndarray:
    """Return (h, w) bool of some size: the pixels of the segments of a kind."""
    numbers = [segment.id for segment in segments.segments if segment.kind == kind]
    if isinstance(segments, SegmentMap):
        ids = segments.ids
    else:
        claimed = segments.scores.max(axis=0) > 0
        table = np.array([segment.id for segment in segments.segments], np.int32)
        ids = np.where(claimed, table[segments.scores.argmax(axis=0)], 0)
    return np.isin(nearest_pixels(ids, (size[0], size[1])), numbers)
