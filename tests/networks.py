"""Tiny networks with random weights, one for each family, as save_pretrained writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

LABELS = {0: "sky", 1: "road", 2: "building", 3: "person"}
_DINO = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def save_network(family: str, folder: Path, **changes: Any) -> Path:
    """Save a tiny network of a family, and return its folder; skip where torch or transformers are not installed."""
    torch = pytest.importorskip("torch", reason="pip install 'blockout[torch]'")
    transformers = pytest.importorskip("transformers", reason="pip install 'blockout[torch]'")
    torch.manual_seed(7)
    transformers.logging.disable_progress_bar()
    network = _MAKERS[family](transformers, changes)
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    return folder


def _depth_anything(t: Any, changes: dict[str, Any]) -> Any:
    backbone = t.Dinov2Config(**_DINO, image_size=56, patch_size=14, out_indices=[1, 2], reshape_hidden_states=False)
    config = t.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        patch_size=14,
        neck_hidden_sizes=[16, 16],
        reassemble_factors=[2, 1],
        fusion_hidden_size=16,
        head_hidden_size=8,
        head_in_index=-1,
        **changes,
    )
    return t.DepthAnythingForDepthEstimation(config)


def _dpt(t: Any, changes: dict[str, Any]) -> Any:
    config = t.DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
        **changes,
    )
    return t.DPTForDepthEstimation(config)


def _zoedepth(t: Any, changes: dict[str, Any]) -> Any:
    backbone = t.BeitConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = t.ZoeDepthConfig(
        backbone_config=backbone,
        backbone_hidden_size=32,
        neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=16,
        bottleneck_features=16,
        num_relative_features=8,
        bin_embedding_dim=16,
        num_attractors=[4, 2, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 0.5, "max_depth": 20.0, "name": "nyu"}],
        **changes,
    )
    return t.ZoeDepthForDepthEstimation(config)


def _depth_pro(t: Any, changes: dict[str, Any]) -> Any:
    dino = {"model_type": "dinov2", "patch_size": 8, "image_size": 32, **_DINO, "num_hidden_layers": 3}
    config = t.DepthProConfig(
        fusion_hidden_size=16,
        patch_size=32,
        intermediate_hook_ids=[2, 1],
        intermediate_feature_dims=[16, 16],
        scaled_images_ratios=[0.5, 1],
        scaled_images_overlap_ratios=[0.0, 0.0],
        scaled_images_feature_dims=[16, 16],
        image_model_config=dino,
        patch_model_config=dino,
        fov_model_config=dino,
        **{"use_fov_model": True, **changes},
    )
    return t.DepthProForDepthEstimation(config)


_MAKERS = {
    "depth-anything-v2": _depth_anything,
    "dpt": _dpt,
    "zoedepth": _zoedepth,
    "depth-pro": _depth_pro,
}
DEPTH_FAMILIES = tuple(_MAKERS)
