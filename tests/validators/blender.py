"""Blender's importer, in the Python of a bpy module, against the scene that was written."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockout.reconstruct.frames import stage_from_world, transform

from .written import Absent, WrittenStage

VARIABLE = "BLOCKOUT_BPY_PYTHON"
SCRIPT = Path(__file__).with_name("import_stage.py")
BLENDER_FROM_WORLD = stage_from_world("m", "Z")
METRES = 2e-5  # single precision at ten metres, in centimetres


@functools.cache
def find_python() -> str:
    """Return the Python that has bpy; raise ``Absent`` when there is none."""
    root = Path(__file__).resolve().parents[2]
    python = os.environ.get(VARIABLE) or str(root / ".venv-bpy" / "bin" / "python")
    if not Path(python).exists():
        raise Absent(f"Blender's importer did not judge: {python} is absent; set {VARIABLE} to a Python with bpy")
    probe = subprocess.run([python, "-c", "import bpy"], capture_output=True, text=True, timeout=120)
    if probe.returncode:
        raise Absent(f"Blender's importer did not judge: {probe.stderr.strip().splitlines()[-1]}")
    return python


def check_in_blender(stages: Sequence[WrittenStage]) -> None:
    """Assert that Blender finds names, tree, places, materials, metadata and the camera's view of each stage."""
    jobs = []
    for stage in stages:
        camera, points = stage.scene.camera, transform(BLENDER_FROM_WORLD, stage.probes()[0])
        jobs.append(
            {"stage": str(stage.path), "width": camera.width, "height": camera.height, "points": points.tolist()}
        )
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"  # Blender writes lines of its own to stdout
        command = [find_python(), str(SCRIPT), str(answer)]
        process = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True, timeout=300)
        assert process.returncode == 0, process.stderr[-2000:]
        found = json.loads(answer.read_text("utf-8"))
    for stage, facts in zip(stages, found, strict=True):
        compare(stage, facts)


def compare(stage: WrittenStage, found: dict[str, Any]) -> None:
    """Assert that what Blender found is what was written."""
    assert found["cameras"] == ["photo_cam"]
    assert found["missing"] == [], "textures that Blender cannot open"
    assert len(found["textures"]) == len(stage.pictures())
    assert np.abs(np.array(found["points_px"]) - stage.probes()[1]).max() < 0.5, "the camera shows points elsewhere"
    solids = stage.solids()
    objects = found["objects"]
    assert {name for name, facts in objects.items() if facts["type"] == "MESH"} == set(solids)
    for name, (prism, parent) in solids.items():
        facts, solid = objects[name], stage.mesh(prism)
        points = transform(BLENDER_FROM_WORLD, solid.points)
        assert facts["parent"] == parent
        assert np.array(facts["points"]) == pytest.approx(points, abs=METRES * max(1, np.abs(points).max() / 10)), name
        low, high = stage.box_below(prism)
        foot = transform(BLENDER_FROM_WORLD, np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]))
        assert facts["pivot"] == pytest.approx(foot.tolist(), abs=10 * METRES)
        assert facts["properties"]["label"] == prism.label
        assert facts["properties"]["pixels"] == prism.pixels
        assert facts["properties"]["thickness_m"] == pytest.approx(prism.thickness_m)
        compare_materials(facts, name.removesuffix("_geo"), prism.colour, solid.front_faces, stage.front_picture(prism))
    groups = {parent for _, parent in solids.values()} - {"segments", "Blockout"}
    assert {objects[group]["type"] for group in groups} <= {"EMPTY"}, "a group with a Mesh of its own"


def compare_materials(facts: dict[str, Any], stem: str, colour: np.ndarray, fronts: int, picture: str | None) -> None:
    """Assert that the front faces, and only these, show a picture where they should."""
    faces = [facts["materials"][index] for index in facts["face_materials"]]
    body = f"{stem}_mtl"
    assert faces == [f"{picture}_mtl" if picture else body] * fronts + [body] * (len(faces) - fronts)
    colours = dict(zip(facts["materials"], facts["colours"], strict=True))
    assert colours[body] == pytest.approx(list(colour), abs=1e-5)
    assert colours.get("photo_mtl") is colours.get("plate_mtl") is None
