"""The estimator without weights on drawn scenes with known answers, on nothing at all, and on real frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.inference.camera import camera_from_focal_mm, camera_from_fov
from blockout.inference.embedded import Embedded
from blockout.inference.geometric import Geometric
from blockout.inference.layout import measure_regions
from blockout.inference.prediction import DepthMap, Estimate, Photo, Segment, SegmentMap
from blockout.inference.registry import Estimator
from blockout.inference.standing import CAMERA_HEIGHT_M, depth_from_planes, stand_on_ground
from blockout.inference.vanishing import down_from_angles
from PIL import Image

SIZE = (480, 640)
CAMERA = camera_from_fov(60, SIZE, "test")
BUILDING_FOOT, BOX_FOOT = 320, 400  # rows; the horizon is row 240
RNG = np.random.default_rng(3)
NOTHING = {
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "two by three": RNG.integers(0, 256, (2, 3, 3), dtype=np.uint8),
    "sixteen by sixteen": RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8),
    "one row": RNG.integers(0, 256, (1, 500, 3), dtype=np.uint8),
    "a ribbon": RNG.integers(0, 256, (4000, 9, 3), dtype=np.uint8),
    "a panorama of noise": RNG.integers(0, 256, (200, 800, 3), dtype=np.uint8),
    "grey": np.full((100, 120, 3), 128, np.uint8),
    "black": np.zeros((700, 900, 3), np.uint8),
    "white": np.full((300, 400, 3), 255, np.uint8),
    "nothing but sky": np.full((300, 400, 3), (110, 160, 235), np.uint8),
}


def draw_street() -> np.ndarray:
    """Return (480, 640, 3) uint8: blue over a hedge, a brown building and a red box on a grey street, seen level."""
    rgb = np.zeros((*SIZE, 3), np.uint8)
    rgb[:] = (120, 165, 235)
    rgb[150:262] = (40, 70, 35)
    rgb[262:] = (125, 125, 122)
    rgb[70:BUILDING_FOOT, 60:300] = (130, 85, 60)
    rgb[330:BOX_FOOT, 420:490] = (190, 40, 35)
    noise = np.random.default_rng(0).normal(0, 2, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def predict(rgb: np.ndarray) -> Estimate:
    return Geometric().predict(Photo(rgb), CAMERA if rgb.shape[:2] == SIZE else None)


def segment_at(estimate: Estimate, x: int, y: int) -> Segment:
    assert isinstance(estimate.segments, SegmentMap)
    number = estimate.segments.ids[y, x]
    return next(segment for segment in estimate.segments.segments if segment.id == number)


@pytest.fixture(scope="module")
def street() -> Estimate:
    return predict(draw_street())


def test_sky_ground_structure_and_object_are_told_apart(street: Estimate) -> None:
    assert segment_at(street, 500, 20).kind == "sky"
    assert segment_at(street, 320, 460).kind == "ground"
    assert segment_at(street, 180, 200).kind == "structure"
    assert segment_at(street, 455, 370).kind == "object"


def test_sky_has_no_depth_and_all_else_has(street: Estimate) -> None:
    assert isinstance(street.depth, DepthMap) and isinstance(street.segments, SegmentMap)
    sky = [segment.id for segment in street.segments.segments if segment.kind == "sky"]
    np.testing.assert_array_equal(np.isnan(street.depth.z), np.isin(street.segments.ids, sky))


def test_the_ground_is_a_plane_under_the_assumed_camera(street: Estimate) -> None:
    assert isinstance(street.depth, DepthMap)
    rows = np.arange(420, 480)
    expected_m = CAMERA_HEIGHT_M * CAMERA.fy / (rows + 0.5 - CAMERA.cy)
    np.testing.assert_allclose(street.depth.z[rows, 20], expected_m, rtol=0.001)
    assert not street.depth.is_metric


FEET = [(180, 100, BUILDING_FOOT), (180, 300, BUILDING_FOOT), (455, 370, BOX_FOOT)]


@pytest.mark.parametrize(("x", "y", "foot"), FEET)
def test_a_thing_stands_where_its_foot_meets_the_ground(street: Estimate, x: int, y: int, foot: int) -> None:
    assert isinstance(street.depth, DepthMap)
    assert street.depth.z[y, x] == pytest.approx(CAMERA_HEIGHT_M * CAMERA.fy / (foot - CAMERA.cy), rel=0.05)


def test_the_halves_of_a_building_stand_alike_though_one_seems_to_meet_the_ground_nearer() -> None:
    rgb = draw_street()
    rgb[70 : BUILDING_FOOT + 14, 180:300] = (175, 150, 120)  # with a step before it that looks like the wall
    estimate = predict(rgb)
    assert isinstance(estimate.depth, DepthMap)
    assert segment_at(estimate, 120, 200) != segment_at(estimate, 240, 150)
    assert estimate.depth.z[150, 240] == pytest.approx(estimate.depth.z[200, 120], rel=0.02)


def test_a_storey_stands_on_the_wall_below_it_though_it_reaches_over_one_further_off() -> None:
    rgb = draw_street()
    rgb[70:290, 300:370] = (200, 190, 120)
    rgb[70:200, 60:370] = (190, 110, 120)
    estimate = predict(rgb)
    assert isinstance(estimate.depth, DepthMap)
    assert estimate.depth.z[250, 330] > 1.5 * estimate.depth.z[250, 180]
    assert estimate.depth.z[120, 180] == pytest.approx(estimate.depth.z[250, 180], rel=0.05)


def test_a_tower_that_looks_like_the_street_is_no_ground() -> None:
    rgb = draw_street()
    rgb[120:264, 520:560] = rgb[440:480, 520:560].mean((0, 1)).round()
    estimate = predict(rgb)
    assert segment_at(estimate, 540, 180).kind == "structure"
    assert segment_at(estimate, 540, 440).kind == "ground"
    assert isinstance(estimate.depth, DepthMap)
    assert np.ptp(estimate.depth.z[130:255, 530:550]) < 0.02 * estimate.depth.z[200, 540]


def test_a_plinth_that_looks_like_the_street_is_part_of_the_wall() -> None:
    rgb = draw_street()
    rgb[BUILDING_FOOT - 14 : BUILDING_FOOT, 60:300] = (143, 143, 139)
    estimate = predict(rgb)
    assert segment_at(estimate, 180, BUILDING_FOOT - 7).kind != "ground"
    assert isinstance(estimate.depth, DepthMap)
    foot_m = CAMERA_HEIGHT_M * CAMERA.fy / (BUILDING_FOOT - CAMERA.cy)
    assert estimate.depth.z[[180, BUILDING_FOOT - 7], 180] == pytest.approx(foot_m, rel=0.05)


def test_a_lawn_before_a_wall_is_ground_though_it_ends_there() -> None:
    rgb = draw_street()
    lawn = np.array([[60, BUILDING_FOOT], [300, BUILDING_FOOT], [280, 340], [20, 340]], np.int32)
    cv2.fillConvexPoly(rgb, lawn, (120, 140, 105))
    assert segment_at(predict(rgb), 160, 330).kind == "ground"


def test_a_thing_stands_on_the_ground_across_a_line_that_belongs_to_another() -> None:
    ids = np.ones(SIZE, np.int32)
    ids[262:], ids[330:BOX_FOOT, 420:490] = 2, 3
    ids[BOX_FOOT - 2 : BOX_FOOT, 420:490] = ids[300:450, 490:530] = 4
    down = down_from_angles(0.0, 0.0)
    regions = measure_regions(draw_street(), ids, CAMERA, down)
    planes = stand_on_ground(regions, ["object", "sky", "ground", "object", "object"], CAMERA, down)
    foot_m = CAMERA_HEIGHT_M * CAMERA.fy / (BOX_FOOT - CAMERA.cy)
    assert depth_from_planes(ids, planes, CAMERA)[365, 455] == pytest.approx(foot_m, rel=0.05)


def test_ground_beside_the_upper_part_of_a_thing_is_not_where_its_foot_is() -> None:
    """A window, 3, in a wall, 4, of which a part beside it is taken for ground."""
    ids = np.ones(SIZE, np.int32)
    ids[BUILDING_FOOT:], ids[100:BUILDING_FOOT, 60:400] = 2, 4
    ids[180:300, 200:260] = ids[180:230, 260:300] = 3
    ids[230:BUILDING_FOOT, 260:300] = 2
    down = down_from_angles(0.0, 0.0)
    regions = measure_regions(draw_street(), ids, CAMERA, down)
    planes = stand_on_ground(regions, ["object", "sky", "ground", "structure", "structure"], CAMERA, down)
    z = depth_from_planes(ids, planes, CAMERA)
    assert z[200, 230] == pytest.approx(z[120, 100], rel=0.01)


def test_what_leans_on_a_slanted_wall_is_not_led_far_away_by_its_slope() -> None:
    ids = np.full(SIZE, 2, np.int32)
    ids[:300] = 1
    cv2.fillConvexPoly(ids, np.array([[250, 250], [370, 250], [370, 400], [250, 300]], np.int32), 3)
    ids[200:250] = 4  # a beam over all of the picture that rests on a short wall
    down = down_from_angles(0.0, 0.0)
    regions = measure_regions(draw_street(), ids, CAMERA, down)
    planes = stand_on_ground(regions, ["object", "sky", "ground", "structure", "object"], CAMERA, down)
    beam = depth_from_planes(ids, planes, CAMERA)[225]
    assert np.ptp(planes[3, :2]) > 0.05  # the wall runs away
    assert beam.max() < 3 * beam.min()


def wall_with_a_hidden_foot(slant: float, near: float) -> np.ndarray:
    """Return (H, W) ids: a wall, 3, of which the left third seems to end higher up; a window in it, 4; ground, 2."""
    ids = np.where(np.arange(SIZE[0])[:, None] < 240, 1, 2) * np.ones(SIZE[1], np.int32)
    column = np.arange(200, 440)
    fall = CAMERA.fy * CAMERA_HEIGHT_M * near * (1 + slant * (column + 0.5 - CAMERA.cx) / CAMERA.fx)
    foot = np.rint(CAMERA.cy + np.where(column < 280, 0.85, 1) * fall).astype(int)
    for x, y in zip(column, foot, strict=True):
        ids[150:y, x] = 3
    ids[180:220, 300:340] = 4
    return ids


@pytest.mark.parametrize("slant", [-0.8, 0.5, 1.0])
def test_a_wall_runs_as_is_known_though_its_foot_is_partly_hidden(slant: float) -> None:
    ids, down = wall_with_a_hidden_foot(slant, 0.1), down_from_angles(0.0, 0.0)
    regions = measure_regions(draw_street(), ids, CAMERA, down)
    kinds = ["object", "sky", "ground", "structure", "structure"]
    planes = stand_on_ground(regions, kinds, CAMERA, down, np.array([np.nan, np.nan, np.nan, slant, slant]))
    assert planes[3, [0, 2]] == pytest.approx([0.1 * slant, 0.1], rel=0.05)
    np.testing.assert_array_equal(planes[4], planes[3])


def test_a_wall_that_cannot_run_so_runs_as_its_foot_tells() -> None:
    """The slant would lead it behind the camera."""
    ids, down = wall_with_a_hidden_foot(0.0, 0.1), down_from_angles(0.0, 0.0)
    regions = measure_regions(draw_street(), ids, CAMERA, down)
    kinds = ["object", "sky", "ground", "structure", "structure"]
    planes = stand_on_ground(regions, kinds, CAMERA, down, np.array([np.nan, np.nan, np.nan, 30.0, np.nan]))
    assert planes[3, [0, 2]] == pytest.approx([0, 0.1], abs=0.005)


@pytest.mark.parametrize(("climbs_beyond", "stands_at"), [(330, 320), (200, 295)])
def test_ground_that_climbs_a_lesser_part_of_a_row_of_houses_does_not_push_it_away(
    climbs_beyond: int, stands_at: int
) -> None:
    """Two houses share a border; right of a column their base is taken for ground, from row 295 on."""
    ids = np.full(SIZE, 1, np.int32)
    ids[295:] = 2
    ids[150:320, 60:climbs_beyond] = 3
    ids[150:295, climbs_beyond:430] = 4
    down = down_from_angles(0.0, 0.0)
    kinds = ["object", "sky", "ground", "structure", "structure"]
    planes = stand_on_ground(measure_regions(draw_street(), ids, CAMERA, down), kinds, CAMERA, down)
    z = CAMERA_HEIGHT_M * CAMERA.fy / (stands_at - CAMERA.cy)
    assert planes[3:, 2] == pytest.approx(1 / z, rel=0.05)


def test_a_stripe_on_the_street_lies_on_it() -> None:
    rgb = draw_street()
    cv2.fillConvexPoly(rgb, np.array([[60, 470], [120, 470], [330, 360], [305, 360]], np.int32), (235, 235, 230))
    estimate = predict(rgb)
    assert segment_at(estimate, 210, 415).kind == "ground"
    assert isinstance(estimate.depth, DepthMap)
    assert estimate.depth.z[415, 210] == pytest.approx(estimate.depth.z[415, 600], rel=0.01)


def test_outlines_follow_the_edges_of_a_large_photo() -> None:
    rgb = cv2.resize(draw_street(), (1920, 1440), interpolation=cv2.INTER_NEAREST)
    estimate = predict(rgb)
    assert isinstance(estimate.segments, SegmentMap)
    ids = estimate.segments.ids
    box = ids == ids[1110, 1365]
    truth = np.zeros_like(box)
    truth[990:1200, 1260:1470] = True
    assert (box & truth).sum() / (box | truth).sum() > 0.97


def test_a_wall_that_runs_away_is_farther_at_its_far_end() -> None:
    rgb = np.zeros((*SIZE, 3), np.uint8)
    rgb[:] = (130, 170, 235)
    rgb[262:] = (120, 120, 118)
    wall = np.array([[0, 40], [420, 200], [420, 270], [0, 440]], np.int32)  # foot from 4.4 m to 30 m
    cv2.fillPoly(rgb, [wall], (150, 90, 60))
    estimate = predict(rgb)
    assert isinstance(estimate.depth, DepthMap)
    for x in (100, 200, 300):
        foot = 440 + (270 - 440) * x / 420
        assert estimate.depth.z[250, x] == pytest.approx(CAMERA_HEIGHT_M * CAMERA.fy / (foot - CAMERA.cy), rel=0.1)


def test_a_white_ceiling_is_no_sky() -> None:
    rgb = np.zeros((*SIZE, 3), np.uint8)
    rgb[:] = (225, 224, 220)
    rgb[110:350] = (205, 200, 190)
    rgb[350:] = (170, 140, 105)
    estimate = predict(rgb)
    assert isinstance(estimate.segments, SegmentMap)
    assert {segment.kind for segment in estimate.segments.segments} == {"structure", "ground"}


def check(estimate: Estimate, size: tuple[int, int]) -> None:
    """Hold an estimate against what the interface promises."""
    depth, segments, camera = estimate.depth, estimate.segments, estimate.camera
    assert isinstance(depth, DepthMap) and isinstance(segments, SegmentMap)
    assert camera is not None and estimate.gravity_cam is not None
    assert depth.z.shape == segments.ids.shape == (camera.height, camera.width) == size
    assert (depth.z.dtype, segments.ids.dtype) == (np.float32, np.int32)
    assert np.isfinite(depth.z).any() and np.nanmin(depth.z) > 0
    assert np.linalg.norm(estimate.gravity_cam) == pytest.approx(1)
    numbers = [segment.id for segment in segments.segments]
    assert numbers == np.unique(segments.ids).tolist() and numbers[0] == 1
    for segment in segments.segments:
        assert 0 <= segment.score <= 1
        assert cv2.connectedComponents((segments.ids == segment.id).astype(np.uint8), connectivity=4)[0] == 2


@pytest.mark.parametrize("name", NOTHING)
def test_a_picture_of_nothing_still_gives_a_segment_and_a_depth(name: str) -> None:
    check(predict(NOTHING[name]), NOTHING[name].shape[:2])


@pytest.mark.parametrize("size", [(796, 1200), (1201, 801), (501, 1999)])
def test_the_estimated_camera_has_square_pixels_at_any_size(size: tuple[int, int]) -> None:
    estimate = Geometric().predict(Photo(cv2.resize(draw_street(), size[::-1])), None)
    assert estimate.camera is not None
    assert estimate.camera.fx == estimate.camera.fy
    assert (estimate.camera.height, estimate.camera.width) == size


def test_the_same_photo_gives_the_same_bytes() -> None:
    first, second = predict(draw_street()), predict(draw_street())
    assert isinstance(first.depth, DepthMap) and isinstance(second.depth, DepthMap)
    assert isinstance(first.segments, SegmentMap) and isinstance(second.segments, SegmentMap)
    assert first.depth.z.tobytes() == second.depth.z.tobytes()
    assert first.segments.ids.tobytes() == second.segments.ids.tobytes()
    assert first.segments.segments == second.segments.segments


def test_a_given_camera_is_kept() -> None:
    assert predict(draw_street()).camera is CAMERA


@pytest.mark.parametrize("estimator", [Geometric(), Embedded()], ids=lambda estimator: estimator.name)
def test_the_example_comes_out_nearer_to_its_true_depth_than_a_constant_does(estimator: Estimator) -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    rgb = np.asarray(Image.open(examples / "square.jpg"))
    true_mm = np.asarray(Image.open(examples / "square_depth.png"))
    estimate = estimator.predict(Photo(rgb), camera_from_focal_mm(28, (rgb.shape[0], rgb.shape[1])))
    assert isinstance(estimate.depth, DepthMap) and estimate.gravity_cam is not None
    assert estimate.gravity_cam == pytest.approx(down_from_angles(4.0, 0.0), abs=0.01)  # rendered looking up 4 degrees
    z = cv2.resize(estimate.depth.z, (true_mm.shape[1], true_mm.shape[0]), interpolation=cv2.INTER_NEAREST)
    known = np.isfinite(z) & (true_mm > 0)
    assert known.sum() > 0.95 * (true_mm > 0).sum()  # hardly anything solid is lost to the sky

    def error(guess: np.ndarray) -> float:
        ratio = guess[known] / true_mm[known]
        return float(np.mean(np.abs(ratio / np.median(ratio) - 1)))

    assert error(z) < 0.25 * error(np.ones_like(z))


@pytest.mark.parametrize(
    ("photo", "sky_at", "ground_at"),
    [("nyc/nyc.jpg", (1000, 60), (800, 1000)), ("school/school.jpg", (300, 15), (400, 380))],
)
def test_the_shared_photographs_have_sky_above_and_ground_below(
    shared: Path, photo: str, sky_at: tuple[int, int], ground_at: tuple[int, int]
) -> None:
    rgb = np.asarray(Image.open(shared / "photos" / photo).convert("RGB"))
    estimate = predict(rgb)
    check(estimate, rgb.shape[:2])
    assert isinstance(estimate.segments, SegmentMap)
    assert segment_at(estimate, *sky_at).kind == "sky"
    assert segment_at(estimate, *ground_at).kind == "ground"
    assert 15 <= len(estimate.segments.segments) <= 60
