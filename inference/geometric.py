"""The embedded estimator without weights: lines, colour and ground contact."""

from __future__ import annotations

import numpy as np

from .. import __version__
from .camera import camera_from_fov
from .kinds import cut_ground_at_horizon, join_sky_and_ground, name_regions
from .layout import height_over_horizon, measure_regions
from .prediction import Camera, DepthMap, Estimate, Photo, Segment, SegmentMap
from .regions import keep_connected, most_common, segment_regions, sharpen_outlines
from .resample import shrink
from .standing import depth_from_planes, stand_on_ground
from .vanishing import estimate_view

WORK_SIDE_PX = 640  # the longer side of the reduced picture that everything but the outlines is decided on
UNSURE = 0.5  # score of what was cut from another region
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
        small = shrink(photo.rgb, WORK_SIDE_PX)
        view = estimate_view(small, camera.resized(*small.shape[:2]) if camera else None)
        regions = measure_regions(small, segment_regions(small), view.camera, view.down_cam)
        kinds, scores = name_regions(regions)
        over_horizon = height_over_horizon(view.camera, view.down_cam) > 0
        parted, kinds = cut_ground_at_horizon(join_sky_and_ground(regions, kinds), kinds, over_horizon)
        scores = np.append(scores, np.full(len(kinds) - len(scores), UNSURE))
        joined = keep_connected(parted, 1)
        origin = most_common(joined, parted)
        kinds, scores = [kinds[i] for i in origin], scores[origin]
        regions = measure_regions(small, joined, view.camera, view.down_cam)
        planes = stand_on_ground(regions, kinds, view.camera, view.down_cam)
        camera = camera or camera_from_fov(view.camera.fov_deg, photo.size, view.camera.source)
        fine = sharpen_outlines(regions.ids, photo.rgb)
        ids = keep_connected(fine, round(MIN_AREA * fine.size))
        origin = most_common(ids, fine)
        segments = tuple(
            Segment(i, kinds[k], kinds[k], round(float(scores[k]), 3)) for i, k in enumerate(origin) if i > 0
        )
        z = depth_from_planes(ids, planes[origin], camera)
        return Estimate(DepthMap(z), SegmentMap(ids, segments), camera, view.down_cam)
