"""Composites among synthetic scenes: of a photo with a cut-out in it, only what the mask tells is learned."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from .pair_data import PairSet
from .scene_targets import Batch, find_borders, find_middles

OBJECT = 3  # index into ``prediction.KINDS``
RIM_PX = 3  # at the targets' size: so far around the mask its border is known


class SceneComposites:
    """Takes the place of some rows of batches."""

    def __init__(self, folder: Path, share: float) -> None:
        self.pairs, self.share = PairSet(folder, with_depth=False), share

    def mix(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch with composites in about ``share`` of its rows, at least one row left as it is."""
        count = len(batch["rgb"])
        rows = np.flatnonzero(rng.random(count) < self.share)[: count - 1]
        mixed = {name: value.clone(memory_format=torch.preserve_format) for name, value in batch.items()}
        for row in rows.tolist():
            pair = self.pairs[int(rng.integers(len(self.pairs)))]
            composite = _see(pair.overlay, pair.mask, tuple(batch["rgb"].shape[2:]), tuple(batch["kind"].shape[1:]))
            for name, value in composite.items():
                mixed[name][row] = value
        return mixed


def _see(rgb: np.ndarray, mask: np.ndarray, size: tuple[int, ...], coarse: tuple[int, ...]) -> Batch:
    """Return what ``make_batch`` tells of one picture, as far as a mask does: depth, shape and camera are unknown."""
    picture = cv2.resize(_crop(rgb, size), size[::-1], interpolation=cv2.INTER_AREA)
    inside = cv2.resize(_crop(mask.astype(np.float32), size), coarse[::-1], interpolation=cv2.INTER_AREA) > 0.5
    ids = inside[None].astype(np.int64)
    kind = np.where(inside, OBJECT, -1)
    centre, offset, has_centre = find_middles(ids, kind[None])
    near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8))
    return {
        "rgb": torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255,
        "depth": torch.full(coarse, torch.inf),
        "kind": torch.from_numpy(kind),
        "shape": torch.full(coarse, -1),
        "normal": torch.zeros(3, *coarse),
        "edge": torch.from_numpy(find_borders(ids))[0],
        "centre": torch.from_numpy(centre)[0],
        "offset": torch.from_numpy(offset)[0],
        "has_centre": torch.from_numpy(has_centre)[0],
        "told": torch.from_numpy(near).float(),
        "camera": torch.full((4,), torch.nan),
    }


def _crop(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return the middle of a picture in the proportions of a size."""
    height, width = picture.shape[:2]
    high, wide = min(height, round(width * size[0] / size[1])), min(width, round(height * size[1] / size[0]))
    top, left = (height - high) // 2, (width - wide) // 2
    return picture[top : top + high, left : left + wide]
