"""Draw composites: cut-outs pasted on backgrounds, with mask, box and depth. Pictures are BGR here, as OpenCV's are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ...errors import MaterialUnusable, PhotoNotFound, PhotoSizeUnusable, PhotoUnreadable, UsageError
from ..camera import choose_camera
from ..depth_file import read_depth
from ..disparity import depth_from_disparity
from ..files import open_picture, require_file
from ..photo import FORMATS, read_photo
from ..predict import LEVEL
from ..prediction import DepthMap, Photo
from ..registry import Estimator, Loader, resolve
from .compose_plan import Recipe, Sample, plan

CACHE_BYTES = 256 << 20  # of decoded pictures in each worker, half of it cut-outs
LEAST_SIDE_PX = 16  # of the smallest level of a cut-out
DEPTH_SUFFIXES = (".npy", ".npz", ".png", ".exr")
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Composite:
    """One drawn sample.

    Attributes:
        sample: what was drawn.
        overlay_bgr: (H, W, 3) uint8, sRGB.
        mask: (H, W) uint8, 255 where the foreground covers at least half of the pixel, else 0.
        box: x, y, width, height px, that of the mask.
        depth: (H, W) float32, metres or in an unknown unit, NaN unknown; None where none was asked for.
    """

    sample: Sample
    overlay_bgr: np.ndarray
    mask: np.ndarray
    box: Box
    depth: np.ndarray | None


@dataclass(frozen=True, eq=False)
class CutOut:
    """A foreground, cropped to what is not transparent.

    Attributes:
        levels: (h, w, 4) uint8 each, BGR multiplied by alpha, and alpha; each half as large as the one before.
    """

    levels: tuple[np.ndarray, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) px of the largest level."""
        return self.levels[0].shape[0], self.levels[0].shape[1]

    def resized(self, height: int, width: int) -> np.ndarray:
        """Return (height, width, 4) uint8, from the smallest level that is not smaller: bilinear, never by half."""
        level = next((level for level in reversed(self.levels) if level.shape[0] >= height), self.levels[0])
        return cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR)


class Composer:
    """Draws the samples of a recipe, keeping decoded pictures up to ``CACHE_BYTES``."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        height, width = recipe.size
        kept = max(4, CACHE_BYTES // (8 * height * width))
        self._cut_out = lru_cache(kept)(lambda index: read_cut_out(Path(recipe.foregrounds[index]), self._largest()))
        self._background = lru_cache(kept)(lambda index: read_background(Path(recipe.backgrounds[index]), recipe.size))
        self._background_depth = lru_cache(kept)(self._read_background_depth)
        load = find_estimator(recipe)
        self._estimator = load and load()

    def draw(self, number: int) -> Composite:
        """Return the sample of a number."""
        sample = plan(self.recipe, number)
        cut_out = self._cut_out(sample.foreground)
        left, top, width, height = self._place(sample, cut_out)
        bgra = cut_out.resized(height, width)
        if sample.mirrored:
            bgra = cv2.flip(bgra, 1)
        bgr, alpha = cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR), cv2.extractChannel(bgra, 3)
        overlay = self._background(sample.background).copy()
        window = np.s_[top : top + height, left : left + width]
        clear = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
        overlay[window] = cv2.add(bgr, cv2.multiply(overlay[window], clear, scale=1 / 255))
        mask = np.zeros(self.recipe.size, np.uint8)
        covered = cv2.threshold(alpha, min(127, int(alpha.max()) - 1), 255, cv2.THRESH_BINARY)[1]
        mask[window] = covered
        x, y, box_width, box_height = cv2.boundingRect(covered)
        box = left + x, top + y, box_width, box_height
        return Composite(sample, overlay, mask, box, self._depth(sample, overlay, mask, box))

    def background_bgr(self, index: int) -> np.ndarray:
        """Return (H, W, 3) uint8, a background as composites show it."""
        background: np.ndarray = self._background(index)
        return background

    def _largest(self) -> tuple[int, int]:
        """Return the largest (height, width) px at which a cut-out is pasted."""
        height, width = self.recipe.size
        return max(1, round(self.recipe.shares[1] * height)), width

    def _place(self, sample: Sample, cut_out: CutOut) -> Box:
        """Return x, y, width, height px of the pasted cut-out, which lies inside the picture altogether."""
        height, width = self.recipe.size
        rows, columns = cut_out.size
        least, largest = self.recipe.shares
        scale = min((least + sample.draws[0] * (largest - least)) * height / rows, width / columns)
        rows, columns = max(1, round(rows * scale)), max(1, min(width, round(columns * scale)))
        return (
            int(sample.draws[1] * (width - columns + 1)),
            int(sample.draws[2] * (height - rows + 1)),
            columns,
            rows,
        )

    def _depth(self, sample: Sample, overlay_bgr: np.ndarray, mask: np.ndarray, box: Box) -> np.ndarray | None:
        if self._estimator is not None:
            rgb = cv2.cvtColor(overlay_bgr, cv2.COLOR_BGR2RGB)
            return _resize_depth(_estimate_z(Photo(rgb), self._estimator), self.recipe.size)
        if self.recipe.background_depths is None:
            return None
        return stand_upright(self._background_depth(sample.background), mask, box)

    def _read_background_depth(self, index: int) -> np.ndarray:
        assert self.recipe.background_depths is not None
        path = find_depth(Path(self.recipe.background_depths), Path(self.recipe.backgrounds[index]))
        return _resize_depth(_crop(read_depth(path).z, self.recipe.size), self.recipe.size)


def find_estimator(recipe: Recipe) -> Loader | None:
    """Return what loads the estimator that a recipe asks for, None for none.

    Raises:
        UnknownEstimator: none has this name.
        UsageError: it is a file.
    """
    loader = None if recipe.depth is None else resolve(recipe.depth, "depth")
    if isinstance(loader, Path):
        raise UsageError(f"--depth {loader} is one map; name an estimator, or give --background-depths.")
    return loader


def read_cut_out(path: Path, largest: tuple[int, int]) -> CutOut:
    """Read a foreground.

    Args:
        path: a picture with transparency.
        largest: (height, width) px: a larger cut-out is reduced to fit in.

    Raises:
        PhotoNotFound, PhotoUnreadable, PhotoSizeUnusable: as for photos.
        MaterialUnusable: it has no alpha channel, or is transparent altogether.
    """
    require_file(path, "foreground", PhotoNotFound, PhotoUnreadable)
    with open_picture(path, "foreground", FORMATS, PhotoUnreadable, PhotoSizeUnusable) as picture:
        picture.load()
        has_alpha = picture.has_transparency_data
        rgba = np.asarray(picture.convert("RGBA"))
    if not has_alpha:
        raise MaterialUnusable(
            f"{path}: the foreground has no alpha channel; cut the thing out and save it as PNG with transparency"
        )
    alpha = rgba[..., 3]
    x, y, width, height = cv2.boundingRect(cv2.threshold(alpha, 127, 255, cv2.THRESH_BINARY)[1])
    if width == 0:
        raise MaterialUnusable(f"{path}: the foreground is transparent altogether; save it with the thing visible")
    rgba = np.ascontiguousarray(rgba[y : y + height, x : x + width])
    opacity = cv2.merge([*[cv2.extractChannel(rgba, 3)] * 3, np.full((height, width), 255, np.uint8)])
    bgra = cv2.cvtColor(cv2.multiply(rgba, opacity, scale=1 / 255), cv2.COLOR_RGBA2BGRA)
    scale = min(1.0, largest[0] / height, largest[1] / width)
    levels = [_shrink(bgra, scale)]
    while min(levels[-1].shape[:2]) > LEAST_SIDE_PX:
        levels.append(_shrink(levels[-1], 0.5))
    return CutOut(tuple(levels))


def _shrink(picture: np.ndarray, scale: float) -> np.ndarray:
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def read_background(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return (H, W, 3) uint8 BGR, the middle of a photo that has the wanted aspect, in (height, width) px ``size``.

    Raises:
        PhotoNotFound, PhotoUnreadable, PhotoSizeUnusable: as for photos.
    """
    rgb = _crop(read_photo(path).rgb, size)
    way = cv2.INTER_AREA if rgb.shape[0] > size[0] else cv2.INTER_CUBIC
    return cv2.cvtColor(cv2.resize(rgb, size[::-1], interpolation=way), cv2.COLOR_RGB2BGR)


def find_depth(folder: Path, background: Path) -> Path:
    """Return the depth map in a folder that is called as a background.

    Raises:
        MaterialUnusable: there is none.
    """
    for suffix in DEPTH_SUFFIXES:
        path = folder / f"{background.stem}{suffix}"
        if path.is_file():
            return path
    raise MaterialUnusable(
        f"{folder} holds no depth map of {background.name}: add {background.stem}.npy, .npz, .png or .exr"
    )


def stand_upright(background: np.ndarray, mask: np.ndarray, box: Box) -> np.ndarray:
    """Return (H, W) float32, the depth of a picture in which a flat, upright foreground stands where its foot is.

    Args:
        background: (H, W) float32, depth without the foreground, NaN unknown.
        mask: (H, W) uint8, 255 on the foreground.
        box: x, y, width, height px of the mask.
    """
    x, y, width, height = box
    foot = np.s_[y + height - 1, x : x + width]
    below = background[foot][mask[foot] > 0]
    known = below[np.isfinite(below)]
    depth = background.copy()
    depth[mask > 0] = known.min() if known.size else np.nan
    return depth


def _estimate_z(photo: Photo, estimator: Estimator) -> np.ndarray:
    """Return (h, w) float32, depth by an estimator; relative disparity counts from 0, without a ground to go by."""
    estimate = estimator.predict(photo, None)
    assert estimate.depth is not None, f"{estimator.name} is in the table of depth estimators"
    if isinstance(estimate.depth, DepthMap):
        return estimate.depth.z
    nothing = np.zeros(estimate.depth.values.shape, bool)
    camera = choose_camera(photo, None, estimate.camera, estimator.name)
    return depth_from_disparity(estimate.depth, nothing, nothing, camera, LEVEL)[0].z


def _crop(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the middle of a picture or map, as much of it as has the aspect ratio of (height, width) ``size``."""
    rows, columns = plane.shape[:2]
    height = min(rows, max(1, round(columns * size[0] / size[1])))
    width = min(columns, max(1, round(rows * size[1] / size[0])))
    top, left = (rows - height) // 2, (columns - width) // 2
    return plane[top : top + height, left : left + width]


def _resize_depth(z: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return (H, W) float32 of another size; nearest neighbours invent no depth between two surfaces."""
    return cv2.resize(np.asarray(z, np.float32), size[::-1], interpolation=cv2.INTER_NEAREST)
