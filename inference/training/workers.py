"""Share out a data set's parts among processes of this machine that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from ...errors import WorkerLost

Made = TypeVar("Made")
Tell = Callable[[int], None]
Work = Callable[[int, Tell], Made]  # of a part; tells how many of its samples are done, which may raise to stop it
POLL_SECONDS = 0.2
_given: list[tuple[Work[Any], Any, Any]] = []  # by the parent, where this process is a worker


class _Stopped(Exception):
    """The parent has no use for the work any more."""


def share_out(work: Work[Made], parts: Iterable[int], workers: int, count: Tell, samples: str) -> Iterator[Made]:
    """Make parts of a data set, several at once.

    Args:
        work: makes one; can be pickled when there are several workers.
        parts: their numbers.
        workers: processes; 1 works in this one.
        count: called with the number of samples that are done; an exception raised in it stops the work.
        samples: what they are called, in an error.

    Yields:
        What ``work`` returned for each part, in the order in which they become complete.

    Raises:
        WorkerLost: a process was killed.
    """
    if workers > 1:
        yield from _share_out_to_processes(work, iter(parts), workers, count, samples)
        return
    before = done = 0

    def tell(now: int) -> None:
        nonlocal done
        done = before + now
        count(done)

    for part in parts:
        before = done
        yield work(part, tell)


def _share_out_to_processes(
    work: Work[Made], parts: Iterator[int], workers: int, count: Tell, samples: str
) -> Iterator[Made]:
    """Do the same in processes.

    What they share with this one has no lock, for one who is killed would keep it: each part that is being made has a
    place of its own in ``done``.
    """
    context = multiprocessing.get_context("spawn")  # forks of a process with threads may hang
    done, stop = context.RawArray("q", 2 * workers), context.RawValue("b", 0)
    free, before = list(range(2 * workers)), 0
    pending: dict[Future[Made], int] = {}
    pool = ProcessPoolExecutor(workers, context, _start_worker, (work, done, stop))
    try:
        while True:
            while free and (part := next(parts, None)) is not None:
                place = free.pop()
                pending[pool.submit(_work, part, place)] = place
            if not pending:
                return
            for future in wait(pending, POLL_SECONDS, FIRST_COMPLETED).done:
                place = pending.pop(future)
                made = future.result()
                before, done[place] = before + done[place], 0
                free.append(place)
                yield made
            count(before + sum(done))
    except BrokenProcessPool as error:
        raise WorkerLost(
            f"a worker was killed after {before + sum(done):,} {samples}, perhaps for want of memory: repeat the "
            "command, which goes on from there; with fewer --workers if it happens again."
        ) from error
    finally:
        stop.value = 1
        pool.shutdown(cancel_futures=True)


def _start_worker(work: Work[Any], done: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    _given.append((work, done, stop))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent was killed, so that the next run has the files for itself."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(part: int, place: int) -> Any:
    ((work, done, stop),) = _given

    def tell(now: int) -> None:
        done[place] = now
        if stop.value:
            raise _Stopped

    return work(part, tell)
