"""Fixtures that several rooms' tests share."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of material that is not part of the project, or skip."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: it holds photographs and checks that are not part of the project")
    return SHARED


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a folder with room.png (160 x 120 px) and its depth.npy, segments.png, segments.json and camera.json.

    The camera, 1.5 m above a floor, looks level at a wall 5 m away; a crate stands at 3 m, a post at 4 m.
    """
    folder = tmp_path / "a room"
    folder.mkdir()
    row, column = np.mgrid[:120, :160] + 0.5
    with np.errstate(divide="ignore"):
        floor_m = np.where(row > 60, 120 * 1.5 / (row - 60), np.inf)
    depth_m = np.minimum(floor_m, 5.0).astype(np.float32)
    ids = np.where(floor_m < 5, 1, 2).astype(np.uint8)
    for number, depth, left, right, top, bottom in ((3, 3.0, 30, 70, 80, 120), (4, 4.0, 110, 122, 40, 105)):
        inside = (column > left) & (column < right) & (row > top) & (row < bottom)
        depth_m[inside], ids[inside] = depth, number
    colours = np.array([(0, 0, 0), (150, 130, 100), (200, 200, 210), (170, 60, 40), (60, 90, 160)], np.uint8)
    Image.fromarray(colours[ids]).save(folder / "room.png")
    np.save(folder / "depth.npy", depth_m)
    Image.fromarray(ids).save(folder / "segments.png")
    labels = {"1": "floor", "2": "wall", "3": "crate", "4": "post"}
    (folder / "segments.json").write_text(json.dumps(labels))
    camera = {"fx": 120, "fy": 120, "cx": 80, "cy": 60, "width": 160, "height": 120}
    (folder / "camera.json").write_text(json.dumps(camera))
    return folder
