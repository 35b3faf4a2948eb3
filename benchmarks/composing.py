"""How fast data sets of composites are made, beside a plain loop with Pillow that writes the same.

Run as ``python benchmarks/composing.py [FOREGROUNDS BACKGROUNDS]``; without folders, pictures are made up: smooth noise
behind, discs of noise in front. Seconds are of the processor, which other work on the machine changes little.
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from blockout.inference.training.compose import compose
from blockout.inference.training.compose_material import list_pictures
from blockout.inference.training.compose_plan import LAYOUTS, Recipe
from PIL import Image

SAMPLES = 3000
RUNS = 3


def make_material(folder: Path, count: int = 20) -> tuple[Path, Path]:
    """Write cut-outs and backgrounds with the detail of photographs, and return their folders."""
    chance = np.random.default_rng(0)
    foregrounds, backgrounds = folder / "foregrounds", folder / "backgrounds"
    for path, size in ((foregrounds, 256), (backgrounds, 640)):
        path.mkdir()
        for index in range(count):
            octaves = [chance.normal(size=(size >> level, size >> level, 3)) * 2**level for level in range(1, 7)]
            noise = sum(cv2.resize(octave, (size, size), interpolation=cv2.INTER_CUBIC) for octave in octaves)
            picture = np.uint8(np.clip(128 + noise, 0, 255))
            if path == foregrounds:
                row, column = np.mgrid[:size, :size] - size / 2
                alpha = np.uint8(255 * ((row / 1.2) ** 2 + column**2 < (0.4 * size) ** 2))
                picture = np.dstack([picture, alpha])
            Image.fromarray(picture).save(path / f"{index:03d}.png")
    return foregrounds, backgrounds


def compose_with_pillow(
    recipe: Recipe, foregrounds: list[Image.Image], backgrounds: list[Image.Image], file: Path, samples: int
) -> None:
    """Write shards like Blockout's the plain way: resize, paste, encode pictures that are decoded already."""
    height, width = recipe.size
    chance = random.Random(0)
    with tarfile.open(file, "w") as shard:
        for number in range(samples):
            foreground, overlay = chance.choice(foregrounds), chance.choice(backgrounds).copy()
            scale = min(chance.uniform(*recipe.shares) * height / foreground.height, width / foreground.width)
            pasted = foreground.resize((max(1, int(foreground.width * scale)), max(1, int(foreground.height * scale))))
            if chance.random() < 0.5:
                pasted = pasted.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            at = chance.randint(0, width - pasted.width), chance.randint(0, height - pasted.height)
            overlay.paste(pasted, at, pasted)
            mask = Image.new("L", (width, height))
            mask.paste(pasted.getchannel("A").point([255 * (value > 127) for value in range(256)]), at)
            for suffix, picture, options in (("overlay.jpg", overlay, {"quality": 90}), ("mask.png", mask, {})):
                encoded = io.BytesIO()
                picture.save(encoded, "JPEG" if suffix.endswith("jpg") else "PNG", **options)
                _add(shard, f"{number:09d}.{suffix}", encoded.getvalue())
            _add(shard, f"{number:09d}.json", json.dumps({"box": [*at, *pasted.size]}).encode())


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    shard.addfile(entry, io.BytesIO(content))


def main(folders: list[str]) -> None:
    """Print composites a second of one core for each layout and for the plain loop."""
    with tempfile.TemporaryDirectory() as scratch:
        foregrounds, backgrounds = map(Path, folders) if folders else make_material(Path(scratch))
        pictures = list_pictures(foregrounds, "foregrounds")[:100], list_pictures(backgrounds, "backgrounds")[:100]
        print(f"{len(pictures[0])} foregrounds, {len(pictures[1])} backgrounds, 224 x 224 px, no depth")
        rates = {}
        for layout in LAYOUTS:
            recipe = Recipe(*pictures, layout=layout, count=SAMPLES)
            rates[f"blockout, {layout}"] = max(_rate(recipe, Path(scratch) / f"{layout}{run}") for run in range(RUNS))
        plain = Recipe(*pictures)
        rates["Pillow loop, shards"] = max(_pillow_rate(plain, Path(scratch) / "plain.tar") for _ in range(RUNS))
        for name, rate in rates.items():
            print(f"{name:<22} {rate:7.0f} a second on one core, 400,000 in {400_000 / rate / 2 / 60:.1f} min on two")


def _rate(recipe: Recipe, folder: Path) -> float:
    """Return samples a second, of those after the pictures are decoded."""
    begun: list[float] = []

    def note(stage: str, fraction: float) -> None:
        if fraction >= 0.2 and not begun:
            begun.append(time.process_time())

    compose(recipe, folder, progress=note)
    return 0.8 * recipe.samples / (time.process_time() - begun[0])


def _pillow_rate(recipe: Recipe, file: Path) -> float:
    foregrounds = [Image.open(path).convert("RGBA") for path in recipe.foregrounds]
    backgrounds = [Image.open(path).convert("RGB").resize(recipe.size[::-1]) for path in recipe.backgrounds]
    started = time.process_time()
    compose_with_pillow(recipe, foregrounds, backgrounds, file, SAMPLES // 3)
    return SAMPLES // 3 / (time.process_time() - started)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])
