from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rooms import CRATE, FLOOR, Box, look, photograph

Script = Callable[[str], ModuleType]
RIVALS = ("seed_boxes", "spread_boxes", "flat_prisms", "standing_boxes")


@pytest.mark.parametrize("name", RIVALS)
def test_each_solid_is_closed_and_looks_outward(script: Script, name: str) -> None:
    room = photograph([FLOOR, CRATE], look(pitch_deg=-10))
    meshes = getattr(script("scene_rivals"), name)(room.prediction)
    assert len(meshes) == 2
    assert all(mesh.is_watertight and mesh.volume > 0 for mesh in meshes)


def test_a_standing_box_recovers_a_turned_crate(script: Script) -> None:
    crate = Box("crate", (-0.5, 0, -4.6), (0.5, 1.0, -4.0), turn_deg=30)
    room = photograph([FLOOR, crate], look(height_m=2.5, pitch_deg=-25))
    box = script("scene_rivals").standing_boxes(room.prediction)[1]
    assert box.volume == pytest.approx(0.6, rel=0.1)


def test_a_flat_prism_keeps_a_hole_open(script: Script) -> None:
    wall, crate = Box("wall", (-5, -5, -6), (5, 5, -5)), Box("crate", (-0.5, 1, -3), (0.5, 2, -2.9))
    room = photograph([wall, crate], look())
    prism = script("scene_rivals").flat_prisms(room.prediction)[0]
    assert prism.euler_number == 0, "a slab with one hole is a torus"


def test_the_sheet_passes_through_every_pixel(script: Script) -> None:
    room = photograph([FLOOR, CRATE], look())
    (sheet,) = script("scene_rivals").dense_mesh(room.prediction)
    assert len(sheet.vertices) == np.isfinite(room.prediction.depth.z).sum()
    towards_eye = -(sheet.face_normals * sheet.triangles_center).sum(axis=1)
    assert (towards_eye > -1e-6).all(), "it looks at the camera"


def test_a_stage_of_meshes_has_the_camera_of_the_photo(script: Script, shared: Path, tmp_path: Path) -> None:
    room, rivals = photograph([FLOOR, CRATE], look()), script("scene_rivals")
    evaluator = script("reconstruction").load_evaluator(shared / "tools" / "evaluate_stage.py")
    camera = room.prediction.camera
    rivals.write_meshes(rivals.dense_mesh(room.prediction), camera, tmp_path / "sheet.usd")
    stage = evaluator.load(tmp_path / "sheet.usd")
    intrinsics = {key: getattr(camera, key) for key in ("fx", "fy", "cx", "cy", "width", "height")}
    assert evaluator.camera_error(stage, intrinsics) < 1e-3
    depth, _ = evaluator.render(stage, intrinsics)
    crate = room.mask("crate") & np.isfinite(depth)
    assert np.median(np.abs(depth[crate] / room.prediction.depth.z[crate] - 1)) < 1e-3
