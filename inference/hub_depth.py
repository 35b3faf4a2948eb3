"""Depth networks of the transformers library: Depth Anything V2, DPT, ZoeDepth, Depth Pro, GLPN."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import EstimateUnusable, WeightsUnusable
from .camera import MAX_FOV_DEG, MIN_FOV_DEG, assume_camera, camera_from_fov
from .hub_model import HubModel
from .network_input import crop_margins
from .prediction import Camera, DepthMap, DisparityMap, Estimate, Photo
from .registry import Weights

Meaning = Literal["metres", "disparity", "canonical"]
TYPES = {"depth-anything-v2": "depth_anything", "dpt": "dpt", "zoedepth": "zoedepth", "depth-pro": "depth_pro"}
NEAREST_M, FURTHEST_M = 1e-3, 1e4
_MEANINGS: dict[str, Meaning] = {
    "depth_anything": "disparity",  # unless its configuration says metric
    "prompt_depth_anything": "metres",
    "dpt": "disparity",
    "zoedepth": "metres",
    "glpn": "metres",
    "depth_pro": "canonical",
}


class HubDepth:
    """A depth network, by name, model id or folder."""

    def __init__(self, weights: Weights) -> None:
        self._model = HubModel(weights, "AutoModelForDepthEstimation", "depth estimation", TYPES)
        self.name, self.version, self.licence = self._model.name, self._model.version, self._model.licence
        config = self._model.config
        self._model.put_channels_last()
        known = _MEANINGS.get(config["model_type"])
        if known is None:
            raise WeightsUnusable(
                f"{self._model.folder}: what a model of type {config['model_type']} means by depth is not known here; "
                f"use one of type {', '.join(sorted(_MEANINGS))}"
            )
        self._meaning = "metres" if config.get("depth_estimation_type") == "metric" else known

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Estimate depth, and the field of view where the network does.

        Args:
            photo: any photo.
            camera: where it is known, Depth Pro's depth is made for it.
        """
        outputs, note = self._model.run(photo, ("predicted_depth", "field_of_view"))
        values = crop_margins(outputs["predicted_depth"], self._model.recipe, photo.size)
        if self._meaning == "disparity":
            return Estimate(DisparityMap(values), note=note)
        if self._meaning == "metres":
            return Estimate(self._depth(values), note=note)
        estimated = _camera(float(outputs["field_of_view"]), photo) if "field_of_view" in outputs else None
        known = camera or estimated or assume_camera(photo.size)
        # Source: Depth Pro (arXiv 2410.02073), section 3.1: canonical inverse depth times width over focal length.
        inverse = values * np.float32(known.width / known.fx)
        return Estimate(self._depth(1 / np.clip(inverse, 1 / FURTHEST_M, 1 / NEAREST_M)), camera=estimated, note=note)

    def _depth(self, z: np.ndarray) -> DepthMap:
        z = np.where((z > NEAREST_M) & (z < FURTHEST_M), z, np.nan).astype(np.float32)
        if np.isnan(z).all():
            raise EstimateUnusable(
                f"{self._model.folder}: the network found no depth above 0; its weights are not trained"
            )
        return DepthMap(z, is_metric=True)


def _camera(fov_deg: float, photo: Photo) -> Camera | None:
    usable = MIN_FOV_DEG < fov_deg < MAX_FOV_DEG
    return camera_from_fov(fov_deg, photo.size, f"{fov_deg:.1f} degrees estimated") if usable else None
