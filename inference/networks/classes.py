"""From how likely each class is at each pixel to segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..labels import kind_of
from ..prediction import Segment, SegmentMap


def segments_of_classes(probabilities: np.ndarray, names: Sequence[str]) -> SegmentMap:
    """Return one segment for each class that is the likeliest somewhere; its score is the mean over its pixels.

    Args:
        probabilities: (C, H, W) float32, 0..1.
        names: of the C classes.
    """
    ids = (probabilities.argmax(axis=0) + 1).astype(np.int32)
    best = probabilities.max(axis=0)
    pixels = np.bincount(ids.ravel(), minlength=len(names) + 1)
    scores = np.bincount(ids.ravel(), best.ravel(), minlength=len(names) + 1) / np.maximum(pixels, 1)
    table = [
        Segment(i, names[i - 1], kind_of(names[i - 1]), round(float(scores[i]), 3))
        for i in np.flatnonzero(pixels).tolist()
    ]
    return SegmentMap(ids, tuple(table))
