"""Turn synthetic scenes into backgrounds with true depth, for composites whose depth is true as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from .scene_data import SceneShards

Progress = Callable[[int, int], None]


def unpack_scenes(scenes: Path, folder: Path, count: int | None = None, progress: Progress | None = None) -> int:
    """Write scenes as pictures/000000.png and depths/000000.npy, as ``dataset compose`` takes them.

    Args:
        scenes: folder of ``dataset synthesize``.
        folder: made when it is missing; files of the same names are replaced.
        count: of scenes, all by default.
        progress: called with scenes done and scenes wanted.

    Returns:
        How many were written.

    Raises:
        TrainingDataUnusable: the folder holds no scenes.
    """
    shards = SceneShards(scenes)
    wanted = sum(shards.lengths) if count is None else min(count, sum(shards.lengths))
    for name in ("pictures", "depths"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    number = 0
    for shard, length in enumerate(shards.lengths):
        for row in range(min(length, wanted - number)):
            scene = shards.batch(shard, np.array([row]))
            Image.fromarray(scene["rgb"][0]).save(folder / "pictures" / f"{number:06d}.png", compress_level=1)
            np.save(folder / "depths" / f"{number:06d}.npy", np.exp(scene["depth"][0].astype(np.float32)))
            number += 1
            if progress:
                progress(number, wanted)
    return number
