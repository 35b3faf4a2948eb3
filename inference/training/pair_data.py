"""Pairs to train on: samples of a data set of composites in shards, read in any order."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DatasetUnusable
from ..files import BROKEN_FILE, reason_of
from .dataset_files import open_dataset, read_description

NEEDED = ("overlay.jpg", "mask.png", "json")


@dataclass(frozen=True, eq=False)
class Pair:
    """One sample.

    Attributes:
        background, overlay: (H, W, 3) uint8, sRGB.
        mask: (H, W) bool.
        depth: (H, W) float32, 0 at the camera to 1 at ``PairSet.depth_far_m`` and beyond, NaN unknown.
    """

    background: np.ndarray
    overlay: np.ndarray
    mask: np.ndarray
    depth: np.ndarray


class PairSet:
    """The samples of a data set by number, without decoding any before it is asked for.

    Attributes:
        folder: of the data set.
        depth_far_m: depth that counts as 1.

    With ``with_depth=False``, samples may lack depth, and none is read.
    """

    def __init__(self, folder: Path, with_depth: bool = True) -> None:
        layout, self._shards = open_dataset(folder)
        description = read_description(folder)
        if layout != "shards" or not description:
            raise DatasetUnusable(f"{folder} is no data set of composites in shards; compose one with --layout shards")
        self.folder = folder
        self._needed = (*NEEDED, "depth.png") if with_depth else NEEDED
        self.depth_far_m = float(description["depth_far_m"])
        self._step_m = float(description["depth_step_m"])
        self._backgrounds = sorted((folder / "backgrounds").glob("bg*.*"))
        self._background = lru_cache(2048)(lambda index: _decode(self._backgrounds[index].read_bytes()))
        self._members = [
            member for index, path in enumerate(self._shards) for member in _index(index, path, self._needed)
        ]

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, number: int) -> Pair:
        shard, places = self._members[number]
        try:
            with self._shards[shard].open("rb") as file:
                content = {suffix: _read(file, *places[suffix]) for suffix in self._needed}
            record = json.loads(content["json"])
            mask = _decode(content["mask.png"]) > 127
            depth = np.full(mask.shape, np.nan, np.float32)
            if "depth.png" in content:
                steps = _decode(content["depth.png"])
                depth = np.clip(steps * np.float32(self._step_m / self.depth_far_m), 0, 1)
                depth[steps == 0] = np.nan
            return Pair(self._background(record["background"] - 1), _decode(content["overlay.jpg"]), mask, depth)
        except (KeyError, *BROKEN_FILE) as error:
            raise DatasetUnusable(
                f"{self._shards[shard]}: sample {number} cannot be read ({reason_of(error)}); "
                "blockout dataset verify names all that are broken"
            ) from error


def has_depth(folder: Path) -> bool:
    """Return whether a data set of composites was made with depth."""
    description = read_description(folder) or {}
    return bool(description.get("depth") or description.get("background_depths"))


Places = dict[str, tuple[int, int]]


def _index(shard: int, path: Path, needed: tuple[str, ...]) -> list[tuple[int, Places]]:
    """Return where the members of each sample of a shard lie: offset and length by suffix."""
    found: dict[str, Places] = {}
    try:
        with tarfile.open(path) as opened:
            for entry in opened:
                key, _, suffix = entry.name.partition(".")
                found.setdefault(key, {})[suffix] = entry.offset_data, entry.size
    except (tarfile.TarError, OSError) as error:
        raise DatasetUnusable(f"{path} is damaged or incomplete ({reason_of(error)}); compose it again") from error
    for key, places in found.items():
        missing = [suffix for suffix in needed if suffix not in places]
        if missing:
            raise DatasetUnusable(
                f"{path}: sample {key} has no {missing[0]}; compose the data set with --background-depths or --depth"
            )
    return [(shard, places) for places in found.values()]


def _read(file: io.BufferedReader, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _decode(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture)
