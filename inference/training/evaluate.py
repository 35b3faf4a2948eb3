"""How good the embedded network is, beside ``geometric`` and floors that need no picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...errors import DatasetUnusable
from ..edges import sharpen_depth
from ..embedded import WEIGHTS, Embedded
from ..geometric import Geometric
from ..photo import read_photo
from ..prediction import KINDS, Camera, DepthMap, Estimate, Photo, SegmentMap
from ..registry import Estimator
from ..resample import nearest_pixels
from .scene_data import SceneShards

Row = dict[str, Any]
LEAST_SHARE = 0.002  # of the picture: smaller true instances are not counted
ESTIMATORS = ("embedded", "geometric", "constant", "image row")


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture with what is known of it; None where it is not.

    Attributes:
        depth: (H, W) float32 metres, infinite or 0 where unknown; ids, kind: (H, W) int; camera, down: of the picture.
    """

    rgb: np.ndarray
    depth: np.ndarray
    camera: Camera
    ids: np.ndarray | None = None
    kind: np.ndarray | None = None
    down: np.ndarray | None = None


def evaluate(
    folder: Path, network: Path | None = None, count: int = 200, progress: Callable[[int, int], None] | None = None
) -> list[Row]:
    """Return one row for each estimator: means over a folder's pictures, medians for the camera.

    Args:
        folder: of ``scene_data.synthesize``, or of frames with image.*, depth.npz and intrinsics.json each.
        network: an .onnx file; None is the one that ships.
        count: of synthetic scenes, spread over the folder.
        progress: called with pictures done and wanted.
    """
    samples, wanted = open_samples(folder, count)
    estimators: dict[str, Estimator] = {"embedded": Embedded(network or WEIGHTS), "geometric": Geometric()}
    measured: dict[str, list[Row]] = {name: [] for name in ESTIMATORS}
    for done, sample in enumerate(samples):
        for name in ESTIMATORS:
            if name in estimators:
                estimate = estimators[name].predict(Photo(sample.rgb), None)
                given = estimators[name].predict(Photo(sample.rgb), sample.camera)
                measured[name].append(measure(estimate, given, sample))
            else:
                measured[name].append(
                    {"AbsRel": absolute_relative_error(_floor(name, sample.depth.shape), sample.depth)}
                )
        if progress:
            progress(done + 1, wanted)
    return [{"estimator": name, **_mean(rows)} for name, rows in measured.items()]


def open_samples(folder: Path, count: int) -> tuple[Iterator[Sample], int]:
    """Return a folder's pictures, and how many there are.

    Raises:
        DatasetUnusable: it holds neither scenes nor frames.
    """
    frames = sorted(path.parent for path in folder.glob("*/depth.npz"))
    if frames:
        return (_read_frame(frame) for frame in frames), len(frames)
    if not list(folder.glob("scenes-*")):
        raise DatasetUnusable(
            f"{folder} holds neither scenes of 'blockout dataset synthesize' nor frames with image.*, depth.npz and "
            "intrinsics.json in folders of their own."
        )
    shards = SceneShards(folder)
    return _synthetic(shards, count), min(count, sum(shards.lengths))


def _read_frame(frame: Path) -> Sample:
    rgb = read_photo(next(frame.glob("image.*"))).rgb
    intrinsics = json.loads((frame / "intrinsics.json").read_text())
    camera = Camera(**{key: intrinsics[key] for key in ("fx", "fy", "cx", "cy", "height", "width")}, source="measured")
    ids = frame / "instances.png"
    return Sample(
        rgb,
        np.load(frame / "depth.npz")["depth"],
        camera,
        np.asarray(Image.open(ids)).astype(int) if ids.is_file() else None,
    )


def _synthetic(shards: SceneShards, count: int) -> Iterator[Sample]:
    total = sum(shards.lengths)
    begins = np.cumsum([0, *shards.lengths])
    for number in np.linspace(0, total - 1, min(count, total)).astype(int):
        shard = int(np.searchsorted(begins, number, side="right")) - 1
        row = {name: array[0] for name, array in shards.batch(shard, np.array([number - begins[shard]])).items()}
        height, width = row["rgb"].shape[:2]
        focal = float(row["camera"][0])
        yield Sample(
            row["rgb"],
            np.exp(row["depth"].astype(np.float32)),
            Camera(focal, focal, width / 2, height / 2, height, width, source="true"),
            row["ids"].astype(int),
            row["labels"].astype(int) % 16,
            row["camera"][4:7].astype(float),
        )


def measure(estimate: Estimate, given: Estimate, sample: Sample) -> Row:
    """Return what one estimate is worth.

    Args:
        estimate: without the camera; given: with it, whose metres are compared as they are.
    """
    assert isinstance(estimate.depth, DepthMap) and isinstance(given.depth, DepthMap)
    row: Row = {"AbsRel": absolute_relative_error(_filled(estimate.depth, sample.rgb), sample.depth)}
    known = _known(sample.depth)
    z = _filled(given.depth, sample.rgb)
    row["AbsRel in metres"] = float(np.mean(np.abs(z[known] / sample.depth[known] - 1)))
    assert isinstance(estimate.segments, SegmentMap)
    assert estimate.camera is not None and estimate.gravity_cam is not None
    row["fov error deg"] = abs(estimate.camera.fov_deg - sample.camera.fov_deg)
    if sample.down is not None:
        for name, angle in (("pitch", _pitch), ("roll", _roll)):
            row[f"{name} error deg"] = abs(angle(estimate.gravity_cam) - angle(sample.down))
    ids = nearest_pixels(estimate.segments.ids, sample.depth.shape)
    if sample.ids is not None:
        row["instance IoU"] = mean_instance_iou(ids, sample.ids, sample.kind)
    if sample.kind is not None:
        kinds = np.zeros(int(ids.max()) + 1, int)
        for segment in estimate.segments.segments:
            kinds[segment.id] = KINDS.index(segment.kind)
        row["kind accuracy"] = float(np.mean(kinds[ids] == sample.kind))
    return row


def _filled(depth: DepthMap, rgb: np.ndarray) -> np.ndarray:
    return np.nan_to_num(sharpen_depth(depth, rgb).z, nan=60.0)


def _known(depth: np.ndarray) -> np.ndarray:
    return np.isfinite(depth) & (depth > 0)


def absolute_relative_error(z: np.ndarray, measured_m: np.ndarray) -> float:
    """Return the mean of |z - measured| / measured after one factor makes the medians of their ratio 1."""
    known = _known(measured_m)
    ratio = z[known] / measured_m[known]
    return float(np.mean(np.abs(ratio / np.median(ratio) - 1)))


def mean_instance_iou(ids: np.ndarray, true: np.ndarray, kind: np.ndarray | None = None) -> float:
    """Return the mean over true instances of structures and objects of the best IoU that any segment has with each."""
    mask = true > 0 if kind is None else (true > 0) & (kind >= KINDS.index("structure"))
    number = int(true.max()) + 1
    together = np.bincount((ids.astype(np.int64) * number + true).ravel(), minlength=(int(ids.max()) + 1) * number)
    together = together.reshape(-1, number)
    area, wanted = together.sum(1), np.bincount(true[mask], minlength=number)
    numbers = np.flatnonzero(wanted >= LEAST_SHARE * true.size)
    if not len(numbers):
        return float("nan")
    overlap = together[:, numbers]
    iou = overlap / (area[:, None] + wanted[numbers][None] - overlap)
    return float(iou[1:].max(axis=0).mean()) if len(iou) > 1 else 0.0


def _pitch(down: np.ndarray) -> float:
    return float(np.degrees(np.arcsin(np.clip(-down[2], -1, 1))))


def _roll(down: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(down[0], down[1])))


def _floor(name: str, size: tuple[int, ...]) -> np.ndarray:
    """Return a guess that needs no picture: the same everywhere, or nearer from row to row."""
    if name == "constant":
        return np.ones(size)
    return np.repeat(1 / np.linspace(0.25, 1.0, size[0])[:, None], size[1], axis=1)


def _mean(rows: list[Row]) -> Row:
    names = list(dict.fromkeys(name for row in rows for name in row))
    means: Row = {}
    for name in names:
        values = [row[name] for row in rows if name in row and np.isfinite(row[name])]
        means[name] = round(float((np.median if name.endswith("deg") else np.mean)(values)), 4) if values else None
    return means


def table_of(rows: list[Row]) -> list[str]:
    """Return the rows as a table in Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for row in rows:
        cells = [row.get(name) for name in names]
        texts = ["-" if cell is None else cell if isinstance(cell, str) else f"{cell:.3f}" for cell in cells]
        lines.append(f"| {' | '.join(texts)} |")
    return lines
