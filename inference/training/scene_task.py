"""The scene task: the embedded network on synthetic scenes."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ...errors import TrainingConfigInvalid
from .export import FEW_BITS, HALVES
from .network import SceneNetwork, split
from .progress_sheets import draw_scene_sheet
from .scene_composites import SceneComposites
from .scene_losses import scene_losses
from .scene_targets import SceneBatches
from .train import Batch, Parts
from .train_config import TrainConfig

OPTIONS = ("bits", "composites", "scale", "share")


class SceneTask:
    """Photos of synthetic scenes -> depth, kinds, instances, shapes, normals, camera.

    Its options: ``scale``, how many times smaller than stored the pictures are trained on; ``composites``, a data set
    of composites in shards, relative to the scenes, and ``share``, of rows that show them; ``bits``, of each weight
    that is exported (16, or 2 to 8).

    Attributes:
        bits: the last of these.
    """

    def __init__(self, config: TrainConfig) -> None:
        unknown = sorted(set(config.options) - set(OPTIONS))
        if unknown:
            raise TrainingConfigInvalid(f"The task scene has no option '{unknown[0]}': it knows {', '.join(OPTIONS)}.")
        scale, folder = int(config.options.get("scale", 1)), config.options.get("composites")
        self.bits = config.options.get("bits", HALVES)
        if self.bits not in (HALVES, *FEW_BITS):
            raise TrainingConfigInvalid(f"options.bits = {self.bits!r}: weights have {HALVES} bits, or 2 to 8.")
        self.batches, self._seed = SceneBatches(config.data, config.batch, scale, config.seed), config.seed
        self._composites = None
        if folder is not None:
            self._composites = SceneComposites(config.data / str(folder), float(config.options.get("share", 0.1)))

    def network(self) -> nn.Module:
        """Return the network with fresh weights."""
        return SceneNetwork()

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        batch = self.batches.at(step)
        if self._composites is None:
            return batch
        return self._composites.mix(batch, np.random.default_rng([self._seed, step, 1]))

    def losses(self, network: nn.Module, batch: Batch) -> tuple[torch.Tensor, Parts]:
        """Return the number to minimise, and its parts by name."""
        maps, camera = network(batch["rgb"])
        return scene_losses(maps, camera, batch)

    def picture(self, network: nn.Module, batch: Batch) -> np.ndarray:
        """Return (H, W, 3) uint8 sRGB: photos, nearness and kinds as seen and as they are."""
        seen = split(network(batch["rgb"])[0])
        return draw_scene_sheet(batch, seen["depth"][:, 0], seen["kind"].argmax(1))
