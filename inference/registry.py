"""The estimators by name: plain tables from a name to what loads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Protocol

from ..errors import UnknownEstimator
from .prediction import Camera, Estimate, Photo

Task = Literal["depth", "segments"]
MAP_SUFFIXES: dict[Task, tuple[str, ...]] = {
    "depth": (".npy", ".npz", ".png", ".exr"),
    "segments": (".npy", ".png"),
}


class Estimator(Protocol):
    """What a loader returns.

    Attributes:
        name: as in the tables, for the summary.
        version: of its rules or weights.
        licence: of its weights, or of its code where it has none.
    """

    name: str
    version: str
    licence: str

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return what the estimator sees in a photo; its depth agrees with ``camera`` when one is known."""
        ...


Loader = Callable[[], Estimator]


def load_geometric() -> Estimator:
    """Return the estimator that needs no weights."""
    from .geometric import Geometric  # only here: listing the names must stay cheap

    return Geometric()


DEPTH_ESTIMATORS: dict[str, Loader] = {"geometric": load_geometric}
SEGMENT_ESTIMATORS: dict[str, Loader] = {"geometric": load_geometric}


def loaders_of(task: Task) -> Mapping[str, Loader]:
    """Return the table of a task."""
    return DEPTH_ESTIMATORS if task == "depth" else SEGMENT_ESTIMATORS


def resolve(argument: str, task: Task) -> Loader | Path:
    """Return what NAME|FILE means: an estimator's loader or the path of a map.

    A known name is the estimator, even beside a file that is called so (``./name`` is the file); else it is a file
    where there is one, or where the suffix is that of a map.

    Raises:
        UnknownEstimator: it is neither.
    """
    loaders = loaders_of(task)
    if argument in loaders:
        return loaders[argument]
    path = Path(argument)
    if path.suffix.lower() in MAP_SUFFIXES[task] or path.is_file():
        return path
    raise UnknownEstimator(
        f"--{task} {argument}: no estimator has this name and there is no such file; use {', '.join(sorted(loaders))}, "
        f"or a file ({', '.join(MAP_SUFFIXES[task])})"
    )
