"""The three layouts of a data set of composites: what each file is called, encoded as, and how writing it resumes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from .compose_pictures import Composite
from .compose_plan import Recipe, Sample
from .shards import ShardWriter

JOURNALS = ".compose"  # folder in a data set of files, while it is made: which samples are done
DEPTH_STEP_M = 0.001  # of 16-bit depth
_JPEG_420 = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
_PNG_FLAT = [  # for masks and depth, which are flat: a fifth of the usual time, and smaller
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE),
]


class ChunkWriter(Protocol):
    """What writes the samples of one chunk."""

    @property
    def done(self) -> int:
        """Return how many of them are complete."""

    def __enter__(self) -> ChunkWriter: ...

    def __exit__(self, *_: object) -> None: ...

    def add(self, composite: Composite) -> None:
        """Write the next sample."""

    def finish(self) -> None:
        """Say that the chunk is complete."""


def make_writer(recipe: Recipe, folder: Path, chunk: int) -> ChunkWriter:
    """Return what writes a chunk of a recipe, from where an earlier run stopped."""
    return _ShardChunk(recipe, folder, chunk) if recipe.layout == "shards" else _FileChunk(recipe, folder, chunk)


class _ShardChunk:
    def __init__(self, recipe: Recipe, folder: Path, chunk: int) -> None:
        self._recipe = recipe
        self._shard = ShardWriter(folder / shard_name(chunk), "json", len(recipe.numbers(chunk)))

    def __enter__(self) -> _ShardChunk:
        return self

    def __exit__(self, *_: object) -> None:
        self._shard.__exit__()

    @property
    def done(self) -> int:
        return self._shard.done

    def add(self, composite: Composite) -> None:
        members = {
            "overlay.jpg": encode_jpeg(composite.overlay_bgr, self._recipe.quality),
            "mask.png": _encode(".png", composite.mask, _PNG_FLAT),
        }
        if composite.depth is not None:
            members["depth.png"] = _encode(".png", depth_in_steps(composite.depth), _PNG_FLAT)
        members["json"] = json.dumps(composite.sample.record(composite.box)).encode()
        self._shard.write(f"{composite.sample.number:09d}", members)

    def finish(self) -> None:
        self._shard.finish()


class _FileChunk:
    """Writes files, then a line in the chunk's journal: what has a whole line is complete."""

    def __init__(self, recipe: Recipe, folder: Path, chunk: int) -> None:
        self._recipe, self._folder = recipe, folder
        self._made: set[Path] = set()
        path = folder / JOURNALS / f"{chunk:06d}.jsonl"
        self._journal = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        written = path.read_bytes()
        self.done = written.count(b"\n")
        end = written.rfind(b"\n") + 1
        os.ftruncate(self._journal, end)
        os.lseek(self._journal, end, os.SEEK_SET)

    def __enter__(self) -> _FileChunk:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._journal)

    def add(self, composite: Composite) -> None:
        quality = self._recipe.quality
        pictures = {"overlay": composite.overlay_bgr, "mask": composite.mask}
        if composite.depth is not None:
            pictures["depth"] = depth_in_grey(composite.depth, self._recipe.depth_far_m)
        for kind, name in sample_files(self._recipe, composite.sample).items():
            path = self._folder / name
            if path.parent not in self._made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            path.write_bytes(encode_jpeg(pictures[kind], quality))
        line = json.dumps(composite.sample.record(composite.box)) + "\n"
        os.write(self._journal, line.encode())
        self.done += 1

    def finish(self) -> None:
        """Leave the journal: the whole data set's is made of all of them."""


def shard_name(chunk: int) -> str:
    """Return what a complete shard is called."""
    return f"shard-{chunk:06d}.tar"


def sample_files(recipe: Recipe, sample: Sample) -> dict[str, str]:
    """Return the paths of a sample's pictures by kind: "overlay", "mask", and "depth" where there is one."""
    kinds = ("overlay", "mask", "depth") if recipe.has_depth else ("overlay", "mask")
    if recipe.layout == "tree":
        pair = f"bg_{sample.background + 1}/fg_{sample.foreground + 1}"
        return {kind: f"{pair}/{kind}/{sample.variant}.jpg" for kind in kinds}
    stem = flat_stem(recipe, sample)
    return {kind: f"{_FLAT_FOLDERS[kind]}/{stem}{_FLAT_ENDS[kind]}.jpeg" for kind in kinds}


_FLAT_FOLDERS = {"overlay": "bg_fg", "mask": "bg_fg_mask", "depth": "bg_fg_depth_map"}
_FLAT_ENDS = {"overlay": "", "mask": "_mask", "depth": "_depth_map"}


def flat_stem(recipe: Recipe, sample: Sample) -> str:
    """Return what a sample is called in the flat layout, such as bg001_fg001_01."""
    digits = max(2, len(str(recipe.variants)))
    background, foreground = background_stem(recipe, sample.background), foreground_stem(recipe, sample.foreground)
    return f"{background}_{foreground}_{sample.variant:0{digits}d}"


def background_stem(recipe: Recipe, index: int) -> str:
    """Return what a background is called, such as bg001."""
    return f"bg{index + 1:0{max(3, len(str(len(recipe.backgrounds))))}d}"


def foreground_stem(recipe: Recipe, index: int) -> str:
    """Return what a foreground is called, such as fg001."""
    return f"fg{index + 1:0{max(3, len(str(len(recipe.foregrounds))))}d}"


def background_file(recipe: Recipe, index: int) -> str:
    """Return where the background alone, as composites show it, lies in the data set."""
    if recipe.layout == "tree":
        return f"bg_{index + 1}/background.jpg"
    folder, suffix = ("bg", "jpeg") if recipe.layout == "flat" else ("backgrounds", "jpg")
    return f"{folder}/{background_stem(recipe, index)}.{suffix}"


def read_journals(recipe: Recipe, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of all samples in the order of their numbers."""
    for chunk in range(recipe.chunks):
        with (folder / JOURNALS / f"{chunk:06d}.jsonl").open() as lines:
            yield from map(json.loads, lines)


def encode_jpeg(picture: np.ndarray, quality: int) -> bytes:
    """Return a JPEG file of (H, W) or BGR (H, W, 3) uint8, the latter with half the resolution for colour."""
    sampling = _JPEG_420 if picture.ndim == 3 else []
    return _encode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, *sampling])


def depth_in_steps(depth: np.ndarray) -> np.ndarray:
    """Return (H, W) uint16, ``DEPTH_STEP_M`` each, 0 where depth is unknown or beyond the last step."""
    steps = np.nan_to_num(depth, nan=0.0, posinf=0.0) / DEPTH_STEP_M
    return np.where(steps < 65535.5, np.round(steps), 0).astype(np.uint16)


def depth_in_grey(depth: np.ndarray, far_m: float) -> np.ndarray:
    """Return (H, W) uint8: black at the camera, white at ``far_m``, beyond it and where depth is unknown."""
    return np.round(np.clip(np.nan_to_num(depth, nan=far_m) / far_m, 0, 1) * 255).astype(np.uint8)


def _encode(suffix: str, picture: np.ndarray, settings: list[int]) -> bytes:
    done, encoded = cv2.imencode(suffix, picture, settings)
    assert done, f"OpenCV encodes {suffix}"
    return encoded.tobytes()
