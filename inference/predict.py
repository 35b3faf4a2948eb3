"""Bring a photo's depth, segments and camera together, from estimators and from files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .camera import choose_camera, is_assumed, known_camera, write_camera
from .catalogue import DEFAULT
from .depth_file import DepthKind, read_depth, write_depth
from .fitting import fit_maps
from .prediction import (
    Camera,
    DepthMap,
    Estimate,
    Photo,
    Prediction,
    SegmentMap,
    Source,
)
from .registry import Estimator, Loader, Task, loaders_of, resolve
from .resample import fit_depth, fit_segments
from .segment_file import read_segments, write_segments
from .vanishing import see_view

LEVEL = np.array([0.0, 1.0, 0.0])  # gravity in camera axes, where nothing tells it
Progress = Callable[[str, float], None]
LINES = "vanishing lines"
MAP_FILES = ("depth.npy", "depth.json", "segments.png", "segments.json", "camera.json")


@dataclass(frozen=True)
class Request:
    """What to predict with.

    Attributes:
        depth, segments: an estimator's name, with :PATH or :ID for a network, a model's id or folder, or a map's path.
        depth_scale_m: metres that one unit of a 16-bit depth map stands for.
        depth_kind: what the numbers of a depth file are, None for what the file says.
        camera_file, fov_deg, focal_mm: the camera, as of ``camera.known_camera``; the first that is not None counts.
        lines_file: vanishing lines for what the others leave open of the camera, gravity above all.
        device: what networks run on: "auto", "cpu", "cuda" or "mps".
        clean_plate: the photo's view without the things in the foreground, which become segments of their own.
        pair_network: .onnx that finds them, another than the one that ships.
    """

    depth: str = DEFAULT
    segments: str = DEFAULT
    depth_scale_m: float = 0.001
    depth_kind: DepthKind | None = None
    camera_file: Path | None = None
    fov_deg: float | None = None
    focal_mm: float | None = None
    lines_file: Path | None = None
    device: str = "auto"
    clean_plate: Path | None = None
    pair_network: Path | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """An estimator and what it saw."""

    estimator: Estimator
    estimate: Estimate


def predict(
    photo: Photo, request: Request, progress: Progress | None = None, seen: dict[str, Run] | None = None
) -> Prediction:
    """Return all that reconstruction needs to know about a photo.

    The camera is the one that the user or EXIF states, with gravity where it is stated too; it is told to the
    estimators, so that their depth agrees with it. Otherwise it is the depth estimator's, otherwise the segment
    estimator's, otherwise 55 degrees wide. An estimator that is named twice runs once.

    Args:
        photo: the photo.
        request: where depth, segments and camera come from.
        progress: called with a stage's name and the share of the work that is done, 0 to 1, as each stage begins.
        seen: what earlier calls for the same photo, camera and device saw, and this one adds to; estimators in it do
            not run again.

    Raises:
        BlockoutError: a name, a file or a camera that cannot be used; see errors.py for its children.
    """
    report = progress or (lambda stage, fraction: None)
    report("camera", 0.0)
    known = known_camera(photo, request.camera_file, request.fov_deg, request.focal_mm, request.lines_file)
    arguments: dict[Task, str] = {"depth": request.depth, "segments": request.segments}
    sources = {task: resolve(argument, task, request.device) for task, argument in arguments.items()}
    report("maps", 0.05)  # before any estimator runs: a file that cannot be used is told at once
    maps = _read_maps(photo, request, sources["depth"], sources["segments"])
    loaders = {task: source for task, source in sources.items() if not isinstance(source, Path)}
    runs = _run(photo, known, arguments, loaders, report, {} if seen is None else seen)

    report("fit to photo", 0.95)
    prediction = _join(photo, known, request, maps, runs)
    if request.clean_plate is None:
        return prediction
    from .pair import WEIGHTS, add_foreground

    return add_foreground(prediction, request.clean_plate, request.pair_network or WEIGHTS)


def write_prediction(prediction: Prediction, folder: Path, prefix: str = "") -> None:
    """Write the maps and the camera as ``predict`` reads them back: the files of ``MAP_FILES``.

    depth.json beside depth.npy keeps whether depth is in metres, camera.json which way is down.

    Args:
        prediction: what to write.
        folder: exists; files of the same names in it are replaced.
        prefix: goes before each file's name, such as "room.".

    Raises:
        OSError: the folder cannot be written, or is full; ``output.staged`` makes a sentence of it.
    """
    write_depth(prediction.depth, folder / f"{prefix}depth.npy")
    write_segments(prediction.segments, folder / f"{prefix}segments.png")
    camera = prediction.camera
    if prediction.gravity_cam is not None:
        x, y, z = prediction.gravity_cam.tolist()
        camera = replace(camera, down_cam=(x, y, z))
    write_camera(camera, folder / f"{prefix}camera.json")


def _read_maps(
    photo: Photo, request: Request, depth_from: Loader | Path, segments_from: Loader | Path
) -> tuple[DepthMap | None, SegmentMap | None]:
    """Return the maps that are files, in the photo's size."""
    depth, segments = None, None
    if isinstance(depth_from, Path):
        depth = read_depth(depth_from, scale_m=request.depth_scale_m, kind=request.depth_kind)
        depth = fit_depth(depth, photo.size, f"{depth_from}: the depth map")
    if isinstance(segments_from, Path):
        segments = fit_segments(read_segments(segments_from), photo.size, f"{segments_from}: the segment map")
    return depth, segments


class _Lines:
    """What sees a photo's view from its lines, where no other estimator says how the camera was held."""

    name, version, licence = LINES, "", ""

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Return the camera and gravity."""
        view = see_view(photo, camera)
        return Estimate(camera=view.camera, gravity_cam=view.down_cam)


def _run(
    photo: Photo,
    known: Camera | None,
    arguments: dict[Task, str],
    loaders: dict[Task, Loader],
    report: Progress,
    seen: dict[str, Run],
) -> dict[str, Run]:
    """Run the estimators, by task; one that does both, and was named for both, runs once."""
    runs: dict[str, Run] = {}
    for index, (task, load) in enumerate(loaders.items()):
        name = arguments[task]
        key = name if name in loaders_of(task) else f"{task} {name}"
        if key not in seen:
            report(name, 0.1 + 0.8 * index / len(loaders))
            estimator = load()
            seen[key] = Run(estimator, estimator.predict(photo, known))
        runs[task] = seen[key]
    if runs and all(run.estimate.gravity_cam is None for run in runs.values()):
        if LINES not in seen:
            seen[LINES] = Run(_Lines(), _Lines().predict(photo, known))
        runs["view"] = seen[LINES]
    return runs


def _join(
    photo: Photo,
    known: Camera | None,
    request: Request,
    maps: tuple[DepthMap | None, SegmentMap | None],
    runs: dict[str, Run],
) -> Prediction:
    """Bring what files and estimators gave to the photo's size, and note who gave it."""
    estimates = {task: run.estimate for task, run in runs.items()}
    camera, camera_source = _camera(photo, known, runs)
    gravities = [None if known is None else known.down_cam, *(e.gravity_cam for e in estimates.values())]
    gravity = next((np.asarray(gravity) for gravity in gravities if gravity is not None), None)
    found_depth = maps[0] or estimates["depth"].depth
    found_segments = maps[1] or estimates["segments"].segments
    assert found_depth is not None and found_segments is not None, "a table names an estimator for what it does not do"
    down_cam = LEVEL if gravity is None else gravity
    depth, segments, note = fit_maps(photo, found_depth, found_segments, camera, down_cam)
    return Prediction(
        photo,
        replace(camera, down_cam=None),  # gravity has one place from here on
        depth,
        segments,
        gravity_cam=gravity,
        sources=(
            _source("depth", request.depth, runs, note),
            _source("segments", request.segments, runs),
            camera_source,
        ),
    )


def _camera(photo: Photo, known: Camera | None, runs: dict[str, Run]) -> tuple[Camera, Source]:
    """Return the camera and who made it: the first estimator that sees one, when nobody states it."""
    run = next((run for run in runs.values() if run.estimate.camera is not None), None)
    if run is None:
        camera = choose_camera(photo, known)
        return camera, Source("camera", camera.source)
    camera = choose_camera(photo, known, run.estimate.camera, run.estimator.name)
    if known is not None or is_assumed(camera):
        return camera, Source("camera", camera.source)
    return camera, Source("camera", run.estimator.name, run.estimator.version, run.estimator.licence)


def _source(task: Task, argument: str, runs: dict[str, Run], note: str = "") -> Source:
    if task not in runs:
        return Source(task, Path(argument).name)
    run = runs[task]
    note = "; ".join(filter(None, (run.estimate.note, note)))
    return Source(task, run.estimator.name, run.estimator.version, run.estimator.licence, note)
