"""Synthetic scenes on disk: shards of plain arrays that are made once, resumed by shard, and mapped into memory."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetUnusable
from .material_folder import FREE
from .workers import Tell, share_out

SHARD = 128  # scenes, unless a data set says otherwise
SIZES = ((192, 256), (192, 256), (160, 288), (192, 256), (256, 192), (192, 256), (160, 256), (128, 384))  # px, in turn
BATCH = 8
ARRAYS = ("rgb", "depth", "ids", "labels", "normal", "camera")
Progress = Callable[[int, int], None]


def synthesize(
    folder: Path,
    count: int,
    seed: int = 0,
    pack: Path | None = None,
    workers: int = 1,
    held_out: bool = False,
    progress: Progress | None = None,
    shard: int = SHARD,
    licences: tuple[str, ...] = FREE,
    cycles: float = 0.0,
) -> int:
    """Make the scenes 0 to ``count`` of a seed, in shards; those that are there already stay.

    Args:
        folder: made when it is missing.
        count: of scenes, rounded up to whole shards.
        seed: with a scene's number it decides everything about it.
        pack: folder of textures, skies and models; None draws patterns.
        workers: processes, one thread each; 1 works in this one.
        held_out: use the files that are kept for evaluation.
        progress: called with scenes done and scenes wanted; an exception raised in it stops the work.
        shard: scenes in each.
        licences: of the pack's files that may be used.
        cycles: share of scenes that Cycles lights, by the Python with bpy that BLOCKOUT_BPY_PYTHON names.

    Returns:
        How many shards were made now.

    Raises:
        DatasetUnusable: the folder holds scenes of another seed or material, the pack has nothing that may be used, or
            there is no Cycles.
        WorkerLost: a process was killed.
    """
    if cycles:
        from .cycles import find_python

        find_python()
    facts = {"seed": seed, "held_out": held_out, "pack": pack is not None, "shard": shard, "cycles": cycles}
    _claim(folder, facts | {"licences": list(licences) if pack else []})
    wanted = range(-(-count // shard))
    missing = [number for number in wanted if not _shard(folder, number).is_dir()]
    before = shard * (len(wanted) - len(missing))

    def tell(done: int) -> None:
        if progress:
            progress(before + done, shard * len(wanted))

    work = partial(_make_shard, folder, shard, (pack, seed, held_out, "cpu", licences, cycles))
    return len(list(share_out(work, missing, workers, tell, "scenes")))


def _claim(folder: Path, facts: dict[str, object]) -> None:
    """Write what the folder's scenes are made of, or make sure that it says the same."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scenes.json"
    if not path.is_file():
        path.write_text(json.dumps(facts))
    elif json.loads(path.read_text()) != facts:
        raise DatasetUnusable(f"{folder} holds scenes made otherwise ({path.read_text()}): name another folder.")


def _shard(folder: Path, number: int) -> Path:
    return folder / f"scenes-{number:05d}"


@lru_cache(maxsize=1)
def _open_studio(*made_by: Any) -> Any:
    """Return the process's studio: the material is read once."""
    from .synthesis import Studio

    return Studio(*made_by)


def _make_shard(folder: Path, shard: int, made_by: tuple[Any, ...], number: int, tell: Tell) -> None:
    import torch

    studio, size, batches = _open_studio(*made_by), SIZES[number % len(SIZES)], []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same sums in the same order, whatever the machine
    try:
        for done in range(0, shard, BATCH):
            numbers = [number * shard + i for i in range(done, min(done + BATCH, shard))]
            batches.append(pack_arrays(studio.make(numbers, size)))
            tell(done + len(numbers))
    finally:
        torch.set_num_threads(threads)
    write_shard(_shard(folder, number), batches)


def pack_arrays(scenes: object) -> dict[str, np.ndarray]:
    """Return what a shard keeps of ``synthesis.Scenes``, smaller: log depth in halves, kind and shape in one byte."""
    values = {name: value.cpu().numpy() for name, value in vars(scenes).items()}
    return {
        "rgb": values["rgb"],
        "depth": np.log(values["depth"]).astype(np.float16),
        "ids": values["ids"].astype(np.uint16),
        "labels": values["kind"] + 16 * values["shape"],
        "normal": np.round(values["normal"] * 127).astype(np.int8),
        "camera": np.concatenate([values["camera"], values["down"]], axis=1).astype(np.float32),
    }


def write_shard(path: Path, batches: list[dict[str, np.ndarray]]) -> None:
    """Write a shard that is either whole or not there."""
    staging = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for name in ARRAYS:
            np.save(staging / f"{name}.npy", np.concatenate([batch[name] for batch in batches]))
        staging.replace(path)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


class SceneShards:
    """The shards of a folder, mapped into memory.

    Attributes:
        shards: the arrays of each shard by name.
        lengths: scenes in each.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("scenes-*"))
        if not paths:
            raise DatasetUnusable(
                f"{folder} holds no scenes: make some with 'blockout dataset synthesize -o {folder}'."
            )
        self.shards = [{name: np.load(path / f"{name}.npy", mmap_mode="r") for name in ARRAYS} for path in paths]
        self.lengths = [len(shard["rgb"]) for shard in self.shards]

    def batch(self, shard: int, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the arrays of some rows of a shard."""
        rows = np.sort(rows)
        return {name: np.asarray(array[rows]) for name, array in self.shards[shard].items()}
