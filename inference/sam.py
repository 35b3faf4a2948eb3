"""Segment Anything: a mask for everything under a grid of points, wholes with their parts, on the embedded segments.

The network knows no classes: what its masks leave open, and which kinds they are of, is the embedded estimator's word.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ..errors import EstimateUnusable, WeightsUnusable
from .embedded import Embedded
from .hub_model import HubModel
from .labels import UNLABELLED
from .mask_tree import boxes_of, depth_of, find_wholes
from .network_input import choose_size, make_input
from .overlaps import suppress_overlaps
from .prediction import Camera, Estimate, Photo, Segment, SegmentMap
from .regions import sharpen_outlines
from .registry import Weights
from .resample import keep_present, nearest_pixels, size_within
from .split import join_slivers
from .torch_runtime import half_precision, run_within_memory

POINTS_A_SIDE = 32
BATCH = 64  # points at once; fewer when memory runs out
SURE = 0.88  # least intersection over union with the truth that the network expects of a mask
STABLE = 0.92  # least intersection over union of a mask with itself when the threshold moves by ``OFFSET``
OFFSET = 1.0
SAME_BOX = 0.7  # intersection over union of boxes above which two masks are one
LEAST_AREA = 0.0006  # of the picture
LARGEST = 0.9  # of the picture: more is the background, not a thing
WORK_PX = 768


class Sam:
    """Automatic masks of a SAM network, by id or folder."""

    def __init__(self, weights: Weights) -> None:
        self._model = HubModel(weights, "AutoModelForMaskGeneration", "mask generation", {"sam": "sam"})
        self.name, self.version, self.licence = self._model.name, self._model.version, self._model.licence
        if self._model.config["model_type"] != "sam":
            raise WeightsUnusable(
                f"{self._model.folder}: of the SAM family only type sam is run here; give such a model"
            )

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Find things, their parts and the parts of these.

        Args:
            photo: any photo.
            camera: handed to the embedded network.
        """
        (logits, scores), note = run_within_memory(
            lambda batch: self._find_masks(photo.rgb, batch), [BATCH, BATCH // 4, 1], "points a time"
        )
        if not np.isfinite(logits).all():
            raise EstimateUnusable(f"{self._model.folder}: the masks are not finite; the weights are damaged")
        chosen = choose_masks(logits, scores)
        if not len(chosen):
            raise EstimateUnusable(
                f"{self._model.folder}: none of {len(logits)} masks is sure; try another photo or model"
            )
        base = Embedded().predict(photo, camera).segments
        assert isinstance(base, SegmentMap)
        return Estimate(segments=segments_from_tree(logits[chosen], scores[chosen], base, photo.rgb), note=note)

    def _find_masks(self, rgb: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, h, w) float16 logits over the photo, and (N,) how sure the network is; N is 3 for each point."""
        import torch

        network, device = self._model.network, self._model.device
        side = int(network.config.vision_config.image_size)
        recipe = replace(self._model.recipe, size=None, shortest_px=0, longest_px=side)
        height, width = choose_size(recipe, rgb.shape[:2])
        pixels = np.zeros((1, 3, side, side), np.float32)
        pixels[:, :, :height, :width] = make_input(rgb, recipe)
        rows, columns = np.divmod(np.arange(POINTS_A_SIDE**2), POINTS_A_SIDE)
        points = (np.stack([columns, rows], axis=1) + 0.5) / POINTS_A_SIDE * (width, height)
        found: list[tuple[Any, Any]] = []
        with torch.inference_mode(), half_precision(device):
            seen = network.get_image_embeddings(torch.from_numpy(pixels).to(device))
            for start in range(0, len(points), batch):
                some = torch.from_numpy(points[start : start + batch].astype(np.float32))[None, :, None].to(device)
                out = network(input_points=some, image_embeddings=seen, multimask_output=True)
                found.append((out.pred_masks[0].flatten(0, 1).half().cpu(), out.iou_scores[0].flatten().float().cpu()))
        masks = torch.cat([mask for mask, _ in found]).numpy()
        down, across = (max(1, round(n / side * masks.shape[1])) for n in (height, width))
        return masks[:, :down, :across], torch.cat([score for _, score in found]).numpy()


def choose_masks(logits: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return (K,) int64, which masks are sure, stable and of some size, each thing once, the surest first.

    Args:
        logits: (N, h, w), above 0 inside.
        scores: (N,), what the network expects a mask to be worth.
    """
    inner, outer = ((logits > offset).sum(axis=(1, 2)) for offset in (OFFSET, -OFFSET))
    area = (logits > 0).mean(axis=(1, 2))
    good = (scores > SURE) & (inner > STABLE * outer) & (area > LEAST_AREA) & (area < LARGEST)
    candidates = np.flatnonzero(good)
    kept = suppress_overlaps(boxes_of(logits[candidates] > 0), scores[candidates], SAME_BOX)
    return candidates[kept] if len(kept) else candidates


def segments_from_tree(logits: np.ndarray, scores: np.ndarray, base: SegmentMap, rgb: np.ndarray) -> SegmentMap:
    """Paint masks over what the embedded network found, parts over their wholes.

    Args:
        logits: (N, h, w), above 0 inside.
        scores: (N,).
        base: of the photo, every pixel in some segment.
        rgb: (H, W, 3) uint8, the photo.
    """
    size = size_within(rgb.shape, WORK_PX)
    wholes = find_wholes(logits > 0)
    areas = (logits > 0).sum(axis=(1, 2))
    depths = np.array([depth_of(i, wholes) for i in range(len(wholes))])
    first = max(segment.id for segment in base.segments) + 1
    base_ids = nearest_pixels(base.ids, size)
    ids = base_ids.copy()
    kinds = {segment.id: segment.kind for segment in base.segments}
    rows = list(base.segments)
    for i in np.lexsort((-areas, depths)).tolist():
        mask = cv2.resize(logits[i].astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) > 0
        if not mask.any():
            continue
        ids[mask] = first + i
        below = int(np.bincount(base_ids[mask]).argmax())
        label = UNLABELLED if kinds[below] == "object" else kinds[below]
        whole = 0 if wholes[i] < 0 else first + int(wholes[i])
        rows.append(Segment(first + i, label, kinds[below], round(float(min(1.0, scores[i])), 3), whole))
    ids = sharpen_outlines(join_slivers(ids, max(4, round(LEAST_AREA * ids.size))), rgb)
    return keep_present(SegmentMap(ids, tuple(rows)))
