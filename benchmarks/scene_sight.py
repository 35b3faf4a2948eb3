"""How much of a thing a scene's picture shows: whole, hidden by others, or cut off by the frame."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import trimesh
from PIL import Image

WHOLE, HIDDEN, CUT = "whole in sight", "hidden by others", "cut off by the frame"
MOST_MISSING = 0.1  # of its silhouette, of what counts as whole
NEAREST_M = 0.05
SUBPIXEL_BITS = 4
UNMATCHED = {"vol_iou": 0.0, "box_iou": 0.0, "fscore": 0.0, "hidden_recall": 0.0, "thick_err": np.nan}


def find_sight(scene: Path) -> dict[str, str]:
    """Return how each thing of a scene's folder is seen, by its name in instances.json."""
    camera = json.loads((scene / "camera.json").read_text())
    names = json.loads((scene / "instances.json").read_text())
    pixels = np.bincount(np.asarray(Image.open(scene / "segments.png")).ravel(), minlength=256)
    sight = {}
    for key, name in names.items():
        path = scene / f"gt_{name}.ply"
        if path.is_file():
            whole, inside = measure_silhouette(trimesh.load_mesh(path, process=False), camera)
            if inside < (1 - MOST_MISSING) * whole:
                sight[name] = CUT
            else:
                sight[name] = WHOLE if pixels[int(key)] >= (1 - MOST_MISSING) * inside else HIDDEN
    return sight


def print_sight(rows: list[tuple[str, dict[str, float]]]) -> None:
    """Print means over things that are seen alike.

    Args:
        rows: how each thing is seen, and the evaluator's scores of it, none where no solid matches.
    """
    print(f"{'things, first row':<24}{'count':>6}" + "".join(f"{name:>15}" for name in UNMATCHED))
    for sight in (WHOLE, HIDDEN, CUT):
        scores = [UNMATCHED | row for seen, row in rows if seen == sight]
        cells = [np.array([row[name] for row in scores], float) for name in UNMATCHED]
        means = [cell[np.isfinite(cell)].mean() if np.isfinite(cell).any() else np.nan for cell in cells]
        print(f"{sight:<24}{len(scores):>6}" + "".join(f"{mean:15.3f}" for mean in means))


def measure_silhouette(mesh: trimesh.Trimesh, camera: dict[str, float]) -> tuple[int, int]:
    """Return the pixels of a silhouette, with what lies up to a frame beside the frame, and those within it.

    Args:
        mesh: in camera axes, y up and looking along -z.
        camera: fx, fy, cx, cy, width, height, px.
    """
    width, height = int(camera["width"]), int(camera["height"])
    points = mesh.vertices * [1, -1, -1]
    z = np.maximum(points[:, 2], NEAREST_M)
    x = points[:, 0] / z * camera["fx"] + camera["cx"] + width
    y = points[:, 1] / z * camera["fy"] + camera["cy"] + height
    corners = np.column_stack([x, y]).clip(-9 * width, 9 * width)
    canvas = np.zeros((3 * height, 3 * width), np.uint8)
    for triangle in mesh.faces[(points[mesh.faces, 2] > NEAREST_M).all(axis=1)]:
        fixed = np.round((corners[triangle] - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillConvexPoly(canvas, fixed, 1, shift=SUBPIXEL_BITS)
    return int(canvas.sum()), int(canvas[height : 2 * height, width : 2 * width].sum())
