"""Make a data set of composites: repeatable whatever the number of workers, and resumable wherever it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ...errors import OutputExists, OutputUnwritable
from ..files import reason_of
from .compose_layouts import (
    DEPTH_STEP_M,
    JOURNALS,
    background_file,
    background_stem,
    encode_jpeg,
    flat_stem,
    foreground_stem,
    read_journals,
)
from .compose_material import select_material
from .compose_pictures import Composer, find_estimator
from .compose_plan import Recipe, plan
from .compose_workers import run_chunks

DESCRIPTION = "dataset.json"
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Composed:
    """What was made.

    Attributes:
        recipe: of the pictures that could serve.
        skipped: sentences, one for each picture that could not.
        resumed: how many samples an earlier run had made.
    """

    recipe: Recipe
    skipped: tuple[str, ...]
    resumed: int


def compose(
    recipe: Recipe,
    folder: Path,
    *,
    workers: int = 1,
    ray_address: str | None = None,
    keep_going: bool = False,
    progress: Progress | None = None,
) -> Composed:
    """Make the data set of a recipe, or what is left of it after an interruption.

    Args:
        recipe: what to make.
        folder: made when it is missing and its parent is there; new, or of the same recipe.
        workers: processes on this machine.
        ray_address: of a Ray cluster whose nodes see ``folder`` and the pictures under the same paths, "local" for
            one on this machine; None is no Ray.
        keep_going: whether pictures that cannot serve are skipped.
        progress: called with what is done and the share of it, 0 to 1; an exception raised in it stops the work.

    Raises:
        BlockoutError: a picture or folder cannot serve, the disk is full, a worker was lost; what was made until then
            stays, and the same call goes on from there.
    """
    report = progress or (lambda stage, fraction: None)
    find_estimator(recipe)
    report("pictures", 0.0)
    recipe, digest, skipped = select_material(recipe, workers, keep_going=keep_going)

    def count(done: int) -> None:
        report(f"{done:,} of {recipe.samples:,} composites", done / recipe.samples)

    with _named_errors(folder):
        if _prepare(recipe, folder, digest, skipped):
            return Composed(recipe, skipped, recipe.samples)
        resumed = run_chunks(recipe, folder, workers, ray_address, count)
        _write_lists(recipe, folder)
        _describe(recipe, folder, digest, skipped, complete=True)
        shutil.rmtree(folder / JOURNALS, ignore_errors=True)
    return Composed(recipe, skipped, resumed)


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    """Make a sentence of what the operating system says when the output cannot be written."""
    try:
        yield
    except OSError as error:
        free_mb = shutil.disk_usage(folder if folder.is_dir() else folder.absolute().parent).free / 1e6
        raise OutputUnwritable(
            f"{error.filename or folder} could not be written ({reason_of(error).lower()}; {free_mb:.1f} MB are free): "
            "make room or see to its permissions, then repeat the command, which goes on from there."
        ) from error


def _prepare(recipe: Recipe, folder: Path, digest: str, skipped: tuple[str, ...]) -> bool:
    """Make the folder, refuse that of another data set, write what all samples share; tell if all is there already."""
    if folder.exists() and not folder.is_dir():
        raise OutputUnwritable(f"{folder} is a file, where a folder is needed: name the output otherwise.")
    if folder.is_dir() and any(folder.iterdir()) and _require_same(recipe, folder, digest)["complete"]:
        return True
    if not folder.absolute().parent.is_dir():
        raise OutputUnwritable(f"{folder} cannot be made (no such folder as {folder.parent}): name one that exists.")
    folder.mkdir(exist_ok=True)
    _describe(recipe, folder, digest, skipped, complete=False)
    composer = Composer(replace(recipe, depth=None))
    for index in range(len(recipe.backgrounds)):
        path = folder / background_file(recipe, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(composer.background_bgr(index), recipe.quality))
    if recipe.layout == "flat":
        _write_foregrounds(recipe, folder)
    if recipe.layout != "shards":
        (folder / JOURNALS).mkdir(exist_ok=True)
    return False


def _require_same(recipe: Recipe, folder: Path, digest: str) -> dict[str, Any]:
    """Return the description of the data set in a folder; raise OutputExists where it is not the same."""
    try:
        there: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text())
    except (OSError, ValueError):
        raise OutputExists(f"{folder} holds other files already: name a new folder.") from None
    wanted = _describe_recipe(recipe, digest)
    other = [name for name, value in wanted.items() if there.get(name) != value]
    if other:
        what = ", ".join(f"{name} {there.get(name)!r} instead of {wanted[name]!r}" for name in other[:2])
        raise OutputExists(
            f"{folder} holds another data set ({what}): name a new folder, or repeat that one's options."
        )
    return there


def _describe_recipe(recipe: Recipe, digest: str) -> dict[str, Any]:
    record = asdict(recipe)
    for names in ("foregrounds", "backgrounds"):
        record[names] = [Path(path).name for path in record[names]]
    record["background_depths"] = recipe.background_depths and Path(recipe.background_depths).name
    record = {name: list(value) if isinstance(value, tuple) else value for name, value in record.items()}
    return {"made_by": "blockout dataset compose", "samples": recipe.samples, **record, "material": digest}


def _describe(recipe: Recipe, folder: Path, digest: str, skipped: tuple[str, ...], *, complete: bool) -> None:
    record = _describe_recipe(recipe, digest)
    record |= {"depth_step_m": DEPTH_STEP_M, "skipped": list(skipped), "complete": complete}
    part = folder / f".{DESCRIPTION}.part"
    part.write_text(json.dumps(record, indent=1) + "\n")
    part.replace(folder / DESCRIPTION)


def _write_foregrounds(recipe: Recipe, folder: Path) -> None:
    """Write the cut-outs and their masks, which the flat layout keeps beside the composites."""
    for name in ("fg", "fg_mask"):
        (folder / name).mkdir(exist_ok=True)
    for index, path in enumerate(recipe.foregrounds):
        stem = foreground_stem(recipe, index)
        with Image.open(path) as picture:
            rgba = picture.convert("RGBA")
        rgba.save(folder / "fg" / f"{stem}.png")
        mask = rgba.getchannel("A").point([255 * (value > 127) for value in range(256)])
        mask.save(folder / "fg_mask" / f"{stem}_mask.png")


def _write_lists(recipe: Recipe, folder: Path) -> None:
    """Write what names all samples of a data set of files."""
    if recipe.layout == "shards":
        return
    with (folder / "samples.jsonl").open("w") as samples:
        for record in read_journals(recipe, folder):
            samples.write(json.dumps(record) + "\n")
    if recipe.layout == "tree":
        return
    ends = ("", "_mask", "_depth_map") if recipe.has_depth else ("", "_mask")
    with (folder / "file_map.txt").open("w") as files, (folder / "bbox.txt").open("w") as boxes:
        for record in read_journals(recipe, folder):
            sample = plan(recipe, record["number"])
            stem = flat_stem(recipe, sample)
            row = [background_stem(recipe, sample.background), *(stem + end for end in ends)]
            files.write("\t".join(row) + "\n")
            boxes.write("\t".join([f"{stem}.jpeg", *map(str, record["box"])]) + "\n")
