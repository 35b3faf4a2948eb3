import json
from pathlib import Path

import numpy as np
import pytest
from blockout.errors import EstimateUnusable, MemoryExhausted, WeightsUnusable
from blockout.inference.embedded import Embedded
from blockout.inference.photo import read_photo
from blockout.inference.predict import Request
from blockout.inference.prediction import Segment, SegmentMap
from blockout.inference.registry import Weights
from blockout.inference.sam import choose_masks, segments_from_tree
from blockout.pipeline import BuildOptions, photo_to_usd
from blockout.reconstruct.settings import Settings
from networks import save_network
from PIL import Image
from validators import WrittenStage, assert_valid_stages

SIZE = (60, 80)
GREY = np.full((*SIZE, 3), 128, np.uint8)
BASE = SegmentMap(
    np.where(np.arange(60)[:, None] < 20, 1, 2).repeat(80, axis=1).astype(np.int32),
    (Segment(1, "wall", "structure"), Segment(2, "floor", "ground")),
)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    logits = np.full(SIZE, -20, np.float16)
    logits[top:bottom, left:right] = 20
    return logits


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network("sam", tmp_path_factory.mktemp("sam"))


def test_a_tiny_network_builds_a_valid_stage(model: Path, room: Path, tmp_path: Path) -> None:
    request = Request(str(room / "depth.npy"), f"sam:{model}", device="cpu")
    options = BuildOptions(request, Settings(shapes="prism"), preview=False, keep_maps=True)
    result = photo_to_usd(room / "room.png", tmp_path / "a.usd", options)
    record = json.loads((tmp_path / "a.scene.json").read_text("utf-8"))
    assert record["estimators"][1]["name"] == "sam"
    base = Embedded().predict(read_photo(room / "room.png"), None).segments
    assert isinstance(base, SegmentMap)
    with Image.open(tmp_path / "a.segments.png") as ids:
        assert np.mean(np.asarray(ids) > base.ids.max()) > 0.1  # what the network's masks were painted with
    absent = assert_valid_stages(WrittenStage(result.stage, result.scene))
    if absent:
        pytest.skip("; ".join(absent))


def test_memory_that_runs_out_takes_fewer_points_at_once(model: Path, room: Path, monkeypatch) -> None:
    from blockout.inference.sam import Sam

    estimator = Sam(Weights("sam", str(model), "cpu"))
    find_masks, tried = estimator._find_masks, []

    def find(rgb: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
        tried.append(batch)
        if batch > 16:
            raise MemoryError
        return find_masks(rgb, batch)

    monkeypatch.setattr(estimator, "_find_masks", find)
    note = estimator.predict(read_photo(room / "room.png"), None).note
    assert tried == [64, 16]
    assert note == "at 16 points a time, since memory ran out at 64"
    monkeypatch.setattr(estimator, "_find_masks", lambda rgb, batch: find(rgb, 64))
    with pytest.raises(MemoryExhausted, match="Memory ran out even at 1 points a time"):
        estimator.predict(read_photo(room / "room.png"), None)


def test_another_network_of_the_family_is_told(model: Path, tmp_path: Path) -> None:
    from blockout.inference.sam import Sam

    config = json.loads((model / "config.json").read_text()) | {"model_type": "sam_hq"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsUnusable, match="a model of type sam_hq, where sam needs sam"):
        Sam(Weights("sam", str(tmp_path), "cpu"))


def test_a_network_that_is_sure_of_nothing_says_so(model: Path, room: Path, tmp_path: Path) -> None:
    import shutil

    from blockout.inference.sam import Sam
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, tmp_path / "net")
    weights = load_file(model / "model.safetensors")
    weights["mask_decoder.iou_prediction_head.proj_out.bias"][:] = -1
    save_file(weights, tmp_path / "net" / "model.safetensors", {"format": "pt"})
    with pytest.raises(EstimateUnusable, match="none of 3072 masks is sure"):
        Sam(Weights("sam", str(tmp_path / "net"), "cpu")).predict(read_photo(room / "room.png"), None)


def test_unsure_shaky_tiny_and_repeated_masks_go() -> None:
    good, again = box(10, 40, 10, 40), box(10, 40, 10, 39)
    shaky = np.where(box(5, 50, 50, 70) > 0, 0.5, -0.5).astype(np.float16)
    logits = np.stack(
        [good, again, shaky, box(3, 4, 3, 4), box(0, 60, 0, 80), box(20, 30, 60, 75), box(40, 50, 60, 75)]
    )
    scores = np.array([0.95, 0.9, 0.95, 0.95, 0.95, 0.97, 0.5])
    assert choose_masks(logits, scores).tolist() == [5, 0]


def test_parts_are_painted_over_their_wholes_and_both_over_the_baseline() -> None:
    logits = np.stack([box(30, 40, 20, 30), box(25, 55, 10, 60), box(32, 36, 22, 26)])
    found = segments_from_tree(logits, np.array([0.9, 0.95, 0.92]), BASE, GREY)
    part, whole, sub = (found.ids[row, column] for row, column in ((38, 28), (50, 50), (34, 24)))
    assert found.ids[5, 5] == 1
    assert found.ids[58, 5] == 2
    by_id = {segment.id: segment for segment in found.segments}
    assert by_id[sub].part_of == part
    assert by_id[part].part_of == whole
    assert by_id[whole].part_of == 0
    assert by_id[whole].score == 0.95
    assert {by_id[i].kind for i in (part, whole, sub)} == {"ground"}


def test_a_whole_without_pixels_of_its_own_is_kept_for_its_parts() -> None:
    logits = np.stack([box(25, 55, 10, 60), box(25, 55, 10, 35), box(25, 55, 35, 60)])
    found = segments_from_tree(logits, np.array([0.9, 0.9, 0.9]), BASE, GREY)
    whole = next(segment.part_of for segment in found.segments if segment.part_of)
    assert whole in {segment.id for segment in found.segments}
    assert not (found.ids == whole).any()
