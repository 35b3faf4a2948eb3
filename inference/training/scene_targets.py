"""Batches for the scene task: photos changed at random, and what the network should see in them at half the size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from .scene_colours import change_colours, change_focus, change_skies, recolour
from .scene_data import SceneShards
from .scene_turns import turn_cameras

COARSE = ("depth", "ids", "labels", "normal")
Batch = dict[str, torch.Tensor]
SMALLEST_PX = 4  # of an instance at the size of the targets: smaller ones have no middle to find


class SceneBatches:
    """An endless order of batches that a seed and the number of a step decide."""

    def __init__(self, folder: Path, batch: int, scale: int, seed: int) -> None:
        self.shards, self.batch, self.scale, self.seed = SceneShards(folder), batch, scale, seed

    def at(self, step: int) -> Batch:
        """Return batch number ``step``: the same whatever came before it."""
        rng = np.random.default_rng([self.seed, step])
        lengths = np.array(self.shards.lengths)
        shard = int(rng.choice(len(lengths), p=lengths / lengths.sum()))
        rows = rng.choice(lengths[shard], min(self.batch, int(lengths[shard])), replace=False)
        return make_batch(self.shards.batch(shard, rows), self.scale, rng)

    def __iter__(self) -> Iterator[Batch]:
        """Yield all batches from the first."""
        step = 0
        while True:
            yield self.at(step)
            step += 1


def make_batch(arrays: dict[str, np.ndarray], scale: int = 1, rng: np.random.Generator | None = None) -> Batch:
    """Return a batch of ``SceneShards``'s rows as the network takes it.

    Args:
        arrays: rgb, depth, ids, labels, normal, camera.
        scale: the photo is made so many times smaller; targets are half of that.
        rng: of turning, mirroring and colours; None leaves pictures as they are.
    """
    arrays = arrays if rng is None else recolour(turn_cameras(arrays, rng), rng)
    rgb = _shrink(torch.from_numpy(arrays["rgb"]).permute(0, 3, 1, 2).float() / 255, scale)
    coarse = {name: arrays[name][:, scale - 1 :: 2 * scale, scale - 1 :: 2 * scale] for name in COARSE}
    camera = torch.from_numpy(arrays["camera"].copy())
    focal = torch.log(camera[:, 0] / np.sqrt(np.prod(arrays["rgb"].shape[1:3])))
    depth = torch.from_numpy(coarse["depth"].astype(np.float32)) - focal[:, None, None]
    normal = torch.from_numpy(coarse["normal"].astype(np.float32) / 127).permute(0, 3, 1, 2)
    labels = torch.from_numpy(coarse["labels"].astype(np.int64))
    down, ids = camera[:, 4:7], coarse["ids"].astype(np.int64)
    if rng is not None:
        is_sky = _shrink(torch.from_numpy(arrays["labels"] % 16 == 0)[:, None].float(), scale)
        rgb = change_focus(change_colours(change_skies(rgb, is_sky, rng), rng), rng)
        if rng.random() < 0.5:
            rgb, depth, labels, normal = (value.flip(-1) for value in (rgb, depth, labels, normal))
            ids = ids[:, :, ::-1]
            normal, down = normal * torch.tensor([-1.0, 1, 1])[:, None, None], down * torch.tensor([-1.0, 1, 1])
    kind = labels % 16
    instance = np.ascontiguousarray(ids)
    centre, offset, has_centre = find_middles(instance, kind.numpy())
    return {
        "rgb": rgb.contiguous(memory_format=torch.channels_last),
        "depth": depth,
        "kind": kind,
        "shape": labels // 16 - 1,  # -1 where there is none
        "normal": normal,
        "edge": torch.from_numpy(find_borders(instance)),
        "centre": torch.from_numpy(centre),
        "offset": torch.from_numpy(offset),
        "has_centre": torch.from_numpy(has_centre),
        "told": torch.ones(kind.shape),  # where borders and middles are known
        "camera": torch.cat([focal[:, None], down], 1),
    }


def _shrink(pictures: torch.Tensor, scale: int) -> torch.Tensor:
    return functional.avg_pool2d(pictures, scale) if scale > 1 else pictures


def find_borders(ids: np.ndarray) -> np.ndarray:
    """Return (B, H, W) float32, 1 where a neighbour to the right, left, above or below is another instance."""
    border = np.zeros(ids.shape, bool)
    across, along = ids[:, :, 1:] != ids[:, :, :-1], ids[:, 1:] != ids[:, :-1]
    border[:, :, 1:] |= across
    border[:, :, :-1] |= across
    border[:, 1:] |= along
    border[:, :-1] |= along
    return border.astype(np.float32)


def find_middles(ids: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where instances of structures and objects have their middles.

    Returns:
        (B, H, W) float32 bumps at the middles; (B, 2, H, W) float32 x and y from each pixel to its own, in units of
        sqrt(height * width) / 4; (B, H, W) float32, 1 where that is known.
    """
    count, height, width = ids.shape
    unit = np.sqrt(height * width) / 4
    most = int(ids.max()) + 1
    y, x = np.mgrid[:height, :width].astype(np.float32)
    heat, offset = np.zeros((count, height, width), np.float32), np.zeros((count, 2, height, width), np.float32)
    known = np.zeros((count, height, width), np.float32)
    for i in range(count):
        flat = np.where(kind[i] >= 2, ids[i], 0)
        size = np.bincount(flat.ravel(), minlength=most)
        alive = size >= SMALLEST_PX
        alive[0] = False
        middle_x = np.bincount(flat.ravel(), x.ravel(), most) / np.maximum(size, 1)
        middle_y = np.bincount(flat.ravel(), y.ravel(), most) / np.maximum(size, 1)
        known[i] = alive[flat]
        offset[i, 0], offset[i, 1] = (middle_x[flat] - x) / unit, (middle_y[flat] - y) / unit
        for number in np.flatnonzero(alive):
            spread = np.clip(0.12 * np.sqrt(size[number]), 1.0, 4.0)
            x0, y0 = middle_x[number], middle_y[number]
            left, top = max(0, int(x0 - 3 * spread)), max(0, int(y0 - 3 * spread))
            window = (i, slice(top, int(y0 + 3 * spread) + 2), slice(left, int(x0 + 3 * spread) + 2))
            bump = np.exp(-((x[window[1:]] - x0) ** 2 + (y[window[1:]] - y0) ** 2) / (2 * spread**2))
            heat[window] = np.maximum(heat[window], bump)
    return heat, offset * known[:, None], known
