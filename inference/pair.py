"""What stands before a known background: the pair network finds it in a photo and its clean plate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import MapAspectMismatch, PlateUnusable, WeightsNotFound, WeightsUnusable
from .onnx_session import open_session
from .photo import read_photo
from .prediction import Camera, DepthMap, Photo, Prediction, Segment, SegmentMap, Source
from .regions import keep_connected, sharpen_outlines
from .resample import same_aspect

WEIGHTS = Path(__file__).parent / "weights" / "pair.onnx"
NODES = {"background", "overlay", "mask"}  # what the network takes and gives, at least
STRIDE = 32  # px, the sides of what the network sees are multiples of that
LONG_SIDE_PX = 448
MIN_AREA = 0.002  # of the photo: no foreground is smaller
MOST_AREA = 0.9  # of the photo: more says that the plate is another picture
LABEL = "foreground"
STEP = 0.05  # relative: depth that jumps less at a thing's outline does not know that there is one
FOOT, LEAST_FOOT = 0.1, 3  # share of a thing's height, and rows: what of its outline is its foot
AROUND_PX = 5  # of the photo: so far around an outline depth is that of what is beside it


def add_foreground(prediction: Prediction, plate_path: Path, weights: Path) -> Prediction:
    """Return a prediction in which each thing that the clean plate does not show is a segment with a depth of its own.

    Where the network tells depth, that is brought to the prediction's scale by what both see of the background. Else a
    thing keeps the prediction's depth if that steps at its outline; if not, it stands upright where its foot is.

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
    # Specks of the mask went to what is around them, and gaps in it too.
    before = np.flatnonzero(np.bincount(parts.ravel(), mask.ravel()) > 0.5 * np.bincount(parts.ravel()))
    large = sharpen_outlines(parts, photo.rgb)
    front = np.isin(large, before)
    source = Source("segments", "pair", weights.name)
    return replace(
        prediction,
        segments=_insert(prediction.segments, large, [number for number in before.tolist() if (large == number).any()]),
        depth=_stand_all(prediction, large, before) if depth is None else _insert_depth(prediction.depth, depth, front),
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


def see_foreground(plate: np.ndarray, rgb: np.ndarray, weights: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Run the network.

    Args:
        plate, rgb: (H, W, 3) uint8, sRGB, of one aspect ratio.
        weights: of the pair network, as .onnx.

    Returns:
        (h, w) bool, where something stands before the background; (h, w) float32, depth from 0 to 1, None from a
        network that does not tell it.

    Raises:
        WeightsUnusable: the file is no network, or another one.
    """
    session = open_session(weights, "--pair-network")
    gives = {node.name for node in session.get_outputs()}
    if not gives | {node.name for node in session.get_inputs()} >= NODES:
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
    if "depth" not in gives:
        return session.run(["mask"], given)[0][0, 0] > 0, None
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


def _stand_all(prediction: Prediction, parts: np.ndarray, before: np.ndarray) -> DepthMap:
    """Return depth in which parts (H, W) of the numbers ``before`` stand out, upright where depth ran through them."""
    z, gravity = prediction.depth.z.copy(), prediction.gravity_cam
    down_cam = np.array([0.0, 1.0, 0.0]) if gravity is None else gravity
    background = ~np.isin(parts, before) & np.isfinite(z)
    for part in (parts == number for number in before):
        if part.any() and not _steps(z, part, background):
            place, upright = _stand(z, part, background, prediction.camera, down_cam)
            z[place] = upright
    return replace(prediction.depth, z=z)


def _steps(z: np.ndarray, part: np.ndarray, background: np.ndarray) -> bool:
    """Return whether a part (H, W) is nearer than what is beside it in most of its rows, its foot left out."""
    inner, outer = _rims(part)
    above = np.arange(len(part))[:, None] < _foot_row(part)
    inside, outside = (_means_of_rows(z, rim & above) for rim in (inner & np.isfinite(z), outer & background))
    beyond = outside / inside
    beyond = beyond[np.isfinite(beyond)]
    return bool(len(beyond) and np.median(beyond) > 1 + STEP)


def _means_of_rows(z: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return (H,) the mean of the chosen pixels (H, W) of each row, NaN for none."""
    count = chosen.sum(axis=1)
    return np.where(chosen, z, 0).sum(axis=1) / np.where(count, count, np.nan)


def _stand(
    z: np.ndarray, part: np.ndarray, background: np.ndarray, camera: Camera, down_cam: np.ndarray
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Return a part's pixels, and their depth (n,) on an upright plane that faces the camera, through its foot."""
    outer = _rims(part)[1] & background
    beneath = outer & (np.arange(len(part))[:, None] > _foot_row(part))
    place, foot = np.nonzero(part), np.nonzero(beneath if beneath.any() else outer)
    if not len(foot[0]):
        return place, z[place]

    def rays(pixels: tuple[np.ndarray, ...]) -> np.ndarray:
        x, y = (pixels[1] + 0.5 - camera.cx) / camera.fx, (pixels[0] + 0.5 - camera.cy) / camera.fy
        return np.column_stack([x, y, np.ones(len(x))])

    at_foot = rays(foot)
    facing = at_foot.mean(0) - (at_foot.mean(0) @ down_cam) * down_cam
    distance = float(np.median((at_foot @ facing) * z[foot]))
    return place, (distance / np.maximum(rays(place) @ facing, 1e-3)).astype(np.float32)


def _foot_row(part: np.ndarray) -> int:
    """Return the row above which a part is more than its foot."""
    rows = np.flatnonzero(part.any(axis=1))
    return int(rows[-1] - max(LEAST_FOOT, round(FOOT * (rows[-1] - rows[0]))))


def _rims(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (H, W) bool, what of a part is near its outline, and what is near it outside."""
    around = np.ones((2 * AROUND_PX + 1, 2 * AROUND_PX + 1), np.uint8)
    mask = part.astype(np.uint8)
    return part & (cv2.erode(mask, around, borderValue=1) == 0), (cv2.dilate(mask, around) > 0) & ~part
