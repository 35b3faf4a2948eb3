import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.reconstruct.frames import project, transform, world_from_camera
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.names import identifier, plate_files, prim_paths, stage_files, stem, texture_path
from blockout.reconstruct.report import cubes_text, scene_record
from stages import make_camera, make_fitted, make_levels, make_prism, make_scene


@pytest.fixture
def record() -> dict:
    return scene_record(make_scene(), {"depth": 0.12345})


def prism_called(record: dict, name: str) -> dict:
    return next(prism for prism in record["prisms"] if prism["name"] == name)


def test_record_survives_json_and_names_no_folder(record: dict) -> None:
    text = json.dumps(record, allow_nan=False)
    assert json.loads(text) == record
    assert "somewhere" not in text
    assert record["photo"] == {"name": "café 1.jpg", "size_px": [480, 640], "original_size_px": [480, 640]}
    assert record["seconds"] == {"depth": 0.123}


def test_record_lists_solids_apart_from_groups(record: dict) -> None:
    assert len(record["prisms"]) == 7
    assert [group["name"] for group in record["groups"]] == ["seg_004_shelf"]
    assert record["groups"][0]["parts"] == ["seg_005_shelf", "seg_006_shelf"]


def test_group_of_parts_tells_the_solid_that_stands_for_them(record: dict) -> None:
    group = record["groups"][0]
    assert set(prism_called(record, "seg_001_table")) <= set(group)
    assert group["level"] == 0
    assert group["thickness_m"] == pytest.approx(0.3)
    assert group["prim_path"] == "/Blockout/segments/seg_004_shelf"


def test_pieces_are_told_from_parts() -> None:
    record = scene_record(make_levels(), {})
    pieces, parts, finer = record["groups"]
    assert pieces["pieces"] == ["seg_011_shelf", "seg_016_shelf"]
    assert not {"parts", "thickness_m", "width_m"} & set(pieces), "no solid of its own"
    assert parts["parts"] == ["seg_012_shelf", "seg_014_shelf", "seg_015_shelf"]
    assert [group["level"] for group in (pieces, parts, finer)] == [0, 0, 1]
    assert record["levels"] == 3


def test_part_names_its_parent_and_its_prim(record: dict) -> None:
    part = prism_called(record, "seg_006_shelf")
    assert part["parent"] == "seg_004_shelf"
    assert part["level"] == 1
    assert part["prim_path"] == "/Blockout/segments/seg_004_shelf/seg_006_shelf"
    assert prism_called(record, "seg_001_table")["parent"] is None


def test_record_has_the_fields_that_are_promised(record: dict) -> None:
    promised = "name prim_path parent level label score shape centre_m width_m height_m thickness_m thickness_source"
    for prism in record["prisms"]:
        assert set(f"{promised} colour_srgb colour_linear pixels".split()) <= set(prism)


def test_sizes_and_colours_are_the_prism_s(record: dict) -> None:
    table = prism_called(record, "seg_001_table")
    assert table["thickness_m"] == pytest.approx(0.3)
    assert table["colour_linear"] == pytest.approx([0.1, 0.5, 0.2])
    assert table["colour_srgb"] == pytest.approx([0.349190, 0.735357, 0.484529], abs=1e-6)


def test_height_of_a_standing_face_is_measured_along_the_vertical() -> None:
    camera, level = make_camera(), world_from_camera(np.array([0.0, 1.0, 0.0]), 1.6)
    door = make_prism(1, "door", (0.0, 0.0, 4.0), (0.9, 2.0, 0.1), camera, level)
    quarter = np.array([(0, -1, 0, 0), (1, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)], np.float64)
    turned = replace(door, outline=door.outline @ quarter[:2, :2], world_from_plane=door.world_from_plane @ quarter)
    for prism in (door, turned):
        measured = scene_record(replace(make_scene(), world_from_camera=level, prisms=(prism,)), {})["prisms"][0]
        assert (measured["width_m"], measured["height_m"]) == pytest.approx((0.9, 2.0))
        assert measured["centre_m"] == pytest.approx([0.0, 1.6, -4.05])


def test_a_fitted_solid_is_measured_across_and_upward() -> None:
    record = scene_record(make_fitted(), {})
    sizes = {prism["shape"]: (prism["width_m"], prism["height_m"]) for prism in record["prisms"]}
    assert sizes["box"] == pytest.approx((0.5, 0.7))
    assert sizes["cylinder"] == pytest.approx((0.404, 0.6), abs=1e-3)
    assert sizes["cone"] == pytest.approx((0.606, 0.7), abs=1e-3)
    assert sizes["lathe"] == pytest.approx((0.404, 0.8), abs=1e-3)
    cylinder = prism_called(record, "seg_002_cylinder")
    assert cylinder["centre_m"] == pytest.approx([0.3, 0.3, -3.5])
    assert cylinder["thickness_m"] == pytest.approx(0.4)
    assert cylinder["shape_reason"] == "it fits"
    assert prism_called(record, "seg_008_floor")["shape"] == "prism"


def test_cubes_cover_what_fitted_solids_cover() -> None:
    scene = make_fitted()
    cubes = ast.literal_eval(cubes_text(scene))
    for number, prism in enumerate(scene.prisms[:4], start=1):
        points = transform(np.linalg.inv(scene.world_from_camera), mesh_of(prism).points)
        points_px = project(points, scene.camera)
        _, width, height, x, y, nearness, _ = cubes[str(number)]
        assert (width + 1, height + 1) == pytest.approx(np.ptp(points_px, axis=0))
        assert (x + 0.5, y + 0.5) == pytest.approx((points_px.min(axis=0) + points_px.max(axis=0)) / 2)
        assert 1 / np.median(points[:, 2]) < nearness < 1 / points[:, 2].min(), "what is seen is the nearer half"


def test_cubes_are_a_dictionary_in_the_older_project_s_layout() -> None:
    camera, level = make_camera(), world_from_camera(np.array([0.0, 1.0, 0.0]), 1.6)
    size_m = (640 * 4 / 500, 480 * 4 / 500, 0.2)
    wall = make_prism(12, "wall", (0.0, 0.0, 4.0), size_m, camera, level)
    cubes = ast.literal_eval(cubes_text(replace(make_scene(), world_from_camera=level, prisms=(wall,))))
    shape, width, height, x, y, z, colour = cubes["12"]
    assert shape == "Cube"
    assert (width, height, x, y) == pytest.approx((639, 479, 319.5, 239.5))
    assert z == pytest.approx(1 / 4)
    assert len(colour) == 3
    assert 0 <= min(colour) <= max(colour) <= 255


def test_average_z_of_a_slanted_face_is_that_of_the_photo() -> None:
    scene = make_scene()
    table = scene.prisms[0]
    z = ast.literal_eval(cubes_text(scene))["1"][5]
    assert 1 / 3.2 < z < 1 / 2.8
    column, row = np.meshgrid(np.linspace(-0.5, 0.5, 801), np.linspace(-0.5, 0.5, 801))
    normal, point = np.array([np.sin(np.radians(20)), 0, np.cos(np.radians(20))]), np.array([-0.5, 0.6, 3.0])
    low, high = table.outline_px.min(axis=0), table.outline_px.max(axis=0)
    x, y = (low[0] + high[0]) / 2 + column * (high[0] - low[0]), (low[1] + high[1]) / 2 + row * (high[1] - low[1])
    inverse = (normal[0] * (x - 320) / 500 + normal[2]) / (normal @ point)
    assert z == pytest.approx(inverse[is_inside(table.outline_px, x, y)].mean(), rel=2e-3)


def is_inside(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    sides = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    signs = np.stack([(b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) for a, b in sides])
    return np.abs(np.sign(signs).sum(axis=0)) == len(corners)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("dining table", "dining_table"),
        ("Café-Stühle 椅子", "Cafe_Stuhle"),
        ("椅子", "segment"),
        ("", "segment"),
        ("-3d printer-", "n3d_printer"),
        ("a" * 60, "a" * 40),
        ("wall/ceiling; other", "wall_ceiling_other"),
    ],
)
def test_every_label_gives_an_identifier(label: str, expected: str) -> None:
    assert identifier(label) == expected


def test_mesh_names_share_the_stem_of_their_prism() -> None:
    assert stem("seg_001_dining_table") == "dining_table_001"
    assert stem("seg_1234_segment") == "segment_1234"
    assert stem("backdrop") == "backdrop"


def test_prim_paths_list_parents_first() -> None:
    paths = prim_paths(make_scene().prisms)
    assert list(paths)[3:6] == ["seg_004_shelf", "seg_005_shelf", "seg_006_shelf"]


def test_texture_s_name_has_no_mark_that_means_something_in_an_asset_path() -> None:
    assert texture_path(Path("out/kitchen 2.usd")) == Path("out/textures/kitchen 2_photo.jpg")
    assert texture_path(Path("a[1]@b%c.usd")).name == "a_5B1_5D_40b_25c_photo.jpg"
    assert texture_path(Path("椅子.usd")).name == "椅子_photo.jpg"


def test_files_of_a_stage_end_with_the_stage() -> None:
    path = Path("a.usd")
    assert stage_files(path, texture="colour", backdrop=False) == (path,)
    assert stage_files(path, texture="photo", backdrop=False) == (Path("textures/a_photo.jpg"), path)
    assert stage_files(path, texture="colour", backdrop=True) == (Path("textures/a_photo.jpg"), path)
    assert stage_files(Path("a.usdz"), texture="photo", backdrop=True) == (Path("a.usdz"),)
    assert plate_files(path, texture="photo") == (Path("textures/a_plate.jpg"),)
    assert plate_files(path, texture="colour") == plate_files(Path("a.usdz"), texture="photo") == ()


def test_a_level_floor_has_a_size_whatever_way_the_camera_looks() -> None:
    scene = make_scene()
    floor = make_prism(9, "floor", (0, 0, 3), (4, 2, 0.1), scene.camera, np.eye(4), kind="ground")
    level = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, -3], [0, 0, 0, 1]])  # its normal is up
    floor = replace(floor, world_from_plane=level)
    for down in ([0.0, 1, 0], [0, 0.7, 0.7], [0, 0.001, 1.0]):
        scene = replace(scene, prisms=(floor,), world_from_camera=world_from_camera(np.array(down), 1.6))
        (found,) = scene_record(scene, {})["prisms"]
        assert (found["width_m"], found["height_m"]) == pytest.approx((4, 2), abs=1e-4)
