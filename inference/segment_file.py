"""Read and write segment maps made elsewhere: .png and .npy of ids with a table of labels, or a dictionary of masks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import MapNotFound, MapUnreadable, SegmentsUnusable
from .files import BROKEN_FILE, as_plane, open_picture, read_json, reason_of, require_file
from .labels import UNLABELLED, kind_of
from .mask_file import holds_objects, ids_from_masks, read_masks
from .prediction import KINDS, SHAPES, Segment, SegmentMap
from .resample import keep_present, present_ids

MAX_PNG_ID = 65535
_MAX_ID = np.iinfo(np.int32).max


def read_segments(path: Path) -> SegmentMap:
    """Read a segment map.

    A PNG (8 or 16 bits grey, or a palette, of which the indices count) or a .npy holds an id for each pixel, 0 for
    none. A side file of the same stem, .json, names them: ``{"3": "car"}``, or ``{"3": {"label": "car", "kind":
    "object", "score": 0.9, "shape": "box", "part_of": 7}}``; an id without a name is a "segment", and a name without
    pixels is dropped unless it is that of a whole of which parts have pixels. A .npy may also hold a pickled dictionary
    {class: mask} of bool, 0..1 or 0..255 masks; then ids count its classes from 1, and the side file names classes that
    are numbers.

    Args:
        path: the file; arrays of shape (H, W), (H, W, 1) and (1, H, W) are taken.

    Raises:
        MapNotFound: nothing is there.
        MapUnreadable: not in one of these formats, damaged, or ids that are negative, no whole numbers, or above int32.
        SegmentsUnusable: no pixel has an id.
    """
    path = Path(path)
    require_file(path, "segment map", MapNotFound, MapUnreadable)
    if path.suffix.lower() == ".png":
        ids, class_of = _read_png(path), None
    elif path.suffix.lower() == ".npy":
        ids, class_of = _read_npy(path)
    else:
        raise MapUnreadable(f"{path}: {path.suffix or 'no suffix'} is not read as segments; use .png or .npy")
    found = present_ids(ids).tolist()
    if not found:
        raise SegmentsUnusable(f"{path}: all {ids.size} pixels have id 0, which means none; give each segment an id")
    table = _read_table(path.with_suffix(".json"), class_of is None)
    if class_of is None:
        numbers = sorted({*found, *(int(key) for key in table if 0 < int(key) <= _MAX_ID)})
        return keep_present(SegmentMap(ids, tuple(_segment(i, table.get(str(i), {})) for i in numbers)))
    named = {i: {} if _is_whole(class_of[i]) else {"label": class_of[i]} for i in found}
    return SegmentMap(ids, tuple(_segment(i, table.get(class_of[i], named[i])) for i in found))


def write_segments(segments: SegmentMap, path: Path) -> None:
    """Write a segment map as ``read_segments`` reads it: ids as PNG and the table as .json of the same stem.

    The PNG has 8 bits where the ids allow it, else 16. Ids above 65535 do not fit: then all are renumbered from 1, in
    their order.

    Args:
        segments: the map.
        path: ends in .png.

    Raises:
        SegmentsUnusable: there are more than 65535 segments.
    """
    ids, rows = segments.ids, segments.segments
    if len(rows) > MAX_PNG_ID:
        raise SegmentsUnusable(
            f"{path}: a PNG cannot number {len(rows)} segments, only {MAX_PNG_ID}; merge the smallest"
        )
    if ids.max() > MAX_PNG_ID:
        old = np.array([0, *(row.id for row in rows)])
        new = {row.id: i for i, row in enumerate(rows, 1)}
        rows = tuple(replace(row, id=new[row.id], part_of=new.get(row.part_of, 0)) for row in rows)
        ids = np.searchsorted(old, ids)
    Image.fromarray(ids.astype(np.uint8 if ids.max() < 256 else np.uint16)).save(path, format="PNG", compress_level=3)
    table = json.dumps({str(row.id): _entry(row) for row in rows}, indent=1, ensure_ascii=False)
    path.with_suffix(".json").write_text(table + "\n", encoding="utf-8")


def _entry(row: Segment) -> str | dict[str, Any]:
    """Return the label alone where it says all, which is what people write by hand."""
    if row.kind == kind_of(row.label) and row.score == 1 and not row.part_of and not row.shape:
        return row.label
    fields = {"label": row.label, "kind": row.kind, "score": row.score}
    told = {"part_of": row.part_of, "shape": row.shape}
    return fields | {key: value for key, value in told.items() if value}


def _read_png(path: Path) -> np.ndarray:
    with open_picture(path, "segment map", ("PNG",), MapUnreadable, MapUnreadable) as picture:
        mode, ids = picture.mode, np.asarray(picture)
    if mode not in ("1", "L", "P") and not mode.startswith("I"):
        raise MapUnreadable(
            f"{path}: the PNG's mode is {mode}, where ids are needed; save it as grey or with a palette"
        )
    return ids.astype(np.int32)


def _read_npy(path: Path) -> tuple[np.ndarray, dict[int, str] | None]:
    """Return ids, and the class of each id where the file is a dictionary of masks."""
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False) if not holds_objects(file) else None
    except BROKEN_FILE as error:
        raise MapUnreadable(
            f"{path}: this is no complete .npy file ({reason_of(error)}); save it with numpy again"
        ) from error
    if array is None:
        masks = read_masks(path)
        return ids_from_masks(list(masks.values())), dict(enumerate(masks, 1))
    if not isinstance(array, np.ndarray):
        raise MapUnreadable(f"{path}: this is an archive of arrays; save the ids alone, with numpy.save")
    return _as_ids(as_plane(array, path), path), None


def _as_ids(array: np.ndarray, path: Path) -> np.ndarray:
    """Return whole numbers from 0 to the largest int32 as int32."""
    if array.dtype.kind not in "biuf":
        raise MapUnreadable(f"{path}: the values are {array.dtype}, where ids are needed; save them as int32")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= _MAX_ID):  # NaN too
        raise MapUnreadable(f"{path}: the ids go from {low} to {high}; use 0 for none and 1 to {_MAX_ID} for segments")
    ids = array.astype(np.int32)
    if array.dtype.kind == "f" and (ids != array).any():
        raise MapUnreadable(f"{path}: {array[ids != array][0]} is no id; save whole numbers, as int32")
    return ids


def _read_table(side: Path, keys_are_ids: bool) -> dict[str, dict[str, Any]]:
    """Return the fields of ``Segment`` that a side file gives, by the id or class as a string."""
    if not side.is_file():
        return {}
    rows = {}
    for key, value in read_json(side, MapUnreadable).items():
        if keys_are_ids and not _is_whole(key):
            raise MapUnreadable(f'{side}: the key "{key}" is no id; name segments as in {{"3": "car"}}')
        row = {"label": value} if isinstance(value, str) else value
        if not isinstance(row, dict) or not _is_row(row):
            raise MapUnreadable(
                f'{side}: {key} is {json.dumps(value)[:80]}; give a label, or a "label", a "kind" '
                f'({", ".join(KINDS)}), a "score" from 0 to 1, a "shape" ({", ".join(SHAPES)}) and the id that it is '
                '"part_of"'
            )
        rows[str(int(key)) if _is_whole(key) else key] = row
    return rows


def _is_whole(text: str) -> bool:
    return text.strip().isdecimal() and len(text) < 20


def _is_row(row: dict[str, Any]) -> bool:
    score = row.get("score", 1.0)
    return (
        isinstance(row.get("label", ""), str)
        and row.get("kind", "object") in KINDS
        and isinstance(score, int | float)
        and 0 <= score <= 1
        and type(row.get("part_of", 0)) is int
        and row.get("shape", "") in ("", *SHAPES)
    )


def _segment(segment_id: int, row: dict[str, Any]) -> Segment:
    label = row.get("label", "").strip() or UNLABELLED
    kind, score = row.get("kind", kind_of(label)), float(row.get("score", 1.0))
    return Segment(segment_id, label, kind, score, row.get("part_of", 0), row.get("shape", ""))
