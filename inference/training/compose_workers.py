"""Share out a recipe's chunks: among processes of this machine, or among the nodes of a Ray cluster."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import cv2

from .compose_layouts import make_writer
from .compose_pictures import Composer
from .compose_plan import Recipe
from .workers import Tell, share_out


def run_chunks(recipe: Recipe, folder: Path, workers: int, ray_address: str | None, count: Tell) -> int:
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
    work = partial(compose_chunk, recipe, folder)
    return sum(share_out(work, range(recipe.chunks), workers, count, "composites"))


def compose_chunk(recipe: Recipe, folder: Path, chunk: int, tell: Tell) -> int:
    """Make what is missing of a chunk.

    Args:
        recipe: what to make.
        folder: of the data set.
        chunk: which one.
        tell: called with the number of samples done, also those that were there; may raise to stop.

    Returns:
        How many of its samples were there.
    """
    cv2.setNumThreads(1)
    composer = _composer(recipe)
    with make_writer(recipe, folder, chunk) as writer:
        resumed = writer.done
        numbers = recipe.numbers(chunk)
        tell(resumed)
        for done, number in enumerate(numbers[resumed:], resumed + 1):
            writer.add(composer.draw(number))
            tell(done)
        writer.finish()
    return resumed


@lru_cache(maxsize=1)
def _composer(recipe: Recipe) -> Composer:
    """Return the worker's composer: it keeps decoded pictures from chunk to chunk."""
    return Composer(recipe)
