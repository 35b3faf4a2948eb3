import json
import shutil
from pathlib import Path

import pytest
from blockout.errors import EstimateUnusable, WeightsUnusable
from blockout.inference.hub_segments import output_of
from blockout.inference.photo import read_photo
from blockout.inference.predict import Request
from blockout.inference.prediction import MaskStack
from blockout.inference.registry import Weights
from blockout.pipeline import BuildOptions, photo_to_usd
from blockout.reconstruct.settings import Settings
from networks import LABELS, SEGMENT_FAMILIES, save_network
from validators import WrittenStage, assert_valid_stages


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny network of each family."""
    folder = tmp_path_factory.mktemp("models")
    for family in SEGMENT_FAMILIES:
        save_network(family, folder / family)
    return folder


def find_masks(name: str, folder: Path, room: Path) -> MaskStack:
    from blockout.inference.hub_segments import HubSegments

    found = HubSegments(Weights(name, str(folder), "cpu")).predict(read_photo(room / "room.png"), None).segments
    assert isinstance(found, MaskStack)
    return found


@pytest.mark.parametrize("family", SEGMENT_FAMILIES)
def test_each_family_builds_a_valid_stage(family: str, models: Path, room: Path, tmp_path: Path) -> None:
    request = Request(str(room / "depth.npy"), f"{family}:{models / family}", device="cpu")
    options = BuildOptions(request, Settings(shapes="prism"), preview=False)
    result = photo_to_usd(room / "room.png", tmp_path / "a.usd", options)
    record = json.loads((tmp_path / "a.scene.json").read_text("utf-8"))
    assert record["estimators"][1]["name"] == family
    assert {prism["label"] for prism in record["prisms"]} <= set(LABELS.values())
    absent = assert_valid_stages(WrittenStage(result.stage, result.scene))
    if absent:
        pytest.skip("; ".join(absent))


def test_one_folder_may_hold_no_depth(models: Path, room: Path) -> None:
    from blockout.inference.hub_depth import HubDepth

    with pytest.raises(WeightsUnusable, match="a model of type segformer does no depth estimation"):
        HubDepth(Weights("", str(models / "segformer"), "cpu"))


def test_a_depth_network_finds_no_segments(room: Path, tmp_path: Path) -> None:
    folder = save_network("depth-anything-v2", tmp_path / "depth")
    with pytest.raises(WeightsUnusable, match="a model of type depth_anything does no segmentation"):
        find_masks("", folder, room)


def test_a_network_that_is_sure_of_nothing_says_so(models: Path, room: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(models / "maskformer", folder)
    weights = load_file(folder / "model.safetensors")
    weights["class_predictor.bias"][:] = 0
    weights["class_predictor.bias"][-1] = 1000
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(EstimateUnusable, match="none of the 8 masks is surer than 50%"):
        find_masks("maskformer", folder, room)


def test_oneformer_needs_its_words(models: Path, room: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models / "oneformer", folder)
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").unlink()
    with pytest.raises(WeightsUnusable, match=r"vocab\.json and merges\.txt"):
        find_masks("oneformer", folder, room)


def test_labels_that_no_output_has_are_refused(models: Path, room: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models / "segformer", folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "sky", "9": "road"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsUnusable, match=r"shape|id2label"):
        find_masks("segformer", folder, room)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("facebook/mask2former-swin-tiny-coco-panoptic@1", "panoptic"),
        ("facebook/mask2former-swin-large-cityscapes-instance", "instance"),
        ("facebook/maskformer-swin-tiny-ade", "semantic"),
        ("tue-mps/ade20k_semantic_eomt_large_512", "semantic"),
        ("shi-labs/oneformer_ade20k_swin_tiny", "panoptic"),
        ("my-folder", "panoptic"),
    ],
)
def test_a_checkpoints_name_tells_what_it_was_trained_for(name: str, output: str) -> None:
    assert output_of(name, {}) == output
