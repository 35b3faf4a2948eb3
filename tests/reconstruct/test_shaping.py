from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from blockout.inference.prediction import Prediction
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Prism, Scene
from blockout.reconstruct.settings import Settings
from casts import Ball, Cone, box_error, check_solid
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import FLOOR, WALL, Box, Room, Solid, look, make_camera, photograph

CAMERA = make_camera(360, 480)
CRATE = Box("crate", (-1.0, 0, -3.6), (-0.2, 0.7, -3.0), rgb=(170, 60, 40), turn_deg=20)
DRUM = Cone("drum", (0.7, -3.5), 0, 0.9, (0.3, 0.3), rgb=(60, 90, 160))


def build(prediction: Prediction, **options: Any) -> Scene:
    return reconstruct(prediction, Settings(**options))


def named(prisms: Iterable[Prism], label: str) -> list[Prism]:
    return [prism for prism in prisms if prism.label == label]


@pytest.fixture(scope="module")
def room() -> Room:
    return photograph([FLOOR, WALL, CRATE, DRUM], look(1.8, -15), CAMERA)


@pytest.fixture(scope="module")
def scene(room: Room) -> Scene:
    return build(room.prediction)


def test_the_crate_comes_out_as_the_box_that_it_is(scene: Scene) -> None:
    (crate,) = named(scene.solids(), "crate")
    assert crate.shape == "box"
    assert box_error(crate, CRATE) < 0.01
    axes = crate.world_from_plane[:3, :3]
    extents = np.ptp(mesh_of(crate).points @ axes, axis=0)
    assert sorted(extents) == pytest.approx([0.6, 0.7, 0.8], rel=0.02)
    assert crate.thickness_source == "seen: its sides or top"
    assert not crate.children


def test_the_drum_comes_out_as_a_cylinder(scene: Scene) -> None:
    (drum,) = named(scene.solids(), "drum")
    assert drum.shape == "cylinder"
    assert drum.thickness_m == pytest.approx(0.6, rel=0.02)
    assert mesh_of(drum).points[:, 1].min() == pytest.approx(0, abs=1e-6)


def test_floor_and_wall_stay_prisms_on_what_is_seen(scene: Scene) -> None:
    solids = [prism for prism in scene.solids() if prism.label in ("floor", "wall")]
    assert {prism.label for prism in solids} == {"floor", "wall"}
    assert {prism.shape for prism in solids} == {"prism"}


def test_a_shape_keeps_its_segment_s_facts(room: Room, scene: Scene) -> None:
    (crate,) = named(scene.solids(), "crate")
    assert crate.name.endswith("_crate")
    assert crate.level == 0
    assert crate.pixels == pytest.approx(np.count_nonzero(room.mask("crate")), rel=0.02)
    assert crate.reason.startswith("box: keeps ")
    assert crate.colour[0] > crate.colour[2]


def test_prisms_alone_where_prisms_are_asked_for(room: Room) -> None:
    assert {prism.shape for prism in build(room.prediction, shapes="prism").walk()} == {"prism"}


def test_a_table_falls_into_top_and_legs_that_are_shapes() -> None:
    legs = [Box("table", (x, 0, z), (x + 0.15, 0.7, z + 0.15)) for x in (-0.9, 0.75) for z in (-3.2, -2.15)]
    top = Box("table", (-0.9, 0.7, -3.2), (0.9, 0.8, -2))
    room = photograph([FLOOR, WALL, top, *legs], look(1.6, -20), CAMERA)
    solids = named(build(room.prediction).solids(), "table")
    assert len(solids) > 2
    largest = max(solids, key=lambda prism: prism.pixels)
    assert largest.shape == "box"
    assert box_error(largest, top) < 0.03
    for solid in solids:
        check_solid(solid)


def test_without_detail_a_whole_shape_is_still_found(room: Room) -> None:
    scene = build(room.prediction, detail=0)
    assert {p.shape for p in scene.walk() if p.label == "crate"} == {"box"}


def test_the_depth_s_unit_does_not_change_the_shapes(room: Room, scene: Scene) -> None:
    unknown = room.having_depth(100 * room.prediction.depth.z, is_metric=False)
    scaled = build(unknown)
    assert [prism.shape for prism in scaled.solids()] == [prism.shape for prism in scene.solids()]
    factor = scaled.world_from_camera[1, 3] / scene.world_from_camera[1, 3]
    for one, other in zip(scene.solids(), scaled.solids(), strict=True):
        if one.label in ("crate", "drum"):
            assert mesh_of(other).points == pytest.approx(factor * mesh_of(one).points, rel=0.01, abs=0.01)


def test_the_same_photo_gives_the_same_shapes(room: Room, scene: Scene) -> None:
    for one, other in zip(scene.walk(), build(room.prediction).walk(), strict=True):
        assert mesh_of(one).points.tobytes() == mesh_of(other).points.tobytes()
        assert (one.shape, one.reason, one.residual) == (other.shape, other.reason, other.residual)


def test_unknown_depth_inside_a_thing_does_no_harm(room: Room) -> None:
    z = room.prediction.depth.z.copy()
    z[np.random.default_rng(5).random(z.shape) < 0.3] = np.nan
    (crate,) = named(build(room.having_depth(z)).solids(), "crate")
    assert crate.shape == "box"
    assert box_error(crate, CRATE) < 0.03


thing = st.builds(
    lambda kind, x, z, size, turn: (
        Box("thing", (x - size[0], 0, z - size[2]), (x + size[0], 2 * size[1], z + size[2]), turn_deg=turn)
        if kind == "box"
        else Cone("thing", (x, z), 0, 2 * size[1], (size[0], size[2]))
        if kind == "cone"
        else Ball("thing", (x, size[0], z), size[0])
    ),
    st.sampled_from(["box", "cone", "ball"]),
    st.floats(-1.5, 1.5),
    st.floats(-4.2, -2.2),
    st.tuples(*[st.floats(0.03, 0.6)] * 3),
    st.floats(0, 90),
)


@settings(max_examples=25, deadline=None)
@given(thing, thing, st.floats(0.5, 2.5), st.floats(-25, 5), st.floats(-8, 8))
def test_whatever_stands_in_the_room_gives_sound_solids(
    one: Solid, other: Solid, height_m: float, pitch_deg: float, roll_deg: float
) -> None:
    pose = look(height_m, pitch_deg, roll_deg)
    room = photograph([FLOOR, WALL, one, replace(other, label="other")], pose, make_camera(90, 120))  # type: ignore[type-var]
    for prism in build(room.prediction).walk():
        if prism.shape != "prism":
            check_solid(prism)
            assert prism.reason
            assert 0 <= prism.residual <= 0.025
