"""Measure how well maps follow the photo's edges, before and after they are brought to its size.

    python benchmarks/outlines.py [--count 12] [--seed 1000]

Truth is that of benchmarks/scenes.py; a network is imitated by maps at 1/4 and 1/8 of the photo's size, blurred by a
pixel of theirs. Boundary F1 counts boundary pixels within ``TOLERANCE`` of the diagonal of the other map's.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np
from blockout.inference.edges import sharpen_depth
from blockout.inference.masks import segments_from_masks
from blockout.inference.prediction import DepthMap, MaskStack, Segment
from blockout.inference.resample import resize_depth
from scene_pictures import Picture
from scenes import make_scene

TOLERANCE = 0.003  # of the diagonal, 3 px at 800 x 600
DEPTH_STEP = 1.15  # from one pixel to the next but one: an edge of depth
BLUR_PX = 1.0  # standard deviation, of the coarse map's pixels


def boundary(ids: np.ndarray) -> np.ndarray:
    """Return (H, W) bool, the pixels whose right or lower neighbour has another id."""
    edge = np.zeros(ids.shape, bool)
    edge[:, :-1] |= ids[:, :-1] != ids[:, 1:]
    edge[:-1] |= ids[:-1] != ids[1:]
    return edge


def depth_edges(z: np.ndarray) -> np.ndarray:
    """Return (H, W) bool, where depth steps within two pixels; sky is far."""
    log = np.log(np.where(np.isfinite(z) & (z > 0), z, 1e3))
    edge = np.zeros(z.shape, bool)
    edge[:, 1:-1] |= np.abs(log[:, 2:] - log[:, :-2]) > np.log(DEPTH_STEP)
    edge[1:-1] |= np.abs(log[2:] - log[:-2]) > np.log(DEPTH_STEP)
    return edge


def f1(found: np.ndarray, true: np.ndarray) -> float:
    """Return the harmonic mean of how much of each boundary lies near the other."""
    reach = max(1, round(TOLERANCE * np.hypot(*true.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    near = [cv2.dilate(edge.astype(np.uint8), disc) > 0 for edge in (found, true)]
    precision = np.mean(near[1][found]) if found.any() else 0.0
    recall = np.mean(near[0][true]) if true.any() else 0.0
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def coarsen(plane: np.ndarray, factor: int) -> np.ndarray:
    """Return a plane as a network of a coarser grid gives it."""
    size = plane.shape[1] // factor, plane.shape[0] // factor
    return cv2.GaussianBlur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), (0, 0), BLUR_PX)


def measure(picture: Picture, factor: int) -> dict[str, float]:
    """Return F1 of a scene's segments and depth at one coarseness, before and after, and seconds."""
    ids, z = picture.ids, picture.depth_m
    numbers = np.unique(ids)
    scores = np.stack([coarsen((ids == number).astype(np.float32), factor) for number in numbers])
    nearness = coarsen(np.where(z > 0, 1 / np.where(z > 0, z, 1), 0).astype(np.float32), factor)
    coarse_z = (1 / np.maximum(nearness, 1e-3)).astype(np.float32)
    nearest = cv2.resize(scores.argmax(0).astype(np.int32), ids.shape[::-1], interpolation=cv2.INTER_NEAREST)
    rows = tuple(Segment(k, "thing") for k in range(1, len(numbers) + 1))
    stack = MaskStack(scores, rows, np.ones(len(rows), bool))
    start = time.perf_counter()
    fine = segments_from_masks(stack, picture.rgb, coarse_z)
    middle = time.perf_counter()
    sharp = sharpen_depth(DepthMap(coarse_z), picture.rgb).z
    end = time.perf_counter()
    plain = resize_depth(DepthMap(coarse_z), ids.shape).z
    true, true_depth = boundary(ids), depth_edges(z)
    both = (z > 0) & np.isfinite(sharp)
    return {
        "segments before": f1(boundary(nearest), true),
        "segments after": f1(boundary(fine.ids), true),
        "depth before": f1(depth_edges(plain), true_depth),
        "depth after": f1(depth_edges(sharp), true_depth),
        "AbsRel before": float(np.mean(np.abs(plain - z)[both] / z[both])),
        "AbsRel after": float(np.mean(np.abs(sharp - z)[both] / z[both])),
        "segments s": middle - start,
        "depth s": end - middle,
    }


def main() -> None:
    """Print means over scenes, one line a coarseness."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1000)
    args = parser.parse_args()
    pictures = [make_scene(number, args.seed)[2] for number in range(args.count)]
    for factor in (4, 8):
        rows = [measure(picture, factor) for picture in pictures]
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        print(f"1/{factor}: " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()), flush=True)


if __name__ == "__main__":
    main()
