"""What the command line shows: results on stdout; progress, errors and the log on stderr. Prints for cli.py alone."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from .summary import IN_MEMORY_OF, Summary, describe

if TYPE_CHECKING:
    from .cli_options import Stopped
    from .inference.models import Model
    from .stopwatch import Progress as Report


@dataclass(frozen=True)
class Outcome:
    """How the work on one photo ended: with a summary, or with a message and an exit code."""

    photo: Path
    message: str = ""
    exit_code: int = 0
    summary: Summary | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the summary, or what went wrong, for JSON."""
        if self.summary is not None:
            return self.summary
        return {"photo": str(self.photo), "error": self.message, "exit_code": self.exit_code}


def make_console(arguments: argparse.Namespace) -> Console:
    """Return the console that ``--progress``, ``--quiet``, ``--verbose`` and ``--json`` ask for."""
    kind = EventConsole if arguments.progress == "json" else Console
    return kind(as_json=arguments.json, quiet=arguments.quiet, verbose=arguments.verbose)


class Console(logging.Handler):
    """Shows a bar with stage names in a terminal, a sentence for each error and a summary at the end."""

    def __init__(self, *, as_json: bool, quiet: bool, verbose: bool) -> None:
        super().__init__()
        self._as_json, self._quiet, self._verbose = as_json, quiet, verbose
        self._stderr = RichConsole(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.fields[photo]}", markup=False),
            TextColumn("{task.description}", style="cyan"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._stderr,
            transient=True,
            disable=quiet or not self._stderr.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Console:
        """Start the bar, and listen to the package's log where that is wanted."""
        if self._verbose:
            logger = logging.getLogger(__package__)
            logger.setLevel(logging.DEBUG)
            logger.addHandler(self)
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the terminal as it was found."""
        self._bar.stop()
        logger = logging.getLogger(__package__)
        logger.removeHandler(self)
        logger.setLevel(logging.NOTSET)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line of the log."""
        self.say(record.getMessage())

    def say(self, text: str) -> None:
        """Show a line on stderr, above the bar."""
        self._stderr.print(text, markup=False)

    def watch(self, path: Path, was_stopped: Stopped) -> Report:
        """Begin the work on a photo or folder; return what shows how far it is, and ends it once that was asked for."""
        self.begin(path)

        def report(stage: str, fraction: float) -> None:
            if was_stopped():  # a library may have swallowed the interruption
                raise KeyboardInterrupt
            self.advance(path, stage, fraction)

        return report

    def watch_count(self, path: Path, stage: str, was_stopped: Stopped) -> Callable[[int, int], None]:
        """Return what ``watch`` does, for work of one stage that counts how much of it is done, and of how much."""
        report = self.watch(path, was_stopped)
        return lambda done, wanted: report(stage, done / wanted)

    def begin(self, photo: Path) -> None:
        """Announce the work on a photo."""
        self._task = self._bar.add_task("", photo=photo.name, total=1.0)

    def advance(self, photo: Path, stage: str, fraction: float) -> None:
        """Show how far a stage of the work is."""
        if self._task is not None:
            self._bar.update(self._task, description=stage, completed=fraction)

    def end(self, outcome: Outcome) -> None:
        """Take the bar away and say what went wrong, if anything."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        for sentence in outcome.message.splitlines():
            self.say(f"blockout: {sentence}")

    def trace(self, error: BaseException) -> None:
        """Show where an unforeseen error came from, to those who asked."""
        if self._verbose:
            self.say("".join(traceback.format_exception(error)).rstrip())

    def report(self, record: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Print on stdout what a command found that is not about photos: the record as JSON, or the lines."""
        self._bar.stop()
        if self._as_json:
            print(json.dumps(record, indent=1))
        elif not self._quiet:
            print(*lines, sep="\n")

    def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Print the results on stdout."""
        self._bar.stop()
        if self._as_json:
            records = [outcome.as_record() for outcome in outcomes]
            print(json.dumps(records[0] if len(records) == 1 else records, indent=1))
        elif not self._quiet:
            self.print_summary(outcomes)

    def print_summary(self, outcomes: Sequence[Outcome]) -> None:
        """Print the summary of one photo, or a table of several."""
        if len(outcomes) > 1:
            _print_table(outcomes)
        elif outcomes[0].summary is not None:
            for name, value in describe(outcomes[0].summary):
                print(f"{name:<12} {value}")


class EventConsole(Console):
    """Writes JSON on stderr, one object a line, in place of bar, sentences and log: for a program that drives this."""

    def say(self, text: str) -> None:
        """Write a line of the log."""
        self._write(event="log", message=text)

    def begin(self, photo: Path) -> None:
        """Write that the work on a photo begins."""
        self._write(event="begin", photo=str(photo))

    def advance(self, photo: Path, stage: str, fraction: float) -> None:
        """Write how far a stage of the work is."""
        self._write(event="stage", photo=str(photo), stage=stage, fraction=round(fraction, 4))

    def end(self, outcome: Outcome) -> None:
        """Write how the work on a photo ended."""
        if outcome.summary is not None:
            self._write(event="done", **outcome.summary)
        else:
            self._write(event="error", photo=str(outcome.photo), message=outcome.message, exit_code=outcome.exit_code)

    def print_summary(self, outcomes: Sequence[Outcome]) -> None:
        """Print nothing: the events have said it."""

    def _write(self, **event: object) -> None:
        print(json.dumps(event), file=sys.stderr, flush=True)


def _print_table(outcomes: Sequence[Outcome]) -> None:
    """Print one row for each photo; what went wrong has been said in full on stderr."""
    from rich.table import Table

    table = Table("photo", "prisms", "faces", "camera", "scale", "seconds", box=None, pad_edge=False)
    table.add_column("stage", overflow="fold")
    for outcome in outcomes:
        made = outcome.summary
        if made is None:
            table.add_row(outcome.photo.name, "", "", "", "", "", "failed")
        else:
            sources = made["camera"]["source"], made["scale"]["source"].partition(":")[0]
            numbers = str(made["prisms"]), str(made["faces"])
            table.add_row(outcome.photo.name, *numbers, *sources, f"{made['total_seconds']:.2f}", made["files"][-1])
    RichConsole(highlight=False, markup=False).print(table)


def print_models(models: Sequence[Model], *, as_json: bool) -> None:
    """Print the estimators, one row each."""
    if as_json:
        print(json.dumps([model.record() for model in models], indent=1))
        return
    here = {True: "yes", False: "no", None: "give a path"}
    rows = [("name", "task", "size", "here", "s a picture", "peak MB", "licence", "weights")]
    rows += [
        (m.entry.name, m.entry.task, m.entry.size, here[m.present], *_measured(m), m.entry.licence, m.entry.weights)
        for m in models
    ]
    if all(model.seconds is None for model in models):
        rows = [(*row[:4], *row[6:]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for model in models:
        if model.problem:
            print(f"blockout: {model.problem}", file=sys.stderr)
    if any(model.present is False for model in models):
        print("\nblockout models fetch NAME or ID downloads what is not here; nothing else does.")


def _measured(model: Model) -> tuple[str, str]:
    if model.seconds is None:
        return "", ""
    memory = (f"{value}{IN_MEMORY_OF[place]}" for place, value in model.peak_memory_mb.items())
    return f"{model.seconds:.2f}", ", ".join(memory)
