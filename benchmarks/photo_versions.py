"""Whether depth stays as right as it is when a photo changes in ways that do not matter.

Run as ``python benchmarks/photo_versions.py [FRAMES]``; the folder holds frames of measured depth as ``blockout
evaluate`` takes them. They and the example are resized, compressed, darkened, mirrored and cropped a little; AbsRel of
each version is printed. The first is the photo as it is: much was chosen on that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from blockout.inference.embedded import Embedded
from blockout.inference.geometric import Geometric
from blockout.inference.photo import read_photo
from blockout.inference.prediction import DepthMap, Photo
from blockout.inference.resample import nearest_pixels
from blockout.inference.training.evaluate import absolute_relative_error, open_samples
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FRAMES = ROOT.parent / "shared" / "photos" / "rgbd"
SIZES = (0.7, 0.87, 1.04)
CROPPED = 0.02  # of each side
VERSIONS = ("as it is", *(f"x {size}" for size in SIZES), "JPEG 60", "darker", "mirrored", "cropped")


def photos(frames: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, picture and true depth, infinite where unknown: the example, and frames where there are some."""
    depth = np.asarray(Image.open(ROOT / "examples" / "square_depth.png")).astype(np.float32) / 1000
    yield "example", read_photo(ROOT / "examples" / "square.jpg").rgb, np.where(depth > 0, depth, np.inf)
    names = sorted(path.parent.name for path in frames.glob("*/depth.npz"))
    if not names:
        print(f"{frames}: there are no frames, only the example is measured")
        return
    for name, sample in zip(names, open_samples(frames, len(names))[0], strict=True):
        yield name, sample.rgb, np.where(sample.depth > 0, sample.depth, np.inf)


def versions(rgb: np.ndarray, depth: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the picture as of ``VERSIONS``, each with its depth."""
    yield rgb, depth
    for size in SIZES:
        way = cv2.INTER_AREA if size < 1 else cv2.INTER_CUBIC
        yield np.asarray(cv2.resize(rgb, None, fx=size, fy=size, interpolation=way)), depth
    encoded = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    yield np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[:, :, ::-1], depth
    yield (rgb * 0.8).astype(np.uint8), depth
    yield rgb[:, ::-1], depth[:, ::-1]
    yield _crop(rgb), _crop(depth)


def _crop(picture: np.ndarray) -> np.ndarray:
    rows, columns = (round(side * CROPPED) for side in picture.shape[:2])
    return picture[rows : picture.shape[0] - rows, columns : picture.shape[1] - columns]


def main() -> None:
    """Print a row for each photo and estimator."""
    frames = Path(sys.argv[1]) if len(sys.argv) > 1 else FRAMES
    print(f"| photo | estimator | {' | '.join(VERSIONS)} | mean |\n|{'---|' * (len(VERSIONS) + 3)}")
    for name, rgb, depth in photos(frames):
        for estimator in (Embedded(), Geometric()):
            errors = []
            for picture, truth in versions(rgb, depth):
                seen = estimator.predict(Photo(np.ascontiguousarray(picture)), None).depth
                assert isinstance(seen, DepthMap)
                z = np.nan_to_num(seen.z, nan=60.0)
                errors.append(absolute_relative_error(z, nearest_pixels(truth, z.shape)))
            cells = " | ".join(f"{error:.3f}" for error in [*errors, np.mean(errors)])
            print(f"| {name} | {estimator.name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
