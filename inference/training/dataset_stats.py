"""Measure a data set of composites in one pass: counts, sizes, bytes, mean and deviation of each channel."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...errors import DatasetUnusable
from ..files import BROKEN_FILE, reason_of
from .compose_layouts import DEPTH_STEP_M
from .dataset_files import StoredSample, decode, open_dataset, read_portion

AT_ONCE = 256  # samples in memory
SHEET_ROWS, THUMBNAIL_PX, GAP_PX = 8, 160, 4
KINDS = ("background", "overlay", "mask", "depth")
Progress = Callable[[str, float], None]


@dataclass(eq=False)
class KindStats:
    """What is known of all pictures of a kind.

    Attributes:
        count, stored_bytes: of pictures; each background counts once.
        sizes: how many pictures there are of each (height, width).
        unit: "1" for 8 bits, where white is 1, or "m" for 16 bits, which count millimetres, 0 being unknown.
        pixels: (C,) float64, how many are known.
        sums, squares: (C,) float64, of the values and of their squares.
    """

    count: int = 0
    stored_bytes: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    unit: str = "1"
    pixels: np.ndarray = field(default_factory=lambda: np.zeros(1))
    sums: np.ndarray = field(default_factory=lambda: np.zeros(1))
    squares: np.ndarray = field(default_factory=lambda: np.zeros(1))

    @property
    def mean(self) -> np.ndarray:
        """Return (C,) float64, in ``unit``."""
        return self.sums / np.maximum(self.pixels, 1)

    @property
    def deviation(self) -> np.ndarray:
        """Return (C,) float64, in ``unit``: the standard deviation over all pixels of all pictures."""
        return np.sqrt(np.maximum(self.squares / np.maximum(self.pixels, 1) - self.mean**2, 0))

    def add(self, picture: np.ndarray, stored_bytes: int, moments: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        """Take in one picture."""
        if self.count == 0:
            self.unit = "m" if picture.dtype == np.uint16 else "1"
        self.count += 1
        self.stored_bytes += stored_bytes
        self.sizes[picture.shape[0], picture.shape[1]] += 1
        pixels, sums, squares = moments
        self.pixels, self.sums, self.squares = self.pixels + pixels, self.sums + sums, self.squares + squares

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        sizes = [{"height": height, "width": width, "count": count} for (height, width), count in self.sizes.items()]
        record = {"count": self.count, "bytes": self.stored_bytes, "sizes": sizes, "unit": self.unit}
        return record | {"mean": self.mean.tolist(), "std": self.deviation.tolist()}


@dataclass(frozen=True, eq=False)
class DatasetStats:
    """What was measured.

    Attributes:
        layout: of the data set.
        samples: how many.
        kinds: by kind of picture.
        sheet: (H, W, 3) uint8 sRGB, some samples, a row each.
    """

    layout: str
    samples: int
    kinds: dict[str, KindStats]
    sheet: np.ndarray


def measure_dataset(folder: Path, *, threads: int = 1, progress: Progress | None = None) -> DatasetStats:
    """Read each picture of a data set once.

    Args:
        folder: of a data set in any layout.
        threads: how many pictures are decoded at once.
        progress: called with what is done and the share of it, 0 to 1; an exception raised in it stops the work.

    Raises:
        DatasetUnusable: it is no data set, or a picture of it is missing or broken.
    """
    layout, sources = open_dataset(folder)
    report = progress or (lambda stage, fraction: None)
    kinds: dict[str, KindStats] = {}
    chosen: list[dict[str, np.ndarray]] = []
    seen: set[Path] = set()
    chance = random.Random(0)
    samples = 0
    with ThreadPoolExecutor(threads) as pool:
        for index, source in enumerate(sources):
            for batch in _batches(read_portion(layout, source)):
                for pictures in pool.map(_measure, batch):
                    samples += 1
                    for kind, (picture, path, stored_bytes, moments) in pictures.items():
                        if path is None or kind != "background" or path not in seen:
                            kinds.setdefault(kind, KindStats()).add(picture, stored_bytes, moments)
                        if path is not None and kind == "background":
                            seen.add(path)
                    _keep_some(chosen, {kind: entry[0] for kind, entry in pictures.items()}, samples, chance)
                report(f"{samples:,} samples", index / len(sources))
    if not samples:
        raise DatasetUnusable(f"{folder} holds no sample; make the data set again")
    ordered = {kind: kinds[kind] for kind in sorted(kinds, key=_rank)}
    return DatasetStats(layout, samples, ordered, _draw_sheet(chosen))


def describe_stats(stats: DatasetStats) -> list[str]:
    """Return the table, a line for each kind of picture and one for the head."""
    rows = [("kind", "count", "size", "MB", "mean", "std")]
    for kind, measured in stats.kinds.items():
        (height, width), _ = measured.sizes.most_common(1)[0]
        others = f" and {len(measured.sizes) - 1} more" if len(measured.sizes) > 1 else ""
        unit = " m" if measured.unit == "m" else ""
        numbers = (
            " ".join(f"{value:.4f}" for value in values) + unit for values in (measured.mean, measured.deviation)
        )
        megabytes = f"{measured.stored_bytes / 1e6:,.1f}"
        mean, deviation = numbers
        rows.append((kind, f"{measured.count:,}", f"{height} x {width}{others}", megabytes, mean, deviation))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [f"{stats.samples:,} samples, {stats.layout}", *table]


Measured = tuple[np.ndarray, Path | None, int, tuple[np.ndarray, np.ndarray, np.ndarray]]


def _measure(sample: StoredSample) -> dict[str, Measured]:
    if sample.problem:
        raise DatasetUnusable(f"{sample.name}: {sample.problem}; blockout dataset verify names all that is broken")
    measured = {}
    for kind, stored in sample.pictures.items():
        try:
            picture = decode(stored)
            length = len(stored) if isinstance(stored, bytes) else stored.stat().st_size
        except BROKEN_FILE as error:
            raise DatasetUnusable(
                f"{sample.name}: the {kind} is broken or missing ({reason_of(error)}); "
                "blockout dataset verify names all that are"
            ) from error
        path = stored if isinstance(stored, Path) else None
        measured[kind] = picture, path, length, _moments(picture)
    return measured


def _moments(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each channel how many values are known, their sum, and that of their squares, in the kind's unit."""
    known = (picture > 0).astype(np.uint8) if picture.dtype == np.uint16 else None
    unit = DEPTH_STEP_M if picture.dtype == np.uint16 else 1 / 255
    pixels = float(picture.shape[0] * picture.shape[1] if known is None else cv2.countNonZero(known))
    mean, deviation = (values[:, 0] * unit for values in cv2.meanStdDev(picture, mask=known))
    return np.full(len(mean), pixels), mean * pixels, (deviation**2 + mean**2) * pixels


def _batches(samples: Iterator[StoredSample]) -> Iterator[list[StoredSample]]:
    while batch := list(islice(samples, AT_ONCE)):
        yield batch


def _keep_some(
    kept: list[dict[str, np.ndarray]], pictures: dict[str, np.ndarray], seen: int, chance: random.Random
) -> None:
    """Keep samples so that each of all has the same chance. Source: Vitter, reservoir sampling, algorithm R (1985)."""
    place = len(kept) if len(kept) < SHEET_ROWS else chance.randrange(seen)
    if place < SHEET_ROWS:
        kept[place : place + 1] = [pictures]


def _draw_sheet(samples: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Return (H, W, 3) uint8, a row for each sample and a column for each kind of picture."""
    kinds = sorted({kind for pictures in samples for kind in pictures}, key=_rank)
    cell = THUMBNAIL_PX + GAP_PX
    sheet = np.full((cell * len(samples) + GAP_PX, cell * len(kinds) + GAP_PX, 3), 255, np.uint8)
    for row, pictures in enumerate(samples):
        for column, kind in enumerate(kinds):
            if kind in pictures:
                thumbnail = _thumbnail(pictures[kind])
                top, left = GAP_PX + row * cell, GAP_PX + column * cell
                sheet[top : top + thumbnail.shape[0], left : left + thumbnail.shape[1]] = thumbnail
    return sheet


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint16:  # near is dark, and so is what is unknown
        picture = np.round(picture / max(1, int(picture.max())) * 255).astype(np.uint8)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    scale = THUMBNAIL_PX / max(picture.shape[:2])
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture[..., :3], size, interpolation=cv2.INTER_AREA)


def _rank(kind: str) -> tuple[int, str]:
    return (KINDS.index(kind), kind) if kind in KINDS else (len(KINDS), kind)
