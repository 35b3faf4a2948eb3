"""Share out a recipe's chunks among the nodes of a Ray cluster: the extra ``blockout[ray]``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...errors import LibraryMissing, UsageError, WorkerLost
from ..files import reason_of
from .compose_plan import Recipe

LOCAL = "local"  # Ray's own word for a cluster of this machine alone


def run_on_ray(recipe: Recipe, folder: Path, address: str, count: Callable[[int], None]) -> int:
    """Make what is missing of a data set on a cluster; see ``compose_workers.run_chunks``.

    Each node needs Blockout, and folder and pictures under the same paths.

    Args:
        recipe: what to make.
        folder: exists, and is prepared.
        address: as of ``ray.init``: "auto", HOST:PORT, ray://HOST:PORT, or "local".
        count: called with the number of samples that are done, as chunks become complete.

    Returns:
        How many samples were there.

    Raises:
        LibraryMissing: Ray is not installed.
        UsageError: no cluster answers there.
        WorkerLost: a node or a process of it was lost too often.
    """
    try:
        import ray
    except ImportError:
        raise LibraryMissing("--ray needs Ray, which is not installed: pip install 'blockout[ray]'.") from None
    was_there = ray.is_initialized()
    try:
        if not was_there:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise UsageError(
            f"--ray {address}: no cluster answers there ({reason_of(error)}); start one with: ray start --head."
        ) from error
    try:
        return _share_out(recipe, folder.absolute(), count)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError) as error:
        raise WorkerLost(
            f"a worker of the cluster was lost ({type(error).__name__}): repeat the command, which goes on."
        ) from error
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    finally:
        if not was_there:
            ray.shutdown()


def _share_out(recipe: Recipe, folder: Path, count: Callable[[int], None]) -> int:
    import ray

    from .compose_workers import compose_chunk

    @ray.remote(num_cpus=1, max_retries=0)
    def work(recipe: Recipe, chunk: int) -> tuple[int, int]:
        resumed = compose_chunk(recipe, folder, chunk, lambda done: None)
        return resumed, len(recipe.numbers(chunk))

    stored = ray.put(recipe)
    at_once = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
    chunks = iter(range(recipe.chunks))
    pending: list[ray.ObjectRef[tuple[int, int]]] = []
    resumed = done = 0
    while True:
        while len(pending) < at_once and (chunk := next(chunks, None)) is not None:
            pending.append(work.remote(stored, chunk))
        if not pending:
            return resumed
        finished, pending = ray.wait(pending)
        for there, made in ray.get(finished):
            resumed, done = resumed + there, done + made
        count(done)
