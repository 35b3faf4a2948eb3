"""The way into Maya: the script for one without mayaUSD, and the stage's rules for one with it."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from blockout.reconstruct.maya import maya_text
from blockout.reconstruct.names import stem
from blockout.reconstruct.scene import Scene
from blockout.reconstruct.usd import write_stage
from maya_cmds import MayaScene
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdShade
from stages import make_fitted, make_levels, make_plate, make_scene

READABLE_LIGHTS = ("DistantLight", "RectLight", "SphereLight")
NEAR = 1e-3  # cm: the stage has single precision
SCENES = {
    "landscape": make_scene(),
    "off-centre": make_scene("off-centre"),
    "levels": make_levels(),
    "fitted": make_fitted(),
}


def run_in_maya(scene: Scene, monkeypatch: pytest.MonkeyPatch, up: str = "y") -> MayaScene:
    """Return what the script of a scene makes."""
    maya = ModuleType("maya")
    maya.cmds = made = MayaScene(up)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "maya", maya)
    monkeypatch.setitem(sys.modules, "maya.cmds", made)
    exec(compile(maya_text(scene), "a.maya.py", "exec"), {"__name__": "__main__"})
    return made


def open_stage(scene: Scene, path: Path, **options: Any) -> Usd.Stage:
    write_stage(scene, path, **options)
    return Usd.Stage.Open(str(path))


def polygons(faces: list[list[int]], names: np.ndarray) -> set[tuple[int, ...]]:
    """Return faces by other numbers of their points, each begun at the least."""
    found = set()
    for face in faces:
        corners = [int(names[i]) for i in face]
        first = corners.index(min(corners))
        found.add((*corners[first:], *corners[:first]))
    return found


@pytest.mark.parametrize("name", SCENES)
def test_the_script_makes_the_stages_geometry(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = SCENES[name]
    made, stage = run_in_maya(scene, monkeypatch), open_stage(scene, tmp_path / "a.usd")
    meshes = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert {prim.GetName() for prim in meshes} == {name for name, node in made.nodes.items() if node.points is not None}
    for prim in meshes:
        mesh, node = UsdGeom.Mesh(prim), made.nodes[prim.GetName()]
        sizes = mesh.GetFaceVertexCountsAttr().Get()
        faces = [f.tolist() for f in np.split(np.array(mesh.GetFaceVertexIndicesAttr().Get()), np.cumsum(sizes)[:-1])]
        points = np.array(mesh.GetPointsAttr().Get(), np.float64)
        assert node.points is not None
        assert len(node.points) == len(points), "corners were not welded, or too many were"
        told = points[:, :3] + np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(0))[3, :3]
        world = made.world(prim.GetName())
        assert len(node.faces) == len(faces)
        assert node.attributes["hard"]
        assert np.allclose(world[:3, :3], np.eye(3))
        offset = told[0] - points[0]
        assert np.allclose(world[:3, 3], offset, atol=NEAR)
        apart = np.linalg.norm(np.asarray(node.points)[:, None] - points, axis=2)
        assert apart.min(axis=1).max() < NEAR
        assert polygons(node.faces, apart.argmin(axis=1)) == polygons(faces, np.arange(len(points)))


@pytest.mark.parametrize("name", SCENES)
def test_the_script_makes_the_stages_tree_colours_and_attributes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = SCENES[name]
    made, stage = run_in_maya(scene, monkeypatch), open_stage(scene, tmp_path / "a.usd")
    for prim in stage.Traverse():
        if prim.GetTypeName() not in ("Xform", "Mesh"):
            continue
        parent = prim.GetParent().GetName() if prim.GetParent().GetPath() != Sdf.Path.absoluteRootPath else ""
        assert made.nodes[prim.GetName()].parent == parent
        for attribute in prim.GetAuthoredAttributes():
            if attribute.GetName().startswith("userProperties:"):
                value = made.nodes[prim.GetName()].attributes[attribute.GetName().partition(":")[2]]
                assert value == (pytest.approx(attribute.Get()) if isinstance(value, float) else attribute.Get())
    for prism in scene.solids():
        shading_group = made.members[f"{stem(prism.name)}_geo"]
        assert made.others[made.links[shading_group]]["color"] == pytest.approx(tuple(prism.colour))


def test_the_script_makes_the_stages_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene("off-centre")
    made, stage = run_in_maya(scene, monkeypatch), open_stage(scene, tmp_path / "a.usd")
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/Blockout/photo_cam"))
    told = np.array(camera.ComputeLocalToWorldTransform(0)).T
    assert np.allclose(made.world("photo_cam"), told, atol=1e-6)
    lens = made.nodes["photo_cam"].lens
    assert lens["focalLength"] == pytest.approx(camera.GetFocalLengthAttr().Get())
    for maya, usd in (
        ("horizontalFilmAperture", camera.GetHorizontalApertureAttr()),
        ("verticalFilmAperture", camera.GetVerticalApertureAttr()),
        ("horizontalFilmOffset", camera.GetHorizontalApertureOffsetAttr()),
        ("verticalFilmOffset", camera.GetVerticalApertureOffsetAttr()),
    ):
        assert 25.4 * lens[maya] == pytest.approx(usd.Get(), rel=1e-5)
    resolution = made.others["defaultResolution"]
    assert (resolution["width"], resolution["height"]) == (scene.camera.width, scene.camera.height)
    assert resolution["deviceAspectRatio"] == pytest.approx(scene.camera.width / scene.camera.height)


def test_the_script_leaves_unit_and_undo_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    made = run_in_maya(make_scene(), monkeypatch)
    assert (made.unit, made.depth) == ("m", 0)


def test_a_scene_whose_up_is_z_gets_a_turned_root(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_in_maya(make_scene(), monkeypatch, up="z").nodes["Blockout"].attributes["rotateX"] == 90
    assert "rotateX" not in run_in_maya(make_scene(), monkeypatch).nodes["Blockout"].attributes


@pytest.mark.parametrize(
    ("command", "flags", "said"),
    [
        ("polyUnite", {"mergeVertices": True}, "no documented flag mergeVertices"),
        ("polyCreateFacet", {"p": [(0, 0, 0)]}, "no documented flag p"),
        ("polyCreateFacet", {"point": [(0, 0)]}, "takes no"),
        ("polyMergeVertex", {"distance": "0.1"}, "takes no '0.1' as distance"),
        ("sets", {"renderable": 1}, "takes no 1 as renderable"),
        ("upAxis", {"query": True, "axis": "z"}, "takes no 'z' as axis"),
        ("group", {"query": True}, "no documented flag query"),
    ],
)
def test_the_stand_in_refuses_what_is_not_documented(command: str, flags: dict[str, Any], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        getattr(MayaScene(), command)("a", **flags)


@pytest.fixture(params=["photo", "colour"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Usd.Stage:
    return open_stage(make_plate(), tmp_path / "a.usd", texture=request.param)


def meshes_of(stage: Usd.Stage) -> list[UsdGeom.Mesh]:
    found = [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert found
    return found


def test_maya_rule_there_is_a_default_prim(stage: Usd.Stage) -> None:
    assert stage.GetDefaultPrim().GetPath() == "/Blockout"


def test_maya_rule_y_is_up_and_the_unit_is_the_centimetre(stage: Usd.Stage) -> None:
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 0.01


def test_maya_rule_lens_values_are_millimetres(stage: Usd.Stage) -> None:
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/Blockout/photo_cam"))
    assert camera.GetHorizontalApertureAttr().Get() == pytest.approx(36.0)
    assert camera.GetFocalLengthAttr().Get() == pytest.approx(36.0 * 500 / 640)


def test_maya_rule_meshes_are_plain_and_right_handed(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        assert mesh.GetSubdivisionSchemeAttr().Get() == "none"
        assert mesh.GetOrientationAttr().Get() == "rightHanded"
        counts, corners = mesh.GetFaceVertexCountsAttr().Get(), mesh.GetFaceVertexIndicesAttr().Get()
        assert UsdGeom.Mesh.ValidateTopology(corners, counts, len(mesh.GetPointsAttr().Get()))


def test_maya_rule_normals_are_face_varying_without_indices(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        assert mesh.GetNormalsInterpolation() == "faceVarying"
        assert len(mesh.GetNormalsAttr().Get()) == sum(mesh.GetFaceVertexCountsAttr().Get())
        assert not mesh.GetPrim().HasAttribute("primvars:normals")


def test_maya_rule_texture_coordinates_are_of_their_own_type(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")
        assert primvar.GetTypeName() == Sdf.ValueTypeNames.TexCoord2fArray


def test_maya_rule_display_colours_do_not_hide_materials(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        assert mesh.GetDisplayColorAttr().GetCustomDataByKey("Maya:generated") is True


def test_maya_rule_metadata_is_a_constant_primvar_on_the_mesh(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        for name in ("label", "kind", "score", "level", "pixels", "thickness_m", "thickness_source"):
            primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar(name)
            assert primvar.HasValue(), f"{mesh.GetPath()} {name}"
            assert primvar.GetInterpolation() == "constant"
            assert not primvar.GetTypeName().isArray


def test_maya_rule_metadata_is_written_twice_for_blender_reads_only_the_other(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        properties = {
            attribute.GetName().partition(":")[2]: attribute.Get()
            for prim in (mesh.GetPrim(), mesh.GetPrim().GetParent())
            for attribute in prim.GetAuthoredAttributes()
            if attribute.GetName().startswith("userProperties:")
        }
        assert "label" in properties
        for name, value in properties.items():
            assert UsdGeom.PrimvarsAPI(mesh).GetPrimvar(name).Get() == value, f"{mesh.GetPath()} {name}"


def test_maya_rule_lights_are_those_it_reads_but_for_the_sky(stage: Usd.Stage) -> None:
    lights = [prim for prim in stage.Traverse() if prim.HasAPI(UsdLux.LightAPI)]
    unread = [prim.GetName() for prim in lights if prim.GetTypeName() not in READABLE_LIGHTS]
    assert unread in ([], ["sky_light"]), "docs/maya.md tells of the sky only"


def test_maya_rule_the_stage_is_a_crate_with_its_textures_beside_it(stage: Usd.Stage, tmp_path: Path) -> None:
    assert (tmp_path / "a.usd").read_bytes()[:8] == b"PXR-USDC"
    pictures = {path.name for path in (tmp_path / "textures").glob("*")}
    assert pictures == {path.rpartition("/")[2] for path in asset_paths(stage)}


def test_maya_rule_only_materials_lie_in_a_scope(stage: Usd.Stage) -> None:
    scopes = [prim for prim in stage.Traverse() if prim.GetTypeName() == "Scope"]
    assert [prim.GetPath() for prim in scopes] == ["/Blockout/mtl"]
    assert {child.GetTypeName() for child in scopes[0].GetChildren()} == {"Material"}


def test_maya_rule_every_mesh_binds_a_material_by_the_schema(stage: Usd.Stage) -> None:
    for mesh in meshes_of(stage):
        assert mesh.GetPrim().HasAPI(UsdShade.MaterialBindingAPI)
        assert UsdShade.MaterialBindingAPI(mesh).GetDirectBinding().GetMaterial()
        for subset in UsdGeom.Subset.GetAllGeomSubsets(mesh):
            assert subset.GetFamilyNameAttr().Get() == "materialBind"
            assert subset.GetPrim().HasAPI(UsdShade.MaterialBindingAPI)
            assert UsdShade.MaterialBindingAPI(subset).GetDirectBinding().GetMaterial()


def asset_paths(stage: Usd.Stage) -> list[str]:
    return [
        attribute.Get().path
        for prim in stage.Traverse()
        for attribute in prim.GetAuthoredAttributes()
        if attribute.GetTypeName() == Sdf.ValueTypeNames.Asset
    ]


def test_maya_rule_textures_have_relative_paths(stage: Usd.Stage) -> None:
    paths = asset_paths(stage)
    assert all(path.startswith("./textures/") for path in paths)
    assert (len(paths) > 1) == any("front" in str(prim.GetPath()) for prim in stage.Traverse())


def test_maya_rule_no_transform_scales(stage: Usd.Stage) -> None:
    for prim in stage.Traverse():
        if prim.IsA(UsdGeom.Xformable):
            matrix = UsdGeom.Xformable(prim).GetLocalTransformation()
            assert Gf.IsClose(matrix.GetDeterminant3(), 1.0, 1e-6), prim.GetPath()
