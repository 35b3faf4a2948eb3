"""How much memory the work took at its peak: the process's, and that of the graphics card where a network ran there."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Begin to count anew; where the system cannot, the peak is that of the process since it began."""
    with contextlib.suppress(OSError):
        _RESET.write_text("5")
    if _uses_cuda():
        sys.modules["torch"].cuda.reset_peak_memory_stats()


def read_peak_mb() -> dict[str, int]:
    """Return the peak in megabytes of 2^20 bytes: "process", and "cuda" where a network ran there.

    "process" is left out where the system does not tell.
    """
    peaks = {}
    process = _process_mb()
    if process:
        peaks["process"] = process
    if _uses_cuda():
        peaks["cuda"] = round(sys.modules["torch"].cuda.max_memory_allocated() / 2**20)
    return peaks


def _process_mb() -> int | None:
    try:
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024)
    except (OSError, StopIteration):
        pass
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def _uses_cuda() -> bool:
    torch = sys.modules.get("torch")  # whoever did not import it did not use it
    return torch is not None and bool(torch.cuda.is_available() and torch.cuda.is_initialized())
