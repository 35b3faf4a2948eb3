"""Read and write depth maps made elsewhere: .npy, .npz, 16-bit .png and .exr."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import DepthUnusable, MapNotFound, MapUnreadable
from .disparity import bound_nearness
from .files import BROKEN_FILE, as_plane, open_picture, read_json, reason_of, require_file
from .prediction import DepthMap

DepthKind = Literal["depth", "disparity"]
FURTHEST_M = 60_000.0  # renderers write 65 504 (the largest half float) or 1e10 where there is nothing
_CHANNELS: tuple[tuple[str, DepthKind], ...] = (  # of .exr files, the likeliest first; matched in lower case
    (r"z|depth", "depth"),
    (r"(.*\.)?[^.]*depth[^.]*(\.[zvyr])?", "depth"),
    (r"(.*\.)?[^.]*disp(arity)?[^.]*(\.[zvyr])?", "disparity"),
    (r"y|v|r", "depth"),
)


def read_depth(path: Path, *, scale_m: float = 0.001, kind: DepthKind | None = None) -> DepthMap:
    """Read a depth map.

    What the numbers mean, unless ``kind`` says otherwise: .npy and 16-bit .png hold depth, .npz what its key says
    (``depth`` or ``disparity``), .exr what its channel's name says (Z, depth.V, *.Depth.Z, else Y, V, R or the only
    one is depth). Depth is in metres; 16-bit integers count ``scale_m``, with 0 for unknown. A side file of the same
    stem, .json with ``{"is_metric": false}``, as ``write_depth`` writes it, says that the unit is not the metre.

    Disparity d becomes depth 1 / d, never metric. Near d = 0 noise would become endless distance, so that no depth is
    more than 100 times that of the nearest twentieth of the pixels (those at the 95 % quantile of d).

    Args:
        path: the file; shapes (H, W), (H, W, 1) and (1, H, W) are taken.
        scale_m: metres that one unit of 16-bit integers stands for.
        kind: "depth" or "disparity", whatever the file says.

    Returns:
        The map; NaN where the file has NaN, infinity, 0, a negative value, or 60 km and more.

    Raises:
        MapNotFound: nothing is there.
        MapUnreadable: not in one of these formats, damaged, or without one plane of real numbers.
        DepthUnusable: no pixel has a known depth.
    """
    path = Path(path)
    require_file(path, "depth map", MapNotFound, MapUnreadable)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise MapUnreadable(f"{path}: {path.suffix or 'no suffix'} is not read as depth; use .npy, .npz, .png or .exr")
    samples, found = reader(path, kind)
    unit_m = scale_m if found == "depth" and samples.dtype.kind in "iu" and samples.dtype.itemsize == 2 else 1.0
    is_metric = found == "depth" and _side_file_allows_metres(path)
    z = _known_values(as_plane(samples, path), unit_m, FURTHEST_M if is_metric else np.inf, path)
    if np.isnan(z).all():
        raise DepthUnusable(
            f"{path}: none of the {z.size} pixels has a {found} that is finite and above 0; check what was saved"
        )
    return DepthMap(np.float32(1) / bound_nearness(z)[0] if found == "disparity" else z, is_metric)


def write_depth(depth: DepthMap, path: Path) -> None:
    """Write a depth map as .npy, with a side file .json that says whether its unit is the metre.

    Args:
        depth: the map.
        path: ends in .npy; the side file has the same stem.
    """
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(depth.z, np.float32), allow_pickle=False)
    path.with_suffix(".json").write_text(json.dumps({"is_metric": depth.is_metric}) + "\n", encoding="utf-8")


def _known_values(samples: np.ndarray, unit: float, limit: float, path: Path) -> np.ndarray:
    """Return (H, W) float32, the samples times the unit, NaN where they are not above 0 and below the limit."""
    if samples.dtype.kind not in "fiu":
        raise MapUnreadable(f"{path}: the values are {samples.dtype}, where depth is needed; save them as float32")
    with np.errstate(over="ignore", invalid="ignore"):
        values = samples.astype(np.float32)
    if unit != 1:
        values *= np.float32(unit)
    values[~((values > 0) & (values < limit))] = np.nan
    return values


def _side_file_allows_metres(path: Path) -> bool:
    side = path.with_suffix(".json")
    return not side.is_file() or read_json(side, MapUnreadable).get("is_metric") is not False


def _read_numpy(path: Path, kind: DepthKind | None) -> tuple[np.ndarray, DepthKind]:
    try:
        with path.open("rb") as file:  # numpy would leave a file that it cannot read open
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded, kind or "depth"
            wanted: tuple[DepthKind, ...] = ("disparity", "depth") if kind == "disparity" else ("depth", "disparity")
            for key in wanted:
                if key in loaded.files:
                    return loaded[key], kind or key
            held = ", ".join(loaded.files) or "nothing"
    except BROKEN_FILE as error:
        raise MapUnreadable(
            f"{path}: this is no complete {path.suffix} file of numbers ({reason_of(error)}); save it with numpy again"
        ) from error
    raise MapUnreadable(f"{path}: the file holds {held}, where a key depth or disparity is needed")


def _read_png(path: Path, kind: DepthKind | None) -> tuple[np.ndarray, DepthKind]:
    with open_picture(path, "depth map", ("PNG",), MapUnreadable, MapUnreadable) as picture:
        mode, samples = picture.mode, np.asarray(picture)
    if mode.startswith("I"):
        return samples.astype(np.uint16), kind or "depth"
    if mode == "L" and kind == "disparity":
        return samples, kind
    raise MapUnreadable(f"{path}: the PNG's mode is {mode}, where depth needs 16-bit grey; save it so, or as .npy")


def _read_exr(path: Path, kind: DepthKind | None) -> tuple[np.ndarray, DepthKind]:
    import OpenEXR  # only here: few maps need it, and it is a large library

    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            if not file.parts:  # from 3.4 on the library says so on the terminal and goes on without the part
                raise OSError("its pixels are incomplete")
            found = {
                name: (dict(part.header), np.asarray(channel.pixels))  # closing the file empties its headers
                for part in reversed(file.parts)  # where two parts share a name the first one stays
                for name, channel in part.channels.items()
            }
    except BROKEN_FILE as error:
        raise MapUnreadable(
            f"{path}: this is no complete OpenEXR picture ({reason_of(error)}); export it again"
        ) from error
    name, meaning = _depth_channel(list(found), path)
    header, pixels = found[name]
    return _on_display_window(pixels, header), kind or meaning


def _depth_channel(names: list[str], path: Path) -> tuple[str, DepthKind]:
    """Return the channel that most likely holds depth, and what it means."""
    for pattern, meaning in _CHANNELS:
        for name in sorted(names):
            if re.fullmatch(pattern, name.lower()):
                return name, meaning
    if len(names) == 1:
        return names[0], "depth"
    raise MapUnreadable(f"{path}: none of the channels {', '.join(sorted(names))} is depth; name it Z")


def _on_display_window(pixels: np.ndarray, header: dict[str, Any]) -> np.ndarray:
    """Return the channel over the whole picture; a renderer may have stored a part of it, or some margin."""
    if "dataWindow" not in header or "displayWindow" not in header:
        return pixels
    (left, top), _ = (np.asarray(corner, int) for corner in header["dataWindow"])
    (x0, y0), (x1, y1) = (np.asarray(corner, int) for corner in header["displayWindow"])
    height, width = pixels.shape
    if (left, top, width, height) == (x0, y0, x1 - x0 + 1, y1 - y0 + 1):
        return pixels
    whole = np.full((y1 - y0 + 1, x1 - x0 + 1), np.nan, np.float32)
    rows = slice(max(top, y0), min(top + height, y1 + 1))
    columns = slice(max(left, x0), min(left + width, x1 + 1))
    whole[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = pixels[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return whole


_READERS: dict[str, Callable[[Path, DepthKind | None], tuple[np.ndarray, DepthKind]]] = {
    ".npy": _read_numpy,
    ".npz": _read_numpy,
    ".png": _read_png,
    ".exr": _read_exr,
}
