"""The heads of Mask R-CNN: what convolutions and products make of a pyramid's features; children as in torchvision."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .pyramid import CHANNELS

CLASSES = 91  # COCO's ids as they are: 0 is the background, and eleven ids are not used
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
POOLED_SIDE = 7  # of a box's features


class ProposalHead(nn.Module):
    """Where something may be: for each anchor how likely it is, and how to move it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)))
        self.cls_logits = nn.Conv2d(CHANNELS, len(ANCHOR_RATIOS), 1)
        self.bbox_pred = nn.Conv2d(CHANNELS, 4 * len(ANCHOR_RATIOS), 1)

    def forward(self, level: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (1, A, h, w) logits and (1, 4 A, h, w) offsets of one level."""
        x = functional.relu_(self.conv(level))
        return self.cls_logits(x), self.bbox_pred(x)


class RegionHeads(nn.Module):
    """What is in each box: its class, its exact place and its outline."""

    def __init__(self) -> None:
        super().__init__()
        features = 1024
        self.box_head = nn.ModuleDict(
            {"fc6": nn.Linear(CHANNELS * POOLED_SIDE**2, features), "fc7": nn.Linear(features, features)}
        )
        self.box_predictor = nn.ModuleDict(
            {"cls_score": nn.Linear(features, CLASSES), "bbox_pred": nn.Linear(features, 4 * CLASSES)}
        )
        self.mask_head = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU(inplace=True)) for _ in range(4))
        )
        self.mask_predictor = nn.ModuleDict(
            {
                "conv5_mask": nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, stride=2),
                "mask_fcn_logits": nn.Conv2d(CHANNELS, CLASSES, 1),
            }
        )

    def classify(self, pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, 91) logits and (N, 364) offsets, four for each class, of (N, 256, 7, 7) features."""
        x = functional.relu_(self.box_head["fc6"](pooled.flatten(1)))
        x = functional.relu_(self.box_head["fc7"](x))
        return self.box_predictor["cls_score"](x).float(), self.box_predictor["bbox_pred"](x).float()

    def draw_masks(self, pooled: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return (N, 28, 28) logits of (N, 256, 14, 14) features, for the class of each."""
        x = functional.relu_(self.mask_predictor["conv5_mask"](self.mask_head(pooled)))
        logits: torch.Tensor = self.mask_predictor["mask_fcn_logits"](x).float()
        return logits[torch.arange(len(labels), device=labels.device), labels]
