"""The network that ships: what it promises of any photo, known answers on drawn ones, and real frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from blockout.errors import WeightsNotFound, WeightsUnusable
from blockout.inference.camera import camera_from_fov
from blockout.inference.embedded import (
    AREAS_PX,
    CHANNELS,
    WEIGHTS,
    Embedded,
    Seen,
    _resized,
    _run,
    _sees_less,
    network_size,
)
from blockout.inference.layout import elevation_of
from blockout.inference.photo import read_photo
from blockout.inference.prediction import DepthMap, Photo, SegmentMap

RNG = np.random.default_rng(3)
NOTHING = {
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "two by three": RNG.integers(0, 256, (2, 3, 3), dtype=np.uint8),
    "one row": RNG.integers(0, 256, (1, 500, 3), dtype=np.uint8),
    "a ribbon": RNG.integers(0, 256, (4000, 9, 3), dtype=np.uint8),
    "a panorama of noise": RNG.integers(0, 256, (200, 800, 3), dtype=np.uint8),
    "black": np.zeros((700, 900, 3), np.uint8),
    "white": np.full((300, 400, 3), 255, np.uint8),
}


@pytest.fixture(scope="module")
def embedded() -> Embedded:
    return Embedded()


@pytest.mark.parametrize("name", NOTHING)
def test_any_photo_gets_depth_segments_and_a_camera(embedded: Embedded, name: str) -> None:
    rgb = NOTHING[name]
    estimate = embedded.predict(Photo(rgb), None)
    assert isinstance(estimate.depth, DepthMap) and isinstance(estimate.segments, SegmentMap)
    assert np.isfinite(estimate.depth.z).all()
    assert (estimate.depth.z > 0).all()
    present = set(np.unique(estimate.segments.ids).tolist())
    assert present == {segment.id for segment in estimate.segments.segments}
    assert 0 not in present
    assert estimate.camera is not None
    assert (estimate.camera.height, estimate.camera.width) == rgb.shape[:2]
    assert estimate.gravity_cam is not None
    assert np.isclose(np.linalg.norm(estimate.gravity_cam), 1)


def test_a_known_camera_is_kept_and_scales_depth(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = NOTHING["a panorama of noise"]
    maps, camera = embedded.run(rgb)
    walls = np.zeros_like(maps["kind"])
    walls[2] = 9  # no ground, for things stand on that where the lens has them
    monkeypatch.setattr(embedded, "run", lambda photo: (maps | {"kind": walls}, camera))
    near, far = (embedded.predict(Photo(rgb), camera_from_fov(fov, (200, 800), "test")) for fov in (90, 45))
    assert far.camera is not None and isinstance(near.depth, DepthMap) and isinstance(far.depth, DepthMap)
    assert np.isclose(far.camera.fov_deg, 45)
    np.testing.assert_allclose(far.depth.z / near.depth.z, np.tan(np.pi / 4) / np.tan(np.pi / 8), rtol=1e-4)


def draw_desert() -> np.ndarray:
    """Return sand under an evening sky, the horizon in the middle."""
    down = np.linspace(0, 1, 240)[:, None, None]
    sky = np.array([20, 90, 110]) * (1 - down) + np.array([90, 160, 170]) * down
    grain = 36 * cv2.GaussianBlur(np.random.default_rng(3).standard_normal((240, 360)), (0, 0), 2)
    sand = np.array([150, 110, 70]) + grain[:, :, None]
    return np.clip(np.where(down < 0.45, sky, sand), 0, 255).astype(np.uint8)


def test_the_sky_over_open_country_is_no_wall(embedded: Embedded) -> None:
    segments = embedded.predict(Photo(draw_desert()), None).segments
    assert isinstance(segments, SegmentMap)
    sky = [row.id for row in segments.segments if row.kind == "sky"]
    height = len(segments.ids)
    assert np.isin(segments.ids[: round(0.4 * height)], sky).mean() > 0.95
    assert not np.isin(segments.ids[round(0.5 * height) :], sky).any()


def test_the_horizon_lies_below_open_sky(embedded: Embedded) -> None:
    estimate = embedded.predict(Photo(draw_desert()), None)
    assert estimate.camera is not None and estimate.gravity_cam is not None
    over = elevation_of(estimate.camera, estimate.gravity_cam)
    assert (over[: round(0.4 * len(over))] > 0).mean() > 0.95


def test_where_the_sky_is_seen_the_second_network_is_heard_at_the_smallest_size(embedded: Embedded) -> None:
    rgb = np.ascontiguousarray(read_photo(Path(__file__).parents[2] / "examples" / "square.jpg").rgb[::4, ::4])
    maps, camera = embedded.run(rgb)
    alone = Embedded()
    alone._of_open_country = None
    first, first_camera = alone.run(rgb)
    second, second_camera = _run(embedded._of_open_country, rgb, AREAS_PX[0])
    assert np.allclose(camera, (first_camera + second_camera) / 2)
    for name in CHANNELS:
        heard = _resized(second[name], first[name].shape[1:])
        assert np.allclose(maps[name], (len(AREAS_PX) * first[name] + heard) / (len(AREAS_PX) + 1), atol=1e-5)


@pytest.mark.parametrize(("rows", "less"), [(0, True), (20, True), (30, False)])
def test_the_network_for_open_country_has_the_word_where_the_other_sees_less_sky(rows: int, less: bool) -> None:
    kind = np.zeros((4, 100, 120), np.float32)
    kind[2] = 5
    kind[0, :rows] = 9
    seen: Seen = ({"kind": kind}, np.zeros(4, np.float32))
    sky = np.zeros((100, 120), np.float32)
    sky[:40] = 0.4
    assert _sees_less([seen], sky) is less


def see(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, rgb: np.ndarray, chances: np.ndarray, is_open: bool = False
) -> SegmentMap:
    """Return the segments of a photo seen level in which the network sees (4, H, W) chances of kinds, and no border.

    With ``is_open`` the network for open country sees the sky that is likeliest sky.
    """
    maps, _ = embedded.run(rgb)
    kinds = np.log(chances[:, ::2, ::2]).astype(np.float32)
    told = {name: np.zeros((len(plane), *kinds.shape[1:]), np.float32) for name, plane in maps.items()}
    told |= {"kind": kinds, "edge": told["edge"] - 9}
    if is_open:
        told["sky"] = (kinds.argmax(axis=0) == 0)[None].astype(np.float32)
    monkeypatch.setattr(embedded, "run", lambda photo: (told, np.array([0.0, 0.0, 1.0, 0.0])))
    segments = embedded.predict(Photo(rgb), None).segments
    assert isinstance(segments, SegmentMap)
    return segments


@pytest.mark.parametrize(
    ("chance", "is_open", "kind"),
    [(0.4, False, "sky"), (0.22, False, "structure"), (0.22, True, "sky"), (0.05, True, "structure")],
)
def test_a_cloud_is_sky_where_the_network_deems_that_possible(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, chance: float, is_open: bool, kind: str
) -> None:
    """A bright wall of a room looks like one: where no open sky is seen it takes more."""
    rgb, truth = draw_house()
    rgb[:70, 120:200] = 240
    truth[:70, 120:200] = 2
    chances = np.where(np.arange(4)[:, None, None] == truth, 0.97, 0.01)
    chances[0, :70, 120:200], chances[2, :70, 120:200] = chance, 0.98 - chance
    segments = see(embedded, monkeypatch, rgb, chances, is_open)
    named = {row.id: row.kind for row in segments.segments}
    assert named[int(segments.ids[30, 160])] == kind
    assert named[int(segments.ids[100, 20])] == "sky"
    assert named[int(segments.ids[100, 160])] == "structure"
    assert named[int(segments.ids[220, 160])] == "ground"


@pytest.mark.parametrize(
    ("rows", "columns"), [((95, 130), (140, 165)), ((122, 130), (100, 220))], ids=["door", "plinth"]
)
def test_a_door_and_a_plinth_are_no_ground_though_the_network_deems_that_likeliest(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    rgb, truth = draw_house()
    there = np.index_exp[slice(*rows), slice(*columns)]
    rgb[there] = (200, 195, 170)
    chances = np.where(np.arange(4)[:, None, None] == truth, 0.97, 0.01)
    chances[(slice(None), *there)] = np.array([0.02, 0.4, 0.25, 0.33])[:, None, None]
    segments = see(embedded, monkeypatch, rgb, chances)
    named = {row.id: row.kind for row in segments.segments}
    assert named[int(segments.ids[np.mean(rows, dtype=int), 152])] == "object"
    assert named[int(segments.ids[140, 152])] == "ground"


def draw_house() -> tuple[np.ndarray, np.ndarray]:
    """Return (240, 320, 3) uint8, a brown house before sky and a street, and indices of the kinds there."""
    rgb = np.full((240, 320, 3), (90, 140, 225), np.uint8)
    rgb[130:], rgb[70:130, 100:220] = (90, 88, 84), (120, 80, 60)
    truth = np.zeros(rgb.shape[:2], int)
    truth[130:], truth[70:130, 100:220] = 1, 2
    return rgb, truth


def test_the_reduced_photo_keeps_its_shape_in_steps_of_32() -> None:
    for size in ((480, 640), (3000, 4000), (4000, 3000), (375, 1242), (1, 1)):
        height, width = network_size(size, 96 * 128)
        assert height % 32 == width % 32 == 0
        assert height * width < height * width * 1.5 <= np.prod(network_size(size, 160 * 192)) * 1.01
        assert 0.75 < (height / width) / (size[0] / size[1]) < 1.34


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 20e6


def test_a_missing_or_damaged_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="there is no such network; give a network that"):
        Embedded(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsUnusable, match="no network in the ONNX format"):
        Embedded(tmp_path / "bad.onnx")


def test_depth_of_a_real_street_has_half_the_error_of_a_guess_from_the_row(embedded: Embedded, shared: Path) -> None:
    folder = shared / "photos" / "rgbd" / "kitti_m3d_005"
    rgb = np.asarray(cv2.imread(str(next(folder.glob("image.*")))))[..., ::-1]
    true_m = np.load(folder / "depth.npz")["depth"]
    estimate = embedded.predict(Photo(np.ascontiguousarray(rgb)), None)
    assert isinstance(estimate.depth, DepthMap)
    z = cv2.resize(estimate.depth.z, true_m.shape[::-1])
    known = true_m > 0

    def error(guess: np.ndarray) -> float:
        ratio = guess[known] / true_m[known]
        return float(np.abs(ratio / np.median(ratio) - 1).mean())

    row = np.repeat(1 / np.linspace(0.25, 1, true_m.shape[0])[:, None], true_m.shape[1], axis=1)
    assert error(z) < 0.5 * error(row)


def test_the_lens_is_halfway_between_the_usual_one_and_what_the_network_sees(embedded: Embedded) -> None:
    rgb = np.full((300, 400, 3), 120, np.uint8)
    told = float(np.exp(embedded.run(rgb)[1][0])) * np.sqrt(300 * 400)
    usual = 200 / np.tan(np.radians(65 / 2))
    camera = embedded.predict(Photo(rgb), None).camera
    assert camera is not None
    assert camera.fx == pytest.approx(np.sqrt(told * usual), rel=1e-4)
    assert camera.fy == camera.fx
