from dataclasses import replace

import numpy as np
import pytest
from blockout.inference.prediction import SegmentMap
from blockout.reconstruct.frames import linear_from_srgb
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Scene
from builds import TILTED, build, check_sound, depth_errors, labelled, see_fronts
from rooms import (
    CRATE,
    FLOOR,
    SKY_RGB,
    WALL,
    Box,
    Room,
    look,
    photograph,
    plain_room,
    street,
    table_room,
)


@pytest.fixture(scope="module")
def room() -> Room:
    return plain_room(TILTED)


@pytest.fixture(scope="module")
def scene(room: Room) -> Scene:
    return build(room.prediction)


@pytest.mark.parametrize("pose", [look(), TILTED, look(1.2, 5, -3)], ids=["level", "tilted", "upwards"])
@pytest.mark.parametrize("label", ["wall", "crate", "post"])
def test_every_front_is_where_the_room_has_it(pose: np.ndarray, label: str) -> None:
    room = plain_room(pose)
    errors = depth_errors(build(room.prediction), room, label)
    assert np.quantile(errors, 0.8) < 0.01, "but for the post's narrow side"


def test_the_floor_is_where_the_room_has_it(room: Room, scene: Scene) -> None:
    assert np.quantile(depth_errors(scene, room, "floor"), 0.9) < 0.01
    for prism in labelled(scene, "floor"):
        assert np.abs(mesh_of(prism).points[: len(prism.outline), 1]).max() < 0.01, "y = 0 on the floor"


def test_a_turned_box_keeps_its_front() -> None:
    box = Box("box", (-0.6, 0, -3.6), (0.6, 2.4, -2.4), turn_deg=30, rgb=(170, 60, 40))
    room = photograph([FLOOR, WALL, box], look(1.4, -5))
    scene = build(room.prediction)
    assert len(labelled(scene, "box")) >= 2, "two of its sides are seen"
    assert np.quantile(depth_errors(scene, room, "box"), 0.9) < 0.01


def test_a_street_stands_on_its_road() -> None:
    room = street(look(1.6, 2, 1))
    scene = build(room.prediction)
    check_sound(scene)
    assert np.quantile(depth_errors(scene, room, "facade"), 0.9) < 0.01
    assert np.median(depth_errors(scene, room, "road")) < 0.02
    assert scene.world_from_camera[1, 3] == pytest.approx(1.6, abs=0.01)


def test_the_world_has_the_ground_at_zero_and_the_camera_at_its_height(room: Room, scene: Scene) -> None:
    assert scene.has_ground
    np.testing.assert_allclose(scene.world_from_camera, room.world_from_camera, atol=0.01)
    assert scene.scale.factor == 1
    assert scene.scale.is_metric


def test_a_small_patch_of_labelled_ground_is_enough() -> None:
    room = plain_room(look(1.8))
    assert room.mask("floor").mean() < 0.07
    scene = build(room.prediction)
    assert scene.has_ground
    np.testing.assert_allclose(scene.world_from_camera, room.world_from_camera, atol=0.01)
    table = tuple(replace(s, kind="object") for s in room.prediction.segments.segments)
    assert not build(room.having(segments=SegmentMap(room.prediction.segments.ids, table))).has_ground


def test_sizes_are_in_metres(scene: Scene) -> None:
    (crate,) = labelled(scene, "crate")
    front = mesh_of(crate).points[: len(crate.outline)]
    np.testing.assert_allclose(np.ptp(front, axis=0)[:2], [1.0, 2.0], atol=0.06)
    np.testing.assert_allclose(front[:, 2], -3.0, atol=0.02)


def test_without_metres_the_camera_stands_at_eye_level(room: Room) -> None:
    scene = build(room.having_depth(room.prediction.depth.z / 17, is_metric=False))
    assert scene.world_from_camera[1, 3] == pytest.approx(1.6)
    assert scene.scale.factor == pytest.approx(17 * 1.6 / 1.7, rel=0.01)
    assert not scene.scale.is_metric
    assert "assumed" in scene.scale.source


@pytest.mark.parametrize("detail", [0, 2])
def test_every_pixel_that_is_not_sky_is_covered(detail: int) -> None:
    for room in (plain_room(TILTED), table_room(), street()):
        scene = build(room.prediction, detail=detail)
        check_sound(scene)
        solid = np.isfinite(room.prediction.depth.z)
        covered = np.isfinite(see_fronts(scene, scene.solids()))
        assert covered[solid].mean() > 0.999
        assert covered[~solid].sum() < 0.02 * solid.sum()


def test_no_detail_gives_one_prism_a_segment() -> None:
    room = photograph([FLOOR, WALL, Box("table", (-0.9, 0, -3), (0.9, 0.7, -2))], look(1.6, -20))
    scene = build(room.prediction, detail=0)
    assert [prism.label for prism in scene.walk()] == ["floor", "wall", "table"]
    assert all(prism.level == 0 for prism in scene.walk())


def test_detail_lowers_the_error_and_bounds_the_levels() -> None:
    room = table_room()
    errors, deepest = [], []
    for detail in range(3):
        scene = build(room.prediction, detail=detail)
        errors.append(np.minimum(depth_errors(scene, room, "table"), 0.25).mean())
        deepest.append(max(prism.level for prism in scene.walk()))
    assert errors[1] < 0.7 * errors[0]
    assert errors[2] <= errors[1] * 1.001
    assert deepest[0] == 0
    assert deepest[1] == 1
    assert 1 <= deepest[2] <= 2


def test_at_every_level_solids_cover_what_the_segments_cover() -> None:
    room = table_room()
    scene = build(room.prediction)
    for level in range(scene.finest + 1):
        covered = np.isfinite(see_fronts(scene, scene.solids(level)))
        assert covered[np.isfinite(room.prediction.depth.z)].mean() > 0.995


def test_names_are_unique_ascii_whatever_the_labels(room: Room) -> None:
    labels = ["桌子", "Café table", "3d printer", "seg_001_x"]
    table = tuple(replace(s, label=label) for s, label in zip(room.prediction.segments.segments, labels, strict=True))
    scene = build(room.having(segments=SegmentMap(room.prediction.segments.ids, table)))
    check_sound(scene)
    assert {prism.label for prism in scene.walk()} == set(labels)
    table = tuple(replace(s, label="thing") for s in table)
    check_sound(build(room.having(segments=SegmentMap(room.prediction.segments.ids, table))))


def test_label_kind_score_colour_and_pixels_are_the_segment_s(room: Room) -> None:
    table = tuple(replace(s, score=0.25 + s.id / 10) for s in room.prediction.segments.segments)
    scene = build(room.having(segments=SegmentMap(room.prediction.segments.ids, table)), detail=0)
    by_label = {segment.label: segment for segment in table}
    for prism in scene.prisms:
        segment = by_label[prism.label]
        assert (prism.kind, prism.score) == (segment.kind, segment.score)
        assert prism.pixels == pytest.approx(room.mask(prism.label).sum(), abs=5)
    (crate,) = labelled(scene, "crate")
    np.testing.assert_allclose(crate.colour, linear_from_srgb(np.array(CRATE.rgb) / 255), atol=0.01)


def test_sky_makes_no_prism_but_a_colour() -> None:
    scene = build(street().prediction)
    assert {prism.label for prism in scene.walk()} == {"road", "facade"}
    assert scene.sky_colour is not None
    np.testing.assert_allclose(scene.sky_colour, linear_from_srgb(np.array(SKY_RGB) / 255), atol=0.01)


def test_without_sky_there_is_no_sky_colour(scene: Scene) -> None:
    assert scene.sky_colour is None
