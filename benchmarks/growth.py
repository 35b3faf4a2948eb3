"""How statistics and the whole of reconstruction grow with pixels, segments and levels of detail.

    python benchmarks/growth.py [--runs 3]

The statistics of all segments (area, box, centroid, mean linear colour, depth quantiles) stand beside scikit-image's
``regionprops_table`` with the same measures, if it is installed (``pip install scikit-image``). Seconds are medians;
memory is what NumPy holds at its peak above the inputs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from blockout.inference.prediction import Prediction
from blockout.pipeline import BuildOptions, prediction_to_usd
from blockout.reconstruct.settings import Settings
from blockout.reconstruct.statistics import QUANTILES, draw_samples, find_runs, measure
from main_job import make_prediction

SAMPLES = 250_000  # of depth, as reconstruction draws them


def measure_here(prediction: Prediction) -> None:
    """Measure all segments as reconstruction does."""
    ids = prediction.segments.ids
    runs = find_runs(ids)
    found = measure(runs, int(ids.max()))
    border_px, stride = max(1, round(0.003 * max(ids.shape))), max(1, round(np.sqrt(ids.size / SAMPLES)))
    samples = draw_samples(ids, prediction.depth.z, prediction.photo.rgb, runs, found.area, border_px, stride)
    assert len(samples.depth_quantiles()) == len(samples.mean_colours()) == ids.max() + 1


def measure_by_library(prediction: Prediction) -> None:
    """Measure all segments with scikit-image."""
    from skimage.measure import regionprops_table

    def depth_quantiles(mask: np.ndarray, depth: np.ndarray) -> np.ndarray:
        return np.asarray(np.quantile(depth[mask], QUANTILES))

    ids = prediction.segments.ids
    linear = ((prediction.photo.rgb / np.float32(255) + 0.055) / 1.055) ** np.float32(2.4)
    regionprops_table(ids, linear, properties=("label", "area", "bbox", "centroid", "intensity_mean"))
    regionprops_table(ids, prediction.depth.z, properties=("label",), extra_properties=(depth_quantiles,))


def time_and_memory(work: Callable[[Prediction], None], prediction: Prediction, runs: int) -> tuple[float, float]:
    """Return the median seconds, and the peak of memory above what was there before, MB."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work(prediction)
        seconds.append(time.perf_counter() - start)
    tracemalloc.start()
    work(prediction)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return statistics.median(seconds), peak


def draw(megapixels: float, segments: int) -> Prediction:
    """Return a scene of 4 : 3."""
    height = round((megapixels * 1e6 * 0.75) ** 0.5)
    return make_prediction(height, round(height / 0.75), segments)


def compare_statistics(runs: int) -> None:
    """Print the statistics' table."""
    print("| megapixels | segments | here, s | here, MB | regionprops_table, s | MB | times faster |")
    print("|---|---|---|---|---|---|---|")
    for megapixels, segments in ((12, 66), (12, 600), (48, 66)):
        prediction = draw(megapixels, segments)
        here_s, here_mb = time_and_memory(measure_here, prediction, runs)
        try:
            there_s, there_mb = time_and_memory(measure_by_library, prediction, 1)
            there = f"{there_s:.2f} | {there_mb:.0f} | {there_s / here_s:.0f}"
        except ModuleNotFoundError:
            there = "not installed | - | -"
        print(f"| {megapixels} | {segments} | {here_s:.3f} | {here_mb:.0f} | {there} |", flush=True)


def measure_growth(runs: int) -> None:
    """Print how a build grows."""
    print("| megapixels | segments | detail | prisms | s | ms a prism |")
    print("|---|---|---|---|---|---|")
    sizes = [(m, 60) for m in (1, 3, 12, 48)] + [(12, count) for count in (10, 200, 600, 2000)]
    for megapixels, segments in sizes:
        prediction = draw(megapixels, segments)
        for detail in (0, 2):
            options = BuildOptions(settings=Settings(detail=detail), preview=False)
            seconds, count = [], 0
            for _ in range(runs):
                with tempfile.TemporaryDirectory() as folder:
                    start = time.perf_counter()
                    result = prediction_to_usd(prediction, Path(folder) / "scene.usd", options)
                    seconds.append(time.perf_counter() - start)
                    count = sum(1 for _ in result.scene.solids())
            median = statistics.median(seconds)
            row = f"{megapixels} | {segments} | {detail} | {count} | {median:.2f} | {1e3 * median / count:.0f}"
            print(f"| {row} |", flush=True)


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    compare_statistics(args.runs)
    measure_growth(args.runs)


if __name__ == "__main__":
    main()
