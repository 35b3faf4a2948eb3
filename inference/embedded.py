"""The embedded network: depth, segments and camera of a photo through ONNX Runtime, without torch."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import WeightsNotFound
from .edges import LEAST_SIDE_PX, sharpen_depth
from .grounding import ground_depth
from .instances import GROUND, SKY, group_instances
from .kinds import SKY_SCORE, is_plinth, score_sky
from .layout import Regions, find_below, measure_regions
from .lying import find_lying
from .mask_stacks import softmax
from .onnx_session import open_session
from .open_sky import CHANCE, bring_under_sky, find_open_sky, is_open, may_be_open
from .prediction import KINDS, SHAPES, Camera, DepthMap, Estimate, Photo, Segment, SegmentMap
from .regions import keep_connected, means_of, segment_regions, sharpen_outlines
from .resample import nearest_pixels, shrink
from .vanishing import WORK_SIDE_PX, detect_lines, refine_gravity

WEIGHTS = Path(__file__).parent / "weights" / "embedded.onnx"
OPEN_COUNTRY = WEIGHTS.with_name("open_country.onnx")  # the same network, trained on with fields, coasts and mountains
# Of the reduced photos that the network sees: the size that it was trained at tells the camera, and the mean of all
# the rest, for larger ones show what is small.
AREAS_PX = (96 * 128, 160 * 192, 256 * 320)
# It looks for open sky at the smaller sizes. Where the first sees less than this share of that sky it has the word
# alone, else it is heard at the smallest size: more of it makes real rooms and streets worse.
OPEN_AREAS_PX, MISSED = AREAS_PX[:2], 0.6
STRIDE = 32  # px, the reduced photo's sides are multiples of that
GRANULARITY, MOST_PIECES, LEAST_PIECE = 32.0, 300, 0.0005  # of pieces of even colour, as of ``segment_regions``
# From which on a piece that looks like sky, and lies like it, is sky: where open sky is seen, and where none is, for
# there a bright wall looks so too.
SKY_CHANCE, CLOSED_SKY_CHANCE = 0.15, 0.3
OUTLINE_SIDE_PX = 1024  # longer side of the photo that outlines are brought to
MIN_AREA = 0.001  # of the photo: no segment is smaller
OVER_HORIZON = 0.5  # of a piece below the horizon, at which it can no more be ground
SURE = 0.75  # mean chance of a shape from which on reconstruction is told
ERROR = 0.12  # of its depth, about what it is on photos: walls that lean by less are upright
USUAL_FOV_DEG, TOLD = 65.0, 0.5  # of the longer side; the network's share of the focal length, in its logarithm
GRAVITY_ERROR_DEG = 3.0  # of the pitch that the network sees, about
NEAR_M, FAR_M = 0.05, 1000.0
Seen = tuple[dict[str, np.ndarray], np.ndarray]  # maps by name, and the camera
# What the network's channels mean; ``training.network.CHANNELS`` says more.
CHANNELS = {"depth": 1, "kind": 4, "edge": 1, "centre": 1, "offset": 2, "shape": 5, "normal": 3}


class Embedded:
    """What ships with Blockout: one small network that was trained on synthetic scenes alone."""

    name = "embedded"
    licence = "GPL-3.0-or-later; trained on synthetic scenes with CC0 and MIT-0 material"

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._session = open_network(path)
        self._of_open_country = open_network(OPEN_COUNTRY) if path == WEIGHTS else None
        self.version = self._session.get_modelmeta().custom_metadata_map.get("version", "")

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Estimate depth, segments, camera and gravity.

        Args:
            photo: any photo of at least one pixel.
            camera: intrinsics that are kept, and that depth agrees with; None to estimate the field of view.

        Returns:
            All four; depth at up to 640 px, segments at up to 1024 px. The ground is a plane, and what stands on it is
            where the network and its foot in the photo agree.
        """
        with ThreadPoolExecutor(1) as beside:
            return self._predict(photo, camera, beside)

    def _predict(self, photo: Photo, camera: Camera | None, beside: Executor) -> Estimate:
        """Do what ``predict`` does, on two cores where work does not wait for each other."""
        reduced = Photo(shrink(photo.rgb, OUTLINE_SIDE_PX))  # once: each time costs a large photo more than the network
        small = shrink(reduced.rgb, WORK_SIDE_PX, LEAST_SIDE_PX)
        cutting = beside.submit(segment_regions, small, GRANULARITY, MOST_PIECES, LEAST_PIECE)
        maps, seen = self.run(reduced.rgb)
        lines = detect_lines(small)
        pieces = cutting.result()
        height, width = photo.size
        unit = float(np.sqrt(height * width))
        if camera is None:
            usual = max(height, width) / 2 / np.tan(np.radians(USUAL_FOV_DEG) / 2)
            told = float(np.exp(np.clip(seen[0], -1.5, 2.5))) * unit
            focal = float(told**TOLD * usual ** (1 - TOLD))
            camera = Camera(focal, focal, width / 2, height / 2, height, width, source="embedded network")
        seen_by, told = camera.resized(*pieces.shape), seen[1:].astype(np.float64)
        regions = measure_regions(small, pieces, seen_by, told)
        is_sky = find_open_sky(maps["sky"][0], regions)
        sky = is_sky[regions.ids]
        down = _gravity(lines, seen_by, told, sky)
        grouping = beside.submit(_segments, maps, reduced.rgb, regions, is_sky, seen_by, down)
        z = np.exp(maps["depth"][0]) * np.sqrt(camera.fx * camera.fy) / unit
        depth = DepthMap(np.clip(z, NEAR_M, FAR_M).astype(np.float32), is_metric=False, error=ERROR)
        depth = sharpen_depth(depth, small)
        segments = grouping.result()
        depth, down = ground_depth(depth, segments, lines, seen_by, down, sky, maps["normal"])
        return Estimate(depth, segments, camera, down)

    def run(self, rgb: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return what the networks say of a photo, or the one for open country alone if it is such a photo.

        It is the mean of all sizes, and of the photo and its mirror image.

        Args:
            rgb: (H, W, 3) uint8, sRGB.

        Returns:
            (C, h, w) float32 maps by name, at half the largest photo's size, and ``sky``, the chance of open sky;
            (4,) float32: log of the focal length over sqrt(height * width), and down in camera axes.
        """
        seen, sky = [_run(self._session, rgb, area_px) for area_px in AREAS_PX], np.zeros((1, 1), np.float32)
        cameras, size = [seen[0][1]], seen[-1][0]["depth"].shape[1:]
        if self._of_open_country is not None:
            elsewhere, sky = self._look_for_sky(rgb, seen)
            if is_open(sky) and _sees_less(seen[: len(elsewhere)], sky):
                seen, cameras, size = elsewhere, [], elsewhere[-1][0]["depth"].shape[1:]
            else:
                seen.append(elsewhere[0])
            cameras.append(elsewhere[0][1])
        maps = {name: np.mean([_resized(maps[name], size) for maps, _ in seen], axis=0) for name in CHANNELS}
        return maps | {"sky": sky[None]}, np.mean(cameras, axis=0)

    def _look_for_sky(self, rgb: np.ndarray, known: list[Seen]) -> tuple[list[Seen], np.ndarray]:
        """Return what the network for open country sees, and (h, w) float32, the chance of sky at its best.

        It looks a second time where the first look leaves it open, or shows sky that is not known of.
        """
        seen = [_run(self._of_open_country, rgb, OPEN_AREAS_PX[0])]
        chance = softmax(seen[0][0]["kind"], axis=0)[SKY]
        if may_be_open(chance) and (not is_open(chance) or _sees_less(known[:1], chance)):
            seen += [_run(self._of_open_country, rgb, area_px) for area_px in OPEN_AREAS_PX[1:]]
        size = seen[-1][0]["kind"].shape[1:]
        return seen, np.max([_resized(softmax(maps["kind"], axis=0), size)[SKY] for maps, _ in seen], axis=0)


def _sees_less(seen: list[Seen], sky: np.ndarray) -> bool:
    """Return whether the sky is the likeliest kind on much less of a picture than may be sky."""
    chances = np.mean([_resized(softmax(maps["kind"], axis=0), sky.shape) for maps, _ in seen], axis=0)
    return bool((chances.argmax(axis=0) == SKY).mean() < MISSED * (sky > CHANCE).mean())


def _run(session: Any, rgb: np.ndarray, area_px: int) -> Seen:
    """Return the maps, (C, h, w) by name, and the camera: the mean of a photo and its mirror image."""
    height, width = network_size(rgb.shape[:2], area_px)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    both = np.stack([small, small[:, ::-1]]).transpose(0, 3, 1, 2)
    maps, cameras = session.run(["maps", "camera"], {"rgb": np.ascontiguousarray(both, np.float32) / 255})
    maps[1] = maps[1, :, :, ::-1]
    ends = np.cumsum(list(CHANNELS.values()))[:-1]
    seen, mirrored = (dict(zip(CHANNELS, np.split(part, ends), strict=True)) for part in maps)
    for name in ("offset", "normal"):
        mirrored[name] = mirrored[name] * np.array([-1, 1, 1], np.float32)[: len(mirrored[name]), None, None]
    camera = (cameras[0] + cameras[1] * np.array([1, -1, 1, 1], np.float32)) / 2
    return {name: (seen[name] + mirrored[name]) / 2 for name in CHANNELS}, camera


def network_size(size: tuple[int, ...], area_px: int) -> tuple[int, int]:
    """Return (height, width) px that a photo of some (height, width) is reduced to: about ``area_px`` in all."""
    scale = np.sqrt(area_px / (size[0] * size[1]))
    height, width = (int(max(1, round(side * scale / STRIDE))) for side in size)
    return min(height, 24) * STRIDE, min(width, 24) * STRIDE


def _gravity(lines: np.ndarray, camera: Camera, seen: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """Return gravity as the camera has it, or as the network saw it, and lines and open sky make it more exact."""
    if camera.down_cam is not None:
        return np.array(camera.down_cam)
    down = bring_under_sky(seen / max(float(np.linalg.norm(seen)), 1e-6), camera, sky)
    refined = refine_gravity(lines, camera, down, GRAVITY_ERROR_DEG)
    return down if refined is None else bring_under_sky(refined, camera, sky)


def _segments(
    maps: dict[str, np.ndarray],
    rgb: np.ndarray,
    regions: Regions,
    is_sky: np.ndarray,
    camera: Camera,
    down_cam: np.ndarray,
) -> SegmentMap:
    pieces = regions.ids
    means = means_of(_resized(softmax(maps["kind"], axis=0), pieces.shape), pieces)
    _correct(means, replace(regions, below=find_below(pieces, camera, down_cam)), is_sky)
    chances = means[:, pieces]
    border = _resized(1 / (1 + np.exp(-maps["edge"])), pieces.shape)[0]
    ids, kinds = group_instances(chances.argmax(axis=0), border, _resized(maps["offset"], pieces.shape), pieces)
    log_z, likely = _resized(maps["depth"], pieces.shape)[0], means_of(chances[GROUND][None], ids)[0]
    lying = find_lying(log_z, ids, kinds, likely, camera, down_cam)
    if lying.any():
        ids[lying[ids]] = np.flatnonzero(kinds == GROUND)[0]
    fine = sharpen_outlines(ids, rgb) if min(rgb.shape[:2]) > 64 else nearest_pixels(ids, rgb.shape[:2])
    fine, origin = _keep_parts(fine, kinds)
    score = means_of(chances.max(axis=0)[None], ids)[0]
    likeness = means_of(_resized(softmax(maps["shape"], axis=0), pieces.shape), ids)
    shapes = np.where(likeness.max(axis=0) > SURE, np.array(SHAPES)[likeness.argmax(axis=0)], "")
    rows = []
    for i, old in list(enumerate(origin))[1:]:
        kind = KINDS[kinds[old]]
        shape = str(shapes[old]) if kind in ("structure", "object") else ""
        rows.append(Segment(i, kind, kind, round(float(score[old]), 3), shape=shape))
    return SegmentMap(fine, tuple(rows))


def _correct(chances: np.ndarray, regions: Regions, is_sky: np.ndarray) -> None:
    """Change (4, N + 1) chances of kinds in place by what lies where, and looks like what, in a photo."""
    sky, ground = chances[SKY], chances[GROUND]
    needed = SKY_CHANCE if is_sky.any() else CLOSED_SKY_CHANCE
    sky[is_sky | (score_sky(regions, is_sky) >= SKY_SCORE) & (sky > needed)] = 1.0
    ground *= np.clip((regions.below - OVER_HORIZON) / (1 - OVER_HORIZON), 0, 1)
    ground[is_plinth(regions, chances.argmax(axis=0) == GROUND)] = 0


def _keep_parts(ids: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ids whose things are connected and not tiny, and the id that each had; sky and ground stay whole."""
    parts = keep_connected(ids, max(1, round(MIN_AREA * ids.size)))
    first = np.zeros(int(parts.max()) + 1, np.int64)
    first[parts.ravel()[::-1]] = ids.ravel()[::-1]
    whole = np.isin(kinds[first], (KINDS.index("sky"), KINDS.index("ground")))
    names = np.where(whole, -first, np.arange(len(first)))
    names[0] = -len(kinds)  # no pixel has it
    kept, index = np.unique(names, return_inverse=True)
    present = np.zeros(len(kept), np.int64)
    present[index[1:]] = first[1:]
    return np.asarray(index[parts], np.int32), present


def _resized(planes: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    return np.stack([cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) for plane in planes])


@lru_cache(maxsize=3)
def open_network(path: Path) -> Any:
    """Return ONNX Runtime's session for the network that ships, or another of its kind; it is opened once a process."""
    comes_along = path in (WEIGHTS, OPEN_COUNTRY)
    remedy = "install Blockout again" if comes_along else "give a network that blockout train has exported"
    if not path.is_file():
        raise WeightsNotFound(f"{path}: there is no such network; {remedy}")
    return open_session(path, "the estimator embedded", remedy=remedy)
