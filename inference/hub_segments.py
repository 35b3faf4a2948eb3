"""Segmentation networks of the transformers library: Mask2Former and its kin, SegFormer, BEiT, any semantic network."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np

from ..errors import EstimateUnusable, WeightsUnusable
from .catalogue import DEFAULT_MODEL
from .files import reason_of
from .hub import find_model, read_config
from .hub_model import HubModel
from .mask_stacks import LEAST_SCORE, softmax, stack_of_classes, stack_of_queries
from .prediction import Camera, Estimate, Photo
from .registry import Weights
from .torch_runtime import require

Output = Literal["semantic", "panoptic", "instance"]
TYPES = {name: name for name in ("mask2former", "maskformer", "oneformer", "segformer", "beit")}
UNIVERSAL = ("mask2former", "maskformer", "oneformer", "eomt", "eomt_dinov3")
ONEFORMER_WORDS = 77


class HubSegments:
    """A segmentation network, by name, model id or folder."""

    def __init__(self, weights: Weights) -> None:
        folder_type = _read_type(weights)
        self._is_universal = folder_type in UNIVERSAL
        auto_class = "AutoModelForUniversalSegmentation" if self._is_universal else "AutoModelForSemanticSegmentation"
        self._model = HubModel(weights, auto_class, "segmentation", TYPES)
        self.name, self.version, self.licence = self._model.name, self._model.version, self._model.licence
        self._labels = _labels_of(self._model)
        self._inputs = _task_inputs(self._model) if folder_type == "oneformer" else {}

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Find segments.

        Args:
            photo: any photo.
            camera: not needed.
        """
        if not self._is_universal:
            outputs, note = self._model.run(photo, ("logits",))
            return Estimate(segments=stack_of_classes(softmax(outputs["logits"], axis=0), self._labels), note=note)
        outputs, note = self._model.run(photo, ("class_queries_logits", "masks_queries_logits"), **self._inputs)
        masks = 1 / (1 + np.exp(-np.clip(outputs["masks_queries_logits"], -50, 50)))
        classes = softmax(outputs["class_queries_logits"], axis=1)[:, :-1]  # the last one is "nothing"
        if output_of(self._model.version, self._model.config) == "semantic":
            scores = np.einsum("qc,qhw->chw", classes, masks)
            return Estimate(segments=stack_of_classes(scores, self._labels), note=note)
        stack = stack_of_queries(classes, masks, self._labels)
        if not len(stack.segments):
            raise EstimateUnusable(
                f"{self._model.folder}: none of the {len(masks)} masks is surer than {LEAST_SCORE:.0%}; the photo "
                "shows nothing that this network knows, or its weights are not trained"
            )
        return Estimate(segments=stack, note=note)


def output_of(name: str, config: dict[str, Any]) -> Output:
    """Return what a checkpoint of a universal network was trained for, as its name tells; nothing else does."""
    words = f"{name} {config.get('_name_or_path') or ''}".lower()
    outputs: tuple[Output, ...] = ("panoptic", "instance", "semantic")
    for output in outputs:
        if output in words:
            return output
    return "semantic" if re.search(r"maskformer-.*-ade", words) and "oneformer" not in words else "panoptic"


def _labels_of(model: HubModel) -> list[str]:
    """Return the names of a model's classes in the order of its outputs."""
    table = model.config.get("id2label") or {}
    known = {int(number): str(label) for number, label in table.items() if str(number).isdigit()}
    count = int(model.network.config.num_labels)
    if known and max(known) >= count:
        raise WeightsUnusable(f"{model.folder / 'config.json'}: id2label names class {max(known)} of {count} classes")
    return [known.get(number, f"class {number}") for number in range(count)]


def _read_type(weights: Weights) -> str:
    require("torch", weights.name or weights.given)
    return str(read_config(find_model(weights.given or DEFAULT_MODEL[weights.name]))["model_type"])


def _task_inputs(model: HubModel) -> dict[str, Any]:
    """Return the words that ask OneFormer for panoptic segments, as its tokenizer numbers them."""
    import torch
    from transformers import CLIPTokenizer

    if not any((model.folder / name).is_file() for name in ("tokenizer.json", "merges.txt")):
        raise WeightsUnusable(
            f"{model.folder}: OneFormer needs its tokenizer's vocab.json and merges.txt; fetch the model again"
        )
    try:
        tokenizer = CLIPTokenizer.from_pretrained(model.folder, local_files_only=True)
        words = tokenizer("the task is panoptic", padding="max_length", max_length=ONEFORMER_WORDS, truncation=True)
    except Exception as error:  # the tokenizers' own classes derive from nothing else
        raise WeightsUnusable(f"{model.folder}: the tokenizer does not load ({reason_of(error)})") from error
    return {"task_inputs": torch.tensor([words["input_ids"]])}
