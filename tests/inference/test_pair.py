import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MapAspectMismatch, PlateUnusable, WeightsNotFound, WeightsUnusable
from blockout.inference import pair
from blockout.inference.embedded import WEIGHTS
from blockout.inference.pair import add_foreground, see_foreground
from blockout.inference.predict import Request, predict
from blockout.inference.prediction import Camera, DepthMap, Photo, Prediction, Segment, SegmentMap
from blockout.pipeline import BuildOptions, photo_to_usd
from PIL import Image


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")
    from blockout.inference.training.pair_export import export_pair
    from blockout.inference.training.pair_network import PairNetwork

    folder = tmp_path_factory.mktemp("pair")
    torch.manual_seed(0)
    torch.save({"task": "pair", "averaged": PairNetwork().state_dict()}, folder / "checkpoint.pt")
    return export_pair(folder / "checkpoint.pt", folder / "pair.onnx")


def test_the_exported_network_says_what_torch_says(weights: Path) -> None:
    import torch
    from blockout.inference.training.pair_task import load_pair

    chance = np.random.default_rng(0)
    plate, rgb = (chance.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(2))
    mask, depth = see_foreground(plate, rgb, weights)
    network = load_pair(weights.with_name("checkpoint.pt"))
    with torch.inference_mode():
        seen = network(*(torch.from_numpy(p.copy()).permute(2, 0, 1)[None].float() / 255 for p in (plate, rgb)))
    np.testing.assert_allclose(depth, torch.sigmoid(seen["depth"])[0, 0], atol=1e-3)
    assert (mask == (seen["mask"][0, 0] > 0).numpy()).mean() > 0.999


def predict_room() -> Prediction:
    """Return a photo, 96 x 64 px, of a wall (id 1) over a floor (id 2), 4 m away, known up to a factor."""
    ids = np.ones((64, 96), np.int32)
    ids[40:] = 2
    segments = SegmentMap(ids, (Segment(1, "wall", "structure"), Segment(2, "floor", "ground")))
    photo = Photo(np.full((64, 96, 3), 120, np.uint8), path=Path("room.jpg"))
    return Prediction(photo, Camera(80, 80, 48, 32, 64, 96), DepthMap(np.full((64, 96), 4, np.float32)), segments)


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    Image.new("RGB", (96, 64), (120, 120, 120)).save(tmp_path / "plate.png")
    return tmp_path / "plate.png"


def see(monkeypatch: pytest.MonkeyPatch, *boxes: tuple[int, int, int, int]) -> None:
    """Let the network see things at 0.2 of its range in boxes (top, bottom, left, right), the rest at 0.8."""
    mask, depth = np.zeros((64, 96), bool), np.full((64, 96), 0.8, np.float32)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right], depth[top:bottom, left:right] = True, 0.2
    monkeypatch.setattr(pair, "see_foreground", lambda plate, rgb, weights: (mask, depth))


def test_each_thing_in_front_becomes_a_segment_with_its_depth(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, (10, 50, 10, 30), (20, 60, 60, 80))
    found = add_foreground(predict_room(), plate, plate)
    assert [(segment.id, segment.label, segment.kind) for segment in found.segments.segments] == [
        (1, "wall", "structure"),
        (2, "floor", "ground"),
        (3, "foreground", "object"),
        (4, "foreground", "object"),
    ]
    assert (found.segments.ids[10:50, 10:30] == 3).all() and (found.segments.ids[20:60, 60:80] == 4).all()
    assert (found.segments.ids == 3).sum() == 800
    np.testing.assert_allclose(found.depth.z[10:50, 10:30], 1.0, rtol=1e-5)  # 0.2 of what makes 4 m of 0.8
    np.testing.assert_allclose(found.depth.z[:5], 4.0)
    assert found.sources[-1].name == "pair"


def test_specks_of_the_mask_leave_the_background_what_it_was(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, (10, 50, 10, 30), (5, 6, 50, 51), (55, 56, 70, 71))
    found = add_foreground(predict_room(), plate, plate)
    assert [segment.label for segment in found.segments.segments] == ["wall", "floor", "foreground"]
    assert (found.segments.ids == 3).sum() == 800


def test_a_segment_that_is_hidden_altogether_leaves_the_table(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, (40, 64, 0, 96))
    assert [segment.label for segment in add_foreground(predict_room(), plate, plate).segments.segments] == [
        "wall",
        "foreground",
    ]


@pytest.mark.parametrize(
    ("boxes", "message"), [([], "no foreground is seen in room.jpg"), ([(0, 64, 0, 96)], "almost nothing of the plate")]
)
def test_a_plate_that_does_not_fit_is_told(plate: Path, monkeypatch: pytest.MonkeyPatch, boxes, message: str) -> None:
    see(monkeypatch, *boxes)
    with pytest.raises(PlateUnusable, match=message):
        add_foreground(predict_room(), plate, plate)


def test_a_plate_of_another_shape_is_told(tmp_path: Path) -> None:
    Image.new("RGB", (64, 96)).save(tmp_path / "tall.png")
    with pytest.raises(MapAspectMismatch, match=r"tall\.png is 64 x 96 px.*96 x 64"):
        add_foreground(predict_room(), tmp_path / "tall.png", tmp_path / "tall.png")


def test_missing_weights_are_told(plate: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match=r"gone\.onnx"):
        add_foreground(predict_room(), plate, tmp_path / "gone.onnx")


def test_a_file_that_is_no_such_network_is_told(plate: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnusable, match=r"plate\.png: this is no network in the ONNX format"):
        add_foreground(predict_room(), plate, plate)
    with pytest.raises(WeightsUnusable, match=r"embedded\.onnx: this network does not compare"):
        add_foreground(predict_room(), plate, WEIGHTS)


def test_a_plate_is_compared_by_the_network_that_ships(plate: Path) -> None:
    rgb = np.random.default_rng(2).integers(90, 140, (192, 256, 3), np.uint8)
    Image.fromarray(rgb).save(plate)
    rgb = rgb.copy()
    rgb[70:150, 90:150] = (200, 60, 40)
    found = predict(Photo(rgb), Request(clean_plate=plate))
    (thing,) = [segment for segment in found.segments.segments if segment.label == "foreground"]
    mask, true = found.segments.ids == thing.id, np.zeros(rgb.shape[:2], bool)
    true[70:150, 90:150] = True
    assert (mask & true).sum() / (mask | true).sum() > 0.95
    assert found.sources[-1].version == "pair.onnx"


def predict_ground(plate: Path, *, pitch_deg: float = 0.0) -> Prediction:
    """Return a photo, 96 x 64 px, of a ground 1.5 m below the camera and a wall 9 m away."""
    down = np.array([0, np.cos(np.radians(pitch_deg)), -np.sin(np.radians(pitch_deg))])
    camera = Camera(80, 80, 48, 32, 64, 96)
    row, column = np.mgrid[:64, :96] + 0.5
    rays = np.stack([(column - 48) / 80, (row - 32) / 80, np.ones_like(row)], -1)
    fall, ahead = rays @ down, rays @ (np.array([0, 0, 1]) - down[2] * down)
    z = np.minimum(np.where(fall > 0, 1.5 / np.maximum(fall, 1e-9), np.inf), 9 / ahead).astype(np.float32)
    segments = SegmentMap(np.ones((64, 96), np.int32), (Segment(1, "all", "structure"),))
    photo = Photo(np.full((64, 96, 3), 120, np.uint8), path=plate)
    return Prediction(photo, camera, DepthMap(z), segments, gravity_cam=down)


def see_mask(monkeypatch: pytest.MonkeyPatch, *boxes: tuple[int, int, int, int]) -> None:
    """Let a network that tells no depth see things in boxes (top, bottom, left, right)."""
    mask = np.zeros((64, 96), bool)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = True
    monkeypatch.setattr(pair, "see_foreground", lambda plate, rgb, weights: (mask, None))


@pytest.mark.parametrize("pitch_deg", [0.0, -20.0])
def test_what_depth_runs_through_stands_upright_at_its_foot(
    plate: Path, monkeypatch: pytest.MonkeyPatch, pitch_deg: float
) -> None:
    see_mask(monkeypatch, (15, 55, 40, 60))
    given = predict_ground(plate, pitch_deg=pitch_deg)
    found = add_foreground(given, plate, plate)
    row, column = np.mgrid[15:55, 40:60] + 0.5
    points = np.stack([(column - 48) / 80, (row - 32) / 80, np.ones_like(row)], -1) * found.depth.z[15:55, 40:60, None]
    assert given.gravity_cam is not None
    level = points - (points @ given.gravity_cam)[..., None] * given.gravity_cam
    assert np.ptp(level, axis=0).max() < 0.15  # each column stands
    fall = np.array([(55 - 32) / 80, 1]) @ given.gravity_cam[1:]
    assert level[..., 2].mean() == pytest.approx(1.5 / fall * np.cos(np.radians(pitch_deg)) ** 2, rel=0.25)
    outside = np.ones((64, 96), bool)
    outside[15:55, 40:60] = False
    np.testing.assert_array_equal(found.depth.z[outside], given.depth.z[outside])


def test_a_thing_that_the_depth_knows_keeps_its_depth(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see_mask(monkeypatch, (15, 55, 40, 60))
    given = predict_ground(plate)
    z = given.depth.z.copy()
    z[15:55, 40:60] = np.linspace(4.0, 4.2, 20)
    given = replace(given, depth=DepthMap(z))
    np.testing.assert_array_equal(add_foreground(given, plate, plate).depth.z, z)


def test_a_thing_without_any_depth_around_stays_unknown(plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see_mask(monkeypatch, (15, 55, 40, 60))
    given = replace(predict_ground(plate), depth=DepthMap(np.full((64, 96), np.nan, np.float32)))
    assert np.isnan(add_foreground(given, plate, plate).depth.z).all()


def test_a_network_may_tell_the_mask_alone(weights: Path, tmp_path: Path) -> None:
    from blockout.inference.training.pair_export import export_pair

    alone = export_pair(weights.with_name("checkpoint.pt"), tmp_path / "mask.onnx", ("mask",))
    chance = np.random.default_rng(0)
    plate, rgb = (chance.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(2))
    mask, depth = see_foreground(plate, rgb, alone)
    assert depth is None
    np.testing.assert_array_equal(mask, see_foreground(plate, rgb, weights)[0])


def test_a_build_has_a_solid_for_what_the_plate_does_not_show(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = np.random.default_rng(1)
    empty = chance.integers(90, 110, (128, 192, 3), np.uint8)
    full = empty.copy()
    full[40:100, 60:110] = (200, 40, 40)
    for name, picture in (("empty", empty), ("full", full)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    mask = np.zeros((128, 192), bool)
    mask[40:100, 60:110] = True
    depth = np.where(mask, 0.2, 0.5).astype(np.float32)
    monkeypatch.setattr(pair, "see_foreground", lambda *given: (mask, depth))
    request = Request(clean_plate=tmp_path / "empty.png", pair_network=weights)
    result = photo_to_usd(tmp_path / "full.png", tmp_path / "full.usda", BuildOptions(request=request))
    record = json.loads((tmp_path / "full.scene.json").read_text())
    assert "foreground" in json.dumps(record)
    assert any(source["name"] == "pair" for source in result.summary["estimators"])
