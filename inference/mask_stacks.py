"""What networks say of each class, query or thing -> masks that may overlap, with their labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .labels import is_countable, kind_of
from .prediction import MaskStack, Segment

LEAST_SCORE = 0.5  # of a query's class, to be something: that of the papers' instance and panoptic merging, or below
LEAST_SHARE = 0.0004  # of the map, that a class must win to be there


def stack_of_classes(scores: np.ndarray, labels: Sequence[str], cell_px: float = 1.0) -> MaskStack:
    """Return the classes that win somewhere, each one mask.

    Args:
        scores: (C, h, w) float32, 0..1.
        labels: C names.
        cell_px: how many pixels of the scores one value of the network was enlarged to.
    """
    best = scores.argmax(axis=0)
    wins = np.bincount(best.ravel(), minlength=len(scores))
    present = np.flatnonzero(wins >= max(1, LEAST_SHARE * best.size))
    segments = tuple(
        Segment(k, labels[c], kind_of(labels[c]), round(float(min(1.0, scores[c][best == c].mean())), 3))
        for k, c in enumerate(present.tolist(), start=1)
    )
    return MaskStack(
        scores[present].astype(np.float32),
        segments,
        np.zeros(len(present), bool),
        np.full(len(present), cell_px, np.float32),
    )


def stack_of_queries(classes: np.ndarray, masks: np.ndarray, labels: Sequence[str]) -> MaskStack:
    """Return the sure masks of a panoptic or instance network; those of one uncountable class become one.

    Args:
        classes: (Q, C) float32, probability of each class.
        masks: (Q, h, w) float32, 0..1.
        labels: C names.

    Source: B. Cheng, A. Schwing and A. Kirillov, Per-Pixel Classification is Not All You Need for Semantic
        Segmentation, NeurIPS 2021: a mask's pixels count by class and mask probability.
    """
    best, score = classes.argmax(axis=1), classes.max(axis=1)
    stuff: dict[str, int] = {}
    rows: list[tuple[str, float, bool]] = []
    planes: list[np.ndarray] = []
    for q in np.flatnonzero(score > LEAST_SCORE).tolist():
        label = labels[int(best[q])]
        plane = (masks[q] * (score[q] if not is_countable(label) else 1)).astype(np.float32)
        if not is_countable(label) and label in stuff:
            planes[stuff[label]] = np.maximum(planes[stuff[label]], plane)
            continue
        if not (masks[q] > 0.5).any():
            continue
        stuff[label] = len(rows)
        planes.append(plane)
        sure = float(score[q] * masks[q][masks[q] > 0.5].mean())
        rows.append((label, round(sure, 3), is_countable(label)))
    segments = tuple(Segment(k, label, kind_of(label), sure) for k, (label, sure, _) in enumerate(rows, start=1))
    height, width = masks.shape[1:]
    stack = np.stack(planes) if planes else np.zeros((0, height, width), np.float32)
    return MaskStack(stack, segments, np.array([is_one for _, _, is_one in rows], bool))


def softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    """Return probabilities along an axis."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True), np.float32)
