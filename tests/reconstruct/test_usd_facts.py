from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import OutputUnwritable
from blockout.output import staged
from blockout.reconstruct.frames import project, transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.names import Texture, identifier, prim_paths, stage_files, stem
from blockout.reconstruct.scene import Scene
from blockout.reconstruct.usd import write_stage
from disks import mounted
from hypothesis import given
from hypothesis import strategies as st
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdShade
from stages import make_fitted, make_scene
from validators import WrittenStage

SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def open_stage(path: Path) -> Usd.Stage:
    return Usd.Stage.Open(str(path))


def count_prims(path: Path) -> int:
    stage = open_stage(path)  # closed on return, so that its disk can go
    return len(list(stage.Traverse()))


def mesh_path(scene: Scene, name: str) -> str:
    return f"{prim_paths(scene.prisms)[name]}/{stem(name)}_geo"


def test_metadata_is_written_for_blender_and_for_maya(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    expected = {
        "label": "Café-Stühle 椅子",
        "kind": "object",
        "score": 0.75,
        "level": 0,
        "pixels": 1003,
        "thickness_m": pytest.approx(0.4),
        "thickness_source": "depth spread",
        "shape": "prism",
    }
    mesh = stage.GetPrimAtPath(mesh_path(scene, "seg_003_Cafe_Stuhle"))
    assert {name: mesh.GetParent().GetAttribute(f"userProperties:{name}").Get() for name in expected} == expected
    primvars = [UsdGeom.PrimvarsAPI(mesh).GetPrimvar(name) for name in expected]
    assert {primvar.GetPrimvarName(): primvar.Get() for primvar in primvars} == expected
    assert {primvar.GetInterpolation() for primvar in primvars} == {"constant"}
    group = stage.GetPrimAtPath("/Blockout/segments/seg_004_shelf")
    assert group.GetAttribute("userProperties:label").Get() == "shelf"


def test_a_fitted_solid_says_why_it_has_its_shape(tmp_path: Path) -> None:
    scene = make_fitted()
    write_stage(scene, tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    mesh = stage.GetPrimAtPath(mesh_path(scene, "seg_002_cylinder"))
    for name, value in (("shape", "cylinder"), ("shape_reason", "it fits")):
        assert mesh.GetParent().GetAttribute(f"userProperties:{name}").Get() == value
        assert UsdGeom.PrimvarsAPI(mesh).GetPrimvar(name).Get() == value
    floor = stage.GetPrimAtPath(mesh_path(scene, "seg_008_floor"))
    assert not floor.GetParent().HasAttribute("userProperties:shape_reason"), "nothing to say"


@pytest.mark.parametrize("texture", ["photo", "colour"])
def test_seen_faces_are_told_from_guessed_ones(tmp_path: Path, texture: Texture) -> None:
    scene = make_fitted()
    write_stage(scene, tmp_path / "a.usd", texture=texture)
    stage = open_stage(tmp_path / "a.usd")
    eye = scene.world_from_camera[:3, 3] / UsdGeom.GetStageMetersPerUnit(stage)
    for prism in scene.solids():
        mesh = UsdGeom.Mesh(stage.GetPrimAtPath(mesh_path(scene, prism.name)))
        primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("seen")
        sizes = np.array(mesh.GetFaceVertexCountsAttr().Get())
        seen = np.array(primvar.Get())
        assert primvar.GetInterpolation() == "uniform"
        assert len(seen) == len(sizes)
        assert 0 < seen.sum() < len(seen)
        to_world = UsdGeom.XformCache().GetLocalToWorldTransform(mesh.GetPrim())
        points = np.array([to_world.Transform(Gf.Vec3d(point)) for point in mesh.GetPointsAttr().Get()])
        first = np.array(mesh.GetFaceVertexIndicesAttr().Get())[np.cumsum(sizes) - sizes]
        normals = np.array(mesh.GetNormalsAttr().Get())[np.cumsum(sizes) - sizes]
        faces_the_eye = (normals * (eye - points[first])).sum(1) > 0
        if prism.shape != "prism":
            assert (seen == faces_the_eye).all()
        else:
            assert faces_the_eye[seen == 1].all(), "its front alone carries the photo"


@pytest.mark.parametrize("texture", ["photo", "colour"])
def test_guessed_faces_are_tinted_on_request(tmp_path: Path, texture: Texture) -> None:
    scene = make_fitted()
    write_stage(scene, tmp_path / "a.usd", texture=texture, tint_guessed=True)
    stage = open_stage(tmp_path / "a.usd")
    for prism in scene.solids():
        mesh = stage.GetPrimAtPath(mesh_path(scene, prism.name))
        subsets = {
            subset.GetPrim().GetName(): subset for subset in UsdGeom.Subset.GetAllGeomSubsets(UsdGeom.Mesh(mesh))
        }
        seen = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("seen").Get())
        assert list(subsets["front"].GetIndicesAttr().Get()) == np.flatnonzero(seen).tolist()
        assert list(subsets["body"].GetIndicesAttr().Get()) == np.flatnonzero(seen == 0).tolist()
        front, body = (diffuse_of(subsets[name].GetPrim()) for name in ("front", "body"))
        assert front == (None if texture == "photo" else pytest.approx(prism.colour, abs=1e-6))
        assert body == pytest.approx(0.6 * prism.colour + 0.4 * np.array([0.16, 0.22, 0.32]), abs=1e-6)


def diffuse_of(prim: Usd.Prim) -> list[float] | None:
    """Return the colour of a prim's material; None where a texture gives it."""
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    surface = UsdShade.Shader(material.GetPrim().GetChild("surface"))
    return (
        None if surface.GetInput("diffuseColor").HasConnectedSource() else list(surface.GetInput("diffuseColor").Get())
    )


def test_words_that_utf_8_cannot_hold_do_not_stop_a_stage(scene: Scene, tmp_path: Path) -> None:
    photo = replace(scene.photo, path=Path("caf\udce9.jpg"))  # a Latin-1 name, as Python reads it
    prisms = (replace(scene.prisms[0], label="caf\udce9"), *scene.prisms[1:])
    write_stage(replace(scene, photo=photo, prisms=prisms), tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    assert "photo: caf?.jpg" in stage.GetRootLayer().documentation
    assert stage.GetPrimAtPath("/Blockout/segments/seg_001_table").GetAttribute("userProperties:label").Get() == "caf?"


def test_maya_is_told_that_the_display_colour_is_generated(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usd", texture="photo")
    stage = open_stage(tmp_path / "a.usd")
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath(mesh_path(scene, "seg_001_table")))
    assert mesh.GetDisplayColorAttr().GetCustomDataByKey("Maya:generated") is True


def test_sky_is_a_light_of_its_colour_and_absent_without_sky(tmp_path: Path) -> None:
    write_stage(make_scene(), tmp_path / "a.usd")
    stage = open_stage(tmp_path / "a.usd")
    light = UsdLux.DomeLight(stage.GetPrimAtPath("/Blockout/sky_light"))
    assert light.GetColorAttr().Get() == Gf.Vec3f(0.3, 0.5, 0.9)
    write_stage(make_scene(sky=False), tmp_path / "b.usd")
    stage = open_stage(tmp_path / "b.usd")
    assert not any(prim.IsA(UsdLux.DomeLight) for prim in stage.Traverse())


@pytest.mark.parametrize("variant", ["landscape", "portrait", "off-centre"])
def test_backdrop_fills_the_frame_behind_everything(tmp_path: Path, variant: str) -> None:
    scene = make_scene(variant)
    card, _ = WrittenStage(tmp_path, scene, backdrop=True).solids()["backdrop_geo"]
    camera_from_world = np.linalg.inv(scene.world_from_camera)
    front = transform(camera_from_world, mesh_of(card).points)[:4]
    corners = {tuple(corner) for corner in project(front, scene.camera).round(6).tolist()}
    width, height = scene.camera.width, scene.camera.height
    assert corners == {(0, 0), (width, 0), (width, height), (0, height)}
    furthest = max(transform(camera_from_world, mesh_of(prism).points)[:, 2].max() for prism in scene.solids())
    assert front[:, 2].min() > furthest


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_leaves_no_stage_and_gives_a_sentence(scene: Scene, tmp_path: Path, suffix: str) -> None:
    needed = 0
    for size_kb in range(4, 200, 4):
        with mounted(tmp_path, f"size={size_kb}k") as disk:
            path = disk / f"a{suffix}"
            files = stage_files(path, texture="photo", backdrop=False)
            try:
                with staged(files, overwrite=False) as place:
                    write_stage(scene, place(path), texture="photo")
            except OutputUnwritable as error:
                assert "could not be written (no space left on device" in str(error)
                assert list(disk.iterdir()) == []
                continue
            sizes = sum(file.stat().st_size for file in files)
            needed = needed or sizes
            assert sizes == needed, "truncated"
            assert count_prims(path) == 52
    assert needed


@given(st.text(max_size=60))
def test_every_identifier_is_one_for_usd(label: str) -> None:
    name = identifier(label)
    assert Sdf.Path.IsValidIdentifier(name)
    assert Sdf.Path.IsValidIdentifier(f"{stem(f'seg_001_{name}')}_geo")
    assert len(name) <= 40
