"""How well the estimator without weights does on frames with measured depth, beside floors that need no picture.

Run as ``python benchmarks/geometric_depth.py [FOLDER]``; a frame is a folder with image.png or image.jpg, depth.npz
(key ``depth``, metres, 0 = unknown) and intrinsics.json ({fx, fy, cx, cy, width, height} in pixels).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from blockout.inference.geometric import Geometric
from blockout.inference.prediction import Camera, DepthMap, Photo
from blockout.inference.standing import FAR_M
from PIL import Image

FRAMES = Path(__file__).resolve().parents[2] / "shared" / "photos" / "rgbd"


def absolute_relative_error(z: np.ndarray, measured_m: np.ndarray) -> float:
    """Return the mean of |z - measured| / measured after one factor makes the medians of their ratio 1.

    Args:
        z: (H, W) float, any unit, positive everywhere.
        measured_m: (H, W) float32, metres, 0 where unknown.
    """
    known = measured_m > 0
    ratio = z[known] / measured_m[known]
    return float(np.mean(np.abs(ratio / np.median(ratio) - 1)))


def depth_from_row(height: int, width: int) -> np.ndarray:
    """Return (H, W) float64, the floor to beat: disparity that grows evenly from the top row to four times below."""
    disparity = np.linspace(0.25, 1.0, height)
    return np.repeat(1 / disparity[:, None], width, axis=1)


def evaluate(frame: Path) -> dict[str, float | str]:
    """Return one row of the table for a frame's folder."""
    rgb = np.asarray(Image.open(next(frame.glob("image.*"))).convert("RGB"))
    measured_m = np.load(frame / "depth.npz")["depth"]
    intrinsics = json.loads((frame / "intrinsics.json").read_text())
    camera = Camera(**{key: intrinsics[key] for key in ("fx", "fy", "cx", "cy", "height", "width")}, source="measured")
    started = time.perf_counter()
    guessed = Geometric().predict(Photo(rgb), None)
    seconds = time.perf_counter() - started
    given = Geometric().predict(Photo(rgb), camera)
    assert (
        isinstance(guessed.depth, DepthMap)
        and isinstance(given.depth, DepthMap)
        and guessed.camera
        and given.gravity_cam is not None
    )
    down = given.gravity_cam
    return {
        "frame": frame.name,
        "AbsRel": absolute_relative_error(np.nan_to_num(guessed.depth.z, nan=FAR_M), measured_m),
        "AbsRel, camera given": absolute_relative_error(np.nan_to_num(given.depth.z, nan=FAR_M), measured_m),
        "constant": absolute_relative_error(np.ones(measured_m.shape), measured_m),
        "image row": absolute_relative_error(depth_from_row(*measured_m.shape), measured_m),
        "fov error deg": guessed.camera.fov_deg - camera.fov_deg,
        "fov from": guessed.camera.source,
        "pitch deg": float(np.degrees(np.arcsin(-down[2]))),
        "roll deg": float(np.degrees(np.arctan2(down[0], down[1]))),
        "seconds": seconds,
    }


def main(folder: Path) -> None:
    """Print the table, or one line when there is nothing to measure against."""
    frames = sorted(path.parent for path in folder.glob("*/depth.npz"))
    if not frames:
        print(f"{folder} holds no frames with measured depth: nothing measured")
        return
    rows = [evaluate(frame) for frame in frames]
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(value if isinstance(value, str) else f"{value:.3f}" for value in row.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FRAMES)
