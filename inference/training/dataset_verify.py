"""Check a data set of composites: what is broken, missing, or does not belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..files import BROKEN_FILE, reason_of
from .dataset_files import FLAT_FOLDERS, StoredSample, decode, open_dataset, read_description, read_portion

AT_ONCE = 256  # samples in memory
NAMED = 1000  # problems that are named; all are counted
BOX_SLACK_PX = 2  # JPEG blurs masks
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        samples: how many there are.
        count: of problems.
        problems: sentences, at most ``NAMED``.
    """

    samples: int
    count: int
    problems: tuple[str, ...]


def verify_dataset(folder: Path, *, threads: int = 1, progress: Progress | None = None) -> Verified:
    """Decode every picture of a data set and compare the members of each sample with each other.

    Args:
        folder: of a data set in any layout.
        threads: how many samples are looked at at once.
        progress: called with what is done and the share of it, 0 to 1; an exception raised in it stops the work.

    Raises:
        DatasetUnusable: it is no data set, or its description is damaged.
    """
    layout, sources = open_dataset(folder)
    description = read_description(folder)
    report = progress or (lambda stage, fraction: None)
    problems = _Problems()
    checker = _Checker(is_ours=bool(description))
    samples, expected = 0, 0
    with ThreadPoolExecutor(threads) as pool:
        for index, source in enumerate(sources):
            stored = read_portion(layout, source)
            while batch := list(islice(stored, AT_ONCE)):
                checker.learn_kinds(batch)
                for sample, found in zip(batch, pool.map(checker.check, batch), strict=True):
                    problems.add(f"{sample.name}: {problem}" for problem in found)
                    number = sample.record.get("number")
                    if isinstance(number, int):
                        problems.add(_gap(expected, number))
                        expected = number + 1
                    samples += bool(sample.pictures)
                report(f"{samples:,} samples", index / len(sources))
    problems.add(_check_whole(folder, layout, description, samples))
    return Verified(samples, problems.count, tuple(problems.named))


class _Problems:
    def __init__(self) -> None:
        self.count = 0
        self.named: list[str] = []

    def add(self, found: Iterator[str]) -> None:
        for problem in found:
            self.count += 1
            if len(self.named) < NAMED:
                self.named.append(problem)


class _Checker:
    """Looks at single samples; keeps what their kinds are, and what it knows of backgrounds, which many share."""

    def __init__(self, *, is_ours: bool) -> None:
        self._is_ours = is_ours
        self._kinds: set[str] = set()
        self._size_of = lru_cache(4096)(lambda path: decode(path).shape[:2])

    def learn_kinds(self, batch: list[StoredSample]) -> None:
        """Take the kinds of pictures that most of the first samples have for those of all."""
        if not self._kinds:
            every = [kind for sample in batch for kind in sample.pictures]
            self._kinds = {kind for kind in set(every) if 2 * every.count(kind) >= len(batch)}

    def check(self, sample: StoredSample) -> list[str]:
        """Return what is wrong with a sample, in words."""
        if sample.problem:
            return [sample.problem]
        found = [f"there is no {kind}" for kind in sorted(self._kinds - set(sample.pictures))]
        sizes, mask = {}, None
        for kind, stored in sample.pictures.items():
            try:
                if kind == "background" and isinstance(stored, Path):
                    sizes[kind] = self._size_of(stored)
                    continue
                picture = decode(stored)
            except FileNotFoundError:
                found.append(f"the {kind} is missing: there is no {stored!s}")
            except BROKEN_FILE as error:
                found.append(f"the {kind} is broken ({reason_of(error)})")
            else:
                sizes[kind] = picture.shape[:2]
                mask = picture if kind == "mask" else mask
        if len(set(sizes.values())) > 1:
            found.append(f"sizes differ: {', '.join(f'{kind} {h} x {w}' for kind, (h, w) in sizes.items())}")
        return found if mask is None else found + self._check_mask(mask, sample.record.get("box"))

    def _check_mask(self, mask: np.ndarray, box: Any) -> list[str]:
        if mask.ndim != 2:
            return [f"the mask has {mask.shape[2]} channels, where one is needed"]
        if box is None:
            return []
        x, y, width, height = box
        if min(x, y) < 0 or x + width > mask.shape[1] or y + height > mask.shape[0]:
            return [f"the box {box} leaves the picture"]
        seen = cv2.boundingRect((mask > 127).astype(np.uint8))
        if self._is_ours and np.abs(np.subtract(_corners(box), _corners(seen))).max() > BOX_SLACK_PX:
            return [f"the box {box} is not that of the mask, {list(seen)}"]
        return []


def _corners(box: Any) -> tuple[int, int, int, int]:
    x, y, width, height = box
    return x, y, x + width, y + height


def _gap(expected: int, number: int) -> Iterator[str]:
    """Yield a sentence if numbers are left out or come twice."""
    if number > expected:
        yield (
            f"samples {expected} to {number - 1} are missing"
            if number > expected + 1
            else f"sample {expected} is missing"
        )
    elif number < expected:
        yield f"sample {number} is there twice or out of order"


def _check_whole(folder: Path, layout: str, description: dict[str, Any], samples: int) -> Iterator[str]:
    if description and not description.get("complete", True):
        yield "the data set is not complete: repeat the command that made it, which goes on from where it stopped"
    elif description.get("samples", samples) != samples:
        yield f"{samples} samples are there, but dataset.json says {description['samples']}"
    if layout == "flat":
        for kind in ("overlay", "mask", "depth"):
            files = sum(1 for _ in (folder / FLAT_FOLDERS[kind]).glob("*.jpeg"))
            if files > samples:
                yield f"{FLAT_FOLDERS[kind]} holds {files - samples} files that file_map.txt does not name"
