"""A folder of small cut-outs and backgrounds to make data sets of."""

from pathlib import Path

import numpy as np
import pytest
from blockout.inference.training.compose_material import list_pictures
from blockout.inference.training.compose_plan import Recipe
from PIL import Image


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """Return a folder with foregrounds/ (a disk and a bar, RGBA) and backgrounds/ (two gradients)."""
    folder = tmp_path / "material"
    for name in ("foregrounds", "backgrounds"):
        (folder / name).mkdir(parents=True)
    row, column = np.mgrid[:60, :60]
    disk = np.zeros((60, 60, 4), np.uint8)
    disk[(row - 30) ** 2 + (column - 30) ** 2 < 400] = (200, 30, 30, 255)
    bar = np.zeros((60, 60, 4), np.uint8)
    bar[5:55, 20:30] = (30, 200, 30, 255)
    Image.fromarray(disk).save(folder / "foregrounds" / "disk.png")
    Image.fromarray(bar).save(folder / "foregrounds" / "bar.png")
    for index in range(2):
        ramp = np.linspace(0, 255, 96).astype(np.uint8)
        rgb = np.stack([np.tile(ramp, (72, 1)), np.full((72, 96), 90 * index, np.uint8), np.tile(ramp, (72, 1))], -1)
        Image.fromarray(rgb).save(folder / "backgrounds" / f"ramp{index}.png")
    return folder


@pytest.fixture
def recipe(material: Path) -> Recipe:
    """Return a recipe of 2 x 2 x 3 x 2 samples at 48 x 64 px, five to a shard."""
    return Recipe(
        list_pictures(material / "foregrounds", "foregrounds"),
        list_pictures(material / "backgrounds", "backgrounds"),
        size=(48, 64),
        placements=3,
        chunk=5,
    )
