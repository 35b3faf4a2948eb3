"""How high and how thick common things are: what a label tells before anything is measured.

Ranges hold about 95 of 100 things of that name, in metres: heights of what stands on the ground from foot to top,
thicknesses from front to back whichever side is the front. They are common knowledge, not measurements: adults for
people, usual sizes of furniture, road vehicles within Europe's legal maxima. Trees, poles and houses range widely, and
say so. Names are those of COCO, ADE20K, Cityscapes and NYU40.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..inference.labels import words_of

PERCENT_95 = 2 * 1.96  # standard deviations from the lower to the upper end of such a range


@dataclass(frozen=True)
class Prior:
    """What is usual: (lower, upper) ends of ranges in metres."""

    height_m: tuple[float, float]
    thickness_m: tuple[float, float]

    @property
    def typical_height_m(self) -> float:
        """Return the middle of the range, as a ratio to both ends."""
        return math.sqrt(self.height_m[0] * self.height_m[1])

    @property
    def height_sigma(self) -> float:
        """Return the standard deviation of the height's natural logarithm."""
        return math.log(self.height_m[1] / self.height_m[0]) / PERCENT_95


_ROWS = {  # names: height from, to, thickness from, to
    "person, pedestrian, man, woman, rider": (1.5, 1.9, 0.2, 0.7),
    "dog": (0.3, 0.8, 0.2, 1.1),
    "cat": (0.2, 0.45, 0.12, 0.5),
    "horse, zebra": (1.4, 2.3, 0.5, 2.5),
    "cow": (1.3, 1.7, 0.6, 2.5),
    "sheep": (0.65, 1.1, 0.35, 1.3),
    "bear": (0.8, 1.5, 0.6, 2.2),
    "elephant": (2.2, 3.5, 1.3, 5.5),
    "giraffe": (4.0, 5.6, 0.8, 2.8),
    "chair": (0.75, 1.0, 0.4, 0.65),
    "swivel chair, office chair": (0.85, 1.3, 0.5, 0.75),
    "armchair": (0.75, 1.1, 0.7, 1.0),
    "sofa, couch": (0.7, 1.0, 0.75, 1.05),
    "bench": (0.4, 0.95, 0.35, 0.7),
    "stool": (0.4, 0.8, 0.3, 0.5),
    "ottoman": (0.35, 0.5, 0.4, 0.8),
    "bed": (0.4, 1.2, 0.9, 2.2),
    "cradle, crib": (0.8, 1.1, 0.5, 1.4),
    "table": (0.7, 0.78, 0.6, 1.8),
    "coffee table": (0.35, 0.5, 0.4, 1.3),
    "pool table": (0.75, 0.86, 1.1, 2.8),
    "desk": (0.7, 0.78, 0.5, 0.9),
    "night stand, nightstand": (0.4, 0.7, 0.3, 0.5),
    "cabinet, cupboard": (0.6, 2.2, 0.3, 0.65),
    "wardrobe": (1.7, 2.4, 0.5, 0.7),
    "dresser, chest of drawers": (0.7, 1.3, 0.4, 0.6),
    "bookcase, bookshelf, bookshelves": (0.8, 2.3, 0.22, 0.45),
    "shelf, shelves": (0.6, 2.3, 0.2, 0.5),
    "counter, countertop, kitchen island": (0.85, 1.1, 0.55, 0.95),
    "stove, oven": (0.8, 0.95, 0.55, 0.7),
    "dishwasher, washer": (0.8, 1.0, 0.5, 0.7),
    "refrigerator, refridgerator": (1.4, 2.0, 0.55, 0.8),
    "toilet": (0.65, 0.85, 0.5, 0.75),
    "bathtub": (0.45, 0.65, 0.65, 0.9),
    "floor lamp": (1.3, 1.9, 0.25, 0.6),
    "potted plant": (0.3, 1.8, 0.2, 1.0),
    "suitcase": (0.5, 0.8, 0.2, 0.5),
    "door": (1.95, 2.15, 0.03, 0.2),
    "car": (1.4, 1.8, 1.6, 4.9),
    "van, minivan": (1.7, 2.7, 1.8, 6.0),
    "truck": (2.0, 4.0, 1.9, 12.0),
    "bus": (2.7, 4.0, 2.4, 13.0),
    "caravan": (2.3, 2.8, 2.0, 7.0),
    "train, tram": (3.3, 4.4, 2.4, 25.0),
    "motorcycle, motorbike, minibike": (1.0, 1.35, 0.5, 2.2),
    "bicycle, bike": (0.9, 1.15, 0.15, 1.8),
    "fire hydrant": (0.6, 1.0, 0.25, 0.5),
    "parking meter": (1.2, 1.7, 0.15, 0.4),
    "bollard": (0.7, 1.1, 0.1, 0.3),
    "trash can, ashcan, bin": (0.5, 1.3, 0.3, 0.8),
    "mailbox": (0.9, 1.5, 0.3, 0.6),
    "traffic light": (2.4, 6.0, 0.1, 0.6),
    "stop sign, traffic sign, street sign": (2.0, 3.6, 0.03, 0.2),
    "streetlight, street light, street lamp": (3.5, 11.0, 0.15, 2.0),
    "pole": (2.5, 11.0, 0.05, 0.4),
    "fence": (0.8, 2.2, 0.03, 0.2),
    "guard rail, guardrail": (0.65, 0.9, 0.1, 0.35),
    "bush": (0.5, 2.5, 0.5, 2.5),
    "tree, palm": (3.0, 20.0, 1.5, 10.0),
    "house": (3.0, 12.0, 5.0, 15.0),
    "building": (3.0, 60.0, 5.0, 40.0),
    "skyscraper": (60.0, 400.0, 20.0, 70.0),
}
_PRIORS = {
    name: Prior((row[0], row[1]), (row[2], row[3])) for names, row in _ROWS.items() for name in names.split(", ")
}


_LONG = (
    "car, van, minivan, truck, bus, caravan, train, tram, motorcycle, motorbike, bicycle, bike, horse, cow, sheep, bed"
)
LONG = frozenset(_LONG.split(", "))


def expect_thickness(label: str, width_m: float) -> float | None:
    """Return how far a thing goes on behind a face of a given width, None for a label without a prior.

    What is much longer than wide shows either its side or its end; other things are about as deep as wide.
    """
    prior = prior_of(label)
    if prior is None:
        return None
    low, high = prior.thickness_m
    middle = math.sqrt(low * high)
    if LONG.intersection(words_of(label)):
        return 1.1 * low if width_m > middle else 0.7 * high
    return middle if high < 2 * low else min(max(0.8 * width_m, low), high)


def prior_of(label: str) -> Prior | None:
    """Return what is usual for a label, None for one that is not in the table.

    The longest ending that is in the table counts: a "coffee table" is no "table", a "wooden table" is one.
    """
    words = words_of(label)
    for start in range(len(words)):
        name = " ".join(words[start:])
        prior = _PRIORS.get(name) or _PRIORS.get(name.removesuffix("s"))
        if prior is not None:
            return prior
    return None
