"""What a label tells before anything is measured: how high and how thick a thing of that name usually is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..inference.labels import words_of
from .usual_sizes import LOOKS, STANDING, THIN

T = TypeVar("T")
BULKY_M = 0.15  # what is never thinner is about as deep as wide; the rest is as thick as it is
PERCENT_95 = 2 * 1.96  # standard deviations from the lower to the upper end of such a range


@dataclass(frozen=True)
class Prior:
    """What is usual: (lower, upper) ends of ranges in metres, and where they come from."""

    height_m: tuple[float, float]
    thickness_m: tuple[float, float]
    source: str

    @property
    def typical_height_m(self) -> float:
        """Return the middle of the range, as a ratio to both ends."""
        return math.sqrt(self.height_m[0] * self.height_m[1])

    @property
    def height_sigma(self) -> float:
        """Return the standard deviation of the height's natural logarithm."""
        return math.log(self.height_m[1] / self.height_m[0]) / PERCENT_95


_PRIORS = {
    name: Prior((row[0], row[1]), (row[2], row[3]), source)
    for source, rows in STANDING.items()
    for names, row in rows.items()
    for name in names.split(", ")
}
_THIN = {
    name: thickness_m for rows in THIN.values() for names, thickness_m in rows.items() for name in names.split(", ")
}
_TABLE: dict[str, Prior | tuple[float, float]] = {**_THIN, **_PRIORS}
_LOOKS = {name: shape for shape, names in LOOKS.items() for name in names.split(", ")}
_LONG = (
    "car, van, minivan, truck, bus, caravan, train, tram, motorcycle, motorbike, bicycle, bike, horse, cow, sheep, bed"
)
LONG = frozenset(_LONG.split(", "))


def expect_thickness(label: str, width_m: float) -> float | None:
    """Return how far a thing goes on behind a face of a given width, None for a label without a prior.

    What is much longer than wide shows either its side or its end; what hangs or closes off is as thick as it is;
    other things are about as deep as wide.
    """
    prior = _find(label)
    if prior is None:
        return None
    if not isinstance(prior, Prior) and prior[0] < BULKY_M:
        return math.sqrt(prior[0] * prior[1])
    low, high = prior.thickness_m if isinstance(prior, Prior) else prior
    middle = math.sqrt(low * high)
    if LONG.intersection(words_of(label)):
        return 1.1 * low if width_m > middle else 0.7 * high
    return middle if high < 2 * low else min(max(0.8 * width_m, low), high)


def prior_of(label: str) -> Prior | None:
    """Return what is usual for a label of what stands, None for one that is not in the table.

    The longest ending that is in the table counts: a "coffee table" is no "table", a "wooden table" is one.
    """
    found = _find(label)
    return found if isinstance(found, Prior) else None


def expect_shape(label: str) -> str:
    """Return what a thing of that name looks like as a whole, one of ``prediction.SHAPES``; "" for no telling."""
    return _look_up(label, _LOOKS) or ""


def _find(label: str) -> Prior | tuple[float, float] | None:
    return _look_up(label, _TABLE)


def _look_up(label: str, table: Mapping[str, T]) -> T | None:
    words = words_of(label)
    for start in range(len(words)):
        name = " ".join(words[start:])
        found = table.get(name) or table.get(name.removesuffix("s"))
        if found is not None:
            return found
    return None
