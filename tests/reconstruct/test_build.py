import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from blockout.errors import DepthUnusable, NothingToBuild, ScaleReferenceUnknown, UsageError
from blockout.inference.prediction import DepthMap, Kind, Photo, Prediction, Segment, SegmentMap
from blockout.reconstruct.build import reconstruct
from blockout.reconstruct.frames import linear_from_srgb
from blockout.reconstruct.meshes import mesh_of
from blockout.reconstruct.scene import Prism, Scene
from blockout.reconstruct.settings import Settings
from hypothesis import given, settings
from hypothesis import strategies as st
from rooms import (
    CRATE,
    FLOOR,
    SKY_RGB,
    WALL,
    Box,
    Room,
    cast_rays,
    hit_triangles,
    look,
    make_camera,
    photograph,
    plain_room,
    street,
    table_room,
)
from scipy import ndimage

TILTED = look(1.7, -12, 4)
SKY = Segment(1, "sky", "sky")


def build(prediction: Prediction, **options: Any) -> Scene:
    """Reconstruct with prisms alone, and with some settings changed from their defaults."""
    return reconstruct(prediction, Settings(**{"shapes": "prism", **options}))


@pytest.fixture(scope="module")
def room() -> Room:
    return plain_room(TILTED)


@pytest.fixture(scope="module")
def scene(room: Room) -> Scene:
    return build(room.prediction)


def triangles_cam(scene: Scene, prism: Prism) -> tuple[np.ndarray, int]:
    """Return (T, 3, 3) triangles of a solid in camera axes, and how many of the first are its front."""
    mesh = mesh_of(prism)
    camera_from_world = np.linalg.inv(scene.world_from_camera)
    points = mesh.points @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    faces = np.split(mesh.face_points, np.cumsum(mesh.face_sizes)[:-1])
    return points[
        [(face[0], face[k], face[k + 1]) for face in faces for k in range(1, len(face) - 1)]
    ], mesh.front_faces


def see_fronts(scene: Scene, prisms: Iterable[Prism]) -> np.ndarray:
    """Return (H, W) the nearest depth of the fronts of some prisms, inf where none is."""
    rays = cast_rays(scene.camera)
    found = [np.full(rays.shape[:2], np.inf)]
    for prism in prisms:
        triangles, front = triangles_cam(scene, prism)
        found.append(hit_triangles(triangles[:front], rays))
    return np.min(found, axis=0)


def labelled(scene: Scene, label: str) -> list[Prism]:
    return [prism for prism in scene.solids() if prism.label == label]


def depth_errors(scene: Scene, room: Room, label: str) -> np.ndarray:
    """Return the relative depth errors over a label's pixels that its fronts cover."""
    mask = room.mask(label)
    seen, true = see_fronts(scene, labelled(scene, label))[mask], room.prediction.depth.z[mask]
    covered = np.isfinite(seen)
    assert covered.mean() > 0.97
    return np.abs(seen[covered] / true[covered] - 1)


def check_sound(scene: Scene) -> None:
    """Check what any scene promises."""
    prisms = list(scene.walk())
    names = [prism.name for prism in prisms]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"seg_\d{3,}_[A-Za-z0-9_]+", name) for name in names)
    for prism in prisms:
        assert all(child.level in (prism.level, prism.level + 1) for child in prism.children)
        mesh = mesh_of(prism)
        assert np.isfinite(mesh.points).all()
        assert prism.thickness_m > 0
        assert prism.thickness_source
        assert prism.kind != "sky"
        triangles, front = triangles_cam(scene, prism)
        assert (triangles[:front, :, 2] > 0).all()
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        assert np.einsum("ij,ij->i", normals, triangles[:, 0]).sum() > 0, "the solid's volume"
        assert (np.einsum("ij,ij->i", normals, triangles[:, 0])[:front] < 0).all(), "its front faces the camera"
    pose = scene.world_from_camera
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.isfinite(pose).all()
    assert scene.scale.factor > 0


def arrays_of(scene: Scene) -> bytes:
    """Return everything that a scene says, as bytes."""
    parts = [scene.world_from_camera.tobytes(), repr((scene.scale, scene.limits, scene.has_ground)).encode()]
    for prism in scene.walk():
        parts += [value.tobytes() if isinstance(value, np.ndarray) else b"" for value in vars(prism).values()]
        parts.append(
            repr((prism.name, prism.level, prism.taper, prism.thickness_m, prism.pixels, prism.residual)).encode()
        )
    return b"|".join(parts)


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


def test_a_reference_and_a_factor_scale_the_scene(room: Room, scene: Scene) -> None:
    referred = build(room.prediction, scale_reference=("Crate", 4.0))
    (crate,) = labelled(referred, "crate")
    assert np.ptp(mesh_of(crate).points[: len(crate.outline), 1]) == pytest.approx(4.0)
    assert referred.scale.is_metric
    doubled = build(room.prediction, scale_reference=("Crate", 4.0), scale_factor=0.5)
    assert doubled.scale.factor == pytest.approx(referred.scale.factor / 2)
    assert doubled.scale.source == "reference: crate is 4 m high, times 0.5"
    tripled = build(room.prediction, scale_factor=3)
    assert tripled.world_from_camera[1, 3] == pytest.approx(3 * scene.world_from_camera[1, 3])


def test_an_unknown_reference_is_refused(room: Room) -> None:
    with pytest.raises(ScaleReferenceUnknown, match=r"'sofa'.*crate, floor, post, wall"):
        build(room.prediction, scale_reference=("sofa", 1.0))


def test_a_floor_is_no_reference_for_a_height(room: Room) -> None:
    with pytest.raises(UsageError, match="'floor' lies flat"):
        build(room.prediction, scale_reference=("floor", 2.0))


def test_ids_may_be_sparse_and_huge(room: Room, scene: Scene) -> None:
    new = np.array([0, 7, 70_000, 2_000_000_000, 2**31 - 1], np.int32)
    table = tuple(replace(s, id=int(new[s.id])) for s in room.prediction.segments.segments)
    renamed = build(room.having(segments=SegmentMap(new[room.prediction.segments.ids], table)))
    assert arrays_of(renamed) == arrays_of(scene)


def make_anything(seed: int) -> Prediction:
    """Return a prediction with ragged segments of any kind, steep and partly unknown depth, and any gravity."""
    random = np.random.default_rng(seed)
    size = random.integers(2, 70, 2)
    camera = make_camera(int(size[0]), int(size[1]), random.uniform(15, 130))
    centres = random.uniform((0, 0), size, (random.integers(1, 12), 2))
    row, column = np.mgrid[: size[0], : size[1]] + random.normal(0, random.choice([0, 1, 3]), (2, *size))
    away = (row[..., None] - centres[:, 0]) ** 2 + (column[..., None] - centres[:, 1]) ** 2
    ids = (away.argmin(-1) + random.integers(0, 2)).astype(np.int32)
    kinds: list[Kind] = ["object", "structure", "ground", "sky"]
    table = tuple(Segment(k, f"thing {k}", kinds[random.integers(4)]) for k in np.unique(ids).tolist() if k)
    z = np.exp(ndimage.gaussian_filter(random.normal(size=size), random.uniform(0, 9)) * random.choice([0, 1, 9]))
    z[random.random(tuple(size)) < random.choice([0, 0.5, 0.98])] = np.nan
    return Prediction(
        Photo(random.integers(0, 256, (*size, 3), np.uint8)),
        camera,
        DepthMap(z.astype(np.float32), bool(random.integers(2))),
        SegmentMap(ids, table),
        [None, np.array([0.0, 1.0, 0.0]), random.normal(size=3)][random.integers(3)],
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_whatever_the_maps_hold_the_scene_is_sound_or_refused(seed: int) -> None:
    prediction = make_anything(seed)
    try:
        check_sound(build(prediction))
    except NothingToBuild:
        assert all(
            s.kind == "sky" or (prediction.segments.ids == s.id).sum() < 20 for s in prediction.segments.segments
        )
    except DepthUnusable:
        assert np.isnan(prediction.depth.z).all()


def test_what_bounded_the_recursion_is_on_record(scene: Scene) -> None:
    limits = dict(scene.limits)
    assert limits["detail"] == "2 levels"
    assert "13 px" in limits["least area"]
    assert set(limits) == {"detail", "least area", "residual tolerance", "least gain"}


def test_progress_rises_from_stage_to_stage_and_may_stop_the_work(room: Room) -> None:
    heard: list[tuple[str, float]] = []
    reconstruct(room.prediction, progress=lambda stage, share: heard.append((stage, share)))
    assert list(dict.fromkeys(stage for stage, _ in heard)) == ["segments", "shapes", "parts", "outlines", "prisms"]
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1

    def stop(stage: str, share: float) -> None:
        if stage == "outlines":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconstruct(room.prediction, progress=stop)


def test_the_same_prediction_gives_the_same_scene() -> None:
    first, again = (arrays_of(build(table_room().prediction)) for _ in range(2))
    assert first == again


def test_the_prediction_is_left_alone() -> None:
    room, untouched = table_room(), table_room()
    build(room.prediction)
    for one, other in zip(
        (room.prediction.photo.rgb, room.prediction.depth.z, room.prediction.segments.ids),
        (untouched.prediction.photo.rgb, untouched.prediction.depth.z, untouched.prediction.segments.ids),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
