from dataclasses import replace
from pathlib import Path

import pytest
from blockout.reconstruct.usd import write_stage
from pxr import Usd, UsdGeom
from stages import make_levels, make_scene

SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")


def open_stage(path: Path) -> Usd.Stage:
    return Usd.Stage.Open(str(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_detail_chooses_how_far_parts_are_shown(tmp_path: Path, suffix: str) -> None:
    write_stage(make_levels(), tmp_path / f"a{suffix}")
    stage = open_stage(tmp_path / f"a{suffix}")
    variants = stage.GetDefaultPrim().GetVariantSet("detail")
    assert variants.GetVariantNames() == ["0", "1", "2"]
    assert variants.GetVariantSelection() == "2"
    expected = {"0": {1, 11, 16}, "1": {1, 12, 14, 15, 16}, "2": {1, 13, 18, 14, 15, 16}}
    for level, numbers in expected.items():
        variants.SetVariantSelection(level)
        meshes = [prim.GetName() for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
        assert {int(name.split("_")[1]) for name in meshes} == numbers
        assert len(meshes) == len(numbers)


def test_a_level_leaves_what_is_below_it_only_inactive(tmp_path: Path) -> None:
    write_stage(make_levels(), tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    stage.GetDefaultPrim().GetVariantSet("detail").SetVariantSelection("1")
    part = stage.GetPrimAtPath("/Blockout/segments/seg_010_shelf/seg_011_shelf/seg_012_shelf/seg_013_shelf")
    assert part
    assert not part.IsActive()
    part.SetActive(True)  # an artist's own opinion is the stronger one
    assert part.IsActive()


def test_a_scene_without_parts_has_one_level(tmp_path: Path) -> None:
    scene = make_scene()
    write_stage(replace(scene, prisms=scene.prisms[:3]), tmp_path / "a.usd")
    assert open_stage(tmp_path / "a.usd").GetDefaultPrim().GetVariantSet("detail").GetVariantNames() == ["0"]


def test_the_camera_sees_every_level_whole(tmp_path: Path) -> None:
    scene = make_levels()
    group = scene.prisms[1].children[0]
    deep = replace(group, extrusion=group.extrusion * 100)
    scene = replace(scene, prisms=(replace(scene.prisms[1], children=(deep, scene.prisms[1].children[1])),))
    write_stage(scene, tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    assert UsdGeom.Camera(stage.GetPrimAtPath("/Blockout/photo_cam")).GetClippingRangeAttr().Get()[1] > 100 * 34


def test_a_group_of_pieces_has_no_thickness(tmp_path: Path) -> None:
    write_stage(make_levels(), tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    pieces = stage.GetPrimAtPath("/Blockout/segments/seg_010_shelf")
    assert pieces.HasAttribute("userProperties:pixels")
    assert not pieces.HasAttribute("userProperties:thickness_m")
    assert stage.GetPrimAtPath("/Blockout/segments/seg_010_shelf/seg_011_shelf").HasAttribute(
        "userProperties:thickness_m"
    )
