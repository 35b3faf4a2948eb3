"""Weights of a checkpoint -> the .onnx file that ships: batch normalisation folded, numbers in halves."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from .checkpoints import load_weights
from .network import SceneNetwork

EXAMPLE = (192, 256)  # px, of the picture that the graph is traced with; any other multiple of 32 does as well


def export_scene(checkpoint: Path, output: Path, facts: dict[str, object] | None = None) -> Path:
    """Write the embedded network of a checkpoint's averaged weights.

    Args:
        checkpoint: of the task scene.
        output: the .onnx file; input ``rgb`` (B, 3, H, W) float32 from 0 to 1, outputs ``maps`` and ``camera`` as of
            ``SceneNetwork.forward``.
        facts: version, licence and what else the file should say of itself.

    Raises:
        CheckpointUnusable: it is none of this task.
    """
    network = SceneNetwork()
    network.load_state_dict(load_weights(checkpoint, "scene"))
    write_onnx(network, output, facts)
    return output


def write_onnx(network: nn.Module, output: Path, facts: dict[str, object] | None = None) -> None:
    """Write a scene network as .onnx with weights stored as float16 and worked with as float32."""
    import onnx

    network = fold(network).eval()
    staging = output.with_suffix(".part")
    axes = {"rgb": {0: "batch", 2: "height", 3: "width"}, "maps": {0: "batch", 2: "half_height", 3: "half_width"}}
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, *EXAMPLE),),
        staging,
        input_names=["rgb"],
        output_names=["maps", "camera"],
        dynamic_axes=axes | {"camera": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(staging)
    _store_halves(model)
    for key, value in (facts or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
    onnx.checker.check_model(model)
    onnx.save(model, staging)
    staging.replace(output)


def fold(network: nn.Module) -> nn.Module:
    """Return a copy whose convolutions do what they and the normalisation after them did."""
    from copy import deepcopy

    network = deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            layers = list(module.children())
            for index, (first, second) in enumerate(pairwise(layers)):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    module[index] = nn.utils.fuse_conv_bn_eval(first, second)
                    module[index + 1] = nn.Identity()
    return network


def round_to_halves(network: nn.Module) -> nn.Module:
    """Return the folded network with its weights as the file keeps them."""
    network = fold(network)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(value.half().float())
    return network


def _store_halves(model: object) -> None:
    """Replace float32 weights by float16 ones that a Cast brings back, so that the file has half the size."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph  # type: ignore[attr-defined]
    casts = []
    for weight in list(graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size > 1:
            name = weight.name
            graph.initializer.remove(weight)
            graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    for index, cast in enumerate(casts):
        graph.node.insert(index, cast)
