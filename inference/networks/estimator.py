"""A network with a published checkpoint's weights: how it is run, and how its outputs are taken over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import EstimateUnusable
from ..torch_runtime import choose_device, half_precision


class PublishedEstimator:
    """What the estimators of this room have in common; each adds name, licence and ``predict``.

    Attributes:
        network: on its device, laid out for convolutions.
        version: the checkpoint's name.
    """

    def __init__(self, network: nn.Module, checkpoint: Path, device: str = "auto") -> None:
        """Put a network where it runs.

        Args:
            network: ready to predict.
            checkpoint: where its weights come from.
            device: "auto", "cpu", "cuda" or "mps".

        Raises:
            DeviceUnusable: the device is not there.
        """
        self._device = choose_device(device)
        self._checkpoint = checkpoint
        self.network = network.to(self._device, memory_format=torch.channels_last)
        self.version = checkpoint.name

    def run(self, pictures: torch.Tensor, *options: Any) -> Any:
        """Return what the network makes of pictures, in half precision where its device is made for that."""
        with torch.inference_mode(), half_precision(self._device):
            return self.network(pictures.to(self._device), *options)

    def take(self, output: torch.Tensor, what: str) -> np.ndarray:
        """Return an output as float32, after making sure that all of it is finite.

        Args:
            output: of any shape, type and device.
            what: its name, for the error.

        Raises:
            EstimateUnusable: it holds NaN or infinity.
        """
        array: np.ndarray = output.float().cpu().numpy()
        share = float(np.isfinite(array).mean()) if array.size else 1.0
        if share < 1:
            raise EstimateUnusable(
                f"{self._checkpoint}: {100 * (1 - share):.3g} % of the network's {what} is not finite for this photo; "
                "check that the checkpoint is the published one, or use --device cpu"
            )
        return array
