"""What the worker process does: the command line's work, then what Blender needs of its stages. No bpy here."""

from __future__ import annotations

import io
import json
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

REMEDY = "make room, or name another folder as Cache in Blockout's preferences"
Job = dict[str, Any]


def run(job: Job, folder: Path) -> int:
    """Do a job and tell of it on stderr, one JSON object a line, as ``--progress json`` does.

    Args:
        job: {"task": a name in ``TASKS``, ...}.
        folder: of this run alone.

    Returns:
        The exit code: 0 done, 1 bad data, 2 wrong usage, 130 interrupted.
    """
    from ..errors import BlockoutError

    try:
        return TASKS[job["task"]](job, folder)
    except BlockoutError as error:
        emit("error", message=str(error), exit_code=error.exit_code)
        return error.exit_code
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        return 130
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        emit(
            "error",
            message=f"{error.filename or folder} could not be read or written ({reason}); {REMEDY}.",
            exit_code=1,
        )
        return 1
    except Exception as error:  # noqa: BLE001  the last line of defence: users get a sentence, never a traceback
        traceback.print_exc()  # for the log
        what = " ".join(f"{type(error).__name__}: {error}".split())
        emit("error", message=f"{what}; this is our mistake, please report it with what --verbose prints.", exit_code=1)
        return 1


def emit(event: str, **facts: object) -> None:
    """Write one event."""
    print(json.dumps({"event": event, **facts}), file=sys.stderr, flush=True)


def build(job: Job, folder: Path) -> int:
    """Build stages as the command line does, and prepare each for Blender: an event "ready" tells where.

    Args:
        job: {"words": the words after ``blockout build``}.
        folder: receives what Blender is given, and the stages where the words name no place for them.
    """
    from ..cli import main
    from ..cli_options import parse_arguments

    words = ["build", *job["words"]]
    asked = parse_arguments(words)
    if asked.output is None:
        made = folder / "stages"
        made.mkdir()
        words[1:1] = ["-o", str(made), "--no-preview"]  # which would go with the folder
    words[1:1] = ["--json", "--progress", "json", "--verbose"]  # what is verbose goes into the log
    with redirect_stdout(io.StringIO()) as said:
        code = main(words)
    if code == 130:
        raise KeyboardInterrupt
    summaries = json.loads(said.getvalue() or "[]")
    for number, summary in enumerate([summaries] if isinstance(summaries, dict) else summaries):
        if "error" not in summary:
            place = folder / str(number)
            place.mkdir()
            _hand_over(summary, place)
    return code


def _hand_over(summary: dict[str, Any], folder: Path) -> None:
    """Prepare a stage for Blender in a folder, and tell of it."""
    from ..pipeline import picture_to_show
    from ..summary import describe
    from .stage_in import prepare

    facts = prepare(Path(summary["files"][-1]), folder)
    picture = picture_to_show(Path(summary["photo"]), folder)
    emit("ready", folder=str(folder), picture=str(picture), lines=describe(summary), summary=summary, **facts)


def export(job: Job, folder: Path) -> int:
    """Write the stage of what Blender described: an event "exported" names the files.

    Args:
        job: {"described": folder, "stage": file, "overwrite": whether it may be replaced}.
        folder: unused.
    """
    from .stage_out import write

    files = write(Path(job["described"]), Path(job["stage"]), overwrite=job["overwrite"])
    emit("exported", files=[str(file) for file in files])
    return 0


def probe(job: Job, folder: Path) -> int:
    """Tell which Python this is and which estimators and networks' libraries it has."""
    import importlib.metadata

    from ..estimators import DEPTH_NAMES, SEGMENT_NAMES

    found = {}
    for name in ("torch", "transformers", "onnxruntime", "usd-core"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    estimators = sorted({*DEPTH_NAMES, *SEGMENT_NAMES})
    emit("probe", python=sys.version.split()[0], executable=sys.executable, libraries=found, estimators=estimators)
    return 0


TASKS: dict[str, Callable[[Job, Path], int]] = {"build": build, "export": export, "probe": probe}
