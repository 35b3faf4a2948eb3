"""What arrives in Blender, by its own importer and by the reader for Blenders without USD."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from blockout.reconstruct.frames import project, stage_from_world, transform
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Scene
from stages import make_fitted, make_levels, make_plate, make_scene

Blender = Callable[..., list[Any]]
Prepared = Callable[..., dict[str, Any]]
BLENDER_FROM_WORLD = stage_from_world("m", "Z")


@pytest.mark.parametrize(
    ("scene", "texture"),
    [
        (make_scene(), "photo"),
        (make_scene("portrait"), "colour"),
        (make_scene("off-centre"), "photo"),
        (make_levels(), "colour"),
        (make_fitted(), "photo"),
        (make_plate(), "photo"),
    ],
    ids=["photo", "portrait", "off-centre", "levels", "fitted", "plate"],
)
def test_both_ways_in_give_the_same(scene: Scene, texture: str, blender: Blender, prepared: Prepared) -> None:
    ready = prepared(scene, texture, backdrop=True)
    by_usd, by_arrays = blender(*(("take_in", {"ready": ready, "by_usd": way}) for way in (True, False)))
    for found in (by_usd, by_arrays):
        assert len(found["objects"]) > len(scene.prisms)
    assert by_usd["objects"].keys() == by_arrays["objects"].keys()
    for name, one in by_usd["objects"].items():
        other = by_arrays["objects"][name]
        for key in ("matrix_world", "scale", "points", "normals", "uv", "color"):
            if key in one:
                assert np.allclose(one[key], other[key], atol=2e-3 if key == "normals" else 1e-5), f"{name} {key}"
        same = (
            "type",
            "parent",
            "hidden",
            "faces",
            "materials",
            "flat",
            "seen",
            "mesh_properties",
            "lens",
            "background",
        )
        assert {key: one.get(key) for key in same} == {key: other.get(key) for key in same}, name
        assert one["properties"] == pytest.approx(other["properties"]), name
    assert by_usd["materials"].keys() == by_arrays["materials"].keys()
    for name, one in by_usd["materials"].items():
        other = by_arrays["materials"][name]
        assert one["picture"] == other["picture"]
        assert one["roughness"] == pytest.approx(other["roughness"])
        if one["colour"]:
            assert one["colour"] == pytest.approx(other["colour"])
            assert one["viewport"] == pytest.approx(other["viewport"])
    for key in ("collections", "camera", "resolution", "world", "unpacked"):
        assert by_usd[key] == by_arrays[key], key


@pytest.mark.parametrize("by_usd", [True, False], ids=["by USD", "by arrays"])
def test_what_goes_on_behind_things_shows_the_photo_without_them(
    by_usd: bool, blender: Blender, prepared: Prepared
) -> None:
    (found,) = blender(("take_in", {"ready": prepared(make_plate(), "photo"), "by_usd": by_usd}))
    assert found["materials"]["plate_mtl"]["picture"] == "a_plate.jpg"
    assert found["materials"]["photo_mtl"]["picture"] == "a_photo.jpg"
    assert set(found["objects"]["floor_008_geo"]["materials"]) == {"plate_mtl", "floor_008_mtl"}
    assert set(found["objects"]["table_001_geo"]["materials"]) == {"photo_mtl", "table_001_mtl"}
    assert all(path.endswith("a photo.png") for path in found["unpacked"]), "a texture stayed in the run's folder"


@pytest.mark.parametrize("variant", ["landscape", "portrait", "off-centre"])
@pytest.mark.parametrize("by_usd", [True, False], ids=["by USD", "by arrays"])
def test_the_camera_shows_points_where_the_photo_does(
    variant: str, by_usd: bool, blender: Blender, prepared: Prepared
) -> None:
    scene = make_scene(variant)
    points = np.concatenate([mesh_of(prism).points for prism in scene.solids()])
    there = transform(BLENDER_FROM_WORLD, points).tolist()
    ready = prepared(scene)
    found, points_px = blender(("take_in", {"ready": ready, "by_usd": by_usd}), ("project", {"points": there}))
    told_px = project(transform(np.linalg.inv(scene.world_from_camera), points), scene.camera)
    assert np.abs(np.array(points_px) - told_px).max() < 0.1
    assert found["resolution"] == [scene.camera.width, scene.camera.height, 100]
    assert found["objects"][found["camera"]]["background"] == [True]


def test_the_render_has_the_photos_size_also_where_it_was_worked_on_smaller(
    blender: Blender, prepared: Prepared
) -> None:
    ready = prepared(make_scene())
    height, width = ready["summary"]["photo_size_px"]
    ready["summary"]["photo_size_px"] = [3 * height, 3 * width]
    (found,) = blender(("take_in", {"ready": ready, "by_usd": None}))
    assert found["resolution"] == [3 * width, 3 * height, 100]


def test_solids_are_in_metres_and_none_is_scaled(blender: Blender, prepared: Prepared) -> None:
    scene = make_scene()
    (found,) = blender(("take_in", {"ready": prepared(scene), "by_usd": None}))
    table = found["objects"]["table_001_geo"]
    told = transform(BLENDER_FROM_WORLD, mesh_of(scene.prisms[0]).points)
    assert np.allclose(table["points"], told, atol=1e-5)
    assert {tuple(np.round(facts["scale"], 6)) for facts in found["objects"].values()} == {(1.0, 1.0, 1.0)}
    assert table["properties"]["label"] == "table"
    assert table["properties"]["thickness_m"] == pytest.approx(0.3)
    assert found["collections"].keys() == {"a photo"}


def test_only_the_finest_level_shows_at_first(blender: Blender, prepared: Prepared) -> None:
    (found,) = blender(("take_in", {"ready": prepared(make_levels()), "by_usd": None}))
    hidden = {name for name, facts in found["objects"].items() if facts["hidden"]}
    assert hidden == {"shelf_011_geo", "shelf_012_geo"}


def test_a_world_that_is_there_stays(blender: Blender, prepared: Prepared) -> None:
    ready = prepared(make_scene())
    mine, none = blender(*(("take_in", {"ready": ready, "by_usd": None, "world": world}) for world in (True, False)))
    assert mine["world"] == "mine"
    assert none["world"] == "Blockout sky"
