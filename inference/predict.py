"""Bring a photo's depth, segments and camera together, from estimators and from files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from .camera import choose_camera, is_assumed, known_camera, write_camera
from .depth_file import DepthKind, read_depth, write_depth
from .prediction import Camera, DepthMap, Estimate, Photo, Prediction, SegmentMap, Source
from .registry import Estimator, Loader, resolve
from .resample import fit_depth, fit_segments
from .segment_file import read_segments, write_segments

Map = TypeVar("Map", DepthMap, SegmentMap)
Progress = Callable[[str, float], None]
MAP_FILES = ("depth.npy", "depth.json", "segments.png", "segments.json", "camera.json")


@dataclass(frozen=True)
class Request:
    """What to predict with.

    Attributes:
        depth, segments: an estimator's name, or the path of a map.
        depth_scale_m: metres that one unit of a 16-bit depth map stands for.
        depth_kind: what the numbers of a depth file are, None for what the file says.
        camera_file, fov_deg, focal_mm: the camera, as of ``camera.known_camera``; the first that is not None counts.
        lines_file: vanishing lines for what the others leave open of the camera, gravity above all.
    """

    depth: str = "geometric"
    segments: str = "geometric"
    depth_scale_m: float = 0.001
    depth_kind: DepthKind | None = None
    camera_file: Path | None = None
    fov_deg: float | None = None
    focal_mm: float | None = None
    lines_file: Path | None = None


def predict(photo: Photo, request: Request, progress: Progress | None = None) -> Prediction:
    """Return all that reconstruction needs to know about a photo.

    The camera is the one that the user or EXIF states, with gravity where it is stated too; it is told to the
    estimators, so that their depth agrees with it. Otherwise it is the depth estimator's, otherwise the segment
    estimator's, otherwise 55 degrees wide. An estimator that is named twice runs once.

    Args:
        photo: the photo.
        request: where depth, segments and camera come from.
        progress: called with a stage's name and the share of the work that is done, 0 to 1, as each stage begins.

    Raises:
        BlockoutError: a name, a file or a camera that cannot be used; see errors.py for its children.
    """
    report = progress or (lambda stage, fraction: None)
    report("camera", 0.0)
    known = known_camera(photo, request.camera_file, request.fov_deg, request.focal_mm, request.lines_file)
    depth_from, segments_from = resolve(request.depth, "depth"), resolve(request.segments, "segments")

    report("maps", 0.05)  # before any estimator runs: a file that cannot be used is told at once
    depth, segments = _read_maps(photo, request, depth_from, segments_from)
    loaders = {request.depth: depth_from, request.segments: segments_from}
    runs = _run(photo, known, {name: load for name, load in loaders.items() if not isinstance(load, Path)}, report)

    report("fit to photo", 0.95)
    if depth is None:
        depth = fit_depth(_required(runs[request.depth].estimate.depth, request.depth), photo.size, request.depth)
    if segments is None:
        found = _required(runs[request.segments].estimate.segments, request.segments)
        segments = fit_segments(found, photo.size, request.segments)
    camera, camera_source = _camera(photo, known, runs)
    gravities = [None if known is None else known.down_cam, *(run.estimate.gravity_cam for run in runs.values())]
    return Prediction(
        photo,
        replace(camera, down_cam=None),  # gravity has one place from here on
        depth,
        segments,
        gravity_cam=next((np.asarray(gravity) for gravity in gravities if gravity is not None), None),
        sources=(_source("depth", request.depth, runs), _source("segments", request.segments, runs), camera_source),
    )


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


@dataclass(frozen=True, eq=False)
class _Run:
    estimator: Estimator
    estimate: Estimate


def _run(photo: Photo, known: Camera | None, loaders: dict[str, Loader], report: Progress) -> dict[str, _Run]:
    runs = {}
    for index, (name, load) in enumerate(loaders.items()):
        report(name, 0.1 + 0.8 * index / len(loaders))
        estimator = load()
        runs[name] = _Run(estimator, estimator.predict(photo, known))
    return runs


def _required(found: Map | None, name: str) -> Map:
    """Return what an estimator made; that it made none is a mistake in the table that names it for the task."""
    assert found is not None, f"{name} is in the table of a task that it does not do"
    return found


def _camera(photo: Photo, known: Camera | None, runs: dict[str, _Run]) -> tuple[Camera, Source]:
    """Return the camera and who made it: the first estimator that sees one, when nobody states it."""
    name, estimated = next(
        ((name, run.estimate.camera) for name, run in runs.items() if run.estimate.camera is not None), ("", None)
    )
    camera = choose_camera(photo, known, estimated, name)
    if known is not None or estimated is None or is_assumed(camera):
        return camera, Source("camera", camera.source)
    return camera, _source("camera", name, runs)


def _source(task: Literal["depth", "segments", "camera"], argument: str, runs: dict[str, _Run]) -> Source:
    if argument not in runs:
        return Source(task, Path(argument).name)
    run = runs[argument]
    return Source(task, run.estimator.name, run.estimator.version, run.estimator.licence)
