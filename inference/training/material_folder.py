"""A folder of photographs and models for synthetic scenes: which of its files may be used, and for what."""

from __future__ import annotations

import csv
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

FREE = ("CC0", "MIT-0")  # licences that ask for nothing, not even a credit
ANY = "any"
INDEX = "index.csv"
HELD_OUT = 8  # one file in so many is kept for evaluation


@dataclass(frozen=True)
class MaterialFolder:
    """A folder with textures/, sky/, backgrounds/, foregrounds/, models/ and index.csv.

    Attributes:
        path: of the folder.
        licences: the only ones whose files are used, without version; ``any`` takes all, listed or not.
        held_out: take the files kept for evaluation instead of the others.
    """

    path: Path
    licences: tuple[str, ...] = FREE
    held_out: bool = False

    def files(self, part: str, held_out: bool | None = None) -> list[Path]:
        """Return the files of a part that may be used, by name; ``held_out`` says otherwise than the folder does."""
        wanted = self.held_out if held_out is None else held_out
        able = [path for path in sorted((self.path / part).glob("*")) if is_held_out(path.name) == wanted]
        return [path for path in able if self.allows(path)]

    def category(self, path: Path) -> str:
        """Return what the index says that a file shows, "" without an entry."""
        return self._rows.get(f"{path.parent.name}/{path.name}", {}).get("category", "")

    def allows(self, path: Path) -> bool:
        """Return whether a file of one of the parts has one of the licences."""
        row = self._rows.get(f"{path.parent.name}/{path.name}", {})
        return ANY in self.licences or name_licence(row.get("licence", "")) in self.licences

    @cached_property
    def _rows(self) -> dict[str, dict[str, str]]:
        path = self.path / INDEX
        if not path.is_file():
            return {}
        with path.open(newline="", encoding="utf-8") as file:
            return {row["name"]: row for row in csv.DictReader(file)}


def name_licence(text: str) -> str:
    """Return a licence's name without version and remarks: "CC0" for "CC0-1.0 (Poly Haven)"; "" for none."""
    words = text.split()
    return re.sub(r"-\d+\.\d+$", "", words[0]) if words else ""


def is_held_out(name: str) -> bool:
    """Return whether a file is kept for evaluation: by its name alone, so that every run agrees."""
    return zlib.crc32(name.encode()) % HELD_OUT == 0


def read_rgba(path: Path) -> np.ndarray | None:
    """Return (H, W, 4) uint8 red, green, blue, opacity; None for what is no picture."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        return None
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 3:
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA)
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)
