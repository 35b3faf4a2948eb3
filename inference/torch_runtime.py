"""Where networks run: the device, the precision, and what happens when memory runs out."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import ModuleType
from typing import Any, TypeVar

from ..errors import DeviceUnusable, LibraryMissing, MemoryExhausted

Result = TypeVar("Result")
DEVICES = ("auto", "cpu", "cuda", "mps")
INSTALL = {
    "torch": "pip install 'blockout[torch]'",
    "h5py": "pip install 'blockout[torch]'",
    "transformers": "pip install 'blockout[torch]'",
    "onnxruntime": "pip install onnxruntime",
    "pydensecrf": "pip install 'blockout[crf]'",
}
_OUT_OF_MEMORY = (
    *("out of memory", "not enough memory", "can't allocate memory", "bad allocation"),
    *("bad_alloc", "failed to allocate"),  # ONNX Runtime
)

log = logging.getLogger(__name__)


def require(library: str, wanted_by: str) -> ModuleType:
    """Import an optional library.

    Args:
        library: a key of ``INSTALL``.
        wanted_by: the estimator that needs it, for the sentence.

    Raises:
        LibraryMissing: it is not installed, or does not load.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == library
        what = "is not installed" if absent else f"does not load ({' '.join(str(error).split())})"
        raise LibraryMissing(f"{wanted_by} needs the library {library}, which {what}: {INSTALL[library]}") from error


def choose_device(wanted: str) -> str:
    """Return "cpu", "cuda" or "mps"; "auto" takes the fastest that is there.

    Raises:
        DeviceUnusable: the device that was asked for is not there.
    """
    import torch

    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(device for device, is_there in has.items() if is_there)
    if not has.get(wanted, False):
        usable = ", ".join(device for device, is_there in has.items() if is_there)
        raise DeviceUnusable(f"--device {wanted}: torch {torch.__version__} finds no such device here; use {usable}")
    return wanted


def half_precision(device: str) -> Any:
    """Return a context in which matrix products run in half precision where the device is made for that.

    It is float16, not bfloat16, which keeps 3 digits of depth rather than 2; processors compute in float32.
    """
    import torch

    return nullcontext() if device == "cpu" else torch.autocast(device, torch.float16)


def run_within_memory(run: Callable[[int], Result], sizes: Sequence[int], unit: str = "px") -> tuple[Result, str]:
    """Run a network at the first of some sizes that fits into memory.

    Args:
        run: takes a size.
        sizes: what to try, falling: of a side of the picture, or of what is worked on at a time.
        unit: of the sizes, for the sentences.

    Returns:
        The result, and what to tell the user: "" where the first size did.

    Raises:
        MemoryExhausted: even the last one does not fit.
    """
    for size in sizes:
        try:
            result = run(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            log.warning("memory ran out at %d %s", size, unit)
            _give_memory_back()
            continue
        note = f"at {size} {unit}, since memory ran out at {sizes[0]}" if size != sizes[0] else ""
        return result, note
    raise MemoryExhausted(
        f"Memory ran out even at {sizes[-1]} {unit}; use a smaller model, close other programs, or use --device cpu."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of a library for networks means that memory ran out."""
    return isinstance(error, MemoryError) or any(mark in str(error).lower() for mark in _OUT_OF_MEMORY)


def _give_memory_back() -> None:
    import gc

    gc.collect()
    torch = sys.modules.get("torch")  # ONNX Runtime does without
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
