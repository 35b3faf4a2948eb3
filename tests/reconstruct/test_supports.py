from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.report import scene_record
from blockout.reconstruct.scene import Prism, Scene
from blockout.reconstruct.supports import find_supports, move_foot
from blockout.reconstruct.usd import write_stage
from pxr import Usd
from rooms import FLOOR, WALL, Box, look, photograph

BLOCK = Box("chest", (-0.7, 0, -3.4), (0.7, 0.7, -2.6), rgb=(120, 80, 40))
LAMP = Box("lamp", (-0.1, 0.7, -3.1), (0.1, 1.1, -2.9), rgb=(220, 200, 90))
CRATE = Box("crate", (1.0, 0, -3.6), (1.5, 0.5, -3.1), rgb=(170, 60, 40))
PICTURE = Box("picture", (-1.6, 1.4, -5), (-1.0, 1.9, -4.95), rgb=(30, 90, 60))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return reconstruct(photograph([FLOOR, WALL, BLOCK, LAMP, CRATE, PICTURE], look(1.7, -15)).prediction)


def find(scene: Scene, label: str) -> Prism:
    """Return the segment of a label."""
    return next(prism for prism in scene.prisms if prism.label == label)


def test_a_lamp_names_the_chest_that_carries_it(scene: Scene) -> None:
    assert find(scene, "lamp").supported_by == find(scene, "chest").name


@pytest.mark.parametrize("label", ["chest", "crate"])
def test_what_stands_on_the_floor_names_it(scene: Scene, label: str) -> None:
    assert find(scene, label).supported_by == find(scene, "floor").name


def test_stage_and_record_tell_what_carries_a_thing(scene: Scene, tmp_path: Path) -> None:
    lamp, chest = find(scene, "lamp"), find(scene, "chest")
    write_stage(scene, tmp_path / "a.usd")
    stage = Usd.Stage.Open(str(tmp_path / "a.usd"))
    prim = stage.GetPrimAtPath(f"/Blockout/segments/{lamp.name}")
    assert prim.GetRelationship("blockout:supportedBy").GetTargets() == [f"/Blockout/segments/{chest.name}"]
    assert prim.GetAttribute("userProperties:supported_by").Get() == chest.name
    assert Usd.ModelAPI(prim).GetKind() == "component"
    record = scene_record(scene, {})
    assert {p["label"]: p["supported_by"] for p in record["prisms"]}["lamp"] == chest.name
    picture = stage.GetPrimAtPath(f"/Blockout/segments/{find(scene, 'picture').name}")
    assert not picture.HasRelationship("blockout:supportedBy")


@pytest.mark.parametrize("label", ["picture", "wall", "floor"])
def test_what_hangs_or_surrounds_names_nothing(scene: Scene, label: str) -> None:
    assert find(scene, label).supported_by == ""


def test_a_lamp_rests_on_its_chest_without_a_gap(scene: Scene) -> None:
    foot = mesh_of(find(scene, "lamp")).points[:, 1].min()
    assert foot == pytest.approx(mesh_of(find(scene, "chest")).points[:, 1].max(), abs=0.02)


def test_a_scene_without_ground_and_floor_supports_nothing() -> None:
    room = photograph([Box("balloon", (-0.5, 2, -4), (0.5, 3, -3))], look(1.6, 20))
    assert [prism.supported_by for prism in reconstruct(room.prediction).prisms] == [""]


@pytest.mark.parametrize("height", [-0.2, 0.1])
def test_a_foot_moves_and_the_top_stays(scene: Scene, height: float) -> None:
    crate = find(scene, "crate")
    assert crate.shape != "prism"
    before, after = mesh_of(crate).points, mesh_of(move_foot(crate, height, scene)).points
    assert after[:, 1].min() == pytest.approx(height, abs=1e-9)
    assert after[:, 1].max() == pytest.approx(before[:, 1].max(), abs=1e-9)


def test_a_small_gap_closes_and_a_large_one_stays(scene: Scene) -> None:
    crate = find(scene, "crate")
    for gap, closes in ((0.004, True), (0.045, False)):
        hung = move_foot(crate, gap, scene)
        found = find_supports(Scene(**{**vars(scene), "prisms": (find(scene, "floor"), hung)}))
        assert found.prisms[1].supported_by == found.prisms[0].name
        assert np.isclose(mesh_of(found.prisms[1]).points[:, 1].min(), 0.0, atol=1e-9) == closes


def test_a_prism_along_the_view_keeps_its_foot(scene: Scene) -> None:
    floor = find(scene, "floor")
    assert move_foot(floor, -1.0, scene) is floor
