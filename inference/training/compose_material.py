"""Find the pictures that a data set is made of, and look at each of them once before the work begins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ...errors import BlockoutError, MaterialUnusable
from ..photo import FORMATS
from .compose_pictures import find_depth, read_background, read_cut_out
from .compose_plan import Recipe
from .material_folder import ANY, INDEX, MaterialFolder, is_held_out

PARTS = ("all", "training", "evaluation")


def list_pictures(folder: Path, what: str, licences: tuple[str, ...] = (ANY,), part: str = PARTS[0]) -> tuple[str, ...]:
    """Return the paths of a folder's pictures in the order of their names.

    Args:
        folder: of pictures; its parent may have an index.csv, which tells their licences.
        what: they are to be, for a sentence.
        licences: only pictures under one of these are taken, by their name without version; without an index all are.
        part: "training" leaves out the eighth that is kept for evaluation, "evaluation" takes no other.

    Raises:
        MaterialUnusable: it is no folder, or holds none that may be used.
    """
    if not folder.is_dir():
        raise MaterialUnusable(f"{folder}: there is no such folder; name the one that holds the {what}")
    Image.init()
    suffixes = {suffix for suffix, name in Image.EXTENSION.items() if name in FORMATS}
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file())
    if not found:
        raise MaterialUnusable(f"{folder} holds no picture; put the {what} there, as PNG or JPEG for example")
    material = MaterialFolder(folder.absolute().parent, licences)
    has_index = (material.path / INDEX).is_file()
    chosen = [path for path in found if not has_index or material.allows(path.absolute())]
    if part != PARTS[0]:
        chosen = [path for path in chosen if is_held_out(path.name) == (part == "evaluation")]
    if not chosen:
        raise MaterialUnusable(
            f"{folder}: none of {len(found)} pictures is of the part '{part}' and listed under {', '.join(licences)} "
            f"in {material.path / INDEX}; list them there, or allow other licences or parts"
        )
    return tuple(map(str, chosen))


def select_material(recipe: Recipe, threads: int, *, keep_going: bool) -> tuple[Recipe, str, tuple[str, ...]]:
    """Decode each picture once.

    Args:
        recipe: names all pictures.
        threads: how many are decoded at once.
        keep_going: whether those that cannot serve are skipped.

    Returns:
        The recipe of those that serve, a digest of their bytes, and a sentence for each of the others.

    Raises:
        BlockoutError: the first that cannot serve, or none can.
    """

    def check_foreground(path: str) -> str:
        read_cut_out(Path(path), recipe.size)
        return _digest(Path(path))

    def check_background(path: str) -> str:
        read_background(Path(path), recipe.size)
        digest = _digest(Path(path))
        if recipe.background_depths is None:
            return digest
        return digest + _digest(find_depth(Path(recipe.background_depths), Path(path)))

    foregrounds, found, wrong = _check(recipe.foregrounds, check_foreground, threads, keep_going)
    backgrounds, more, also_wrong = _check(recipe.backgrounds, check_background, threads, keep_going)
    for kept, given, reasons in (
        (foregrounds, recipe.foregrounds, wrong),
        (backgrounds, recipe.backgrounds, also_wrong),
    ):
        if not kept:
            raise MaterialUnusable(f"none of {len(given)} pictures can serve; the first: {reasons[0]}")
    digest = hashlib.sha256("".join(found + more).encode()).hexdigest()
    return replace(recipe, foregrounds=foregrounds, backgrounds=backgrounds), digest, wrong + also_wrong


def _check(
    paths: Sequence[str], check: Callable[[str], str], threads: int, keep_going: bool
) -> tuple[tuple[str, ...], list[str], tuple[str, ...]]:
    def attempt(path: str) -> tuple[str, str | BlockoutError]:
        try:
            return path, check(path)
        except BlockoutError as error:
            if not keep_going:
                raise
            return path, error

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(attempt, paths))
    good = [(path, result) for path, result in results if isinstance(result, str)]
    wrong = tuple(str(result) for _, result in results if not isinstance(result, str))
    return tuple(path for path, _ in good), [digest for _, digest in good], wrong


def _digest(path: Path) -> str:
    return f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()} "
