import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.reconstruct.frames import Units, UpAxis, project, transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.names import prim_paths, stage_files, stem
from blockout.reconstruct.scene import Scene
from blockout.reconstruct.usd import StageFacts, write_stage
from PIL import Image
from pxr import Usd, UsdGeom, UsdShade, UsdUtils
from stages import make_scene

SUFFIXES = (".usd", ".usda", ".usdc", ".usdz")


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def open_stage(path: Path) -> Usd.Stage:
    return Usd.Stage.Open(str(path))


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
