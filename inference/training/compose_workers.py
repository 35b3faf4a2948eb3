"""Share out a recipe's chunks: among processes of this machine, or among the nodes of a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import cv2

from ...errors import WorkerLost
from .compose_layouts import make_writer
from .compose_pictures import Composer
from .compose_plan import Recipe

Count = Callable[[int], None]
POLL_SECONDS = 0.2
_given: list[tuple[Synchronized[int], Event]] = []  # by the parent, where this process is a worker


def run_chunks(recipe: Recipe, folder: Path, workers: int, ray_address: str | None, count: Count) -> int:
    """Make what is missing of a data set.

    Args:
        recipe: what to make.
        folder: exists, and is prepared.
        workers: processes on this machine; 1 works in this one.
        ray_address: of a Ray cluster, None for none.
        count: called with the number of samples that are done; an exception raised in it stops the work.

    Returns:
        How many samples were there.

    Raises:
        WorkerLost: a process was killed.
        BlockoutError: a picture cannot be read, or Ray is not there.
    """
    if ray_address is not None:
        from .compose_ray import run_on_ray

        return run_on_ray(recipe, folder, ray_address, count)
    if workers > 1:
        return _run_in_processes(recipe, folder, workers, count)
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        count(done)

    return sum(compose_chunk(recipe, folder, chunk, tell) for chunk in range(recipe.chunks))


def compose_chunk(recipe: Recipe, folder: Path, chunk: int, tell: Callable[[], None]) -> int:
    """Make what is missing of a chunk.

    Args:
        recipe: what to make.
        folder: of the data set.
        chunk: which one.
        tell: called after each sample, also those that were there; may raise to stop.

    Returns:
        How many of its samples were there.
    """
    cv2.setNumThreads(1)
    composer = _composer(recipe)
    with make_writer(recipe, folder, chunk) as writer:
        resumed = writer.done
        numbers = recipe.numbers(chunk)
        for _ in range(resumed):
            tell()
        for number in numbers[resumed:]:
            writer.add(composer.draw(number))
            tell()
        writer.finish()
    return resumed


@lru_cache(maxsize=1)
def _composer(recipe: Recipe) -> Composer:
    """Return the worker's composer: it keeps decoded pictures from chunk to chunk."""
    return Composer(recipe)


def _run_in_processes(recipe: Recipe, folder: Path, workers: int, count: Count) -> int:
    context = multiprocessing.get_context("spawn")  # forks of a process with threads may hang
    done, stop = context.Value("q", 0), context.Event()
    chunks = iter(range(recipe.chunks))
    pending: set[Future[int]] = set()
    resumed = 0
    pool = ProcessPoolExecutor(workers, context, _start_worker, (done, stop))
    try:
        while True:
            while len(pending) < 2 * workers and (chunk := next(chunks, None)) is not None:
                pending.add(pool.submit(_compose_in_worker, recipe, folder, chunk))
            if not pending:
                return resumed
            finished, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
            resumed += sum(future.result() for future in finished)
            count(done.value)
    except BrokenProcessPool as error:
        raise WorkerLost(
            f"a worker was killed after {done.value:,} composites, perhaps for want of memory: repeat the command, "
            "which goes on from there; with fewer --workers if it happens again."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _start_worker(done: Synchronized[int], stop: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    _given.append((done, stop))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent was killed, so that the next run has the files for itself."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class _Stopped(Exception):
    """The parent has no use for the work any more."""


def _compose_in_worker(recipe: Recipe, folder: Path, chunk: int) -> int:
    ((done, stop),) = _given

    def tell() -> None:
        with done.get_lock():
            done.value += 1
        if stop.is_set():
            raise _Stopped

    return compose_chunk(recipe, folder, chunk, tell)
