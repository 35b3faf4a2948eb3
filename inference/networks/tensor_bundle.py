"""Read TensorFlow checkpoints without TensorFlow: PREFIX.index and its shards PREFIX.data-00000-of-00001 and so on.

The index is a sorted table in LevelDB's format from variable names to protocol buffers; the shards hold the values of
the variables, little-endian, one behind the other. Sizes are checked, checksums (CRC32C) are not.

Source: TensorFlow's tensor_bundle.proto, LevelDB's table_format.md, Protocol Buffers' encoding.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import WeightsNotFound, WeightsUnusable
from ..files import BROKEN_FILE, reason_of, require_file

MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 10: "?", 19: "<f2"}  # by the number of tensorflow.DataType
_SUFFIXES = (".index", ".meta")


@dataclass(frozen=True)
class _Entry:
    """Where a variable lies: the fields of BundleEntryProto."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    is_sliced: bool


def read_bundle(prefix: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, np.ndarray]:
    """Read the variables of a checkpoint.

    Args:
        prefix: the path without the ending .index or .data-...; with one of them it is taken too.
        wanted: tells by its name whether a variable is read.

    Returns:
        The variables by name, in the order of their names.

    Raises:
        WeightsNotFound: there is no index or a shard is missing.
        WeightsUnusable: damaged, truncated, or of a kind that is not read here.
    """
    prefix = prefix.with_suffix("") if prefix.suffix in _SUFFIXES or ".data-" in prefix.suffix else prefix
    index = Path(f"{prefix}.index")
    if not index.exists() and prefix.is_file():
        raise WeightsUnusable(
            f"{prefix}: this is a file, where the prefix of a TensorFlow checkpoint is needed, "
            "that of PREFIX.index and PREFIX.data-00000-of-00001; give that (those of before 2017 are not read)"
        )
    require_file(index, "checkpoint's index", WeightsNotFound, WeightsUnusable)
    try:
        shards, entries = _read_index(index.read_bytes())
    except BROKEN_FILE as error:
        raise WeightsUnusable(
            f"{index}: this is no complete index of a TensorFlow checkpoint ({reason_of(error)}); copy it again"
        ) from error
    names = [name for name in entries if wanted(name)]
    return {name: _read_variable(prefix, shards, name, entries[name]) for name in names}


def _read_variable(prefix: Path, shards: int, name: str, entry: _Entry) -> np.ndarray:
    path = Path(f"{prefix}.data-{entry.shard:05d}-of-{shards:05d}")
    require_file(path, f"checkpoint's shard that holds {name}", WeightsNotFound, WeightsUnusable)
    if entry.dtype not in DTYPES or entry.is_sliced:
        what = "is cut into slices" if entry.is_sliced else f"has data type {entry.dtype}"
        raise WeightsUnusable(f"{path}: {name} {what}, which is not read here; save it whole, as float32")
    dtype = np.dtype(DTYPES[entry.dtype])
    count = math.prod(entry.shape)
    if count * dtype.itemsize != entry.size:
        raise WeightsUnusable(
            f"{prefix}.index: {name} has shape {entry.shape} and {entry.size} bytes, which do not belong together; "
            "copy the index again"
        )
    if path.stat().st_size < entry.offset + entry.size:
        raise WeightsUnusable(
            f"{path}: the file ends at byte {path.stat().st_size}, within or before {name}, which needs "
            f"{entry.offset + entry.size}; copy it again"
        )
    values = np.fromfile(path, dtype, count, offset=entry.offset)
    return values.reshape(entry.shape)


def _read_index(table: bytes) -> tuple[int, dict[str, _Entry]]:
    """Return the number of shards and where each variable lies."""
    if len(table) < FOOTER_BYTES or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        raise ValueError("its last bytes are not those of such a table")
    footer = table[-FOOTER_BYTES:]
    position = 0
    for _ in range(2):  # the handle of the block that nobody uses
        _, position = _varint(footer, position)
    shards, entries = 1, {}
    for _, handle in _entries_of_block(table, footer[position:]):
        for key, value in _entries_of_block(table, handle):
            fields = list(_fields(value))
            if not key:
                shards = _number(fields, 1)
            else:
                entries[key.decode()] = _parse_entry(fields)
    return shards, entries


def _parse_entry(fields: list[tuple[int, int | bytes]]) -> _Entry:
    shape = next((value for number, value in fields if number == 2 and isinstance(value, bytes)), b"")
    dimensions = [list(_fields(value)) for number, value in _fields(shape) if number == 2 and isinstance(value, bytes)]
    return _Entry(
        dtype=_number(fields, 1),
        shape=tuple(_number(dimension, 1) for dimension in dimensions),
        shard=_number(fields, 3),
        offset=_number(fields, 4),
        size=_number(fields, 5),
        is_sliced=any(number == 7 for number, _ in fields),
    )


def _entries_of_block(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each entry of a block; a key is stored as what it adds to the one before it."""
    offset, position = _varint(handle, 0)
    size, _ = _varint(handle, position)
    block = table[offset : offset + size]
    if len(block) < size or table[offset + size] != 0:
        raise ValueError("a block is incomplete or compressed")
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    key, position = b"", 0
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protocol buffer."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag & 7 == 0:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        size = {1: 8, 5: 4}.get(tag & 7)
        if size is None:
            size, position = _varint(message, position)
        yield tag >> 3, message[position : position + size]
        position += size


def _number(fields: list[tuple[int, int | bytes]], number: int) -> int:
    """Return a whole number's field, 0 where it is left out as protocol buffers do with zeros."""
    return next((value for found, value in fields if found == number and isinstance(value, int)), 0)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number stored in groups of seven bits, and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
