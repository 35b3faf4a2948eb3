"""Cycles sees what the ray caster sees, in its own light."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.errors import DatasetUnusable
from blockout.inference.training import cycles
from blockout.inference.training.render_solids import (
    CONE,
    GABLE,
    HIP,
    SHED,
    UNIT_BOX,
    SceneSolids,
    Surface,
    place,
    regular_prism,
)
from blockout.inference.training.render_views import View
from blockout.inference.training.scene_triangles import triangulate
from blockout.inference.training.synthesis import Studio

SIZE = (96, 128)


def _volume(solid: SceneSolids) -> float:
    corners, owners = triangulate(solid)
    assert (owners == 0).all()
    mesh = trimesh.Trimesh(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3))
    mesh.merge_vertices()
    mesh.update_faces(mesh.nondegenerate_faces())
    assert mesh.is_watertight
    return abs(float(mesh.volume))


@pytest.mark.parametrize(
    ("planes", "volume"),
    [(UNIT_BOX, 8.0), (GABLE, 4.0), (SHED, 4.0), (HIP, 3.2), (regular_prism(6), 3 * 3**0.5)],
)
def test_polytopes_become_closed_triangles(planes: np.ndarray, volume: float) -> None:
    solids = SceneSolids()
    solids.add(Surface(1, 3, CONE), place((3, 1, -2), (1, 1, 1), 0.7, 0.2), planes)
    assert _volume(solids) == pytest.approx(volume, rel=1e-3)


@pytest.mark.parametrize(("taper", "ball", "volume"), [(1.0, False, 2.0), (0.0, False, 2 / 3), (1.0, True, 4 / 3)])
def test_round_solids_become_closed_triangles(taper: float, ball: bool, volume: float) -> None:
    solids = SceneSolids()
    solids.add_round(Surface(1, 3, CONE), place((0, 0, 0), (1, 1, 1)), taper, sphere=ball)
    assert _volume(solids) == pytest.approx(volume * np.pi, rel=0.02)


def test_what_mirrors_is_glossy_for_cycles() -> None:
    scene = SceneSolids()
    scene.add_box(Surface(1, 1, 0, mirror=0.8), (0, -0.5, 0), (5, 0.5, 5))
    scene.add_box(Surface(2, 3, 0, gloss=0.3), (0, 1, -3), (1, 1, 1))
    view = View(torch.zeros(1, 3), torch.eye(3)[None], torch.ones(1), SIZE)
    light = SimpleNamespace(**{name: torch.zeros(1, 3) for name in ("ambient", "sun", "sun_dir", "lamp", "lamp_at")})
    job = cycles._describe([scene], view, torch.zeros(1, *SIZE, 3), light)  # type: ignore[arg-type]
    for surface, gloss in ((0, 0.8), (1, 0.3)):
        assert job["gloss_0"][job["surface_0"] == surface] == pytest.approx(gloss)


@pytest.fixture(scope="module")
def python() -> str:
    """Return a Python with bpy, or skip."""
    found = os.environ.get(cycles.VARIABLE, "")
    if not Path(found).is_file() or subprocess.run([found, "-c", "import bpy"], check=False).returncode:
        pytest.skip(f"{cycles.VARIABLE} names no Python with bpy")
    return found


@pytest.mark.usefixtures("python")
def test_cycles_passes_agree_with_the_ray_caster_and_its_light_does_not() -> None:
    numbers = [0, 1, 2]
    plain, lit = Studio(seed=7).make(numbers, SIZE), Studio(seed=7, cycles=1.0).make(numbers, SIZE)
    assert (plain.ids == lit.ids).float().mean() > 0.995
    met = plain.depth.isfinite() & lit.depth.isfinite() & (plain.ids == lit.ids)
    assert (lit.depth[met] / plain.depth[met]).log().abs().quantile(0.98) < 1e-3
    change = (plain.rgb.float() - lit.rgb.float()).abs().mean((1, 2, 3))
    assert (change > 1).all() and (change < 60).all()


def test_without_a_python_that_has_bpy_cycles_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cycles.VARIABLE, raising=False)
    with pytest.raises(DatasetUnusable, match="BLOCKOUT_BPY_PYTHON names none"):
        Studio(seed=1, cycles=0.5)


def test_a_failure_of_cycles_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named bpy' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv(cycles.VARIABLE, str(broken))
    with pytest.raises(DatasetUnusable, match=r"Cycles ended with 3 \(no module named bpy\)"):
        Studio(seed=7, cycles=1.0).make([0], SIZE)
