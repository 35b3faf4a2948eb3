"""Time the main job after inference: 12 megapixels and 60 segments, from decoded pixels to a written stage.

    python benchmarks/main_job.py [--megapixels 12] [--segments 60] [--runs 5]

Prints the median seconds of each step, and the peak memory of the process above what the inputs take.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from blockout.inference.prediction import Camera, DepthMap, Photo, Prediction, Segment, SegmentMap
from blockout.pipeline import BuildOptions, prediction_to_usd


def make_prediction(height: int, width: int, count: int, seed: int = 0) -> Prediction:
    """Draw a street-like prediction: a ground, a sky, and blobs that stand at depths of their own."""
    rng = np.random.default_rng(seed)
    small = (height // 8, width // 8)
    rows, columns = np.mgrid[: small[0], : small[1]] / small[0]
    centres = np.column_stack([rng.uniform(0.3, 0.8, count - 2), rng.uniform(0, width / height, count - 2)])
    warp = cv2.resize(rng.normal(0, 0.03, (18, 24)).astype(np.float32), small[::-1], interpolation=cv2.INTER_CUBIC)
    nearest = np.full(small, np.inf)
    radius = min(0.09, 0.7 / count**0.5)  # of the height
    ids = np.where(rows < 0.45, 1, 2)
    for number, (y, x) in enumerate(centres, start=3):
        away = np.hypot(rows - y + warp, (columns - x + warp) * rng.uniform(0.8, 2.5))
        inside = (away < radius) & (away < nearest)
        ids[inside], nearest[inside] = number, away[inside]
    layers = cv2.resize(ids.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST).astype(np.int32)
    depth = 1.6 / np.maximum((np.arange(height) / height - 0.45)[:, None], 0.02) + np.zeros((1, width))
    for number in range(3, count + 1):
        slope, away = rng.uniform(-0.3, 0.3) * (np.arange(width) / width - 0.5), rng.uniform(3, 20)
        bumps = rng.normal(0, 0.01, (height, 1))
        seen_rows, seen_columns = np.nonzero(ids == number)
        if len(seen_rows):
            rows, columns = (slice(8 * max(s.min() - 1, 0), 8 * (s.max() + 2)) for s in (seen_rows, seen_columns))
            inside = layers[rows, columns] == number
            depth[rows, columns][inside] = (away * np.exp(slope[columns] + bumps[rows]))[inside]
    rgb = cv2.resize(rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8), (width, height))
    segments = tuple(
        Segment(i, {1: "sky", 2: "ground"}.get(i, "thing"), {1: "sky", 2: "ground"}.get(i, "object"))  # type: ignore[arg-type]
        for i in np.unique(layers).tolist()
    )
    camera = Camera(0.9 * width, 0.9 * width, width / 2, 0.45 * height, height, width)
    return Prediction(Photo(rgb), camera, DepthMap(depth.astype(np.float32), True), SegmentMap(layers, segments))


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--segments", type=int, default=60)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    height = round((args.megapixels * 1e6 * 0.75) ** 0.5)
    prediction = make_prediction(height, round(height / 0.75), args.segments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for detail, texture in ((0, "colour"), (2, "colour"), (2, "photo")):
        totals, steps = [], []
        for _ in range(args.runs):
            options = BuildOptions(preview=False, texture=texture)
            options = BuildOptions(settings=type(options.settings)(detail=detail), preview=False, texture=texture)
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                result = prediction_to_usd(prediction, Path(folder) / "scene.usd", options)
                totals.append(time.perf_counter() - start)
                steps.append(result.seconds)
        names = ", ".join(f"{name} {statistics.median(s.get(name, 0) for s in steps):.2f}" for name in steps[0])
        solids = sum(1 for _ in result.scene.solids())
        print(
            f"detail {detail}, {texture}: median {statistics.median(totals):.2f} s of {args.runs} "
            f"(least {min(totals):.2f}, most {max(totals):.2f}); {solids} prisms; {names}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:.0f} MB, {(peak - before) / 1024:.0f} MB above the peak of making the inputs")


if __name__ == "__main__":
    main()
