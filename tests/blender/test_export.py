"""A blockout that went into Blender comes out again as the pipeline wrote it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockout.reconstruct.scene import Scene
from pxr import Sdf, Usd, UsdGeom, UsdShade
from stages import make_fitted, make_levels, make_plate, make_scene
from validators import Absent
from validators.checkers import check_by_rules, check_in_omniverse
from validators.written import WrittenStage

Blender = Callable[..., list[Any]]
Prepared = Callable[..., dict[str, Any]]
NEAR = 1e-3  # cm: single precision in metres, there and back


def facts_of(path: Path, level: str) -> dict[str, dict[str, Any]]:
    """Return what a stage shows at a level, by the paths of its prims."""
    stage = Usd.Stage.Open(str(path))
    stage.GetDefaultPrim().GetVariantSet("detail").SetVariantSelection(level)
    found: dict[str, dict[str, Any]] = {}
    for prim in stage.Traverse():
        facts: dict[str, Any] = {"type": prim.GetTypeName(), "kind": Usd.ModelAPI(prim).GetKind()}
        facts["values"] = {
            attribute.GetName(): attribute.Get()
            for attribute in prim.GetAuthoredAttributes()
            if attribute.GetName().startswith(("userProperties:", "inputs:", "info:", "primvars:"))
            and not attribute.GetTypeName().isArray
        }
        facts["bound"] = str(UsdShade.MaterialBindingAPI(prim).GetDirectBinding().GetMaterialPath())
        if prim.IsA(UsdGeom.Xformable):
            facts["matrix"] = np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(0))
        if prim.IsA(UsdGeom.Mesh):
            mesh = UsdGeom.Mesh(prim)
            facts["points"] = np.array(mesh.GetPointsAttr().Get())
            facts["corners"] = list(mesh.GetFaceVertexIndicesAttr().Get())
            facts["normals"] = np.array(mesh.GetNormalsAttr().Get())
            facts["st"] = np.array(UsdGeom.PrimvarsAPI(prim).GetPrimvar("st").ComputeFlattened())
            facts["seen"] = list(UsdGeom.PrimvarsAPI(prim).GetPrimvar("seen").Get())
        if prim.IsA(UsdGeom.Subset):
            facts["faces"] = list(UsdGeom.Subset(prim).GetIndicesAttr().Get())
        if prim.IsA(UsdGeom.Camera):
            facts["lens"] = [a.Get() for a in prim.GetAuthoredAttributes() if a.GetTypeName() == "float"]
        found[str(prim.GetPath())] = facts
    return found


def assert_same(exported: Path, original: Path, level: str) -> None:
    one, other = facts_of(exported, level), facts_of(original, level)
    assert sorted(one) == sorted(other)
    for path, told in other.items():
        got = one[path]
        for key in ("type", "kind", "bound", "corners", "seen", "faces"):
            assert got.get(key) == told.get(key), f"{path} {key}"
        for key, near in (("matrix", NEAR), ("points", NEAR), ("normals", 2e-3), ("st", 1e-6), ("lens", 1e-4)):
            if key in told:
                assert np.abs(np.array(got[key]) - np.array(told[key])).max() < near, f"{path} {key}"
        assert got["values"].keys() == told["values"].keys(), path
        for name, value in told["values"].items():
            if value is None or isinstance(value, str):  # None: connected
                assert got["values"][name] == value, f"{path} {name}"
            elif isinstance(value, int | float):
                assert got["values"][name] == pytest.approx(value, rel=1e-5), f"{path} {name}"
            elif isinstance(value, Sdf.AssetPath):
                assert got["values"][name].path.endswith(Path(value.path).name.partition("_")[2])
            else:
                assert np.allclose(got["values"][name], value, atol=1e-5), f"{path} {name}"


@pytest.mark.parametrize("by_usd", [True, False], ids=["by USD", "by arrays"])
@pytest.mark.parametrize(
    ("scene", "texture", "levels"),
    [
        (make_scene(), "photo", "01"),
        (make_scene("off-centre"), "colour", "01"),
        (make_levels(), "colour", "012"),
        (make_fitted(), "photo", "0"),
        (make_plate(), "photo", "01"),
    ],
    ids=["photo", "off-centre", "levels", "fitted", "plate"],
)
def test_a_blockout_comes_back_as_it_was_made(
    scene: Scene, texture: str, levels: str, by_usd: bool, blender: Blender, prepared: Prepared, tmp_path: Path
) -> None:
    ready = prepared(scene, texture, backdrop=texture == "photo")
    exported = tmp_path / "again.usd"
    _, files = blender(("take_in", {"ready": ready, "by_usd": by_usd}), ("export", {"stage": str(exported)}))
    assert files[-1] == str(exported)
    for level in levels:
        assert_same(exported, tmp_path / "a.usd", level)
    textures = {path.name.partition("_")[2]: path.read_bytes() for path in (tmp_path / "textures").glob("again_*")}
    told = {path.name.partition("_")[2]: path.read_bytes() for path in (tmp_path / "textures").glob("a_*")}
    assert textures == told


@pytest.mark.parametrize("check", [check_by_rules, check_in_omniverse])
def test_validators_have_nothing_to_say_about_an_export(
    check: Callable[..., None], blender: Blender, prepared: Prepared, tmp_path: Path
) -> None:
    scene = make_levels()
    exported = tmp_path / "again.usd"
    blender(("take_in", {"ready": prepared(scene, "photo"), "by_usd": None}), ("export", {"stage": str(exported)}))
    stage = WrittenStage(exported, scene, texture="photo")
    try:
        check([stage, stage.at_level(0), stage.at_level(1)])
    except Absent as reason:
        pytest.skip(str(reason))


def test_what_was_edited_is_exported(blender: Blender, prepared: Prepared, tmp_path: Path) -> None:
    exported = tmp_path / "edited.usd"
    calls = [
        ("take_in", {"ready": prepared(make_scene()), "by_usd": None}),
        ("set_value", {"name": "table_001_geo", "attribute": "blockout_thickness", "value": 0.8}),
        ("set_value", {"name": "table_001_geo", "attribute": "blockout_label", "value": "Grüner Tisch"}),
        ("edit", {"names": ["n3d_printer_007_geo"], "operator": "split", "direction": "WIDTH"}),
        ("export", {"stage": str(exported)}),
    ]
    blender(*calls)
    found = facts_of(exported, "1")
    table = found["/Blockout/segments/seg_001_Gruner_Tisch/Gruner_Tisch_001_geo"]
    assert table["values"]["primvars:thickness_m"] == pytest.approx(0.8)
    assert table["values"]["primvars:label"] == "Grüner Tisch"
    assert table["bound"] == "/Blockout/mtl/Gruner_Tisch_001_mtl"
    assert sum(facts["type"] == "Mesh" and "printer" in path for path, facts in found.items()) == 2
    try:
        check_by_rules([WrittenStage(exported, make_scene())])
    except Absent as reason:
        pytest.skip(str(reason))


def test_an_export_that_cannot_be_written_is_told_in_words(
    blender: Blender, prepared: Prepared, tmp_path: Path
) -> None:
    (tmp_path / "there.usd").write_text("mine")
    calls = [
        ("take_in", {"ready": prepared(make_scene()), "by_usd": None}),
        ("export", {"stage": str(tmp_path / "no" / "folder.usd")}),
        ("export", {"stage": str(tmp_path / "there.usd"), "overwrite": False}),
        ("export", {"stage": str(tmp_path / "name.obj")}),
    ]
    _, missing, there, name = blender(*calls)
    assert "is not a folder that exists" in missing
    assert "exists already" in there
    assert "is no stage" in name
    assert (tmp_path / "there.usd").read_text() == "mine"
