"""Tiny networks with random weights, one for each family, as save_pretrained writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

LABELS = {0: "building", 1: "road", 2: "person", 3: "sky"}
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
    if family == "oneformer":
        save_tokenizer(folder)
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


def _segformer(t: Any, changes: dict[str, Any]) -> Any:
    config = t.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label=LABELS,
        **changes,
    )
    return t.SegformerForSemanticSegmentation(config)


def _beit(t: Any, changes: dict[str, Any]) -> Any:
    config = t.BeitConfig(
        **{**_DINO, "num_hidden_layers": 4},
        image_size=64,
        out_indices=[1, 2, 3, 4],
        use_auxiliary_head=False,
        id2label=LABELS,
        **changes,
    )
    return t.BeitForSemanticSegmentation(config)


def _swin(t: Any) -> Any:
    return t.SwinConfig(
        image_size=64,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def _mask2former(t: Any, changes: dict[str, Any]) -> Any:
    config = t.Mask2FormerConfig(
        backbone_config=_swin(t),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=32,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=32,
        num_queries=8,
        id2label=LABELS,
        **changes,
    )
    return _sure(t.Mask2FormerForUniversalSegmentation(config))


def _maskformer(t: Any, changes: dict[str, Any]) -> Any:
    decoder = t.DetrConfig(
        d_model=16,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=8,
    )
    config = t.MaskFormerConfig(
        fpn_feature_size=32,
        mask_feature_size=32,
        backbone_config=_swin(t),
        decoder_config=decoder,
        id2label=LABELS,
        **changes,
    )
    return _sure(t.MaskFormerForInstanceSegmentation(config))


def _oneformer(t: Any, changes: dict[str, Any]) -> Any:
    config = t.OneFormerConfig(
        backbone_config=_swin(t),
        num_queries=8,
        hidden_dim=32,
        mask_dim=32,
        conv_dim=32,
        encoder_feedforward_dim=32,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=32,
        text_encoder_width=16,
        text_encoder_num_layers=1,
        text_encoder_proj_layers=1,
        id2label=LABELS,
        **changes,
    )
    return _sure(t.OneFormerForUniversalSegmentation(config))


def _sam(t: Any, changes: dict[str, Any]) -> Any:
    vision = {"hidden_size": 16, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_dim": 32}
    grid = {"image_size": 64, "patch_size": 8}
    config = t.SamConfig(
        vision_config={**vision, **grid, "window_size": 4, "global_attn_indexes": [1], "num_pos_feats": 8},
        prompt_encoder_config={"hidden_size": 16, "mask_input_channels": 4, **grid},
        mask_decoder_config={
            "hidden_size": 16,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
            "iou_head_depth": 2,
        },
        **changes,
    )
    network = t.SamModel(config)
    for name, weights in network.named_parameters():
        if "upscale_conv" in name or "hypernetworks" in name:
            weights.data *= 30  # masks that are stable
        if name == "mask_decoder.iou_prediction_head.proj_out.bias":
            weights.data[:] = 1  # and sure
    return network


def _sure(network: Any) -> Any:
    """Return a network whose class layers are loud, and never say nothing, so that its random masks are sure."""
    for name, weights in network.named_parameters():
        if "class_predictor" in name or "class_embed" in name:
            weights.data *= 100
            if name.endswith("bias"):
                weights.data[-1] = -1000
    return network


def save_tokenizer(folder: Path) -> None:
    """Save a tokenizer of single letters, as far as OneFormer's task needs one."""
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


_MAKERS = {
    "depth-anything-v2": _depth_anything,
    "dpt": _dpt,
    "zoedepth": _zoedepth,
    "depth-pro": _depth_pro,
    "segformer": _segformer,
    "beit": _beit,
    "mask2former": _mask2former,
    "maskformer": _maskformer,
    "oneformer": _oneformer,
    "sam": _sam,
}
DEPTH_FAMILIES = ("depth-anything-v2", "dpt", "zoedepth", "depth-pro")
SEGMENT_FAMILIES = ("segformer", "beit", "mask2former", "maskformer", "oneformer")
