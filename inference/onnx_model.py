"""Any depth or segmentation network as an .onnx file, with a small .json beside it that says what goes in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import EstimateUnusable, WeightsNotFound, WeightsUnusable
from .files import read_json, require_file
from .labels import UNLABELLED
from .mask_stacks import softmax, stack_of_classes
from .network_input import Recipe, choose_size, make_input, shares
from .onnx_session import first_line, open_session
from .prediction import Camera, DepthMap, DisparityMap, Estimate, MaskStack, Photo
from .registry import Task, Weights
from .torch_runtime import is_out_of_memory, require, run_within_memory

Value = TypeVar("Value")
MEANINGS: dict[Task, tuple[str, ...]] = {
    "depth": ("metres", "depth", "disparity", "inverse metres", "inverse depth"),
    "segments": ("logits", "probabilities", "ids"),
}
STEPS = (32, 16, 14, 8, 4, 2, 1)  # of which sides of smaller inputs stay multiples, the first that divides the size
_EXAMPLE = '{"size": [518, 518], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "meaning": "disparity"}'


class OnnxModel:
    """A network that ONNX Runtime runs.

    The side file has the same stem. "size" [height, width] px and "meaning" it must have: of depth "metres", "depth"
    (up to a factor), "disparity" (up to factor and shift), "inverse metres" or "inverse depth" (up to a factor); of
    segments "logits" or "probabilities" of each class, or "ids". It may have "mean" and "std" of channels 0..1,
    "range" (255 for channels 0..255), "channels" ("rgb" or "bgr"), "layout" ("nchw" or "nhwc"), "input" and "output"
    (names, where there are several), "labels" (a list, or {"0": "sky"}), "version" and "licence".
    """

    name = "onnx"

    def __init__(self, weights: Weights, task: Task) -> None:
        self._path, self._task = Path(weights.given).expanduser(), task
        require("onnxruntime", f"{self._path}")
        if not weights.given:
            raise WeightsNotFound(f"--{task} onnx needs a file: onnx:PATH, or the path of an .onnx alone")
        require_file(self._path, "network", WeightsNotFound, WeightsUnusable)
        self._side = _SideFile(self._path.with_suffix(".json"), task)
        self.version = f"{self._path.name} {self._side.text('version', '')}".strip()
        self.licence = self._side.text("licence", "licence unknown: ask its publisher")
        self._session = open_session(self._path, f"{self._path}", weights.device)
        self._input = self._choose(self._session.get_inputs(), "input")
        shape = next(node.shape for node in self._session.get_inputs() if node.name == self._input)
        self._shares = self._side.shares(shape)
        self._output = self._choose(self._session.get_outputs(), "output")

    def predict(self, photo: Photo, camera: Camera | None) -> Estimate:
        """Run the network on a photo; the camera is not needed."""
        values, note = self._run(photo)
        if self._task == "segments":
            return Estimate(segments=self._masks(values), note=note)
        plane = self._plane(values)
        if self._side.meaning == "disparity":
            return Estimate(DisparityMap(plane), note=note)
        if self._side.meaning.startswith("inverse"):
            with np.errstate(divide="ignore"):
                plane = np.where(plane > 0, 1 / plane, np.nan).astype(np.float32)
        z = np.where(plane > 0, plane, np.nan).astype(np.float32)
        if np.isnan(z).all():
            raise EstimateUnusable(f"{self._path}: no pixel of the output {self._output} has a depth above 0")
        return Estimate(DepthMap(z, is_metric=self._side.meaning.endswith("metres")), note=note)

    def _run(self, photo: Photo) -> tuple[np.ndarray, str]:
        """Return the output without its first axis, float32 or whole numbers, and a note for the user."""
        sides_px = sorted(self._shares, reverse=True)
        return run_within_memory(lambda side_px: self._run_at(photo, self._shares[side_px]), sides_px)

    def _run_at(self, photo: Photo, share: float) -> np.ndarray:
        pixels = self._side.make_input(photo.rgb, share)
        try:
            values = np.asarray(self._session.run([self._output], {self._input: pixels})[0])
        except Exception as error:  # ONNX Runtime's classes derive from nothing else
            if is_out_of_memory(error):
                raise MemoryError(first_line(error)) from error
            shape = " x ".join(str(n) for n in pixels.shape)
            raise WeightsUnusable(
                f"{self._path}: the network does not take an input of {shape} ({first_line(error)}); correct size or "
                f"layout in {self._side.path.name}"
            ) from error
        values = values[0] if values.ndim > 2 and values.shape[0] == 1 else values
        if not np.isfinite(values).all():
            raise EstimateUnusable(
                f"{self._path}: {1 - np.isfinite(values).mean():.0%} of the output {self._output} is not finite"
            )
        return values.astype(np.float32) if values.dtype.kind == "f" else values

    def _plane(self, values: np.ndarray) -> np.ndarray:
        plane = values[0] if values.ndim == 3 and values.shape[0] == 1 else values
        plane = plane[..., 0] if plane.ndim == 3 and plane.shape[-1] == 1 else plane
        if plane.ndim != 2:
            raise self._wrong_shape(values, "(1, height, width)")
        return np.asarray(plane, np.float32)

    def _masks(self, values: np.ndarray) -> MaskStack:
        if self._side.meaning == "ids":
            ids = self._plane(values).astype(np.int64)
            count = int(ids.max()) + 1
            if ids.min() < 0 or count > 4096:
                raise EstimateUnusable(f"{self._path}: ids of {ids.min()} to {ids.max()} are no classes; 0 to 4095 are")
            scores = (ids == np.arange(count)[:, None, None]).astype(np.float32)
        else:
            if values.ndim != 3:
                raise self._wrong_shape(values, "(1, classes, height, width)")
            scores = values.transpose(2, 0, 1) if self._side.is_last else values
            scores = softmax(scores, axis=0) if self._side.meaning == "logits" else np.clip(scores, 0, 1)
        return stack_of_classes(scores, self._side.labels(len(scores)))

    def _choose(self, nodes: list[Any], key: str) -> str:
        names = [node.name for node in nodes]
        name = self._side.text(key, names[0])
        if name not in names:
            raise WeightsUnusable(
                f'{self._side.path}: "{key}" is {name!r}, and the network has {", ".join(map(repr, names))}'
            )
        return name

    def _wrong_shape(self, values: np.ndarray, wanted: str) -> WeightsUnusable:
        return WeightsUnusable(
            f"{self._path}: the output {self._output} has shape {(1, *values.shape)}, where "
            f'"{self._side.meaning}" needs {wanted}; correct meaning or output in {self._side.path.name}'
        )


class _SideFile:
    """What the .json beside a network says."""

    def __init__(self, path: Path, task: Task) -> None:
        self.path = path
        if not path.is_file():
            raise WeightsNotFound(f"{path}: this file must say what the network takes and gives, such as {_EXAMPLE}")
        self._table = read_json(path, WeightsUnusable)
        self.meaning = self.text("meaning", "")
        if self.meaning not in MEANINGS[task]:
            raise WeightsUnusable(
                f'{path}: "meaning" is {self.meaning!r}; for --{task} it is one of {", ".join(MEANINGS[task])}'
            )
        size = self._read("size", None, lambda size: (int(size[0]), int(size[1])))
        mean = self._read("mean", (0.0, 0.0, 0.0), _three_numbers)
        std = self._read("std", (1.0, 1.0, 1.0), _three_numbers)
        if size is None or not all(1 <= side <= 8192 for side in size) or 0 in std:
            raise WeightsUnusable(
                f'{path}: "size" needs [height, width] of 1 to 8192 px, and "std" no 0; see {_EXAMPLE}'
            )
        step = next(step for step in STEPS if size[0] % step == size[1] % step == 0)
        self.size = size
        self._recipe = Recipe(size, mean=mean, std=std, multiple=step)
        self._range = self._read("range", 1.0, float)
        self._is_bgr = self.text("channels", "rgb").lower() == "bgr"
        self.is_last = self.text("layout", "nchw").lower() == "nhwc"

    def text(self, key: str, default: str) -> str:
        """Return a value as text."""
        return str(self._table.get(key, default))

    def labels(self, count: int) -> list[str]:
        """Return the names of so many classes."""
        given = self._table.get("labels", [])
        if isinstance(given, list):
            given = {str(number): label for number, label in enumerate(given)}
        if not isinstance(given, dict):
            raise WeightsUnusable(f'{self.path}: "labels" is neither a list of names nor {{"0": "sky"}}')
        return [str(given.get(str(number), f"{UNLABELLED} {number}")) for number in range(count)]

    def shares(self, shape: list[Any]) -> dict[int, float]:
        """Return which shares of the size may be tried, by their longer side in px.

        Args:
            shape: of the network's input, numbers where it takes nothing else.
        """
        sides = shape[1:3] if self.is_last else shape[2:4]
        recipe = replace(self._recipe, is_fixed=any(isinstance(side, int) for side in sides))
        return {max(choose_size(recipe, self.size, share)): share for share in shares(recipe)}

    def make_input(self, rgb: np.ndarray, share: float = 1.0) -> np.ndarray:
        """Return the network's input, (1, 3, h, w) or (1, h, w, 3) float32."""
        picture = make_input(rgb[..., ::-1] if self._is_bgr else rgb, self._recipe, share) * np.float32(self._range)
        return np.ascontiguousarray(picture.transpose(0, 2, 3, 1) if self.is_last else picture)

    def _read(self, key: str, default: Value, convert: Callable[[Any], Value]) -> Value:
        if key not in self._table:
            return default
        try:
            return convert(self._table[key])
        except (TypeError, ValueError, IndexError, KeyError):
            raise WeightsUnusable(f'{self.path}: "{key}" is {self._table[key]!r}; see {_EXAMPLE}') from None


def _three_numbers(values: Any) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)
