import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import OutputUnwritable
from blockout.output import staged
from blockout.reconstruct.frames import Units, UpAxis, project, transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.names import Texture, identifier, prim_paths, stage_files, stem
from blockout.reconstruct.scene import Scene
from blockout.reconstruct.usd import StageFacts, write_stage
from disks import mounted
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdShade, UsdUtils
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


def test_stage_has_the_layout_that_artists_are_told(scene: Scene, tmp_path: Path) -> None:
    facts = write_stage(scene, tmp_path / "a.usd", backdrop=True)
    stage = open_stage(tmp_path / "a.usd")
    found = {str(prim.GetPath()): (prim.GetTypeName(), Usd.ModelAPI(prim).GetKind()) for prim in stage.Traverse()}
    expected = {
        "/Blockout": ("Xform", "assembly"),
        "/Blockout/photo_cam": ("Camera", ""),
        "/Blockout/mtl": ("Scope", ""),
        "/Blockout/mtl/photo_mtl": ("Material", ""),
        "/Blockout/mtl/table_001_mtl": ("Material", ""),
        "/Blockout/segments": ("Xform", "group"),
        "/Blockout/segments/seg_001_table": ("Xform", "component"),
        "/Blockout/segments/seg_001_table/table_001_geo": ("Mesh", ""),
        "/Blockout/segments/seg_004_shelf": ("Xform", "component"),
        "/Blockout/segments/seg_004_shelf/seg_005_shelf": ("Xform", "subcomponent"),
        "/Blockout/segments/seg_004_shelf/seg_005_shelf/shelf_005_geo": ("Mesh", ""),
        "/Blockout/segments/seg_007_n3d_printer/n3d_printer_007_geo": ("Mesh", ""),
        "/Blockout/backdrop/backdrop_geo": ("Mesh", ""),
        "/Blockout/sky_light": ("DomeLight", ""),
    }
    assert expected.items() <= found.items()
    assert "/Blockout/segments/seg_004_shelf/shelf_004_geo" not in found, "a group's own solid"
    assert str(stage.GetDefaultPrim().GetPath()) == "/Blockout"
    assert facts == StageFacts(prisms=8, groups=1, faces=80, points=72)


def test_documentation_says_where_everything_comes_from_and_names_no_folder(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usda", texture="photo")
    text = (tmp_path / "a.usda").read_text("utf-8")
    stage = open_stage(tmp_path / "a.usda")
    documentation = stage.GetRootLayer().documentation
    for fact in ("café 1.jpg", "assumed 55 degrees", "1.6 m above it", "depth: geometric 0.1.0 (GPL-3.0-or-later)"):
        assert fact in documentation
    assert str(tmp_path) not in text
    assert "somewhere" not in text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_scene_gives_the_same_bytes(scene: Scene, tmp_path: Path, suffix: str) -> None:
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        path = folder / f"a{suffix}"
        write_stage(scene, path, texture="photo", backdrop=True)
        assert sorted(p for p in folder.rglob("*") if p.is_file()) == sorted(
            stage_files(path, texture="photo", backdrop=True)
        )
        written.append([file.read_bytes() for file in stage_files(path, texture="photo", backdrop=True)])
    assert written[0] == written[1]


def test_package_holds_stage_and_texture_without_the_time_of_writing(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usdz", texture="photo")
    with zipfile.ZipFile(tmp_path / "a.usdz") as package:
        members = package.infolist()
        starts = [member.header_offset + len(member.FileHeader()) for member in members]
        assert package.testzip() is None
    assert [start % 64 for start in starts] == [0, 0], "the data can be mapped into memory"
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
    assert [member.filename for member in members] == ["a.usdc", "textures/a_photo.jpg"]
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert [p.name for p in tmp_path.iterdir()] == ["a.usdz"]


@pytest.mark.parametrize(("units", "up"), [("cm", "Y"), ("m", "Z")])
def test_pivots_are_at_the_foot_and_points_at_their_place(
    scene: Scene, tmp_path: Path, units: Units, up: UpAxis
) -> None:
    write_stage(scene, tmp_path / "a.usd", units=units, up=up)
    stage = open_stage(tmp_path / "a.usd")
    metres = UsdGeom.GetStageMetersPerUnit(stage)
    for prism in scene.solids():
        prim = stage.GetPrimAtPath(mesh_path(scene, prism.name))
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(), np.float64)
        axis = "XYZ".index(up)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        middle[axis] = points[:, axis].min()
        assert middle == pytest.approx([0, 0, 0], abs=1e-5 / metres)
        matrix = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(prim))
        world = metres * (points @ matrix[:3, :3] + matrix[3, :3])
        if up == "Z":
            world = world[:, [0, 2, 1]] * (1, 1, -1)
        assert world == pytest.approx(mesh_of(prism).points, abs=1e-5)


@pytest.mark.parametrize("variant", ["landscape", "portrait", "off-centre", "oblong pixels"])
@pytest.mark.parametrize(("units", "up"), [("cm", "Y"), ("m", "Z")])
def test_the_stage_s_camera_shows_points_where_the_photo_has_them(
    tmp_path: Path, variant: str, units: Units, up: UpAxis
) -> None:
    scene = make_scene(variant if variant != "oblong pixels" else "landscape")
    if variant == "oblong pixels":
        scene = replace(scene, camera=replace(scene.camera, fx=480.0))
    write_stage(scene, tmp_path / "a.usd", units=units, up=up)
    stage = open_stage(tmp_path / "a.usd")
    frustum = UsdGeom.Camera(stage.GetPrimAtPath("/Blockout/photo_cam")).GetCamera(Usd.TimeCode.Default()).frustum
    clip_from_stage = np.array(frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix())
    for prism in scene.solids():
        prim = stage.GetPrimAtPath(mesh_path(scene, prism.name))
        matrix = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(prim))
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get(), np.float64)
        clip = np.column_stack([points, np.ones(len(points))]) @ matrix @ clip_from_stage
        device = clip[:, :3] / clip[:, 3:]
        assert np.abs(device).max() <= 1, "clipped"
        shown = (device[:, :2] * (1, -1) + 1) / 2 * (scene.camera.width, scene.camera.height)
        camera_from_world = np.linalg.inv(scene.world_from_camera)
        expected = project(transform(camera_from_world, mesh_of(prism).points), scene.camera)
        assert shown == pytest.approx(expected, abs=0.01)


def test_front_faces_show_the_photo_s_pixels_and_all_others_the_mean_colour(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usd", texture="photo")
    stage = open_stage(tmp_path / "a.usd")
    frame = next(prism for prism in scene.prisms if prism.name == "seg_002_window_frame")
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath(mesh_path(scene, frame.name)))
    binding = UsdShade.MaterialBindingAPI(mesh)
    materials: dict[int, str] = {}
    for subset in binding.GetMaterialBindSubsets():
        material = UsdShade.MaterialBindingAPI(subset).ComputeBoundMaterial()[0].GetPath().name
        materials |= dict.fromkeys(subset.GetIndicesAttr().Get(), material)
    fronts = mesh_of(frame).front_faces
    count = len(mesh.GetFaceVertexCountsAttr().Get())
    assert [materials[face] for face in range(count)] == ["photo_mtl"] * fronts + ["window_frame_002_mtl"] * (
        count - fronts
    )
    assert binding.GetMaterialBindSubsetsFamilyType() == UsdGeom.Tokens.partition
    st = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").ComputeFlattened())
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get())[: 3 * fronts]
    assert st[: 3 * fronts] * (640, -480) + (0, 480) == pytest.approx(frame.outline_px[corners], abs=1e-3)


def test_colour_alone_writes_no_texture_and_no_subsets(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usd")
    assert [p.name for p in tmp_path.iterdir()] == ["a.usd"]
    stage = open_stage(tmp_path / "a.usd")
    prims = list(stage.Traverse())
    assert not any(prim.IsA(UsdGeom.Subset) for prim in prims)
    assert len([prim for prim in prims if prim.IsA(UsdShade.Material)]) == 7, "one for each solid, to edit alone"


def test_texture_is_the_photo_and_its_path_is_relative(scene: Scene, tmp_path: Path) -> None:
    write_stage(scene, tmp_path / "a.usd", texture="photo")
    with Image.open(tmp_path / "textures" / "a_photo.jpg") as texture:
        written = np.asarray(texture, np.int32)
    assert np.abs(written - scene.photo.rgb).mean() < 3
    stage = open_stage(tmp_path / "a.usd")
    shader = UsdShade.Shader(stage.GetPrimAtPath("/Blockout/mtl/photo_mtl/photo"))
    assert shader.GetInput("file").Get().path == "./textures/a_photo.jpg"
    assert Path(shader.GetInput("file").Get().resolvedPath).samefile(tmp_path / "textures" / "a_photo.jpg")


def test_a_large_photo_gives_a_texture_of_4096_pixels(scene: Scene, tmp_path: Path) -> None:
    photo = replace(scene.photo, rgb=np.zeros((30, 5000, 3), np.uint8))
    write_stage(replace(scene, photo=photo), tmp_path / "a.usd", texture="photo")
    with Image.open(tmp_path / "textures" / "a_photo.jpg") as texture:
        assert texture.size == (4096, 25)


@pytest.mark.parametrize("name", ["kitchen 2", "-1", "椅子 été", "a[1]@b%20#c", "a'b;c"])
@pytest.mark.parametrize("suffix", [".usd", ".usdz"])
def test_odd_names_of_stages_find_their_textures(scene: Scene, tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"{name}{suffix}"
    write_stage(scene, path, texture="photo")
    layers, _, unresolved = UsdUtils.ComputeAllDependencies(str(path))
    assert len(layers) == 1
    assert unresolved == []


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
