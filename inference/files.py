"""Open what users hand in: every way in which a file can be unusable becomes one sentence."""

from __future__ import annotations

import json
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import BlockoutError, MapUnreadable

MAX_PIXELS = 100_000_000
BROKEN_FILE = (  # what decoders raise on damaged files; no TypeError, which would hide our own mistakes
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    BadZipFile,
    TokenError,  # numpy, on a damaged header
)
_PILLOW_LOCK = threading.Lock()


def require_file(path: Path, what: str, missing: type[BlockoutError], unreadable: type[BlockoutError]) -> None:
    """Raise unless a path leads to a file with bytes in it that may be read.

    Args:
        path: what the user gave.
        what: what the file should be, for the sentence: "photo", "depth map".
        missing: raised when nothing is there.
        unreadable: raised when it is a folder, is empty, or may not be read.
    """
    try:
        if not path.exists():
            raise missing(f"{path}: there is no such file; check the path of the {what}")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise unreadable(f"{path}: this is {kind}, where a {what} is needed; give the path of one file")
        with path.open("rb") as file:
            if not file.read(1):
                raise unreadable(f"{path}: the {what} is empty (0 bytes); copy or export it again")
    except (OSError, ValueError) as error:
        raise unreadable(f"{path}: the {what} may not be read ({reason_of(error)}); check the file's rights") from error


def reason_of(error: BaseException) -> str:
    """Return an error's reason on one line, without a path or a final stop."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__


@contextmanager
def open_picture(
    path: Path, what: str, formats: tuple[str, ...], unreadable: type[BlockoutError], too_large: type[BlockoutError]
) -> Iterator[Image.Image]:
    """Open a picture with Pillow; what goes wrong while the block decodes it becomes ``unreadable``.

    Pillow's limit on the number of pixels and its warnings are off inside the block and as before after it; the
    header is compared with ``MAX_PIXELS`` before anything is decoded.

    Args:
        path: a file that ``require_file`` has passed.
        what: "photo", "depth map", for the sentence.
        formats: Pillow's names of the formats that are welcome; those that this Pillow lacks are skipped.
        unreadable: raised when it is no such picture, or a damaged one.
        too_large: raised when it has more than ``MAX_PIXELS``.
    """
    try:
        with _quiet_pillow(), Image.open(path, formats=_known(formats)) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise too_large(
                    f"{path}: {width} x {height} are {width * height / 1e6:.0f} megapixels, more than the "
                    f"{MAX_PIXELS / 1e6:.0f} that are read; save a smaller {what}"
                )
            yield picture
    except UnidentifiedImageError as error:
        raise unreadable(f"{path}: this is not a picture in a format that is read here; save it as PNG") from error
    except BROKEN_FILE as error:
        reason = reason_of(error)
        raise unreadable(f"{path}: the {what} is damaged or incomplete ({reason}); copy or export it again") from error


def _known(formats: tuple[str, ...]) -> list[str]:
    Image.init()
    return [name for name in formats if name in Image.OPEN]


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Lift Pillow's pixel limit and silence its warnings; the lock keeps threads from restoring each other's state."""
    with _PILLOW_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def read_json(path: Path, unreadable: type[BlockoutError]) -> dict[str, Any]:
    """Return the object that a JSON file holds; anything else raises ``unreadable``."""
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(f"{path}: this is not readable JSON ({reason_of(error)}); correct or delete it") from error
    if not isinstance(table, dict):
        raise unreadable(f'{path}: the JSON is a {type(table).__name__} where an object {{"name": value}} is needed')
    return table


def as_plane(array: np.ndarray, path: Path) -> np.ndarray:
    """Return (H, W) of an array of shape (H, W), (H, W, 1) or (1, H, W); refuse other shapes."""
    plane = array
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        plane = array[..., 0] if array.shape[2] == 1 else array[0]
    if plane.ndim != 2 or 0 in plane.shape:
        raise MapUnreadable(
            f"{path}: the array has shape {array.shape}, where (height, width) is needed; save one plane of numbers"
        )
    return plane
