"""What can be changed in Blender afterwards."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import trimesh
from stages import make_fitted, make_levels, make_scene

Blender = Callable[..., list[Any]]
Prepared = Callable[..., dict[str, Any]]
TABLE, PRINTER, CHAIR, FLOOR = "table_001_geo", "n3d_printer_007_geo", "Cafe_Stuhle_003_geo", "floor_008_geo"


def take_in(prepared: Prepared, scene: Any = None, texture: str = "colour") -> tuple[str, dict[str, Any]]:
    """Return the call that brings a scene into Blender."""
    return "take_in", {"ready": prepared(scene or make_scene(), texture), "by_usd": None}


def set_value(name: str, attribute: str, value: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return the call that moves a slider."""
    return "set_value", {"name": name, "attribute": f"blockout_{attribute}", "value": value, **more}


def press(operator: str, *names: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the call that selects solids and presses a button."""
    return "edit", {"names": names, "operator": operator, **arguments}


def points_of(found: dict[str, Any], name: str) -> np.ndarray:
    return np.array(found["objects"][name]["points"])


def volume_of(found: dict[str, Any], name: str) -> float:
    """Return the volume of a solid, which has to be closed and turned outwards."""
    facts = found["objects"][name]
    triangles = [(face[0], face[k], face[k + 1]) for face in facts["faces"] for k in range(1, len(face) - 1)]
    solid = trimesh.Trimesh(facts["points"], triangles, process=False)
    assert solid.is_watertight, name
    assert solid.is_winding_consistent, name
    assert solid.volume > 0, name
    return float(solid.volume)


@pytest.mark.parametrize("texture", ["colour", "photo"])
def test_the_slider_moves_the_hidden_side_only(texture: str, blender: Blender, prepared: Prepared) -> None:
    before, after = blender(take_in(prepared, texture=texture), set_value(TABLE, "thickness", 0.9))
    one, other = points_of(before, TABLE), points_of(after, TABLE)
    assert np.allclose(one[:4], other[:4], atol=1e-6), "the front moved"
    assert np.allclose(other[4:8] - other[:4], 3 * (one[4:8] - one[:4]), atol=1e-5)
    assert after["objects"][TABLE]["properties"]["thickness_m"] == pytest.approx(0.9)
    assert after["objects"][TABLE]["properties"]["thickness_source"] == "set by hand"
    assert volume_of(after, TABLE) == pytest.approx(3 * volume_of(before, TABLE), rel=1e-4)
    assert np.array_equal(points_of(before, PRINTER), points_of(after, PRINTER))


def test_tapered_sides_go_on_along_their_lines(blender: Blender, prepared: Prepared) -> None:
    before, after = blender(take_in(prepared), set_value(CHAIR, "thickness", 0.8))
    one, other = points_of(before, CHAIR), points_of(after, CHAIR)
    sides, longer = one[4:] - one[:4], other[4:] - other[:4]
    assert np.abs(np.cross(sides, longer)).max() < 1e-6
    assert np.allclose(longer, 2 * sides, atol=1e-5)


def test_one_slider_sets_all_that_is_selected(blender: Blender, prepared: Prepared) -> None:
    _, _, after = blender(
        take_in(prepared),
        ("select", {"names": [TABLE, PRINTER]}),
        set_value(TABLE, "thickness", 0.05, with_selected=True),
    )
    thicknesses = {name: after["objects"][name]["properties"]["thickness_m"] for name in (TABLE, PRINTER, CHAIR)}
    assert thicknesses == pytest.approx({TABLE: 0.05, PRINTER: 0.05, CHAIR: 0.4})


@pytest.mark.parametrize("name", ["cylinder_002_geo", "lathe_004_geo", "box_001_geo"])
def test_round_and_turned_solids_have_the_slider_too(name: str, blender: Blender, prepared: Prepared) -> None:
    before, found = blender(take_in(prepared, make_fitted()), ("describe", {}))
    wide = 1.5 * before["objects"][name]["properties"]["thickness_m"]
    _, after = blender(take_in(prepared, make_fitted()), set_value(name, "thickness", wide))
    assert found == before
    assert volume_of(after, name) == pytest.approx(1.5 * volume_of(before, name), rel=1e-3)


def test_detail_shows_a_parent_or_its_parts(blender: Blender, prepared: Prepared) -> None:
    _, *found = blender(
        take_in(prepared, make_levels()), *(set_value("Blockout", "detail", level) for level in (0, 1, 2, 9))
    )
    shown = [
        {int(name.split("_")[1]) for name, o in of["objects"].items() if o["type"] == "MESH" and not o["hidden"]}
        for of in found
    ]
    assert shown == [{1, 11, 16}, {1, 12, 14, 15, 16}, {1, 13, 18, 14, 15, 16}, {1, 13, 18, 14, 15, 16}]


def test_one_group_is_shown_whole_while_the_others_are_not(blender: Blender, prepared: Prepared) -> None:
    _, whole, parts = blender(
        take_in(prepared, make_levels()),
        press("show_group", "shelf_013_geo", how="whole"),
        press("show_group", "shelf_012_geo", how="parts"),
    )
    assert not whole["objects"]["shelf_012_geo"]["hidden"]
    assert whole["objects"]["shelf_013_geo"]["hidden"]
    assert not whole["objects"]["shelf_014_geo"]["hidden"]
    assert parts["objects"]["shelf_012_geo"]["hidden"]
    assert not parts["objects"]["shelf_013_geo"]["hidden"]


def test_one_measure_rescales_everything(blender: Blender, prepared: Prepared) -> None:
    before, after = blender(take_in(prepared), press("set_measure", TABLE, axis="HEIGHT", metres=2.0))
    factor = 2.0 / np.ptp(points_of(before, TABLE)[:, 2])
    for name, told in before["objects"].items():
        got = after["objects"][name]
        assert got["scale"] == pytest.approx([1, 1, 1])
        if told["type"] == "MESH" and not told["hidden"]:
            assert np.allclose(got["points"], factor * np.array(told["points"]), atol=1e-4), name
            thickness = factor * told["properties"]["thickness_m"]
            assert got["properties"]["thickness_m"] == pytest.approx(thickness), name
    was, now = (np.array(found["objects"]["photo_cam"]["matrix_world"]) for found in (before, after))
    assert np.allclose(now[:3, 3], factor * was[:3, 3], atol=1e-4)
    assert np.allclose(now[:3, :3], was[:3, :3], atol=1e-6)
    assert after["objects"]["photo_cam"]["lens"]["lens"] == before["objects"]["photo_cam"]["lens"]["lens"]


@pytest.mark.parametrize("direction", ["WIDTH", "HEIGHT", "DEPTH"])
@pytest.mark.parametrize("name", [TABLE, "window_frame_002_geo", CHAIR])
def test_halves_are_closed_and_make_up_the_whole(
    name: str, direction: str, blender: Blender, prepared: Prepared
) -> None:
    before, after = blender(take_in(prepared, texture="photo"), press("split", name, direction=direction, share=0.3))
    (other,) = after["objects"].keys() - before["objects"].keys()
    assert volume_of(after, name) + volume_of(after, other) == pytest.approx(volume_of(before, name), rel=1e-3)
    assert other.rpartition("_")[0].rpartition("_")[0] == name.rpartition("_")[0].rpartition("_")[0]
    assert after["objects"][other]["parent"] == before["objects"][name]["parent"]
    (thicker,) = blender(
        take_in(prepared, texture="photo"),
        press("split", name, direction=direction, share=0.3),
        set_value(name, "thickness", 2 * after["objects"][name]["properties"]["thickness_m"]),
    )[-1:]
    assert volume_of(thicker, name) > 1.5 * volume_of(after, name), "a half lost its slider"
    assert volume_of(thicker, other) == pytest.approx(volume_of(after, other))


def test_merged_solids_are_one_with_one_thickness(blender: Blender, prepared: Prepared) -> None:
    before, after, thicker = blender(
        take_in(prepared, texture="photo"),
        press("merge", TABLE, PRINTER),
        set_value(TABLE, "thickness", 1.0),
    )
    assert before["objects"].keys() - after["objects"].keys() == {PRINTER}
    assert volume_of(after, TABLE) == pytest.approx(volume_of(before, TABLE) + volume_of(before, PRINTER), rel=1e-4)
    assert volume_of(thicker, TABLE) == pytest.approx(2 * volume_of(after, TABLE), rel=1e-3)
    assert set(after["objects"][TABLE]["materials"]) == {"photo_mtl", "table_001_mtl", "n3d_printer_007_mtl"}


def test_merging_all_parts_leaves_no_empty_group(blender: Blender, prepared: Prepared) -> None:
    _, after = blender(take_in(prepared, make_levels()), press("merge", TABLE, "shelf_013_geo", "shelf_018_geo"))
    assert not {"seg_012_shelf", "shelf_012_geo"} & after["objects"].keys()
    assert "seg_011_shelf" in after["objects"]


def test_a_new_label_names_everything_anew(blender: Blender, prepared: Prepared) -> None:
    _, after, empty = blender(
        take_in(prepared), set_value(TABLE, "label", "desk, small"), set_value("desk_small_001_geo", "label", "  ")
    )
    assert after["objects"]["desk_small_001_geo"]["properties"]["label"] == "desk, small"
    assert "desk_small_001_mtl" in after["materials"]
    assert "desk_small_001_geo" in empty["objects"]


def test_a_groups_label_is_its_solids_too(blender: Blender, prepared: Prepared) -> None:
    _, after = blender(take_in(prepared), set_value("shelf_004_geo", "label", "rack"))
    assert {"seg_004_rack", "rack_004_geo", "shelf_005_geo"} <= after["objects"].keys()
    assert after["objects"]["seg_004_rack"]["properties"]["label"] == "rack"


@pytest.mark.parametrize(
    ("operator", "names", "said"),
    [
        ("merge", (TABLE,), "select two or more"),
        ("merge", (TABLE, "shelf_004_geo"), "select two or more"),
        ("split", ("photo_cam",), "poll"),
    ],
)
def test_what_cannot_be_done_is_told_in_words(
    operator: str, names: tuple[str, ...], said: str, blender: Blender, prepared: Prepared
) -> None:
    before, found = blender(take_in(prepared), press(operator, *names))
    assert said in found["error"]
    assert found["objects"] == before["objects"]
