import json
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MapAspectMismatch, PlateUnusable, UsageError, WeightsNotFound, WeightsUnusable
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
    pytest.importorskip("onnxruntime", reason="the extra blockout[onnx] is not installed")
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
    pytest.importorskip("onnxruntime", reason="the extra blockout[onnx] is not installed")
    with pytest.raises(WeightsUnusable, match=r"plate\.png: this is no network in the ONNX format"):
        add_foreground(predict_room(), plate, plate)
    with pytest.raises(WeightsUnusable, match=r"embedded\.onnx: this network does not compare"):
        add_foreground(predict_room(), plate, WEIGHTS)


def test_a_plate_without_a_network_is_a_wrong_option(plate: Path) -> None:
    with pytest.raises(UsageError, match=r"--clean-plate needs the network.*--pair-network"):
        predict(predict_room().photo, Request(clean_plate=plate))


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
