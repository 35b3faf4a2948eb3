from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import shapely
from blockout.inference.prediction import Prediction
from blockout.reconstruct import surroundings
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.frames import transform
from blockout.reconstruct.meshes import mesh_of, triangles_of
from blockout.reconstruct.raster import rasterise
from blockout.reconstruct.scene import Prism, Scene
from blockout.reconstruct.settings import Settings
from blockout.reconstruct.slabs import OVERSHOOT, Region
from casts import check_solid
from rooms import FLOOR, WALL, Box, look, photograph, plain_room, street, table_room

DOWN = look(1.6, -15)
CRATE = Box("crate", (-0.6, 0, -3.6), (0.4, 0.9, -3.0))
LEFT_WALL = Box("side wall", (-3, 0, -30), (-2, 30, 5), "structure")


def build(prediction: Prediction, **options: object) -> Scene:
    """Reconstruct with some settings changed from their defaults."""
    return reconstruct(prediction, Settings(**options))  # type: ignore[arg-type]


def find(scene: Scene, label: str) -> Prism:
    """Return the segment of a label."""
    return next(prism for prism in scene.prisms if prism.label == label)


def render(scene: Scene) -> np.ndarray:
    """Return (H, W) the depth of what the photo's camera sees."""
    triangles = np.concatenate([triangles_of(mesh_of(solid)) for solid in scene.solids()])
    return rasterise(transform(np.linalg.inv(scene.world_from_camera), triangles), scene.camera).depth


def test_the_ground_is_whole_under_a_crate_and_lies_at_zero() -> None:
    room = photograph([FLOOR, WALL, CRATE], DOWN)
    floor = find(build(room.prediction), "floor")
    assert not floor.children
    assert floor.ring_sizes == (len(floor.outline),)
    front = mesh_of(floor).points[: len(floor.outline)]
    assert front[:, 1] == pytest.approx(0, abs=1e-6)
    assert shapely.Polygon(front[:, [0, 2]]).contains(shapely.box(-0.6, -3.6, 0.4, -3.0))


def test_ground_that_smooth_errors_bend_is_one_level_slab() -> None:
    room = photograph([FLOOR, WALL, CRATE], DOWN)
    bent = cv2.GaussianBlur(np.random.default_rng(5).normal(size=(180, 240)), (0, 0), 12)
    floor = find(build(room.having_depth(room.prediction.depth.z * (1 + 0.08 * bent / bent.std()))), "floor")
    assert floor.reason == "goes on behind what stands before it"
    assert floor.ring_sizes == (len(floor.outline),)


def test_without_the_setting_the_crate_leaves_its_hole() -> None:
    room = photograph([FLOOR, WALL, CRATE], DOWN)
    floor = find(build(room.prediction, close_set=False), "floor")
    front = mesh_of(floor).points[: len(floor.outline)]
    rings = np.split(front[:, [0, 2]], np.cumsum(floor.ring_sizes)[:-1])
    assert not shapely.Polygon(rings[0], rings[1:]).contains(shapely.box(-0.6, -3.6, 0.4, -3.0))


def test_pieces_that_a_thing_parts_become_one_floor() -> None:
    scene = build(plain_room().prediction)
    assert not find(scene, "floor").children
    assert len(find(build(plain_room().prediction, close_set=False), "floor").children) == 2


def test_floor_and_walls_stop_where_they_meet() -> None:
    scene = build(photograph([FLOOR, WALL, LEFT_WALL, CRATE], DOWN).prediction)
    eye = scene.world_from_camera[:3, 3]
    for label in ("floor", "wall", "side wall"):
        prism = find(scene, label)
        assert prism.reason == "goes on behind what stands before it"
        front = mesh_of(prism).points[: len(prism.outline)]
        distance = np.linalg.norm(front - eye, axis=1)
        assert (front[:, 0] >= -2 - 0.02 * distance).all()
        assert (front[:, 1] >= -0.02 * distance).all()
        assert (front[:, 2] >= -5 - 0.02 * distance).all()


@pytest.mark.parametrize("pose", [look(1.6, -15), look(2.5, -35), look(1.2, -10, 8)], ids=["level", "steep", "rolled"])
def test_what_the_camera_sees_stays_as_it_was(pose: np.ndarray) -> None:
    room = photograph([FLOOR, WALL, LEFT_WALL, CRATE], pose)
    before, after = (render(build(room.prediction, close_set=close)) for close in (False, True))
    with np.errstate(invalid="ignore"):
        same = (np.abs(after / before - 1) < 0.01) | ~np.isfinite(before)
    assert same.mean() > 0.997
    assert np.isfinite(after).mean() > np.isfinite(before).mean() - 1e-4


@pytest.mark.parametrize("make", [plain_room, table_room, street])
def test_slabs_are_closed_solids_within_the_frame(make: object) -> None:
    room = make()  # type: ignore[operator]
    scene = build(room.prediction)
    camera_from_world = np.linalg.inv(scene.world_from_camera)
    slabs = [prism for prism in scene.solids() if prism.thickness_source.startswith("slab")]
    assert slabs
    for prism in slabs:
        check_solid(prism)
        assert sorted(set(prism.cap.ravel())) == list(range(len(prism.outline)))
        points = transform(camera_from_world, mesh_of(prism).points)
        camera = scene.camera
        x = (camera.fx * points[:, 0] / points[:, 2] + camera.cx) / camera.width
        y = (camera.fy * points[:, 1] / points[:, 2] + camera.cy) / camera.height
        for place in (x, y):
            assert np.abs(2 * place - 1).max() <= 1 + OVERSHOOT + 1e-6


def test_a_wall_grows_level_and_a_ceiling_up() -> None:
    ceiling = Box("ceiling", (-30, 2.5, -30), (30, 3, 5), "structure")
    scene = build(photograph([FLOOR, WALL, ceiling], look(1.4, 5)).prediction)
    wall, top = find(scene, "wall"), find(scene, "ceiling")
    assert (wall.world_from_plane[:3, :3] @ wall.extrusion)[1] == pytest.approx(0, abs=1e-9)
    grown = top.world_from_plane[:3, :3] @ top.extrusion
    assert grown[1] > 0
    assert grown[[0, 2]] == pytest.approx(0, abs=1e-9)


def test_two_grounds_share_what_is_hidden_without_overlap() -> None:
    lawn = replace(FLOOR, label="lawn", low=(0.0, -1, -1000.0))
    road = replace(FLOOR, label="road", high=(0.0, 0, 1000.0))
    scene = build(photograph([lawn, road, WALL, CRATE], DOWN).prediction)
    shapes = []
    for label in ("lawn", "road"):
        prism = find(scene, label)
        ring = prism.outline_px[: prism.ring_sizes[0]]
        shapes.append(shapely.Polygon(ring))
    assert shapes[0].intersection(shapes[1]).area < 0.002 * scene.camera.width * scene.camera.height


def test_a_slab_that_would_be_seen_leaves_that_out_and_goes_on_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    room = photograph([FLOOR, WALL, CRATE, replace(CRATE, label="far", low=(1.2, 0, -4), high=(1.8, 0.9, -3.4))], DOWN)
    whole = find(build(room.prediction), "floor")
    find_leaks, calls = surroundings._find_leaks, []

    def leak_once(scene: Scene, prism: Prism, number: int, *rest: object) -> np.ndarray:
        calls.append(prism.label)
        leaks = find_leaks(scene, prism, number, *rest)
        if calls.count("floor") == 2:  # the first is of what stood there before
            height, width = leaks.shape
            row, column = np.mgrid[:height, :width]
            leaks |= room.mask("far")[row * 180 // height, column * 240 // width]
        return leaks

    monkeypatch.setattr(surroundings, "_find_leaks", leak_once)
    floor = find(build(room.prediction), "floor")
    assert floor.reason == whole.reason
    on_floor = [shapely.Polygon(mesh_of(p).points[: p.ring_sizes[0]][:, [0, 2]]) for p in (whole, floor)]
    behind = shapely.box(-0.6, -3.6, 0.4, -3.0)
    assert all(polygon.contains(behind) for polygon in on_floor)
    assert on_floor[1].area < on_floor[0].area
    assert not on_floor[1].contains(shapely.Point(1.5, -3.9))


def test_ground_goes_on_behind_a_hedge_as_far_as_what_rises_over_it_stands() -> None:
    hedge, tower = Box("hedge", (-20, 0, -7), (20, 1.7, -6)), Box("tower", (-3, 0, -16), (3, 12, -15))
    ground = find(build(photograph([FLOOR, hedge, tower], look(1.6)).prediction), "floor")
    assert mesh_of(ground).points[:, 2].min() == pytest.approx(-15, abs=1)


def test_ground_far_off_goes_on_behind_a_hedge_though_few_rows_of_the_photo_show_it() -> None:
    hedge, tower = Box("hedge", (-60, 0, -25), (60, 4, -24)), Box("tower", (-5, 0, -29), (5, 18, -28))
    ground = find(build(photograph([FLOOR, hedge, tower], look(1.6)).prediction), "floor")
    assert mesh_of(ground).points[:, 2].min() == pytest.approx(-28, abs=1.5)


def test_a_bumpy_ground_keeps_its_prisms_unless_its_depth_is_doubted() -> None:
    room = photograph([FLOOR, WALL, CRATE], DOWN)
    z = room.prediction.depth.z.copy()
    column = np.arange(z.shape[1])
    z[room.mask("floor")] = (z * (1 + 0.1 * np.sign(np.sin(column / 12))))[room.mask("floor")]
    bumpy = room.having_depth(z)
    assert find(build(bumpy), "floor").reason != "goes on behind what stands before it"
    doubted = replace(bumpy, depth=replace(bumpy.depth, error=0.2))
    assert find(build(doubted), "floor").reason == "goes on behind what stands before it"


def test_a_door_that_was_taken_for_ground_does_not_cost_the_ground_its_slab() -> None:
    room = photograph([FLOOR, WALL, CRATE], look(1.6, -2))
    ids, z = room.prediction.segments.ids.copy(), room.prediction.depth.z
    floor = int(ids[-1, 0])
    column = np.flatnonzero(room.mask("wall").any(axis=0))[:3]
    door = np.zeros_like(room.mask("wall"))
    door[:, column] = room.mask("wall")[:, column]
    ids[door] = floor
    assert 0.02 < door.sum() / (ids == floor).sum() < 0.1
    segments = replace(room.prediction.segments, ids=ids)
    doubted = room.having(segments=segments, depth=replace(room.prediction.depth, z=z, error=0.12))
    slab = find(build(doubted), "floor")
    assert slab.reason == "goes on behind what stands before it"
    assert mesh_of(slab).points[:, 1].max() == pytest.approx(0, abs=1e-6)
    assert find(build(room.having(segments=segments)), "floor").reason != slab.reason


@pytest.mark.parametrize(("error", "is_whole"), [(0.0, False), (0.12, True)])
def test_ground_goes_on_below_feet_that_sink_by_no_more_than_depth_errs(error: float, is_whole: bool) -> None:
    room = photograph([FLOOR, Box("crate", (-0.6, 0, -7.6), (0.9, 0.9, -7.0), "structure")], look(1.6, -10))
    z = room.prediction.depth.z.copy()
    z[room.mask("crate")] *= 1.11
    doubted = room.having(depth=replace(room.prediction.depth, z=z, error=error))
    assert len(find(build(doubted), "floor").ring_sizes) == (1 if is_whole else 2)


def test_a_slab_tried_again_is_not_pinched_where_places_that_showed_meet_at_a_corner() -> None:
    leaks = np.zeros((20, 20), bool)
    leaks[5, 5] = leaks[8, 8] = True
    frame = shapely.box(0, 0, 200, 200)
    region = Region(shapely.Polygon(), frame, shapely.Polygon(), 10.0)
    left = surroundings._without(region, leaks, (200, 200)).hidden
    assert not left.contains(shapely.Point(55, 55))
    assert not left.contains(shapely.Point(85, 85))
    assert left.area > 0.8 * frame.area
    assert shapely.is_simple(left.boundary)


def test_a_photo_of_things_alone_is_left_as_it_is() -> None:
    room = photograph([Box("crate", (-1, 1, -4), (1, 2, -3))], look())
    one, other = (build(room.prediction, close_set=close) for close in (False, True))
    assert [p.name for p in one.walk()] == [p.name for p in other.walk()]
