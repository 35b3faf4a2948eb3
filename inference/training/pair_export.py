"""Weights of a pair checkpoint -> the .onnx file that ``build --clean-plate`` runs."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from .export import fold, make_small
from .pair_network import OUTPUTS
from .pair_task import load_pair

EXAMPLE = (224, 224)  # px, of the pictures that the graph is traced with; any other multiple of 32 does as well


class _Chosen(nn.Module):
    """Some of a network's outputs."""

    def __init__(self, network: nn.Module, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self._network, self._outputs = network, outputs

    def forward(self, background: torch.Tensor, overlay: torch.Tensor) -> tuple[torch.Tensor, ...]:
        seen = self._network(background, overlay)
        return tuple(seen[name] for name in self._outputs)


def export_pair(checkpoint: Path, output: Path, outputs: tuple[str, ...] = OUTPUTS) -> Path:
    """Write the pair network of a checkpoint's averaged weights.

    Args:
        checkpoint: of the task pair.
        output: the .onnx file, its weights halves; inputs ``background`` and ``overlay``, (B, 3, H, W) float32 from 0
            to 1, outputs ``mask`` and ``depth`` as of ``PairNetwork.forward``.
        outputs: those that were trained.

    Raises:
        CheckpointUnusable: it is none of this task.
    """
    inputs = ("background", "overlay")
    staging = output.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the new exporter asks for one more library
        torch.onnx.export(
            _Chosen(fold(load_pair(checkpoint)), outputs).eval(),
            tuple(torch.zeros(1, 3, *EXAMPLE) for _ in inputs),
            staging,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch", 2: "height", 3: "width"} for name in (*inputs, *outputs)},
            opset_version=17,
            dynamo=False,
        )
    make_small(staging)
    staging.replace(output)
    return output
