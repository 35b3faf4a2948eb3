"""The embedded estimator without weights: lines, colour and ground contact."""

from __future__ import annotations

import cv2
import numpy as np

from .. import __version__
from .layout import join_sky_and_ground, measure_regions, name_regions
from .prediction import Camera, DepthMap, Estimate, Photo, Segment, SegmentMap
from .regions import keep_connected, segment_regions, sharpen_outlines
from .standing import depth_from_planes, stand_on_ground
from .vanishing import estimate_view

WORK_SIDE_PX = 640  # the longer side of the reduced picture that everything but the outlines is decided on
MIN_AREA = 0.001  # of the photo: no segment is smaller


class Geometric:
    """Depth, segments and camera of one photo from geometry and colour alone: the baseline for any network."""

    name = "geometric"
    version = __version__
    licence = "GPL-3.0-or-later (no weights)"

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Estimate depth, segments, camera and gravity.

        Args:
            photo: any photo of at least one pixel.
            camera: intrinsics that are kept; None to estimate the field of view where the lines allow it.

        Returns:
            All four, at the photo's size. The depth is in metres only if the camera stood 1.6 m over the ground.
        """
        height, width = photo.size
        scale = min(1.0, WORK_SIDE_PX / max(height, width))
        small_height, small_width = max(1, round(height * scale)), max(1, round(width * scale))
        small = cv2.resize(photo.rgb, (small_width, small_height), interpolation=cv2.INTER_AREA)
        view = estimate_view(small, camera.resized(small_height, small_width) if camera else None)
        regions = measure_regions(small, segment_regions(small), view.camera, view.down_cam)
        kinds, scores = name_regions(regions)
        joined = keep_connected(join_sky_and_ground(regions, kinds), 1)
        origin = _origins(joined, regions.ids)
        kinds, scores = [kinds[i] for i in origin], scores[origin]
        regions = measure_regions(small, joined, view.camera, view.down_cam)
        planes = stand_on_ground(regions, kinds, view.camera, view.down_cam)
        camera = camera or view.camera.resized(height, width)
        fine = sharpen_outlines(regions.ids, photo.rgb)
        ids = keep_connected(fine, round(MIN_AREA * fine.size))
        origin = _origins(ids, fine)
        segments = tuple(
            Segment(i, kinds[k], kinds[k], round(float(scores[k]), 3)) for i, k in enumerate(origin) if i > 0
        )
        z = depth_from_planes(ids, planes[origin], camera)
        return Estimate(DepthMap(z), SegmentMap(ids, segments), camera, view.down_cam)


def _origins(ids: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Return (N + 1,) int64, for each id the earlier id that most of its pixels had."""
    number = int(earlier.max()) + 1
    counts = np.bincount((ids.astype(np.int64) * number + earlier).ravel(), minlength=(int(ids.max()) + 1) * number)
    return np.asarray(counts.reshape(-1, number).argmax(axis=1))
