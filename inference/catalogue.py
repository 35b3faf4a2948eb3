"""What there is to choose from: the estimators with task, size, licence and where their weights come from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .published import CHECKPOINTS

DEFAULT = "embedded"  # where no estimator is named
MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")  # OWNER/NAME on the Hugging Face hub


@dataclass(frozen=True)
class Entry:
    """One row of ``blockout models``.

    Attributes:
        name: as after --depth or --segments.
        task: "depth", "segments" or both.
        weights: model id on the Hugging Face hub, or in words what to give after the name; "" where none are needed.
        size: of the weights.
        licence: of the weights.
        is_hub: whether ``weights`` is a model id.
    """

    name: str
    task: str
    weights: str
    size: str
    licence: str
    is_hub: bool = True


_NC = "CC-BY-NC-4.0"
ENTRIES = (
    Entry("embedded", "depth, segments", "", "7 MB, built in", "GPL-3.0-or-later", is_hub=False),
    Entry("geometric", "depth, segments", "", "none", "GPL-3.0-or-later", is_hub=False),
    Entry("depth-anything-v2", "depth", "depth-anything/Depth-Anything-V2-Small-hf", "99 MB", "Apache-2.0"),
    Entry("densedepth", "depth", CHECKPOINTS["densedepth"], "170 MB", "GPL-3.0", is_hub=False),
    Entry("depth-pro", "depth", "apple/DepthPro-hf", "1.9 GB", "Apple-AMLR (non-commercial research only)"),
    Entry("dpt", "depth", "Intel/dpt-large", "1.4 GB", "Apache-2.0"),
    Entry("monodepth", "depth", CHECKPOINTS["monodepth"], "120 to 190 MB", "UCLB ACP-A (non-commercial)", is_hub=False),
    Entry("zoedepth", "depth", "Intel/zoedepth-nyu-kitti", "1.4 GB", "MIT"),
    Entry("onnx", "depth, segments", "an .onnx with a .json beside it", "any", "as the .json says", is_hub=False),
    Entry("beit", "segments", "microsoft/beit-base-finetuned-ade-640-640", "650 MB", "Apache-2.0"),
    Entry("deeplab-cocostuff", "segments", CHECKPOINTS["deeplab-cocostuff"], "180 MB", "MIT", is_hub=False),
    Entry("deeplab-cocostuff-crf", "segments", CHECKPOINTS["deeplab-cocostuff-crf"], "180 MB", "MIT", is_hub=False),
    Entry("mask-rcnn", "segments", CHECKPOINTS["mask-rcnn"], "170 MB", "BSD-3-Clause", is_hub=False),
    Entry("mask2former", "segments", "facebook/mask2former-swin-tiny-coco-panoptic", "190 MB", _NC),
    Entry("maskformer", "segments", "facebook/maskformer-swin-tiny-ade", "170 MB", _NC),
    Entry("oneformer", "segments", "shi-labs/oneformer_ade20k_swin_tiny", "200 MB", "MIT"),
    Entry("sam", "segments", "facebook/sam-vit-base", "375 MB", "Apache-2.0"),
    Entry(
        "segformer",
        "segments",
        "nvidia/segformer-b0-finetuned-ade-512-512",
        "15 MB",
        "NVIDIA Source Code License (non-commercial)",
    ),
)
DEFAULT_MODEL = {entry.name: entry.weights for entry in ENTRIES if entry.is_hub}
LICENCE_OF_MODEL = {entry.weights: entry.licence for entry in ENTRIES if entry.is_hub} | {
    # Cards of these say "other" or nothing; the originals' model zoos and papers' repositories say:
    "depth-anything/Depth-Anything-V2-Base-hf": _NC,
    "depth-anything/Depth-Anything-V2-Large-hf": _NC,
}
LICENCE_OF_OWNER = {  # prefixes of model ids whose cards name no licence
    "facebook/mask2former-": _NC,
    "facebook/maskformer-": _NC,
    "nvidia/segformer-": "NVIDIA Source Code License (non-commercial)",
    "nvidia/mit-": "NVIDIA Source Code License (non-commercial)",
}
