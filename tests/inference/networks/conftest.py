"""The folder of reference outputs, and checkpoints made of weights that follow from their names."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from checkpoints import write_bundle, write_keras

SHARED_FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "fixtures"


class Reference:
    """One network's folder: what the original made of which picture with which weights.

    Attributes:
        folder: holds recipe.json, manifests of the weights, pictures and outputs.
        recipe: gain, suffix, layout and picture.
    """

    def __init__(self, folder: Path, rules: ModuleType) -> None:
        self.folder = folder
        self.recipe: dict[str, Any] = json.loads((folder / "recipe.json").read_text())
        self._rules = rules

    def named_array(self, name: str, shape: tuple[int, ...], gain: float | None = None) -> np.ndarray:
        """Return the weight of a name."""
        gain = self.recipe["gain"] if gain is None else gain
        array: np.ndarray = self._rules.named_array(name, shape, self.recipe["layout"], gain, self.recipe["suffix"])
        return array

    def weights(self, manifest: str, gain: float | None = None) -> dict[str, np.ndarray]:
        """Return all weights that a manifest lists."""
        listed = json.loads((self.folder / manifest).read_text())
        return {name: self.named_array(name, shape, gain) for name, shape, *_ in listed}

    def picture(self, size: tuple[int, int] | None = None, seed: int | None = None) -> np.ndarray:
        """Return (H, W, 3) uint8, sRGB, the picture of the recipe, or that of another size and seed."""
        height, width = size or self.recipe["image_hw"]
        seed = self.recipe["image_seed"] if seed is None else seed
        picture: np.ndarray = self._rules.pattern_image(height, width, seed)
        return picture

    def outputs(self, file: str) -> dict[str, np.ndarray]:
        """Return the original's outputs."""
        with np.load(self.folder / file) as stored:
            return dict(stored)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Return the folder of reference outputs, or skip."""
    folder = Path(os.environ.get("BLOCKOUT_FIXTURES", SHARED_FIXTURES))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: it holds the originals' outputs; name its place with BLOCKOUT_FIXTURES")
    return folder


@pytest.fixture(scope="session")
def rules(fixtures: Path) -> ModuleType:
    """Return the rules by which weights follow from names and pictures from numbers, as the folder states them."""
    path = next(folder / "named_weights.py" for folder in (fixtures, SHARED_FIXTURES) if folder.is_dir())
    spec = importlib.util.spec_from_file_location("named_weights", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Return a folder for checkpoints of hundreds of megabytes, which is gone after the tests."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def deeplab(fixtures: Path, rules: ModuleType) -> Reference:
    return Reference(fixtures / "deeplab", rules)


@pytest.fixture(scope="session")
def monodepth(fixtures: Path, rules: ModuleType) -> Reference:
    return Reference(fixtures / "monodepth", rules)


@pytest.fixture(scope="session")
def densedepth(fixtures: Path, rules: ModuleType) -> Reference:
    return Reference(fixtures / "densedepth", rules)


@pytest.fixture(scope="session")
def mask_rcnn(fixtures: Path, rules: ModuleType) -> Reference:
    return Reference(fixtures / "maskrcnn", rules)


@pytest.fixture(scope="session")
def deeplab_checkpoint(deeplab: Reference, scratch: Path) -> Path:
    """Return a .pth as the published one, without counters of training as older files are."""
    return _write_torch(scratch / "deeplab.pth", deeplab.weights("deeplab_keys.json"), without="num_batches_tracked")


@pytest.fixture(scope="session")
def mask_rcnn_checkpoint(mask_rcnn: Reference, scratch: Path) -> Path:
    """Return a .pth with the names of today."""
    return _write_torch(scratch / "mask_rcnn.pth", mask_rcnn.weights("maskrcnn_keys.json"))


@pytest.fixture(scope="session", params=["vgg", "resnet50"])
def monodepth_checkpoint(request: pytest.FixtureRequest, monodepth: Reference, scratch: Path) -> Path:
    """Return the prefix of a checkpoint from training, with what only training needs."""
    encoder = request.param
    arrays = monodepth.weights(f"monodepth_{encoder}_keys.json", monodepth.recipe["gain"][encoder])
    arrays |= {"global_step": np.array(100000), "model/encoder/Conv/biases/Adam": np.zeros(3, np.float32)}
    write_bundle(scratch / f"model_{encoder}", arrays)
    return scratch / f"model_{encoder}"


@pytest.fixture(scope="session")
def published_densedepth_checkpoint(densedepth: Reference, scratch: Path) -> Path:
    """Return a .h5 of the published layout."""
    write_keras(scratch / "nyu.h5", densedepth.weights("densedepth_keys.json"), leaky=4)
    return scratch / "nyu.h5"


@pytest.fixture(scope="session")
def head_densedepth_checkpoint(densedepth: Reference, scratch: Path) -> Path:
    """Return a .h5 of the layout of today's code."""
    write_keras(scratch / "head.h5", densedepth.weights("densedepth_head_keys.json"), "2.12.0", leaky=8)
    return scratch / "head.h5"


def _write_torch(path: Path, arrays: dict[str, np.ndarray], without: str = " ") -> Path:
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in arrays.items() if without not in name}, path)
    return path
