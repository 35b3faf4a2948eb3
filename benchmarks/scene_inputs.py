"""What reconstruction is given of a scene or of a measured frame, and what is wrong with depth that a network makes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from blockout.inference.photo import read_photo
from blockout.inference.prediction import Camera, DepthMap, Prediction, Segment, SegmentMap, Source
from blockout.inference.segment_file import read_segments

NOISE_SHARE = 1 / 20  # standard deviation of the filter that makes noise smooth, of the picture's longer side
GRAPH_SIGMA, GRAPH_K, GRAPH_LEAST_PX = 0.8, 300.0, 200


@dataclass(frozen=True)
class Faults:
    """What is done to true depth: smooth factors of this deviation, and a blur over silhouettes of this deviation."""

    noise: float = 0.0
    blur_px: float = 0.0

    def __str__(self) -> str:
        """Name the faults in a few words."""
        words = [f"{self.noise:.0%} noise"] * bool(self.noise) + [f"{self.blur_px:g} px blur"] * bool(self.blur_px)
        return " + ".join(words) or "true depth"


def spoil(z: np.ndarray, faults: Faults, seed: int) -> np.ndarray:
    """Return depth with faults: blurred first, as if seen by a coarse network, then multiplied by 1 + a smooth field.

    Args:
        z: (H, W) float32, metres, NaN unknown; it stays unknown and lends nothing to its neighbours.
        faults: what to do.
        seed: of the field.
    """
    known = np.isfinite(z)
    z = np.where(known, z, 0).astype(np.float32)
    if faults.blur_px:
        weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), faults.blur_px)
        z = cv2.GaussianBlur(z, (0, 0), faults.blur_px) / np.maximum(weight, 1e-6)
    if faults.noise:
        field = np.random.default_rng(seed).normal(size=z.shape).astype(np.float32)
        field = cv2.GaussianBlur(field, (0, 0), NOISE_SHARE * max(z.shape))
        z = z * (1 + faults.noise * (field - field.mean()) / field.std())
    return np.where(known, z, np.nan).astype(np.float32)


def read_scene(folder: Path, faults: Faults, seed: int = 0) -> Prediction:
    """Return a scene of ``scenes.py`` as a prediction: true masks and camera, depth with faults, gravity unknown."""
    depth = np.load(folder / "depth.npy")
    z = spoil(np.where(depth > 0, depth, np.nan), faults, seed)
    segments = read_segments(folder / "segments.png")
    sky = 1 + max(row.id for row in segments.segments)
    ids, rows = segments.ids, segments.segments
    if (ids == 0).any():
        ids, rows = np.where(ids == 0, sky, ids).astype(np.int32), (*rows, Segment(sky, "sky", "sky"))
    return _predict(folder / "photo.png", z, SegmentMap(ids, rows), folder / "camera.json")


def read_frame(folder: Path, faults: Faults, seed: int = 0) -> Prediction:
    """Return a frame with measured depth as a prediction; its segments are a plain graph segmentation's.

    Args:
        folder: holds image.png or image.jpg, depth.npz (key "depth", metres, 0 = unknown) and intrinsics.json.
        faults, seed: as for ``spoil``.
    """
    picture = next(folder.glob("image.*"))
    segmenter = cv2.ximgproc.segmentation.createGraphSegmentation(GRAPH_SIGMA, GRAPH_K, GRAPH_LEAST_PX)
    ids = segmenter.processImage(cv2.cvtColor(read_photo(picture).rgb, cv2.COLOR_RGB2BGR)).astype(np.int32) + 1
    rows = tuple(Segment(k, "segment") for k in np.unique(ids).tolist())
    depth = np.load(folder / "depth.npz")["depth"]
    z = spoil(np.where(depth > 0, depth, np.nan), faults, seed)
    return _predict(picture, z, SegmentMap(ids, rows), folder / "intrinsics.json")


def _predict(picture: Path, z: np.ndarray, segments: SegmentMap, intrinsics: Path) -> Prediction:
    values = json.loads(intrinsics.read_text())
    camera = Camera(**{key: values[key] for key in ("fx", "fy", "cx", "cy", "height", "width")}, source="known")
    sources = Source("depth", "known"), Source("segments", "known"), Source("camera", "known")
    photo = replace(read_photo(picture), path=picture)
    return Prediction(photo, camera, DepthMap(z, is_metric=True), segments, sources=sources)
