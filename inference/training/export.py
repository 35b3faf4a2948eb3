"""Weights of a checkpoint -> the .onnx file that ships: batch normalisation folded, numbers in halves or fewer bits."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from .checkpoints import load_weights
from .network import SceneNetwork

HALVES, FEW_BITS = 16, range(2, 9)  # bits of a weight: float16, or whole numbers
EXAMPLE = (192, 256)  # px, of the picture that the graph is traced with; any other multiple of 32 does as well


def export_scene(checkpoint: Path, output: Path, facts: dict[str, object] | None = None, bits: int = HALVES) -> Path:
    """Write the embedded network of a checkpoint's averaged weights.

    Args:
        checkpoint: of the task scene.
        output: the .onnx file; input ``rgb`` (B, 3, H, W) float32 from 0 to 1, outputs ``maps`` and ``camera`` as of
            ``SceneNetwork.forward``.
        facts: version, licence and what else the file should say of itself.
        bits: of each weight of a convolution: 16 are halves, 2 to 8 are whole numbers, with a scale a channel.

    Raises:
        CheckpointUnusable: it is none of this task.
    """
    network = SceneNetwork()
    network.load_state_dict(load_weights(checkpoint, "scene"))
    write_onnx(network, output, facts, bits)
    return output


def write_onnx(network: nn.Module, output: Path, facts: dict[str, object] | None = None, bits: int = HALVES) -> None:
    """Write a scene network as .onnx with weights stored small, as of ``export_scene``, and worked with as float32."""
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
    make_small(staging, facts, bits)
    staging.replace(output)


def make_small(path: Path, facts: dict[str, object] | None = None, bits: int = HALVES) -> None:
    """Store the weights of an .onnx file small, in place, and write into it what it should say of itself."""
    import onnx

    model = onnx.load(path)
    _store_small(model, bits)
    for key, value in (facts or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
    onnx.checker.check_model(model)
    onnx.save(model, path)


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


def _store_small(model: object, bits: int) -> None:
    """Replace float32 weights by smaller numbers that a node brings back: the file has half the size, or less."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph  # type: ignore[attr-defined]
    nodes = []
    for weight in list(graph.initializer):
        values, name = numpy_helper.to_array(weight), weight.name
        if values.dtype != np.float32 or values.size == 1:
            continue
        graph.initializer.remove(weight)
        if bits in FEW_BITS and values.ndim == 4:
            scale = np.abs(values).max(axis=(1, 2, 3)).clip(1e-12) / (2 ** (bits - 1) - 1)
            whole = np.round(values / scale[:, None, None, None]).astype(np.int8)
            stored = {f"{name}_whole": whole, f"{name}_scale": scale, f"{name}_zero": np.zeros(len(scale), np.int8)}
            nodes.append(helper.make_node("DequantizeLinear", list(stored), [name], axis=0))
        else:
            stored = {f"{name}_half": values.astype(np.float16)}
            nodes.append(helper.make_node("Cast", list(stored), [name], to=TensorProto.FLOAT))
        graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in stored.items())
    for index, node in enumerate(nodes):
        graph.node.insert(index, node)
