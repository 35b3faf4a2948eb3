"""Writing a set of files so that all of them appear, or none."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .errors import OutputExists, OutputUnwritable, UsageError

Place = Callable[[Path], Path]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def staged(files: Sequence[Path], *, overwrite: bool, optional: Sequence[Path] = ()) -> Iterator[Place]:
    """Write files in hidden folders first, and move all of them to their places when the block ends well.

    The hidden folder lies beside the outputs, on the same file system, so that moving is renaming. When the block or
    a move fails, or is interrupted, everything is put back as it was.

    Args:
        files: final paths, in the order in which they shall appear, the stage last; the block writes each of them.
        overwrite: whether files that exist may be replaced.
        optional: others, which the block may write; they appear first.

    Yields:
        A function from the final path of a file to the path to write it to until then. Files that are near each other
        stay so: textures/photo.jpg lies in the folder textures beside its stage there too.

    Raises:
        UsageError: the same path is given twice.
        OutputExists: one of ``files`` is there and ``overwrite`` is False.
        OutputUnwritable: a folder is missing or may not be written, the disk is full, or a folder has a file's name.
    """
    optional = [file.absolute() for file in optional]
    files = [*optional, *(file.absolute() for file in files)]
    roots = _find_roots(files)
    _refuse_beforehand(files, set(roots.values()), overwrite)
    with ExitStack() as stack:
        hidden = {root: _make_hidden_folder(root, stack) for root in dict.fromkeys(roots.values())}

        def place(file: Path) -> Path:
            root = roots[file.absolute()]
            path = hidden[root] / file.absolute().relative_to(root)
            path.parent.mkdir(parents=True, exist_ok=True)
            return path

        try:
            yield place
            _move([(place(file), file) for file in files if file not in optional or place(file).exists()])
        except OSError as error:
            _explain(error, hidden)
            raise


def _find_roots(files: Sequence[Path]) -> dict[Path, Path]:
    """Return for each file the outermost folder of any of the files that holds it."""
    folders = sorted({file.parent for file in files}, key=lambda folder: len(folder.parts))
    return {file: next(folder for folder in folders if file.is_relative_to(folder)) for file in files}


def _refuse_beforehand(files: Sequence[Path], roots: set[Path], overwrite: bool) -> None:
    """Raise what can be known before any work is done."""
    for root in sorted(roots):
        if not root.is_dir():
            raise OutputUnwritable(f"{root} is not a folder that exists: create it, or name another one.")
        if not os.access(root, os.W_OK | os.X_OK):
            raise OutputUnwritable(f"{root} may not be written: change its permissions, or choose another folder.")
    odd = next((file for file in files if file != Path(os.fsdecode(str(file).encode("utf-8", "replace")))), None)
    if odd:
        raise OutputUnwritable(
            f"{str(odd)!r} is not UTF-8, which USD asks of paths: name the output otherwise with -o."
        )
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice:
        raise UsageError(f"{twice} is named for two different outputs: give one of them another name.")
    folder = next((file for file in files if file.is_dir()), None)
    if folder:
        raise OutputUnwritable(f"{folder} is a folder, where a file has to be written: name the output otherwise.")
    there = [str(file) for file in files if os.path.lexists(file)]
    if there and not overwrite:
        verb = "exists" if len(there) == 1 else "exist"
        raise OutputExists(f"{', '.join(there)} {verb} already: give --overwrite, or name another output.")


def _make_hidden_folder(root: Path, stack: ExitStack) -> Path:
    try:
        temporary = tempfile.TemporaryDirectory(dir=root, prefix=".blockout-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputUnwritable(_sentence(root, error, root)) from error
    return Path(stack.enter_context(temporary))


def _move(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename each source to its target, or none: what stood there waits beside the source until all are done."""
    with ExitStack() as undo:
        for source, target in moves:
            if not target.parent.is_dir():
                target.parent.mkdir()
                undo.callback(_remove_if_empty, target.parent)
            if os.path.lexists(target):
                waiting = source.with_name(f"{source.name}.replaced")
                undo.callback(_put_back, waiting, target)  # before the move: an interruption may come between
                target.rename(waiting)
            else:
                undo.callback(target.unlink, missing_ok=True)
            source.rename(target)
        undo.pop_all()


def _put_back(waiting: Path, target: Path) -> None:
    if os.path.lexists(waiting):
        waiting.replace(target)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _explain(error: OSError, hidden: dict[Path, Path]) -> None:
    """Raise ``OutputUnwritable`` if an error comes from writing the outputs."""
    for root, folder in hidden.items():
        named = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if name]
        inside = next((name for name in named if name.is_relative_to(folder)), None)
        if inside:
            raise OutputUnwritable(_sentence(root / inside.relative_to(folder), error, root)) from error
    if error.errno in FULL:  # a write to an open file does not name it
        root = next(iter(hidden))
        raise OutputUnwritable(_sentence(root, error, root)) from error


def _sentence(output: Path, error: OSError, root: Path) -> str:
    free_mb = shutil.disk_usage(root).free / 1e6
    reason = (error.strerror or str(error)).lower()
    remedy = "make room there" if error.errno in FULL else "see to its permissions"
    return f"{output} could not be written ({reason}; {free_mb:.1f} MB are free): {remedy}, or choose another folder."
