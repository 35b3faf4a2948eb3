"""``blender --command blockout`` and headless.py: photos -> stage, .blend and picture, without an interface."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import bpy

from ..cli_options import parse_arguments
from ..errors import BlockoutError, Cancelled, OutputExists, OutputUnwritable, UsageError
from ..output import staged
from . import build

USAGE = "PHOTO... [-o OUT] [--blend FILE|FOLDER] [--render FILE|FOLDER] [any option of blockout build]"
RENDER_SAMPLES, RENDER_BOUNCES = 8, 1  # a look at shapes and colours, in seconds on a processor
LONGEST_RENDER_PX = 1280
LEAST_FREE_BYTES = 2**20  # with less, a disk is full


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving Blender."""
        raise UsageError(f"{message}; usage: {USAGE}.")


def run_command(words: list[str]) -> int:
    """Build blockouts of photos, each in a file of its own.

    Args:
        words: as after ``blockout build``, with --blend and --render, which take a folder for several photos.

    Returns:
        0 done, 1 bad data, 2 wrong usage, 130 interrupted.
    """
    try:
        return _run(words)
    except BlockoutError as error:
        print(f"blockout: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("blockout: interrupted, nothing was written.", file=sys.stderr)
        return Cancelled.exit_code


def _run(words: list[str]) -> int:
    parser = _Parser(prog="blockout", add_help=False, allow_abbrev=False)
    parser.add_argument("--blend", type=Path)
    parser.add_argument("--render", type=Path)
    parser.add_argument("-h", "--help", action="store_true")
    end = words.index("--") if "--" in words else len(words)
    ours, rest = parser.parse_known_args(words[:end])
    if ours.help:
        print(f"usage: {USAGE}")
        return 0
    rest += words[end:]
    asked = parse_arguments(["build", *rest])
    places = [_places(ours, Path(photo), len(asked.photos), asked.overwrite) for photo in asked.photos]
    if not (asked.output or ours.blend or ours.render):
        raise UsageError(f"nothing would be kept: give -o, --blend or --render; usage: {USAGE}.")
    run = build.start(rest)
    try:
        return _finish(run, dict(zip(asked.photos, places, strict=True)), quiet=asked.quiet)
    finally:
        run.close()


def _finish(run: build.Run, places: dict[str, tuple[Path | None, Path | None]], *, quiet: bool) -> int:
    """Wait for the worker, and save what it made."""
    run.wait()
    if not run.errors:
        run.check()
    for message, _ in run.errors:
        print(f"blockout: {message}", file=sys.stderr)
    for ready in run.ready:
        blend, render = places[ready["summary"]["photo"]]
        bpy.ops.wm.read_homefile(use_empty=True)  # keeps preferences and add-ons
        build.take_in(bpy.context.scene, ready)
        lines = [tuple(line) for line in ready["lines"] if line[0] != "wrote"]
        wrote = [file for file in ready["summary"]["files"] if not Path(file).is_relative_to(run.worker.folder)]
        wrote += [str(_save(_save_blend, blend, b"ENDB"))] if blend else []
        wrote += [str(_save(_save_render, render, b"IEND"))] if render else []
        for name, value in [] if quiet else [*lines, *(("wrote", file) for file in wrote)]:
            print(f"{name:<12} {value}")
    return max((code for _, code in run.errors), default=0)


def _places(ours: argparse.Namespace, photo: Path, count: int, overwrite: bool) -> tuple[Path | None, Path | None]:
    """Return the .blend and the picture of a photo, None where it is not asked for.

    Raises:
        UsageError: several photos would go to one file.
        OutputExists: a file is there already.
        OutputUnwritable: its folder is missing, or may not be written.
    """
    found: list[Path | None] = []
    for option, suffix in (("blend", ".blend"), ("render", ".png")):
        place = getattr(ours, option)
        if place is None:
            found.append(None)
            continue
        if place.is_dir():
            place = place / f"{photo.stem}{suffix}"
        elif count > 1:
            raise UsageError(
                f"--{option} {place} is one file, but {count} photos were given: name a folder that exists."
            )
        if place.exists() and not overwrite:
            raise OutputExists(f"{place} exists already: give --overwrite, or name another output.")
        folder = place.absolute().parent
        if not folder.is_dir():
            raise OutputUnwritable(f"{folder} is not a folder that exists: create it, or name another one.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputUnwritable(f"{folder} may not be written: change its permissions, or choose another folder.")
        found.append(place)
    return found[0], found[1]


def _save(how: Callable[[Path], None], file: Path, end: bytes) -> Path:
    """Save by one of the two functions below, whole or not at all.

    Args:
        how: is given the path; Blender raises RuntimeError for some failures, and takes a full disk for success.
        file: may be there.
        end: what the last bytes of a whole file hold.
    """
    with staged([file], overwrite=True) as place:
        made, reason = place(file), "it is not whole"
        try:
            how(made)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
        if not made.exists() or end not in made.read_bytes()[-64:]:
            if shutil.disk_usage(made.parent).free < LEAST_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(made))
            raise OutputUnwritable(f"{file} could not be written ({reason}): choose another folder.")
    return file


def _save_blend(file: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(file), check_existing=False, compress=False)


def _save_render(file: Path) -> None:
    """Render with Cycles, which needs neither a display nor a graphics card."""
    scene = bpy.context.scene
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.device = RENDER_SAMPLES, "CPU"
    scene.cycles.max_bounces, scene.cycles.use_denoising = RENDER_BOUNCES, False
    longer = max(render.resolution_x, render.resolution_y)
    render.resolution_percentage = min(100, max(1, 100 * LONGEST_RENDER_PX // longer))
    render.image_settings.file_format = "PNG"
    render.filepath = str(file)
    bpy.ops.render.render(write_still=True)
    render.resolution_percentage = 100
