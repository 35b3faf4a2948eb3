"""How far the work is, passed on, and how long and how much memory each stage of it takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from .inference.peak_memory import forget_peak, read_peak_mb

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]


class Stopwatch:
    """A progress callback that passes on what it hears and keeps the time of each stage of the work.

    With it the count of memory begins anew.

    Attributes:
        seconds: by stage, in the order of their beginnings.
    """

    def __init__(self, progress: Progress | None) -> None:
        forget_peak()
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._last = time.perf_counter()
        self._stage = ""

    def __call__(self, stage: str, fraction: float) -> None:
        """Count the time since the last call to the stage that was under way then."""
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] += now - self._last
        if stage != self._stage:
            self.seconds.setdefault(stage, 0.0)
            log.debug("%s begins", stage)
        self._stage, self._last = stage, now
        if self._progress:
            self._progress(stage, fraction)

    def part(self, start: float, end: float) -> Progress:
        """Return a callback for a part of the work, which counts its own share from 0 to 1."""
        return lambda stage, fraction: self(stage, start + (end - start) * fraction)

    def record(self) -> dict[str, Any]:
        """Return seconds and memory so far, as JSON can hold them."""
        seconds = {stage: round(value, 3) for stage, value in self.seconds.items()}
        total = round(sum(seconds.values()), 3)
        return {"seconds": seconds, "total_seconds": total, "peak_memory_mb": read_peak_mb()}
