"""Several predictions of one photo, and what was built of each, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..inference.prediction import Prediction
from .preview import Tile, lay_out, make_tiles
from .scene import Scene


def render_comparison(built: Sequence[tuple[Prediction, Scene]]) -> np.ndarray:
    """Return (h, w, 3) uint8 sRGB: a row for each prediction, with the names of who made it.

    Args:
        built: of one photo, at least one.
    """
    return lay_out([_make_row(prediction, scene) for prediction, scene in built])


def _make_row(prediction: Prediction, scene: Scene) -> list[Tile]:
    (photo, segments, depth), (through_camera, beside, _) = make_tiles(prediction, scene)
    depth_name, segments_name = (
        next((source.name for source in prediction.sources if source.task == task), "")
        for task in ("depth", "segments")
    )
    maps: list[Tile] = [
        (depth[0], depth_name, f"depth, {depth[2]}"),
        (segments[0], segments_name, f"{segments[2]} segments"),
    ]
    return [photo, *maps, through_camera, beside]
