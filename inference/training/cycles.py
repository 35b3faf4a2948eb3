"""Light of synthetic scenes by Cycles, in a process of a Python that has bpy."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import DatasetUnusable
from .render_sky import Light
from .render_solids import SceneSolids
from .render_views import View
from .scene_triangles import triangulate

VARIABLE = "BLOCKOUT_BPY_PYTHON"
SCRIPT = Path(__file__).with_name("cycles_script.py")
SAMPLES = 6


def find_python() -> str:
    """Return the Python that has bpy.

    Raises:
        DatasetUnusable: none is named, or it does not exist.
    """
    python = os.environ.get(VARIABLE, "")
    if not Path(python).is_file():
        raise DatasetUnusable(
            f"Cycles needs a Python that has bpy, and {VARIABLE} names none ({python}): set it, or go without --cycles."
        )
    return python


def light_scenes(
    scenes: Sequence[SceneSolids], view: View, albedo: torch.Tensor, light: Light
) -> list[dict[str, np.ndarray]]:
    """Return what Cycles sees in scenes without cut-outs.

    Args:
        scenes: as many as the view has cameras.
        view: perspective.
        albedo: (S, H, W, 3) float32, linear, of what each pixel shows.
        light: of the same scenes.

    Returns:
        For each scene ``colour`` (H, W, 3) float32, linear; ``surface`` (H, W) int32, its number in the scene, -1 for
        nothing; ``depth`` (H, W) float32 metres along the axis.

    Raises:
        DatasetUnusable: there is no Python with bpy, or it failed.
    """
    with tempfile.TemporaryDirectory(prefix="blockout-cycles-") as folder:
        job, out = Path(folder) / "job.npz", Path(folder) / "out.npz"
        np.savez(job, **_describe(scenes, view, albedo, light))
        command = [find_python(), "-I", str(SCRIPT), str(job), str(out)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode or not out.is_file():
            last = (made.stderr.strip().splitlines() or ["no message"])[-1]
            raise DatasetUnusable(f"Cycles ended with {made.returncode} ({last}): go without --cycles, or mend it.")
        with np.load(out) as found:
            names = ("colour", "surface", "depth")
            return [{name: found[f"{name}_{i}"] for name in names} for i in range(len(scenes))]


def _describe(scenes: Sequence[SceneSolids], view: View, albedo: torch.Tensor, light: Light) -> dict[str, Any]:
    job: dict[str, Any] = {"samples": SAMPLES}
    for i, scene in enumerate(scenes):
        corners, owner = triangulate(scene)
        columns = {
            name: np.array([getattr(surface, name) for surface in scene.surfaces], np.float32)[owner]
            for name in ("glow", "casts")
        }
        # Cycles mirrors by itself.
        columns["gloss"] = np.array([max(s.gloss, s.mirror) for s in scene.surfaces], np.float32)[owner]
        camera = {name: getattr(view, name)[i].cpu().numpy() for name in ("axes", "origin", "focal")}
        lights = {
            name: getattr(light, name)[i].cpu().numpy() for name in ("ambient", "sun", "sun_dir", "lamp", "lamp_at")
        }
        known = {"corners": corners, "surface": owner, "albedo": albedo[i].cpu().numpy()} | columns | camera | lights
        job |= {f"{name}_{i}": value for name, value in known.items()}
    return job
