"""One network of the transformers library on one photo: found, loaded, fed and run."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import EstimateUnusable, WeightsUnusable
from .catalogue import DEFAULT_MODEL
from .hub import find_model, load_network, read_config, read_licence, read_version
from .network_input import choose_size, make_input, read_recipe, shares
from .prediction import Photo
from .registry import Weights
from .torch_runtime import choose_device, half_precision, require, run_within_memory


class HubModel:
    """A network and what it needs to be run.

    Attributes:
        name, version, licence: for the summary.
        config: of config.json.
        recipe: how its input is made.
    """

    def __init__(self, weights: Weights, auto_class: str, wanted: str, types: dict[str, str]) -> None:
        """Load a network.

        Args:
            weights: what the user asked for.
            auto_class: transformers' class for the task.
            wanted: the task in words.
            types: by name in the tables, the model_type that it stands for.
        """
        self.name = weights.name or weights.given
        model = weights.given or DEFAULT_MODEL[weights.name]
        require("torch", self.name)
        require("transformers", self.name)
        folder = find_model(model)
        self.config = read_config(folder)
        found, expected = self.config["model_type"], types.get(weights.name)
        if expected and found != expected:
            raise WeightsUnusable(f"{folder}: this is a model of type {found}, where {weights.name} needs {expected}")
        self.recipe = read_recipe(folder, self.config)
        self.licence = read_licence(folder, model)
        commit = read_version(folder)
        self.version = f"{model}@{commit}" if commit else folder.name
        self.device = choose_device(weights.device)
        self.folder = folder
        self.network = load_network(folder, auto_class, wanted).to(self.device)

    def put_channels_last(self) -> None:
        """Lay the network out for convolutions: faster where it consists of them for a good part, slower elsewhere."""
        import torch

        self.network = self.network.to(memory_format=torch.channels_last)

    def run(self, photo: Photo, wanted: tuple[str, ...], **more: Any) -> tuple[dict[str, np.ndarray], str]:
        """Run the network on a photo.

        Args:
            photo: any photo.
            wanted: names of the outputs; those that the network does not give are left out.
            more: further inputs, tensors on the processor.

        Returns:
            The outputs, float32 without the first axis, and a note for the user.

        Raises:
            EstimateUnusable: an output is not finite.
            MemoryExhausted: the network does not fit into memory.
        """
        by_side = {max(choose_size(self.recipe, photo.size, share)): share for share in shares(self.recipe)}
        return run_within_memory(
            lambda side_px: self._run_at(photo.rgb, by_side[side_px], wanted, more), sorted(by_side, reverse=True)
        )

    def _run_at(
        self, rgb: np.ndarray, share: float, wanted: tuple[str, ...], more: dict[str, Any]
    ) -> dict[str, np.ndarray]:
        pixels = make_input(rgb, self.recipe, share)
        outputs = self._infer(pixels, wanted, more, half_precision(self.device))
        if not _all_finite(outputs) and self.device != "cpu":
            outputs = self._infer(pixels, wanted, more, half_precision("cpu"))  # float16 overflows beyond 65504
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                share_bad = 1 - np.isfinite(values).mean()
                raise EstimateUnusable(
                    f"{self.folder}: {share_bad:.0%} of the output {name} is not finite; the weights are damaged, or "
                    "those of another network"
                )
        return outputs

    def _infer(
        self, pixels: np.ndarray, wanted: tuple[str, ...], more: dict[str, Any], precision: Any
    ) -> dict[str, np.ndarray]:
        import torch

        inputs = {"pixel_values": torch.from_numpy(pixels), **more}
        inputs = {name: value.to(self.device) for name, value in inputs.items()}
        with torch.inference_mode(), precision:
            outputs = self.network(**inputs)
        given = {name: getattr(outputs, name, None) for name in wanted}
        return {name: value[0].float().cpu().numpy() for name, value in given.items() if value is not None}


def _all_finite(outputs: dict[str, np.ndarray]) -> bool:
    return all(bool(np.isfinite(values).all()) for values in outputs.values())
