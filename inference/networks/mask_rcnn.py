"""Mask R-CNN with ResNet-50 and a feature pyramid: 91 COCO classes, torchvision's published weights.

Source: K. He et al., Mask R-CNN, 2017; the layout of the weights is that of torchvision's maskrcnn_resnet50_fpn.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...errors import SegmentsUnusable
from ..labels import kind_of
from ..overlaps import suppress_overlaps
from ..prediction import Camera, Estimate, MaskStack, Photo, Segment
from ..resample import size_within
from ..torch_runtime import run_within_memory
from .boxes import apply_offsets, clip_boxes, make_anchors, pool_boxes
from .coco_stuff import read_names
from .estimator import PublishedEstimator
from .mask_rcnn_heads import ANCHOR_RATIOS, CLASSES, POOLED_SIDE, ProposalHead, RegionHeads
from .pyramid import Backbone
from .weights import build, fold_norms, read_torch

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB in 0..1
DIVISOR = 32  # sides are padded to multiples of it
ANCHOR_SIZES_PX = (32, 64, 128, 256, 512)  # one for each level
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
PROPOSAL_OVERLAP, DETECTION_OVERLAP = 0.7, 0.5
LEAST_PROPOSAL_PX, LEAST_DETECTION_PX = 1e-3, 1e-2
MASK_SIDE = 28
SURE = 0.5  # score of what becomes a segment, and likelihood of a pixel to be part of it
WORK_SIZES_PX = (800, 600, 400)  # of the shorter side, the next one where memory is short
LONG_OVER_SHORT = 1333 / 800
PASTED_PX = 640  # longer side of the picture that masks are pasted on: they are coarse, and may be a hundred
_RENAMED = (  # what the file of 2019 calls it, and what those of today do
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$", r"\1.0.\2"),
    (r"^(rpn\.head\.conv)\.(weight|bias)$", r"\1.0.0.\2"),
)
_MASK_LAYER = re.compile(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$")


@dataclass(frozen=True)
class Limits:
    """How large the picture is worked on and how much is kept of it.

    Attributes:
        short_px, long_px: the shorter side is brought to the first unless the longer one would exceed the second.
        proposals: kept of each level, and then of all.
        score: of a detection, at least.
        detections: kept at most.
    """

    short_px: int = 800
    long_px: int = 1333
    proposals: int = 1000
    kept_proposals: int = 1000
    score: float = 0.05
    detections: int = 100


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in a photo, best first.

    Attributes:
        boxes: (N, 4) float32, px of the photo.
        labels: (N,) int64, COCO's ids.
        scores: (N,) float32, 0..1.
        masks: (N, 28, 28) float32, logits over each box.
    """

    boxes: torch.Tensor
    labels: torch.Tensor
    scores: torch.Tensor
    masks: torch.Tensor


class MaskRCNN(nn.Module):
    """The whole network; its steps are methods, in the order in which ``forward`` takes them."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.rpn = nn.ModuleDict({"head": ProposalHead()})
        self.roi_heads = RegionHeads()

    def prepare(self, rgb: torch.Tensor, limits: Limits) -> tuple[torch.Tensor, tuple[int, int]]:
        """Return (1, 3, h, w) float32, normalised, resized and padded, and the (height, width) without padding.

        Args:
            rgb: (3, H, W) uint8, sRGB.
            limits: say the size.
        """
        mean, deviation = (torch.tensor(values, device=rgb.device)[:, None, None] for values in (MEAN, DEVIATION))
        sides = rgb.shape[1:]
        scale = min(limits.short_px / min(sides), limits.long_px / max(sides))
        height, width = (math.floor(side * scale) for side in sides)
        picture = functional.interpolate(((rgb / 255 - mean) / deviation)[None], size=(height, width), mode="bilinear")
        return functional.pad(picture, (0, -width % DIVISOR, 0, -height % DIVISOR)), (height, width)

    def propose(
        self, levels: list[torch.Tensor], padded: tuple[int, int], size: tuple[int, int], limits: Limits
    ) -> torch.Tensor:
        """Return (N, 4) float32, px: where something may be, most likely first.

        Args:
            levels: of the pyramid.
            padded: (height, width) px of the picture with padding.
            size: the same without.
            limits: how many.
        """
        boxes, scores, level_of = [], [], []
        for number, (level, anchor_px) in enumerate(zip(levels, ANCHOR_SIZES_PX, strict=True)):
            logits, offsets = (output.float() for output in self.rpn["head"](level))
            rows, columns = level.shape[2:]
            stride = padded[0] // rows, padded[1] // columns
            anchors = make_anchors((rows, columns), stride, anchor_px, ANCHOR_RATIOS, level.device)
            flat = logits[0].permute(1, 2, 0).reshape(-1)
            moves = offsets[0].reshape(len(ANCHOR_RATIOS), 4, rows, columns).permute(2, 3, 0, 1).reshape(-1, 4)
            best = flat.topk(min(limits.proposals, len(flat))).indices
            boxes.append(apply_offsets(moves[best, None], anchors[best], (1.0, 1.0, 1.0, 1.0))[:, 0])
            scores.append(flat[best].sigmoid())
            level_of.append(np.full(len(best), number))
        found = clip_boxes(torch.cat(boxes), size)
        large = _are_larger(found, LEAST_PROPOSAL_PX)
        found, score = found[large], torch.cat(scores)[large]
        kept = _suppress(found, score, PROPOSAL_OVERLAP, np.concatenate(level_of)[large.cpu().numpy()])
        return found[kept[: limits.kept_proposals]]

    def detect(
        self,
        logits: torch.Tensor,
        offsets: torch.Tensor,
        proposals: torch.Tensor,
        size: tuple[int, int],
        limits: Limits,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return boxes (N, 4) float32, px, labels (N,) and scores (N,) of what is certain enough, best first."""
        boxes = apply_offsets(offsets.reshape(len(proposals), CLASSES, 4), proposals, BOX_WEIGHTS)
        boxes = clip_boxes(boxes, size)[:, 1:].reshape(-1, 4)
        scores = logits.softmax(dim=1)[:, 1:].reshape(-1)
        labels = torch.arange(1, CLASSES, device=scores.device).repeat(len(proposals))
        kept = (scores > limits.score) & _are_larger(boxes, LEAST_DETECTION_PX)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        best = _suppress(boxes, scores, DETECTION_OVERLAP, labels.cpu().numpy())[: limits.detections]
        return boxes[best], labels[best], scores[best]

    def forward(self, rgb: torch.Tensor, limits: Limits) -> Detections:
        """Return what is in a photo.

        Args:
            rgb: (3, H, W) uint8, sRGB.
            limits: how large it is worked on and how much is kept.
        """
        picture, size = self.prepare(rgb, limits)
        levels = self.backbone(picture.contiguous(memory_format=torch.channels_last))
        proposals = self.propose(levels, (picture.shape[2], picture.shape[3]), size, limits)
        logits, offsets = self.roi_heads.classify(pool_boxes(levels[:4], proposals, size, POOLED_SIDE))
        boxes, labels, scores = self.detect(logits, offsets, proposals, size, limits)
        masks = self.roi_heads.draw_masks(pool_boxes(levels[:4], boxes, size, MASK_SIDE // 2), labels)
        grown = torch.tensor([rgb.shape[2] / size[1], rgb.shape[1] / size[0]] * 2, device=boxes.device)
        return Detections(boxes * grown, labels, scores, masks)


def _are_larger(boxes: torch.Tensor, least_px: float) -> torch.Tensor:
    return ((boxes[:, 2:] - boxes[:, :2]) >= least_px).all(dim=1)


def _suppress(boxes: torch.Tensor, scores: torch.Tensor, most: float, groups: np.ndarray) -> torch.Tensor:
    kept = suppress_overlaps(boxes.cpu().numpy(), scores.cpu().numpy(), most, groups)
    return torch.from_numpy(kept).to(boxes.device)


def paste_mask(logits: torch.Tensor, box: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, int, int]:
    """Return how likely each pixel below a box belongs to what is in it, and where in the photo that starts.

    Args:
        logits: (28, 28) float32.
        box: (4,) float32, px of the photo.
        size: (height, width) px of the photo.

    Returns:
        (h, w) float32, 0..1, the part inside the photo; its top and its left.
    """
    framed = functional.pad(logits.sigmoid(), (1, 1, 1, 1))  # outlines may lie on the frame of the box
    half = (box[2:] - box[:2]) / 2 * ((MASK_SIDE + 2) / MASK_SIDE)
    centre = (box[2:] + box[:2]) / 2
    left, top = (int(value) for value in centre - half)
    right, bottom = (int(value) + 1 for value in centre + half)
    sides = (max(bottom - top, 1), max(right - left, 1))
    mask = functional.interpolate(framed[None, None], size=sides, mode="bilinear")[0, 0]
    rows = slice(max(top, 0) - top, min(bottom, size[0]) - top)
    columns = slice(max(left, 0) - left, min(right, size[1]) - left)
    return mask[rows, columns], max(top, 0), max(left, 0)


class MaskRCNNEstimator(PublishedEstimator):
    """Things in a photo, one mask for each."""

    name = "mask-rcnn"
    licence = "BSD-3-Clause (torchvision; trained on COCO)"

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return the things that are likelier there than not.

        Raises:
            SegmentsUnusable: nothing is seen.
            EstimateUnusable: the output is not finite.
            MemoryExhausted: it does not fit at any size.
        """
        rgb = torch.from_numpy(np.ascontiguousarray(photo.rgb)).permute(2, 0, 1)

        def detect(short_px: int) -> Detections:
            limits = Limits(short_px=short_px, long_px=round(short_px * LONG_OVER_SHORT), score=SURE)
            found: Detections = self.run(rgb, limits)
            return found

        found, note = run_within_memory(detect, WORK_SIZES_PX)
        self.take(found.masks, "masks")
        stack = self._stack(found, photo.size)
        if not stack.segments:
            raise SegmentsUnusable(
                f"{photo.path}: {self.name} sees none of its 80 kinds of things; use --segments embedded"
            )
        return Estimate(segments=stack, note=note)

    def _stack(self, found: Detections, size: tuple[int, int]) -> MaskStack:
        """Return the masks over the photo, at a size that holds what they tell."""
        height, width = size_within(size, PASTED_PX)
        boxes = found.boxes.cpu() * torch.tensor([width / size[1], height / size[0]] * 2)
        planes = np.zeros((len(boxes), height, width), np.float32)
        for plane, logits, box in zip(planes, found.masks.cpu(), boxes, strict=True):
            likely, top, left = paste_mask(logits, box, (height, width))
            plane[top : top + likely.shape[0], left : left + likely.shape[1]] = likely.numpy()
        classes = read_names()
        names = [classes[int(label) - 1] for label in found.labels]
        segments = tuple(
            Segment(number, name, kind_of(name), round(float(score), 3))
            for number, (name, score) in enumerate(zip(names, found.scores, strict=True), 1)
        )
        cell_px = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1).numpy() / MASK_SIDE
        return MaskStack(planes, segments, np.ones(len(segments), bool), np.maximum(cell_px, 1))


def load(checkpoint: Path, device: str = "auto") -> MaskRCNNEstimator:
    """Return the estimator with the weights of torchvision's file, of 2019 or of today.

    Raises:
        BlockoutError: the file or the device cannot be used.
    """
    tensors = {rename(key): tensor for key, tensor in read_torch(checkpoint).items()}
    network = fold_norms(build(MaskRCNN, tensors, checkpoint, MaskRCNNEstimator.name))
    return MaskRCNNEstimator(network, checkpoint, device)


def rename(key: str) -> str:
    """Return what today's torchvision calls a weight of any of its files."""
    for old, new in _RENAMED:
        key = re.sub(old, new, key)
    return _MASK_LAYER.sub(lambda found: f"roi_heads.mask_head.{int(found[1]) - 1}.0.{found[2]}", key)
