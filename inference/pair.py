"""What stands before a known background: the pair network finds it in a photo and its clean plate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import MapAspectMismatch, PlateUnusable, WeightsNotFound, WeightsUnusable
from .onnx_session import open_session
from .photo import read_photo
from .prediction import DepthMap, Photo, Prediction, Segment, SegmentMap, Source
from .regions import keep_connected, sharpen_outlines
from .resample import same_aspect

NODES = {"background", "overlay", "mask", "depth"}  # what the network takes and gives
STRIDE = 32  # px, the sides of what the network sees are multiples of that
LONG_SIDE_PX = 448
MIN_AREA = 0.002  # of the photo: no foreground is smaller
MOST_AREA = 0.9  # of the photo: more says that the plate is another picture
LABEL = "foreground"


def add_foreground(prediction: Prediction, plate_path: Path, weights: Path) -> Prediction:
    """Return a prediction in which each thing that the clean plate does not show is a segment with a depth of its own.

    The network's depth is brought to the prediction's scale by what both see of the background.

    Args:
        prediction: of a photo.
        plate_path: the same view without the things in the foreground.
        weights: of the pair network, as .onnx.

    Raises:
        MapAspectMismatch: the plate has another aspect ratio than the photo.
        PlateUnusable: the two pictures show the same, or nothing alike.
        BlockoutError: the plate cannot be read, or the weights are missing.
    """
    if not weights.is_file():
        raise WeightsNotFound(f"--pair-network {weights}: there is no such file; docs/pairs.md says how to train one")
    photo = prediction.photo
    mask, depth = see_foreground(_read_plate(plate_path, photo).rgb, photo.rgb, weights)
    share = float(mask.mean())
    if not MIN_AREA < share < MOST_AREA:
        what = "no foreground" if share <= MIN_AREA else "almost nothing of the plate"
        raise PlateUnusable(
            f"--clean-plate {plate_path}: {what} is seen in {photo.path.name} ({share:.1%} of it differs): give the "
            "same view, from the same place, without the things in the foreground"
        )
    parts = keep_connected(mask.astype(np.int32) + 1, max(1, round(MIN_AREA * mask.size)))
    before = np.unique(parts[mask])
    large = sharpen_outlines(parts, photo.rgb)
    front = np.isin(large, before)
    source = Source("segments", "pair", weights.name)
    return replace(
        prediction,
        segments=_insert(prediction.segments, large, [number for number in before if (large == number).any()]),
        depth=_insert_depth(prediction.depth, depth, front),
        sources=(*prediction.sources, source),
    )


def _read_plate(path: Path, photo: Photo) -> Photo:
    plate = read_photo(path)
    if not same_aspect(plate.size, photo.size):
        raise MapAspectMismatch(
            f"--clean-plate {path} is {plate.size[1]} x {plate.size[0]} px, which is not the shape of the photo, "
            f"{photo.size[1]} x {photo.size[0]}: give a plate of the same view"
        )
    return plate


def see_foreground(plate: np.ndarray, rgb: np.ndarray, weights: Path) -> tuple[np.ndarray, np.ndarray]:
    """Run the network.

    Args:
        plate, rgb: (H, W, 3) uint8, sRGB, of one aspect ratio.
        weights: of the pair network, as .onnx.

    Returns:
        (h, w) bool, where something stands before the background; (h, w) float32, depth from 0 to 1.

    Raises:
        WeightsUnusable: the file is no network, or another one.
    """
    session = open_session(weights, "--pair-network")
    if not {node.name for node in (*session.get_inputs(), *session.get_outputs())} >= NODES:
        raise WeightsUnusable(f"--pair-network {weights}: this network does not compare; docs/pairs.md says which does")
    height, width = rgb.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    size = [max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (width, height)]
    given = {
        name: np.ascontiguousarray(
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA).transpose(2, 0, 1)[None], np.float32
        )
        / np.float32(255)
        for name, picture in (("background", plate), ("overlay", rgb))
    }
    mask, depth = session.run(["mask", "depth"], given)
    return mask[0, 0] > 0, 1 / (1 + np.exp(-depth[0, 0]))


def _insert(segments: SegmentMap, parts: np.ndarray, before: list[int]) -> SegmentMap:
    """Return segments with some parts before all others."""
    ids = segments.ids.copy()
    first = max((segment.id for segment in segments.segments), default=0) + 1
    for number, part in enumerate(before):
        ids[parts == part] = first + number
    left = set(np.unique(ids).tolist())
    kept = tuple(segment for segment in segments.segments if segment.id in left)
    return SegmentMap(ids, kept + tuple(Segment(first + number, LABEL) for number in range(len(before))))


def _insert_depth(known: DepthMap, seen: np.ndarray, front: np.ndarray) -> DepthMap:
    """Return depth that is the network's in front, scaled so that both agree on the background."""
    seen = cv2.resize(seen, front.shape[::-1], interpolation=cv2.INTER_LINEAR)
    both = ~front & np.isfinite(known.z) & (seen < 0.95)  # beyond, the network's range ends
    if not both.any():
        return known
    factor = float(np.median(known.z[both] / np.maximum(seen[both], 1e-3)))
    return replace(known, z=np.where(front, np.float32(factor) * seen, known.z).astype(np.float32))
