"""Checkpoints in the formats of the originals, written from named arrays: what the tests of the networks load."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_NUMBER_OF_DTYPE = {"f4": 1, "f8": 2, "i4": 3, "i8": 9, "b1": 10, "f2": 19}


def write_bundle(prefix: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a TensorFlow checkpoint of one shard; checksums are left 0.

    Source: TensorFlow's tensor_bundle.proto, LevelDB's table_format.md.
    """
    entries, offset = [(b"", b"\x08\x01")], 0
    with Path(f"{prefix}.data-00000-of-00001").open("wb") as shard:
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            sizes = b"".join(_field(2, _field(1, side)) for side in array.shape)
            value = _field(1, _NUMBER_OF_DTYPE[array.dtype.str[1:]]) + _field(2, sizes)
            entries.append((name.encode(), value + _field(4, offset) + _field(5, array.nbytes)))
            shard.write(array.tobytes())
            offset += array.nbytes
    data = _block(entries)
    unused = _block([])
    index = _block([(b"\xff", _varint(0) + _varint(len(data)))])
    handles = _varint(len(data) + 5) + _varint(len(unused))
    handles += _varint(len(data) + len(unused) + 10) + _varint(len(index))
    blocks = b"".join(block + bytes(5) for block in (data, unused, index))
    footer = handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    Path(f"{prefix}.index").write_bytes(blocks + footer)


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    whole = b"".join(_varint(0) + _varint(len(key)) + _varint(len(value)) + key + value for key, value in entries)
    return whole + struct.pack("<II", 0, 1)


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    low = bytearray()
    while value > 127:
        low.append(value & 127 | 128)
        value >>= 7
    return bytes([*low, value])


def write_keras(path: Path, arrays: Mapping[str, np.ndarray], version: str = "2.2.4", leaky: int | None = None) -> None:
    """Write weights by their names, without ":0", as Keras does.

    Args:
        path: of the file.
        arrays: in the order of the layers.
        version: of Keras.
        leaky: how many leaky rectifiers the model lists; None writes weights alone, without a model.
    """
    import json

    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        if leaky is not None:
            layers = [{"class_name": "Conv2D"}, *({"class_name": "LeakyReLU"} for _ in range(leaky))]
            file.attrs["model_config"] = json.dumps({"config": {"layers": layers}}).encode()
        root = file.create_group("model_weights")
        layers_of: dict[str, list[str]] = {}
        for name in arrays:
            layers_of.setdefault(name.rpartition("/")[0], []).append(f"{name}:0")
        root.attrs["layer_names"] = [layer.encode() for layer in layers_of]
        for layer, weights in layers_of.items():
            root.require_group(layer).attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight in weights:
                root[layer][weight] = arrays[weight.removesuffix(":0")]
