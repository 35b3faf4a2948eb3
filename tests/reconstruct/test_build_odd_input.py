from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.errors import DepthUnusable, NothingToBuild
from blockout.inference.prediction import Prediction, Segment, SegmentMap
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Scene
from builds import SKY, TILTED, build, check_sound, depth_errors, labelled, see_fronts, triangles_cam
from rooms import (
    WALL,
    Box,
    Room,
    look,
    make_camera,
    photograph,
    plain_room,
    street,
)


@pytest.fixture(scope="module")
def room() -> Room:
    return plain_room(TILTED)


@pytest.fixture(scope="module")
def scene(room: Room) -> Scene:
    return build(room.prediction)


def sky_alone(depth_m: float) -> Prediction:
    """Return a photo of nothing but sky."""
    room = street(look(1.6, 60), make_camera(fov_deg=30))
    z = np.full(room.prediction.photo.size, depth_m)
    photo = replace(room.prediction.photo, path=Path("a sky.jpg"))
    return replace(room.having_depth(z), photo=photo, segments=SegmentMap(np.ones(z.shape, np.int32), (SKY,)))


@pytest.mark.parametrize("depth_m", [80.0, np.nan])
def test_nothing_but_sky_is_refused_by_the_photo_s_name(depth_m: float) -> None:
    with pytest.raises(NothingToBuild, match=r"a sky\.jpg"):
        build(sky_alone(depth_m))


def test_depth_that_is_unknown_everywhere_is_refused(room: Room) -> None:
    with pytest.raises(DepthUnusable, match="43200 pixels"):
        build(room.having_depth(np.full(room.prediction.photo.size, np.nan)))


def test_a_segment_of_one_pixel_alone_is_nothing_to_build(room: Room) -> None:
    ids = np.zeros(room.prediction.photo.size, np.int32)
    ids[90, 100] = 1
    with pytest.raises(NothingToBuild):
        build(room.having(segments=SegmentMap(ids, (Segment(1, "dot"),))))


def test_a_segment_of_one_pixel_goes_to_its_neighbour(room: Room, scene: Scene) -> None:
    ids = room.prediction.segments.ids.copy()
    ids[20, 30] = 50
    segments = (*room.prediction.segments.segments, Segment(50, "dot"))
    with_dot = build(room.having(segments=SegmentMap(ids, segments)))
    assert [prism.name for prism in with_dot.walk()] == [prism.name for prism in scene.walk()]


def test_pixels_without_a_segment_make_no_prism(room: Room) -> None:
    ids = np.where(room.mask("crate"), room.prediction.segments.ids, 0)
    crate = tuple(segment for segment in room.prediction.segments.segments if segment.label == "crate")
    scene = build(room.having(segments=SegmentMap(ids, crate)))
    check_sound(scene)
    assert [prism.label for prism in scene.prisms] == ["crate"]


def test_unknown_depth_inside_segments_does_no_harm(room: Room) -> None:
    z = room.prediction.depth.z.copy()
    z[np.random.default_rng(0).random(z.shape) < 0.7] = np.nan
    z[room.mask("post")] = np.nan
    scene = build(room.having_depth(z))
    check_sound(scene)
    for label in ("wall", "crate", "floor"):
        assert np.quantile(depth_errors(scene, room, label), 0.9) < 0.01
    assert len(labelled(scene, "post")) >= 1


def test_depth_on_a_sparse_grid_is_enough(room: Room) -> None:
    z = np.full(room.prediction.photo.size, np.nan)
    z[3::5, 3::5] = room.prediction.depth.z[3::5, 3::5]
    for is_metric in (True, False):
        scene = build(room.having_depth(z, is_metric=is_metric), detail=0)
        check_sound(scene)
    z = np.full(room.prediction.photo.size, np.nan)
    z[1::8, 1::8] = room.prediction.depth.z[1::8, 1::8]
    z[room.mask("floor")] = np.nan
    scene = build(room.having_depth(z, is_metric=False), detail=0)
    check_sound(scene)


def test_depth_that_bleeds_over_silhouettes_hardly_moves_a_front(room: Room) -> None:
    z = cv2.GaussianBlur(room.prediction.depth.z, (0, 0), 1.5)
    scene = build(room.having_depth(z))
    check_sound(scene)
    for label in ("wall", "crate"):
        assert np.median(depth_errors(scene, room, label)) < 0.01


def test_depth_that_its_maker_calls_uncertain_leaves_faces_upright(room: Room) -> None:
    prediction = room.prediction
    post = room.mask("post")
    lean = 1 + 0.3 * np.linspace(1, -1, len(post), dtype=np.float32)[:, None]
    z = np.where(post, prediction.depth.z * lean, prediction.depth.z)

    def climb(error: float) -> float:
        leaning = replace(prediction, depth=replace(prediction.depth, z=z, error=error))
        return abs(float(labelled(build(leaning, detail=0), "post")[0].world_from_plane[1, 2]))

    assert climb(0.0) > 2 * climb(0.12)


def test_ground_that_agrees_with_gravity_is_not_turned_by_lines(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refine(photo: object, camera: object, down_cam: np.ndarray, sigma_deg: float) -> np.ndarray:
        asked.append(sigma_deg)
        return down_cam + np.array([0, 0, 0.05])

    monkeypatch.setattr("blockout.reconstruct.build.see_gravity", refine)
    doubted = room.having(depth=replace(room.prediction.depth, error=0.12))
    given = doubted.gravity_cam
    assert given is not None
    assert build(doubted, detail=0).world_from_camera[1, :3] == pytest.approx(-given, abs=0.003)
    assert not asked
    build(replace(doubted, gravity_cam=given + np.array([0, 0, 0.05])), detail=0)
    assert len(asked) == 1


def test_outliers_hardly_move_a_front(room: Room) -> None:
    random = np.random.default_rng(0)
    wrong = random.random(room.prediction.photo.size) < 0.2
    z = np.where(wrong, random.uniform(0.5, 60, wrong.shape), room.prediction.depth.z)
    scene = build(room.having_depth(z), detail=0)
    check_sound(scene)
    for label in ("wall", "crate", "floor"):
        assert np.median(depth_errors(scene, room, label)) < 0.01


def test_depth_without_any_spread_gives_a_card_for_each_segment(room: Room) -> None:
    scene = build(room.having_depth(np.full(room.prediction.photo.size, 4.0)), close_set=False)
    check_sound(scene)
    assert np.isfinite(see_fronts(scene, scene.solids())).mean() > 0.999
    for prism in scene.solids():
        assert triangles_cam(scene, prism)[0][: len(prism.cap), :, 2] == pytest.approx(4.0, rel=1e-6)
        assert prism.thickness_source.startswith("prior")


def test_depth_of_any_size_gives_the_same_scene_but_for_its_scale(room: Room) -> None:
    z = room.prediction.depth.z
    small, large = (build(room.having_depth(z * factor, is_metric=False)) for factor in (1e-3, 1e4))
    for one, other in zip(small.walk(), large.walk(), strict=True):
        np.testing.assert_allclose(mesh_of(one).points, mesh_of(other).points, rtol=1e-3, atol=1e-3)


def test_without_a_ground_the_camera_stands_at_eye_level() -> None:
    wall = Box("wall", (-50, -50, -6), (50, 50, -5), "structure")
    scene = build(photograph([wall], look(), gravity=False).prediction)
    check_sound(scene)
    assert not scene.has_ground
    np.testing.assert_allclose(scene.world_from_camera, look(), atol=1e-9)
    unknown = replace(photograph([wall], look()).prediction.depth, is_metric=False)
    assert "median" in build(photograph([wall], look()).having(depth=unknown)).scale.source


@pytest.mark.parametrize("gravity", [True, False])
def test_a_camera_that_looks_straight_down_works(gravity: bool) -> None:
    room = plain_room(look(4.0, -90), gravity=gravity)
    scene = build(room.prediction)
    check_sound(scene)
    assert scene.has_ground is gravity
    if gravity:
        np.testing.assert_allclose(scene.world_from_camera, room.world_from_camera, atol=0.01)


@pytest.mark.parametrize("size", [(320, 180), (100, 400), (400, 100)], ids=["portrait", "panorama", "pillar"])
def test_pictures_of_any_shape_work(size: tuple[int, int]) -> None:
    room = plain_room(TILTED, make_camera(*size, fov_deg=40 if size[0] > size[1] else 100))
    scene = build(room.prediction)
    check_sound(scene)
    assert np.isfinite(see_fronts(scene, scene.solids())).mean() > 0.999
    assert np.quantile(depth_errors(scene, room, "wall"), 0.9) < 0.01
    assert scene.world_from_camera[1, 3] == pytest.approx(1.7, abs=0.01)


def test_a_lens_off_its_centre_works() -> None:
    camera = replace(make_camera(), cx=90.0, cy=60.0, fy=230.0)
    room = plain_room(TILTED, camera)
    scene = build(room.prediction)
    assert np.quantile(depth_errors(scene, room, "crate"), 0.9) < 0.01
    np.testing.assert_allclose(scene.world_from_camera, room.world_from_camera, atol=0.01)


def test_a_picture_of_a_few_pixels_works() -> None:
    camera = make_camera(4, 5)
    scene = build(photograph([WALL], look(), camera).prediction)
    check_sound(scene)
    assert [prism.label for prism in scene.walk()] == ["wall"]
