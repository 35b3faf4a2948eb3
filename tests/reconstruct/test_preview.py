from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.inference.prediction import Camera, DepthMap, Kind, Photo, Prediction, Segment, SegmentMap
from blockout.reconstruct import views
from blockout.reconstruct.frames import linear_from_srgb, srgb_from_linear, world_from_camera
from blockout.reconstruct.preview import (
    CAPTION_PX,
    GAP_PX,
    MARGIN_PX,
    choose_tile_size,
    draw_depth,
    draw_scale_bar,
    draw_segments,
    render_preview,
    write_preview,
)
from blockout.reconstruct.scene import Prism, Scale, Scene
from blockout.reconstruct.shading import encode_srgb, gather_faces, rasterise_world
from blockout.reconstruct.views import (
    points_seen,
    view_from_beside,
    view_from_camera,
    view_from_top,
    without_ceilings,
)
from stages import make_fitted

SKY = np.array([0.3, 0.5, 0.9])


def make_box(
    name: str,
    centre: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: tuple[float, float, float],
    kind: Kind = "object",
) -> Prism:
    """A box of (width, height, thickness) whose front looks to the camera, +z."""
    w, h, thickness = size
    outline = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    pose = np.eye(4)
    pose[:3, 3] = centre[0], centre[1], centre[2] + thickness / 2
    return Prism(
        name=name,
        label=name,
        kind=kind,
        score=1.0,
        level=0,
        outline=outline,
        ring_sizes=(4,),
        outline_px=np.zeros((4, 2)),
        cap=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        world_from_plane=pose,
        extrusion=np.array([0, 0, -thickness]),
        taper=1.0,
        thickness_m=thickness,
        thickness_source="given",
        colour=np.array(colour),
        pixels=100,
        residual=0.0,
    )


def lie_flat(prism: Prism, height_m: float, faces_down: bool = False) -> Prism:
    """The box turned so that its front looks up, or down, at some height, 15 m ahead."""
    pose = np.eye(4)
    pose[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]] if faces_down else [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    pose[:3, 3] = [0, height_m, -15]
    return replace(prism, world_from_plane=pose)


def make_scene(height: int = 120, width: int = 180) -> tuple[Prediction, Scene]:
    """A red and a green cube and a wall on a ground that reaches behind the camera, 1.6 m above it."""
    focal = 0.9 * max(height, width)
    camera = Camera(focal, focal, width / 2, height / 2, height, width)
    prisms = (
        lie_flat(make_box("ground", (0, 0, 0), (40, 60, 0.5), (0.3, 0.28, 0.25), "ground"), 0),
        make_box("wall", (0, 2, -14), (9, 4, 0.4), (0.6, 0.5, 0.4), "structure"),
        make_box("red", (-0.8, 0.5, -6), (1, 1, 1), (0.7, 0.05, 0.05)),
        make_box("green", (1.0, 0.5, -8), (1, 1, 1), (0.05, 0.5, 0.1)),
    )
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[1, 3] = 1.6
    photo = Photo(np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8))
    scene = Scene(photo, camera, pose, prisms, Scale(1.0, "given", True), (), SKY, True)
    raster = rasterise_world(gather_faces(prisms, pose), camera, pose)
    ids = np.where(raster.triangle >= 0, gather_faces(prisms, pose).prism[raster.triangle] + 1, 0).astype(np.int32)
    segments = tuple(Segment(number, prism.name) for number, prism in enumerate(prisms, 1) if (ids == number).any())
    depth = DepthMap(raster.depth.astype(np.float32), True)
    return Prediction(photo, camera, depth, SegmentMap(ids, segments)), scene


@pytest.mark.parametrize(
    ("size", "tile"),
    [((2000, 3000), (413, 620)), ((3000, 2000), (540, 360)), ((1000, 1000), (506, 506)), ((1000, 4000), (253, 1012))],
    ids=["landscape", "portrait", "square", "panorama"],
)
def test_a_sheet_has_two_rows_of_three_tiles(size: tuple[int, int], tile: tuple[int, int]) -> None:
    assert choose_tile_size(size) == tile
    prediction, scene = make_scene(size[0] // 10, size[1] // 10)
    sheet = render_preview(prediction, scene)
    assert sheet.dtype == np.uint8
    assert sheet.shape[0] == MARGIN_PX + 2 * (tile[0] + CAPTION_PX)
    assert sheet.shape[1] == 2 * MARGIN_PX + 3 * tile[1] + 2 * GAP_PX


def test_a_very_long_panorama_stays_inside_the_limits() -> None:
    height, width = choose_tile_size((100, 3000))
    assert (height, width) == (37, 1100)


def see_from_camera(scene: Scene, photo_texture: bool = False) -> np.ndarray:
    return view_from_camera(scene, gather_faces(scene.solids(), scene.world_from_camera), (120, 180), photo_texture)


def see_from_beside(scene: Scene, size: tuple[int, int] = (120, 180)) -> np.ndarray:
    faces = without_ceilings(scene, gather_faces(scene.solids(), scene.world_from_camera))
    return view_from_beside(scene, faces, points_seen(scene, faces), size)


def see_from_top(scene: Scene, size: tuple[int, int] = (240, 360)) -> tuple[np.ndarray, float]:
    faces = without_ceilings(scene, gather_faces(scene.solids(), scene.world_from_camera))
    return view_from_top(scene, faces, points_seen(scene, faces), size)


def test_the_camera_sees_each_solid_where_the_photo_has_it_in_its_colour() -> None:
    prediction, scene = make_scene()
    linear = linear_from_srgb(see_from_camera(scene) / 255)
    for number, prism in enumerate(scene.prisms, 1):
        colour = np.median(linear[prediction.segments.ids == number], axis=0)
        np.testing.assert_allclose(colour / colour.sum(), prism.colour / prism.colour.sum(), atol=0.05)
    top = linear[:10, 85:95].reshape(-1, 3)
    np.testing.assert_allclose(top, np.broadcast_to(SKY, top.shape), atol=0.01)


def test_without_sky_the_backdrop_is_neutral() -> None:
    _, scene = make_scene()
    red, green, blue = see_from_camera(replace(scene, sky_colour=None))[5, 90].astype(int)
    assert max(red, green, blue) - min(red, green, blue) < 12


def test_the_raised_view_shows_the_tops_of_the_boxes_and_the_camera() -> None:
    _, scene = make_scene()
    picture = see_from_beside(scene, (240, 360)).astype(int)
    is_red = (picture[..., 0] > 2 * picture[..., 1]) & (picture[..., 0] > 2 * picture[..., 2])
    brightness = picture[is_red].sum(axis=1)
    assert is_red.sum() > 150
    assert np.quantile(brightness, 0.9) > 1.1 * np.quantile(brightness, 0.2)  # lit top, darker side
    assert (np.abs(picture - views.CAMERA_COLOUR).max(axis=-1) < 40).sum() > 30


def test_an_outlier_does_not_shrink_the_raised_view() -> None:
    _, scene = make_scene()
    far = make_box("far", (3000, 400, -9000), (50, 50, 50), (0.1, 0.1, 0.9))
    with_far = see_from_beside(replace(scene, prisms=(*scene.prisms, far))).astype(int)
    alone = see_from_beside(scene).astype(int)
    assert np.abs(with_far - alone).max(axis=-1).mean() < 8


def test_a_ceiling_does_not_hide_the_room_from_above() -> None:
    _, scene = make_scene()
    ceiling = lie_flat(make_box("ceiling", (0, 0, 0), (40, 30, 0.2), (0.9, 0.0, 0.9), "structure"), 3.0, True)
    with_ceiling = replace(scene, prisms=(*scene.prisms, ceiling), sky_colour=None)
    assert is_magenta(see_from_camera(with_ceiling)).mean() > 0.05
    assert is_magenta(see_from_beside(with_ceiling)).mean() == 0
    assert is_magenta(see_from_top(with_ceiling)[0]).mean() == 0


def is_magenta(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 100) & (picture[..., 1] < 30) & (picture[..., 2] > 100)


def is_hue(picture: np.ndarray, channel: int) -> np.ndarray:
    others = [picture[..., other].astype(int) for other in range(3) if other != channel]
    return picture[..., channel] > 2 * np.maximum(*others)


def test_the_plan_shows_sizes_and_distances_to_scale() -> None:
    _, scene = make_scene()
    picture, scale_px = see_from_top(scene)
    boxes = {}
    for name, channel in (("red", 0), ("green", 1)):
        rows, columns = np.nonzero(is_hue(picture, channel))
        boxes[name] = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
        assert rows.max() + 1 - rows.min() == pytest.approx(scale_px, abs=2.5), "a box of 1 m"
        assert columns.max() + 1 - columns.min() == pytest.approx(scale_px, abs=2.5)
    assert (boxes["red"][0] - boxes["green"][0]) / scale_px == pytest.approx(2, abs=0.15), "the nearer one is below"
    assert (boxes["green"][2] - boxes["red"][2]) / scale_px == pytest.approx(1.8, abs=0.15)
    assert (np.abs(picture.astype(int) - views.CAMERA_COLOUR).max(axis=-1) < 40).sum() > 10


def test_a_plan_of_a_deep_scene_is_turned_in_a_wide_tile() -> None:
    _, scene = make_scene()
    boxes = tuple(
        make_box(name, (0, 0.5, z), (1, 1, 1), colour)
        for name, z, colour in (
            ("red", -8, (0.7, 0.05, 0.05)),
            ("green", -16, (0.05, 0.5, 0.1)),
            ("far", -24, (0.5, 0.5, 0.5)),
        )
    )
    picture, scale_px = see_from_top(replace(scene, prisms=boxes), (120, 480))
    columns = [np.nonzero(is_hue(picture, channel))[1].mean() for channel in (0, 1)]
    assert (columns[1] - columns[0]) / scale_px == pytest.approx(8, abs=0.5), "ahead is to the right"


@pytest.mark.parametrize("down", [(0, 0, 1), (0, 0, -1)])
def test_a_camera_that_looks_straight_down_or_up_gets_its_sheet(down: tuple[int, int, int]) -> None:
    prediction, scene = make_scene()
    sheet = render_preview(prediction, replace(scene, world_from_camera=world_from_camera(np.array(down), 8.0)))
    assert sheet.shape[2] == 3


@pytest.mark.parametrize(("scale_px", "bar_m"), [(60.0, 1.0), (9.0, 10.0), (1.5, 100.0), (700.0, 0.1)])
def test_the_bar_is_as_long_as_it_says(scale_px: float, bar_m: float) -> None:
    picture = np.full((200, 300, 3), 90, np.uint8)
    assert draw_scale_bar(picture, scale_px) == pytest.approx(bar_m)
    columns = np.nonzero((picture == 255).all(axis=-1))[1]
    assert np.ptp(columns) == pytest.approx(bar_m * scale_px, abs=2.5)


def test_light_is_encoded_as_by_the_formula() -> None:
    light = np.linspace(-0.1, 1.1, 2000, dtype=np.float32)[None]
    assert np.abs(encode_srgb(light).astype(int) - np.rint(255 * srgb_from_linear(light))).max() <= 1


def test_fronts_carry_the_photo_where_it_was_taken() -> None:
    prediction, scene = make_scene()
    ramp = np.zeros((120, 180, 3), np.uint8)
    ramp[..., 0] = np.arange(180)
    ramp[..., 1] = np.arange(120)[:, None]
    textured = see_from_camera(replace(scene, photo=Photo(ramp)), photo_texture=True)
    rows, columns = np.nonzero(prediction.segments.ids == 3)
    inside = np.s_[rows.min() + 4 : rows.max() - 3, columns.min() + 4 : columns.max() - 3]
    shown, photo = (linear_from_srgb(picture[inside] / 255) for picture in (textured, ramp))
    factor = np.median(shown[..., :2] / photo[..., :2])  # all of one front is lit alike
    np.testing.assert_allclose(shown[..., :2], factor * photo[..., :2], atol=0.02)


def test_segments_get_a_colour_each_and_keep_it_inside_their_borders() -> None:
    ids = np.zeros((120, 180), np.int32)
    ids[:, 60:120], ids[:, 120:] = 7, 900
    segments = SegmentMap(ids, (Segment(7, ""), Segment(900, "")))
    picture = draw_segments(Photo(np.full((120, 180, 3), 128, np.uint8)), segments, (120, 180))
    colours = [picture[60, x] for x in (30, 90, 150)]
    assert len({tuple(colour) for colour in colours}) == 3
    for colour, x in zip(colours, (30, 90, 150), strict=True):
        assert (picture[:, x - 25 : x + 25] == colour).all()


def test_a_label_is_written_only_where_it_fits() -> None:
    grey = Photo(np.full((200, 300, 3), 128, np.uint8))
    ids = np.ones((200, 300), np.int32)
    ids[90:98, 100:108] = 2

    def draw(small: str, large: str) -> np.ndarray:
        return draw_segments(grey, SegmentMap(ids, (Segment(1, large), Segment(2, small))), (200, 300))

    assert not np.array_equal(draw("", "wall"), draw("", ""))
    np.testing.assert_array_equal(draw("doorknob", ""), draw("", ""))


def test_depth_is_warm_near_and_cold_far_and_checked_where_unknown() -> None:
    z = np.repeat(np.geomspace(1, 50, 90, dtype=np.float32)[None], 60, axis=0)
    z[:20, :40] = np.nan
    picture = draw_depth(DepthMap(z), (60, 90)).astype(int)
    assert picture[40, 8, 0] > picture[40, 8, 2]
    assert picture[40, 75, 2] > picture[40, 75, 0]
    unknown = picture[:20, :40]
    assert (unknown[..., 0] == unknown[..., 2]).all()
    assert len(np.unique(unknown)) == 2


def test_a_flat_depth_and_one_without_a_value_are_drawn() -> None:
    flat = draw_depth(DepthMap(np.full((60, 90), 3.0, np.float32)), (60, 90))
    assert (flat == flat[0, 0]).all()
    nothing = draw_depth(DepthMap(np.full((60, 90), np.nan, np.float32)), (60, 90))
    assert len(np.unique(nothing)) == 2


def test_a_night_scene_is_lifted_in_the_raised_view_only() -> None:
    _, scene = make_scene()
    night = replace(scene, prisms=tuple(replace(prism, colour=prism.colour / 40) for prism in scene.prisms))
    assert see_from_beside(night).mean() > 1.2 * see_from_camera(night)[70:].mean()


def test_a_scene_without_solids_still_gives_a_sheet() -> None:
    prediction, scene = make_scene()
    assert render_preview(prediction, replace(scene, prisms=())).shape[2] == 3


def test_the_same_scene_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first.png", "second.png"):
        write_preview(render_preview(*make_scene(), photo_texture=True), tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_fitted_solids_carry_the_photo_wherever_they_face_its_camera() -> None:
    scene = make_fitted()
    cylinder = scene.prisms[1]
    faces = gather_faces([cylinder], scene.world_from_camera)
    towards = ((scene.world_from_camera[:3, 3] - faces.corners[:, 0]) * faces.normal).sum(1)
    assert (faces.is_front == (towards > 0)).all()
    assert 0 < faces.is_front.sum() < len(faces.is_front)
    white = replace(scene, photo=replace(scene.photo, rgb=np.full_like(scene.photo.rgb, 255)), prisms=(cylinder,))
    plain, textured = (see_from_camera(white, photo_texture=is_textured) for is_textured in (False, True))
    changed = (plain != textured).any(axis=2)
    shown = (plain != see_from_camera(replace(white, prisms=()))).any(axis=2)
    assert changed.sum() > 0.8 * shown.sum(), "all that the camera sees of it"
