"""Batches made while the network learns from the one before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """Makes things by number in one thread of its own, the next while this one is in use: what ``make`` opens is never
    used by two threads at once."""

    def __init__(self, make: Callable[[int], Made]) -> None:
        self._make, self._thread = make, ThreadPoolExecutor(1, "ahead")
        self._coming: tuple[int, Future[Made]] | None = None

    def take(self, number: int, following: int | None = None) -> Made:
        """Return number ``number``, begun before or not, and begin ``following``.

        Raises:
            Exception: whatever ``make`` raised for that number.
        """
        if self._coming and self._coming[0] == number:
            made = self._coming[1]
        else:
            made = self._thread.submit(self._make, number)
            if self._coming and following is not None:
                self._coming[1].cancel()
        if following is not None:
            self._coming = following, self._thread.submit(self._make, following)
        return made.result()
