"""The command line: arguments -> pipeline -> exit code; with console.py the only place that prints."""

from __future__ import annotations

import argparse
import io
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .cli_options import NOTHING_WRITTEN, Stopped, parse_arguments
from .errors import BlockoutError, Cancelled, UsageError

if TYPE_CHECKING:
    from .console import Console, Outcome
    from .inference.predict import Request
    from .pipeline import BuildOptions
    from .stopwatch import Progress
    from .summary import Summary


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after the program's name; None takes the process's own.

    Returns:
        0 done, 1 bad data, 2 wrong usage, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be text
    with _stoppable() as was_stopped:
        when_stopped = NOTHING_WRITTEN
        try:
            arguments = parse_arguments(argv)
            when_stopped = getattr(arguments, "when_stopped", NOTHING_WRITTEN)
            if "run" in arguments:  # a command that is not about photos
                return int(arguments.run(arguments, was_stopped))
            if arguments.command == "models":
                return _run_models(arguments)
            _check_combination(arguments)
            return _run(arguments, was_stopped)
        except SystemExit as said:  # --help and --version have printed what was asked
            return int(said.code or 0)
        except (BlockoutError, KeyboardInterrupt) as error:  # not of the work on one photo
            if was_stopped() or not isinstance(error, BlockoutError):
                error = Cancelled(f"interrupted: {when_stopped}.")
            print(f"blockout: {error}", file=sys.stderr)
            return error.exit_code


def _run(arguments: argparse.Namespace, was_stopped: Stopped) -> int:
    """Work on photo after photo; bad data ends one of them, wrong usage and an interruption end all."""
    from .console import make_console

    outcomes: list[Outcome] = []
    with make_console(arguments) as console:
        with _output_folder(arguments):
            for photo in arguments.photos:
                outcomes.append(_attempt(Path(photo), arguments, console, was_stopped))
                if outcomes[-1].exit_code > 1:
                    break
        console.finish(outcomes)
    return max(outcome.exit_code for outcome in outcomes)


def _run_models(arguments: argparse.Namespace) -> int:
    """List, measure or fetch models."""
    from .console import print_models
    from .inference.catalogue import DEFAULT_MODEL
    from .inference.hub import fetch
    from .inference.models import list_models, measure_models

    if arguments.action == "fetch":
        folder = fetch(DEFAULT_MODEL.get(arguments.id, arguments.id))
        print(f"{arguments.id} is in {folder}")
        return 0
    models = list_models()
    if arguments.time is not None:
        models = measure_models(models, arguments.time, arguments.device)
    print_models(models, as_json=arguments.json)
    return 0


def _check_combination(arguments: argparse.Namespace) -> None:
    """Raise UsageError where several photos and an option made for one meet."""
    if len(arguments.photos) == 1:
        return
    for option in ("depth", "segments", "vanishing-lines", "clean-plate", "cubes"):
        value = getattr(arguments, option.replace("-", "_"))
        if value and (option == "cubes" or Path(value).is_file()):  # an estimator's name suits them all
            raise UsageError(f"--{option} {value} belongs to one photo, but {len(arguments.photos)} were given.")
    first_with: dict[str, str] = {}
    for photo in arguments.photos:
        other = first_with.setdefault(Path(photo).stem, photo)
        if other != photo:
            raise UsageError(f"{other} and {photo} would give stages of the same name; build them one after the other.")
    from .pipeline import STAGE_SUFFIXES

    if arguments.output and arguments.output.suffix in STAGE_SUFFIXES:
        raise UsageError(f"-o {arguments.output} is one stage, but several photos were given; name a folder.")


def _attempt(photo: Path, arguments: argparse.Namespace, console: Console, was_stopped: Stopped) -> Outcome:
    """Do one photo's work and tell how it ended."""
    from .console import Outcome

    try:
        summary = _work(photo, arguments, console.watch(photo, was_stopped))
        errors = [row["error"] for row in summary.get("rows", ()) if "error" in row]
        outcome = Outcome(photo, "\n".join(errors), int(bool(errors)), summary)
    except BaseException as error:  # noqa: BLE001  the last line of defence: users get a sentence, never a traceback
        if was_stopped() or isinstance(error, KeyboardInterrupt):  # a library may make another error of it
            outcome = Outcome(photo, f"{photo}: interrupted: {NOTHING_WRITTEN}.", Cancelled.exit_code)
        elif isinstance(error, BlockoutError):
            outcome = Outcome(photo, str(error), error.exit_code)
        elif isinstance(error, MemoryError):
            needs = f"{photo} needs more memory than is free"
            outcome = Outcome(photo, f"{needs}: close other programs, or give a photo of fewer megapixels.", 1)
        else:
            console.trace(error)
            what = " ".join(f"{photo}: {type(error).__name__}: {error}".split())
            outcome = Outcome(photo, f"{what}; this is our mistake, please report it with what --verbose prints.", 1)
    console.end(outcome)
    return outcome


def _work(photo: Path, arguments: argparse.Namespace, progress: Progress) -> Summary:
    from .pipeline import photo_to_usd, predict_to_folder

    if arguments.command == "predict":
        request = _read_request(arguments)
        return predict_to_folder(photo, arguments.output, request, progress, overwrite=arguments.overwrite)
    if arguments.command == "compare":
        from .comparison import compare_estimators

        request = _read_request(arguments, depth="", segments="")
        depths, segments = arguments.depth, arguments.segments
        return compare_estimators(
            photo, depths, segments, arguments.output, request, progress, overwrite=arguments.overwrite
        )
    return photo_to_usd(photo, arguments.output, _read_options(arguments), progress).summary


def _read_request(arguments: argparse.Namespace, **given: str) -> Request:
    from .inference.predict import Request

    return Request(
        depth=given.get("depth", arguments.depth),
        segments=given.get("segments", arguments.segments),
        depth_scale_m=arguments.depth_scale,
        depth_kind=arguments.depth_kind,
        camera_file=arguments.camera,
        fov_deg=arguments.fov,
        focal_mm=arguments.focal_mm,
        lines_file=arguments.vanishing_lines,
        device=arguments.device,
        clean_plate=arguments.clean_plate,
        pair_network=arguments.pair_network,
    )


def _read_options(arguments: argparse.Namespace) -> BuildOptions:
    from .pipeline import BuildOptions
    from .reconstruct.settings import Settings

    return BuildOptions(
        request=_read_request(arguments),
        settings=Settings(
            detail=arguments.detail,
            shapes=arguments.shapes,
            scale_factor=arguments.scale,
            scale_reference=arguments.scale_reference,
        ),
        units=arguments.units,
        up=arguments.up,
        texture=arguments.texture,
        backdrop=arguments.backdrop,
        tint_guessed=arguments.tint_guessed,
        overwrite=arguments.overwrite,
        keep_maps=arguments.keep_maps,
        preview=arguments.preview,
        cubes=arguments.cubes,
        maya_script=arguments.maya_script,
    )


@contextmanager
def _output_folder(arguments: argparse.Namespace) -> Iterator[None]:
    """Make the folder that several photos were asked to go to."""
    if len(arguments.photos) == 1 or not arguments.output:
        yield
        return
    from .pipeline import folder_for_output

    with folder_for_output(arguments.output):
        yield


@contextmanager
def _stoppable() -> Iterator[Stopped]:
    """Turn the first Ctrl-C or SIGTERM into KeyboardInterrupt and ignore more of them while things are tidied up.

    Yields:
        What tells whether there was one: a library may swallow the exception.
    """
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        for number in previous:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {}
    if threading.current_thread() is threading.main_thread():  # only there can signals be handled
        previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: stopped
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
