"""Photos -> scenes: the run that the operator, the headless script and plain Python share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..errors import BlockoutError, Cancelled, WorkerFailed
from .places import log_folder, package_folders, preferences
from .scene_in import take_in
from .thickness import limit_thickness
from .tree import find_root
from .worker import POLL_S, Worker, explain_end, find_interpreter

SEE_LOG = "what --verbose prints."  # so ends the command line's sentence for an unforeseen error
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Options:
    """What a user may ask in Blender.

    Attributes:
        detail: levels of parts.
        texture: "colour" or "photo".
        depth, segments: names of estimators or map files; "" takes the default.
        scale_reference: (label, metres high), or None.
        thickness_range_m: least and greatest thickness of a solid; 0 is no limit.
        more: further words of ``blockout build``.
    """

    detail: int = 2
    texture: str = "colour"
    depth: str = ""
    segments: str = ""
    scale_reference: tuple[str, float] | None = None
    thickness_range_m: tuple[float, float] = (0.0, 0.0)
    more: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Return the options as the command line takes them."""
        words = ["--no-preview", "--detail", str(self.detail), "--texture", self.texture]
        words += ["--depth", self.depth] if self.depth else []
        words += ["--segments", self.segments] if self.segments else []
        if self.scale_reference:
            words += ["--scale-reference", f"{self.scale_reference[0]}={self.scale_reference[1]:g}"]
        return [*words, *self.more]


@dataclass
class Run:
    """Photos on their way through a worker.

    Attributes:
        worker: the process.
        stage, fraction: of the work that is under way, and of the whole, 0..1.
        ready: what the worker prepared, one entry a photo.
        errors: (message, exit code) of photos that gave no stage.
        is_cancelled: whether a user wants it to stop.
    """

    worker: Worker
    stage: str = "start"
    fraction: float = 0.0
    ready: list[dict[str, Any]] = field(default_factory=list)
    errors: list[tuple[str, int]] = field(default_factory=list)
    is_cancelled: bool = False

    def advance(self) -> bool:
        """Take in what the worker said; return whether it is through."""
        for event in self.worker.events():
            if event["event"] == "stage":
                self.stage, self.fraction = event["stage"], event["fraction"]
            elif event["event"] == "ready":
                self.ready.append(event)
            elif event["event"] == "error":
                message = event["message"]
                if message.endswith(SEE_LOG):
                    message = message.removesuffix(SEE_LOG) + f"the log; {self.keep_log()}."
                self.errors.append((message, event["exit_code"]))
        return self.worker.returncode is not None

    def wait(self, progress: Progress | None = None) -> None:
        """Wait until the worker is through."""
        while not self.advance():
            if progress:
                progress(self.stage, self.fraction)
            time.sleep(POLL_S)

    @property
    def words(self) -> str:
        """Return how far the work is, for people."""
        return "cancelling" if self.is_cancelled else f"{self.stage}, {100 * self.fraction:.0f} %"

    def cancel(self) -> None:
        """Ask the worker to stop; ``advance`` goes on until it has."""
        self.is_cancelled = True
        self.worker.cancel()

    def check(self) -> None:
        """Raise what went wrong, if anything; where only some photos gave a stage, ``errors`` tells of the others.

        Raises:
            Cancelled: a user stopped the run.
            WorkerFailed: the worker crashed, or is no Python.
            BlockoutError: no photo gave a stage.
        """
        if self.is_cancelled:
            raise Cancelled("cancelled; nothing was left behind.")
        code = self.worker.returncode or 0
        if not self.errors and (code or not self.ready):
            failed = WorkerFailed(f"Blockout's worker process {explain_end(code)}; {self.keep_log()}.")
            if not self.ready:
                raise failed
            self.errors.append((str(failed), failed.exit_code))
        if self.errors and not self.ready:
            error = BlockoutError(self.errors[0][0])
            error.exit_code = self.errors[0][1]  # as the command line's
            raise error

    def keep_log(self) -> str:
        """Write the log where it stays, and return in words where that is."""
        try:
            place = log_folder() / f"blockout-{time.strftime('%Y%m%d-%H%M%S')}-{id(self):x}.log"
            place.write_text("\n".join([*self.worker.log, ""]), "utf-8")
        except OSError as error:
            return f"its log cannot be kept ({(error.strerror or str(error)).lower()})"
        return f"its log is {place}"

    def close(self) -> None:
        """End the process and remove its files."""
        self.worker.close()


def start(words: Sequence[str]) -> Run:
    """Start a worker with the words of ``blockout build``, photos among them."""
    told = preferences()
    interpreter = find_interpreter(told.python, package_folders())
    job = {"task": "build", "words": list(words)}
    return Run(Worker(job, interpreter, parent=told.cache, online=bpy.app.online_access))


def start_photos(photos: Sequence[Path], options: Options) -> Run:
    """Start a worker for photos."""
    return start([*options.words(), "--", *(str(photo) for photo in photos)])


def finish(
    run: Run, scene: bpy.types.Scene, options: Options, *, by_usd: bool | None = None
) -> list[bpy.types.Collection]:
    """Put all that a run prepared into a scene."""
    collections = []
    for ready in run.ready:
        collection = take_in(scene, ready, by_usd=by_usd)
        limit_thickness(find_root(collection.objects[0]), *options.thickness_range_m)
        collections.append(collection)
    return collections


def photo_to_scene(
    photo: Path | str,
    options: Options | None = None,
    progress: Progress | None = None,
    *,
    scene: bpy.types.Scene | None = None,
    by_usd: bool | None = None,
) -> bpy.types.Collection:
    """Build the blockout of one photo in a scene, and wait for it.

    Args:
        photo: a picture.
        options: None takes the defaults.
        progress: called as progress(stage, share of the whole work that is done, 0..1).
        scene: None is the current one.
        by_usd: whether Blender's USD importer reads the stage; None is where there is one.

    Returns:
        The new collection, named after the photo.

    Raises:
        BlockoutError: one of its children, in one sentence.
    """
    options = options or Options()
    run = start_photos([Path(photo)], options)
    try:
        run.wait(progress)
        run.check()
        return finish(run, scene or bpy.context.scene, options, by_usd=by_usd)[0]
    finally:
        run.close()
