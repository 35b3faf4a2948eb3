"""Read data sets of composites in any of the three layouts, ours and those of the older projects."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...errors import DatasetUnusable
from ..files import BROKEN_FILE, reason_of
from .shards import read_shard

DESCRIPTION = "dataset.json"
FLAT_FOLDERS = {"background": "bg", "overlay": "bg_fg", "mask": "bg_fg_mask", "depth": "bg_fg_depth_map"}
TREE_KINDS = ("overlay", "mask", "depth")


@dataclass(frozen=True)
class StoredSample:
    """One sample as it lies there.

    Attributes:
        name: key or path, for sentences.
        pictures: by kind, encoded bytes or the path of a file, which may be missing.
        record: what is written beside the pictures; {} where nothing is.
        problem: what is wrong with the sample as a whole, "" for nothing.
    """

    name: str
    pictures: Mapping[str, bytes | Path]
    record: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def open_dataset(folder: Path) -> tuple[str, list[Path]]:
    """Return a data set's layout, and what its samples are read from: shards, file_map.txt, or folders of pairs.

    Raises:
        DatasetUnusable: the folder is none, or holds no data set.
    """
    if not folder.is_dir():
        raise DatasetUnusable(f"{folder}: there is no such folder; name that of a data set")
    shards = sorted(folder.glob("*.tar"))
    if shards:
        return "shards", shards
    if (folder / "file_map.txt").is_file():
        return "flat", [folder / "file_map.txt"]
    pairs = sorted(folder.glob("bg_*/fg_*"), key=_by_numbers)
    if pairs:
        return "tree", pairs
    raise DatasetUnusable(f"{folder} holds neither *.tar nor file_map.txt nor bg_*/fg_*; name the folder of a data set")


def read_portion(layout: str, source: Path) -> Iterator[StoredSample]:
    """Yield the samples of one shard, one list or one pair, in their order; damage to the whole comes as a problem."""
    reader = {"shards": _read_shard, "flat": _read_flat, "tree": _read_tree}[layout]
    yield from reader(source)


def read_description(folder: Path) -> dict[str, Any]:
    """Return what dataset.json says; {} where there is none, as in older data sets.

    Raises:
        DatasetUnusable: it is damaged.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    try:
        described: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DatasetUnusable(f"{path}: this is not readable JSON ({reason_of(error)}); make the set again") from error
    return described


def decode(picture: bytes | Path) -> np.ndarray:
    """Return (H, W) or (H, W, C), uint8 or uint16.

    Raises:
        one of ``files.BROKEN_FILE``: missing, truncated or no picture.
    """
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
        if opened.mode == "P":
            opened = opened.convert("RGB")
        return np.asarray(opened)


def _read_shard(path: Path) -> Iterator[StoredSample]:
    backgrounds = sorted((path.parent / "backgrounds").glob("bg*.*"))
    try:
        for key, members in read_shard(path):
            pictures: dict[str, bytes | Path] = {}
            for suffix, content in members.items():
                if "." in suffix:
                    pictures[suffix.partition(".")[0]] = content
            try:
                record = json.loads(members.get("json", b"{}"))
            except ValueError as error:
                yield StoredSample(f"{path.name}:{key}", pictures, problem=f"its JSON is damaged ({reason_of(error)})")
                continue
            number = record.get("background")
            if isinstance(number, int) and 0 < number <= len(backgrounds):
                pictures["background"] = backgrounds[number - 1]
            yield StoredSample(f"{path.name}:{key}", pictures, record)
    except (tarfile.TarError, *BROKEN_FILE) as error:
        yield StoredSample(path.name, {}, problem=f"the shard is damaged or incomplete ({reason_of(error)})")


def _read_flat(path: Path) -> Iterator[StoredSample]:
    boxes = path.with_name("bbox.txt")
    with path.open() as lines, _open_or_nothing(boxes) as box_lines:
        for number, (line, box_line) in enumerate(zip_longest(lines, box_lines)):
            if line is None:
                return
            stems = line.rstrip("\n").split("\t")
            if not 3 <= len(stems) <= 4:
                problem = f"line {number + 1} of file_map.txt has {len(stems)} columns, where 3 or 4 are needed"
                yield StoredSample(stems[0], {}, problem=problem)
                continue
            files = zip(FLAT_FOLDERS.items(), stems, strict=False)
            pictures = {kind: path.parent / folder / f"{stem}.jpeg" for (kind, folder), stem in files}
            record = {"number": number, **_read_box(box_line or "", stems[1])}
            yield StoredSample(stems[1], pictures, record)


def _open_or_nothing(path: Path) -> AbstractContextManager[Iterable[str]]:
    return path.open() if path.is_file() else nullcontext(())


def _read_box(line: str, stem: str) -> dict[str, Any]:
    """Return the box of a line of bbox.txt, {} where it is that of another picture or none."""
    name, *numbers = line.split("\t")
    if name.removesuffix(".jpeg") != stem or len(numbers) != 4:
        return {}
    return {"box": [int(number) for number in numbers]}


def _read_tree(pair: Path) -> Iterator[StoredSample]:
    kinds = [kind for kind in TREE_KINDS if (pair / kind).is_dir()]
    files = {kind: {path.stem: path for path in (pair / kind).iterdir()} for kind in kinds}
    background = pair.parent / "background.jpg"
    for stem in sorted(set().union(*files.values()), key=lambda text: (len(text), text)):
        pictures: dict[str, bytes | Path] = {kind: files[kind].get(stem, pair / kind / f"{stem}.jpg") for kind in kinds}
        if background.is_file():
            pictures["background"] = background
        yield StoredSample(f"{pair.parent.name}/{pair.name}/{stem}", pictures)


def _by_numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", f"{path.parent.name} {path.name}")]
