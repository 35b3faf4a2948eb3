"""A photo -> what a network takes: size, margins and normalisation as its own files say.

The image processors of transformers partly demand torchvision; what they do is little, and done here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ..errors import WeightsUnusable
from .files import read_json

_HALF = (0.5, 0.5, 0.5)
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALLEST_SIDE_PX = 64


@dataclass(frozen=True)
class Recipe:
    """How a photo becomes a network's input.

    Attributes:
        size: (height, width) px that the picture is brought to; with ``keep_aspect`` the one of both whose factor is
            nearer to 1 counts.
        shortest_px, longest_px: in place of ``size``: the shorter side, unless the longer one would exceed its limit.
        keep_aspect: see above.
        multiple: both sides are rounded to multiples of it.
        mean, std: of each channel of 0..1.
        filter: Pillow's number of the resampling filter.
        is_padded: whether mirrored margins go around the photo first, against errors at the frame.
        is_fixed: whether the network takes no other size.
    """

    size: tuple[int, int] | None = (384, 384)
    shortest_px: int = 0
    longest_px: int = 0
    keep_aspect: bool = False
    multiple: int = 1
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF
    filter: int = Image.Resampling.BICUBIC
    is_padded: bool = False
    is_fixed: bool = False


_BILINEAR = Image.Resampling.BILINEAR
_UNIVERSAL = Recipe(None, 800, 1333, multiple=32, mean=_IMAGENET[0], std=_IMAGENET[1], filter=_BILINEAR)
RECIPES: dict[str, Recipe] = {  # by model_type: what the published models use, for folders without a preprocessor file
    "depth_anything": Recipe((518, 518), keep_aspect=True, multiple=14, mean=_IMAGENET[0], std=_IMAGENET[1]),
    "prompt_depth_anything": Recipe((756, 756), keep_aspect=True, multiple=14, mean=_IMAGENET[0], std=_IMAGENET[1]),
    "dpt": Recipe((384, 384)),
    "zoedepth": Recipe((384, 512), keep_aspect=True, multiple=32, filter=_BILINEAR, is_padded=True),
    "glpn": Recipe((480, 640), multiple=32, mean=(0, 0, 0), std=(1, 1, 1), filter=_BILINEAR),
    "depth_pro": Recipe((1536, 1536), filter=_BILINEAR, is_fixed=True),
    "segformer": Recipe((512, 512), mean=_IMAGENET[0], std=_IMAGENET[1], filter=_BILINEAR),
    "beit": Recipe((640, 640), is_fixed=True),
    "upernet": Recipe((512, 512), mean=_IMAGENET[0], std=_IMAGENET[1], filter=_BILINEAR),
    "mask2former": replace(_UNIVERSAL, shortest_px=384, longest_px=384),
    "maskformer": replace(_UNIVERSAL, shortest_px=512, longest_px=2048),
    "oneformer": replace(_UNIVERSAL, shortest_px=512, longest_px=2048),
    "eomt": Recipe((640, 640), mean=_IMAGENET[0], std=_IMAGENET[1], filter=_BILINEAR, is_fixed=True),
    "sam": Recipe(None, longest_px=1024, mean=_IMAGENET[0], std=_IMAGENET[1], filter=_BILINEAR, is_fixed=True),
}


def read_recipe(folder: Path, config: dict[str, Any]) -> Recipe:
    """Return how a model's input is made: its type's recipe, changed by what preprocessor_config.json says.

    Raises:
        WeightsUnusable: that file is not readable, or its values make no picture.
    """
    model_type = config["model_type"]
    recipe = RECIPES.get(model_type, _UNIVERSAL)
    path = folder / "preprocessor_config.json"
    said = read_json(path, WeightsUnusable) if path.is_file() else {}
    if recipe.is_fixed and recipe.size and isinstance(config.get("image_size"), int):
        recipe = replace(recipe, size=(config["image_size"],) * 2)
    try:
        recipe = _apply(recipe, said)
        usable = recipe.multiple >= 1 and all(value > 0 for value in recipe.std) and len(recipe.mean) == 3
        usable &= all(1 <= side <= 8192 for side in recipe.size or (recipe.shortest_px or recipe.longest_px,))
    except (KeyError, TypeError, ValueError, AttributeError):
        usable = False
    if not usable:
        raise WeightsUnusable(f"{path}: size, image_mean or image_std make no picture; take the publisher's file")
    return recipe


def _apply(recipe: Recipe, said: dict[str, Any]) -> Recipe:
    size = said.get("size")
    changes: dict[str, Any] = {}
    if isinstance(size, int):
        size = {"height": size, "width": size} if recipe.size else {"shortest_edge": size, **_longest(said)}
    if isinstance(size, dict) and "height" in size:
        changes |= {"size": (int(size["height"]), int(size["width"])), "shortest_px": 0, "longest_px": 0}
    elif isinstance(size, dict) and ("shortest_edge" in size or "longest_edge" in size):
        shortest, longest = (int(size.get(key) or 0) for key in ("shortest_edge", "longest_edge"))
        changes |= {"size": None, "shortest_px": shortest, "longest_px": longest}
    for key, field in (("image_mean", "mean"), ("image_std", "std")):
        if said.get(key) is not None:
            changes[field] = tuple(float(value) for value in said[key])
    if said.get("do_normalize") is False:
        changes |= {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    multiple = said.get("ensure_multiple_of", said.get("size_divisor"))
    if isinstance(multiple, int) and multiple > 0:
        changes["multiple"] = multiple
    if "keep_aspect_ratio" in said:
        changes["keep_aspect"] = bool(said["keep_aspect_ratio"])
    if isinstance(said.get("resample"), int):
        changes["filter"] = Image.Resampling(said["resample"])
    if recipe.is_padded and said.get("do_pad") is False:
        changes["is_padded"] = False
    return replace(recipe, **changes)


def _longest(said: dict[str, Any]) -> dict[str, int]:
    return {"longest_edge": said["max_size"]} if isinstance(said.get("max_size"), int) else {}


def choose_size(recipe: Recipe, size: tuple[int, int], share: float = 1.0) -> tuple[int, int]:
    """Return the (height, width) px that a picture of some size is brought to.

    Args:
        recipe: of the network.
        size: (height, width) px of the picture, margins included.
        share: of the recipe's size, below 1 to save memory.
    """
    height, width = size
    if recipe.size is None:
        factor = share * recipe.shortest_px / min(size) if recipe.shortest_px else np.inf
        if recipe.longest_px:
            factor = min(factor, share * recipe.longest_px / max(size))
        down, across = factor, factor
    else:
        down, across = share * recipe.size[0] / height, share * recipe.size[1] / width
        if recipe.keep_aspect:
            down = across = min(down, across, key=lambda factor: abs(1 - factor))
    step = recipe.multiple
    return max(step, round(down * height / step) * step), max(step, round(across * width / step) * step)


def shares(recipe: Recipe) -> tuple[float, ...]:
    """Return which shares of a recipe's size are tried, one after the other, when memory runs out."""
    return (1.0,) if recipe.is_fixed else (1.0, 0.75, 0.5, 0.375, 0.25)


def margins(recipe: Recipe, size: tuple[int, int]) -> tuple[int, int]:
    """Return how many mirrored rows and columns go on each side of a picture of (height, width) px.

    Source: ZoeDepth's evaluation code, 3 times the root of half the side; a mirror ends before its last pixel.
    """
    if not recipe.is_padded:
        return 0, 0
    rows, columns = (min(int(3 * np.sqrt(side / 2)), side - 1) for side in size)
    return rows, columns


def make_input(rgb: np.ndarray, recipe: Recipe, share: float = 1.0) -> np.ndarray:
    """Return (1, 3, h, w) float32, the normalised picture.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        recipe: of the network.
        share: of its size, below 1 to save memory.
    """
    rows, columns = margins(recipe, rgb.shape[:2])
    if rows or columns:
        rgb = cv2.copyMakeBorder(rgb, rows, rows, columns, columns, cv2.BORDER_REFLECT_101)
    height, width = choose_size(recipe, rgb.shape[:2], share)
    resized = Image.fromarray(rgb).resize((width, height), recipe.filter, reducing_gap=None)
    picture = np.asarray(resized, np.float32) / 255
    picture = (picture - np.array(recipe.mean, np.float32)) / np.array(recipe.std, np.float32)
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)


def crop_margins(values: np.ndarray, recipe: Recipe, size: tuple[int, int]) -> np.ndarray:
    """Return what a network made of the photo itself, without that of the margins.

    Args:
        values: (..., h, w), what it made of the input.
        recipe: of the network.
        size: (height, width) px of the photo.
    """
    inner = []
    for side, photo_side, margin in zip(values.shape[-2:], size, margins(recipe, size), strict=True):
        start = round(margin / (photo_side + 2 * margin) * side)
        inner.append(slice(start, max(side - start, start + 1)))
    return values[..., inner[0], inner[1]]
