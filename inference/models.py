"""Which estimators are on this machine, and how fast they are here: for ``blockout models``."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BlockoutError
from .catalogue import ENTRIES, Entry
from .hub import cached_folder, read_config, read_licence
from .peak_memory import forget_peak, read_peak_mb
from .prediction import Photo
from .registry import Task, loaders_of, networks_of, resolve

TIMED_SIZE = (768, 1024)  # height, width px of the picture that is timed
_TASK_OF_ARCHITECTURE: dict[str, Task] = {"DepthEstimation": "depth", "Segmentation": "segments"}


@dataclass(frozen=True)
class Model:
    """An estimator and its state here.

    Attributes:
        entry: what it is.
        present: whether it can run now; None where it takes a path that the user has to give.
        seconds: for one picture, loading left out; None where it was not measured.
        problem: why it could not be measured, in one sentence.
        peak_memory_mb: of the process and the graphics card meanwhile, loading included; empty where not measured.
    """

    entry: Entry
    present: bool | None
    seconds: float | None = None
    problem: str = ""
    peak_memory_mb: dict[str, int] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return asdict(self.entry) | {name: value for name, value in asdict(self).items() if name != "entry"}


def list_models() -> list[Model]:
    """Return the estimators of the tables, and further models of the hub that are in the local cache."""
    return [Model(entry, _is_present(entry)) for entry in (*ENTRIES, *_other_cached())]


def measure_models(models: list[Model], arguments: list[str], device: str = "auto") -> list[Model]:
    """Return models with their seconds for one picture.

    Args:
        models: of ``list_models``.
        arguments: what to measure, as after --depth or --segments; none for all models that are present.
        device: what networks run on.
    """
    if not arguments:
        return [_measured(model, model.entry.name, device) if model.present else model for model in models]
    by_name = {model.entry.name: model for model in models}
    found = []
    for argument in arguments:
        name, _, given = argument.partition(":")
        model = by_name.get(name) or Model(Entry(argument, "", argument, "", "", is_hub=False), None)
        entry = replace(model.entry, weights=given or model.entry.weights)
        found.append(_measured(Model(entry, model.present), argument, device))
    return found


def _measured(model: Model, argument: str, device: str) -> Model:
    seconds = []
    forget_peak()
    try:
        for task in tasks_of(argument):
            seconds.append(time_model(argument, task, device))
            if argument in loaders_of(task):
                break  # it does both in one go
    except BlockoutError as error:
        if not seconds:
            return replace(model, problem=str(error))
    return replace(model, present=True, seconds=round(min(seconds), 3), peak_memory_mb=read_peak_mb())


def time_model(argument: str, task: Task, device: str = "auto") -> float:
    """Return how many seconds an estimator takes for a picture of ``TIMED_SIZE``: the better of two runs.

    Args:
        argument: as after --depth or --segments.
        task: of the two.
        device: what a network runs on.

    Raises:
        BlockoutError: it cannot be loaded or run.
    """
    load = resolve(argument, task, device)
    assert not isinstance(load, Path), "a map has no speed"
    estimator = load()
    photo = _make_picture()
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        estimator.predict(photo, None)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def tasks_of(argument: str) -> list[Task]:
    """Return the tasks that an estimator has by its name; both where the name does not tell."""
    name = argument.partition(":")[0]
    tasks: tuple[Task, ...] = ("depth", "segments")
    found = [task for task in tasks if name in loaders_of(task) or name in networks_of(task)]
    return found or list(tasks)


def _is_present(entry: Entry) -> bool | None:
    if not entry.weights:
        return True
    return cached_folder(entry.weights) is not None if entry.is_hub else None


def _other_cached() -> list[Entry]:
    """Return the depth and segmentation models in the local cache that no entry names."""
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError:
        return []
    try:
        cached = sorted(scan_cache_dir().repos, key=lambda repo: repo.repo_id)
    except CacheNotFound:
        return []
    named = {entry.weights for entry in ENTRIES}
    others = []
    for repo in cached:
        folder = cached_folder(repo.repo_id) if repo.repo_type == "model" and repo.repo_id not in named else None
        if folder is None:
            continue
        made_for = " ".join(read_config(folder).get("architectures") or [])
        task = next((task for word, task in _TASK_OF_ARCHITECTURE.items() if word in made_for), None)
        if task:
            size = f"{repo.size_on_disk / 1e6:.0f} MB"
            others.append(Entry(repo.repo_id, task, repo.repo_id, size, read_licence(folder, repo.repo_id)))
    return others


def _make_picture() -> Photo:
    """Return a picture with some structure; what networks make of it does not matter, how long they take does."""
    height, width = TIMED_SIZE
    row, column = np.mgrid[:height, :width]
    checker = ((row // 64 + column // 64) % 2 * 120).astype(np.uint8)
    return Photo(
        np.stack([checker, (row * 255 // height).astype(np.uint8), (column * 255 // width).astype(np.uint8)], -1)
    )
