"""three.js' USDLoader under Node, a reader that shares no code with Pixar's, against the scene that was written."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockout.reconstruct.meshes import Mesh
from blockout.reconstruct.scene import Prism

from .written import Absent, WrittenStage

FOLDER = Path(__file__).parent


@functools.cache
def find_node() -> str:
    """Return the path of Node; raise ``Absent`` when it or three is not installed."""
    node = shutil.which("node")
    if not node:
        raise Absent("three.js did not judge: node is absent")
    if not (FOLDER / "node_modules" / "three").is_dir():
        raise Absent(f"three.js did not judge: run npm install in {FOLDER}")
    return node


def check_in_threejs(stages: Sequence[WrittenStage]) -> None:
    """Assert that three.js finds names, tree, boxes, colours, textures and the camera's view of each stage."""
    jobs = []
    for stage in stages:
        camera = stage.scene.camera
        points = stage.probes()[0].tolist()
        jobs.append({"stage": str(stage.path), "width": camera.width, "height": camera.height, "points": points})
    process = subprocess.run(
        [find_node(), str(FOLDER / "read_stage.mjs")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    for stage, found in zip(stages, json.loads(process.stdout), strict=True):
        compare(stage, found)


def compare(stage: WrittenStage, found: dict[str, Any]) -> None:
    """Assert that what three.js found is what was written."""
    camera = stage.scene.camera
    if (camera.cx, camera.cy) == (camera.width / 2, camera.height / 2):  # three.js has no vertical lens shift
        assert np.abs(np.array(found["points_px"]) - stage.probes()[1]).max() < 0.5, "the camera shows points elsewhere"
    assert len(found["textures"]) == len(stage.pictures())
    solids = stage.solids()
    assert sorted(mesh["name"] for mesh in found["meshes"]) == sorted(solids)
    for mesh in found["meshes"]:
        prism = solids[mesh["name"]][0]
        compare_mesh(mesh, prism, stage.mesh(prism), stage.front_picture(prism) is not None)


def compare_mesh(mesh: dict[str, Any], prism: Prism, solid: Mesh, is_textured: bool) -> None:
    """Assert one solid's place in the tree, box and colours."""
    assert mesh["parent"] == prism.name
    assert mesh["triangles"] == int((solid.face_sizes - 2).sum())
    room = 1e-5 * np.abs(solid.points).max()
    assert mesh["low"] == pytest.approx(solid.points.min(axis=0).tolist(), abs=room)
    assert mesh["high"] == pytest.approx(solid.points.max(axis=0).tolist(), abs=room)
    assert (None in mesh["colours"]) == is_textured
    plain = [colour for colour in mesh["colours"] if colour]
    assert plain == [pytest.approx(prism.colour.tolist(), abs=1e-5)]
