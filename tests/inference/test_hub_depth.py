import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from blockout.cli import main
from blockout.errors import EstimateUnusable, LibraryMissing, WeightsNotFound, WeightsUnusable
from blockout.inference import torch_runtime
from blockout.inference.camera import camera_from_fov
from blockout.inference.photo import read_photo
from blockout.inference.predict import Request
from blockout.inference.prediction import DepthMap, DisparityMap, Estimate
from blockout.inference.registry import Weights
from blockout.pipeline import BuildOptions, photo_to_usd
from blockout.reconstruct.settings import Settings
from networks import DEPTH_FAMILIES, save_network
from validators import WrittenStage, assert_valid_stages

PRISMS = Settings(shapes="prism")  # of depth that is noise nothing else is made


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny network of each family."""
    folder = tmp_path_factory.mktemp("models")
    for family in DEPTH_FAMILIES:
        save_network(family, folder / family)
    return folder


def estimate(name: str, folder: Path, room: Path, fov_deg: float | None = None) -> Estimate:
    from blockout.inference.hub_depth import HubDepth

    photo = read_photo(room / "room.png")
    camera = camera_from_fov(fov_deg, photo.size) if fov_deg else None
    return HubDepth(Weights(name, str(folder), "cpu")).predict(photo, camera)


@pytest.mark.parametrize("family", DEPTH_FAMILIES)
def test_each_family_builds_a_valid_stage(family: str, models: Path, room: Path, tmp_path: Path) -> None:
    request = Request(f"{family}:{models / family}", str(room / "segments.png"), device="cpu")
    result = photo_to_usd(room / "room.png", tmp_path / "a.usd", BuildOptions(request, PRISMS, preview=False))
    record = json.loads((tmp_path / "a.scene.json").read_text("utf-8"))
    source = record["estimators"][0]
    assert (source["task"], source["name"], source["version"]) == ("depth", family, family)
    assert "licence unknown" in source["licence"]
    absent = assert_valid_stages(WrittenStage(result.stage, result.scene))
    if absent:
        pytest.skip("; ".join(absent))


def test_a_folder_needs_no_name(models: Path, room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = str(tmp_path / "a.usd")
    maps = ["--depth", str(models / "dpt"), "--segments", str(room / "segments.png"), "--device", "cpu"]
    assert main(["build", str(room / "room.png"), *maps, "--no-preview", "-o", stage]) == 0
    assert "disparity's shift" in capsys.readouterr().out


def test_relative_and_metric_depth_are_told_apart(models: Path, room: Path, tmp_path: Path) -> None:
    assert isinstance(estimate("dpt", models / "dpt", room).depth, DisparityMap)
    metric = save_network("depth-anything-v2", tmp_path / "m", depth_estimation_type="metric", max_depth=20)
    for depth in (
        estimate("depth-anything-v2", metric, room).depth,
        estimate("zoedepth", models / "zoedepth", room).depth,
    ):
        assert isinstance(depth, DepthMap)
        assert depth.is_metric


def test_depth_pro_sees_the_camera_and_agrees_with_a_known_one(models: Path, room: Path) -> None:
    free = estimate("depth-pro", models / "depth-pro", room)
    narrow, wide = (estimate("depth-pro", models / "depth-pro", room, fov_deg).depth for fov_deg in (30, 60))
    assert isinstance(narrow, DepthMap)
    assert isinstance(wide, DepthMap)
    ratio = np.tan(np.radians(30)) / np.tan(np.radians(15))
    inside = (wide.z > 0.01) & (wide.z < 100)
    np.testing.assert_allclose((narrow.z / wide.z)[inside], ratio, rtol=1e-4)
    assert free.camera is None or 1 < free.camera.fov_deg < 175


def test_a_mirrored_margin_is_cut_off_again(models: Path, room: Path) -> None:
    from blockout.inference.network_input import RECIPES, choose_size, crop_margins, margins

    recipe = RECIPES["zoedepth"]
    rows, columns = margins(recipe, (120, 160))
    assert (rows, columns) == (23, 26)
    assert choose_size(recipe, (120 + 2 * rows, 160 + 2 * columns)) == (384, 480)
    ramp = np.broadcast_to(np.arange(480.0), (384, 480))
    inner = crop_margins(ramp, recipe, (120, 160))
    assert inner[0, 0] == pytest.approx(26 / 212 * 480, abs=1)
    assert inner[0, -1] == pytest.approx(186 / 212 * 480, abs=1.5)


@pytest.mark.parametrize(
    ("size", "expected"), [((600, 800), (518, 686)), ((800, 600), (686, 518)), ((100, 100), (518, 518))]
)
def test_the_input_is_as_large_as_the_published_networks(size: tuple[int, int], expected: tuple[int, int]) -> None:
    from blockout.inference.network_input import RECIPES, choose_size

    assert choose_size(RECIPES["depth_anything"], size) == expected


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def truncate(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def make_text(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")


def drop_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def rename_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["elsewhere"] = weights.pop("head.head.0.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def reshape_weight(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"fusion_hidden_size": 24}))


def other_type(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}')


def empty_preprocessor(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text('{"image_std": [0, 0, 0]}')


def drop_shard(folder: Path) -> None:
    index = {"metadata": {}, "weight_map": {"head.head.0.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (break_config, ["config.json"]),
        (truncate, ["does not load"]),
        (make_text, ["does not load"]),
        (drop_weights, ["does not load"]),
        (rename_weight, ["head.head.0.weight", "missing"]),
        (reshape_weight, ["another shape"]),
        (other_type, ["bert"]),
        (empty_preprocessor, ["preprocessor_config.json", "image_std"]),
        (drop_shard, ["does not load", "model-00001-of-00002.safetensors"]),
    ],
)
def test_a_broken_model_is_one_sentence(
    spoil: object, words: list[str], models: Path, room: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models / "dpt", folder)
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(WeightsUnusable) as caught:
        estimate("", folder, room)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_weights_that_are_not_numbers_are_told(models: Path, room: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(models / "dpt", folder)
    weights = load_file(folder / "model.safetensors")
    weights["head.head.4.bias"][:] = np.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(EstimateUnusable, match=r"100% of the output predicted_depth is not finite"):
        estimate("dpt", folder, room)


def test_a_model_of_another_name_is_refused(models: Path, room: Path) -> None:
    with pytest.raises(WeightsUnusable, match="type dpt, where zoedepth needs zoedepth"):
        estimate("zoedepth", models / "dpt", room)


def test_an_id_that_is_not_here_names_the_command_that_fetches_it(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers", reason="pip install 'blockout[torch]'")
    for argument in ("nobody/no-such-model", "dpt:nobody/no-such-model"):
        assert main(["build", str(room / "room.png"), "--depth", argument]) == 1
        said = capsys.readouterr().err
        assert "blockout models fetch nobody/no-such-model" in said
        assert said.count("\n") == 1


def test_without_the_library_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch, room: Path) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(torch_runtime.importlib, "import_module", refuse)
    with pytest.raises(LibraryMissing, match=r"dpt needs the library torch, .*pip install 'blockout\[torch\]'"):
        estimate("dpt", Path("nowhere"), room)


def test_a_folder_without_a_model_is_told(tmp_path: Path, room: Path) -> None:
    pytest.importorskip("transformers", reason="pip install 'blockout[torch]'")
    (tmp_path / "file").touch()
    for path, error in (
        (tmp_path, WeightsUnusable),
        (tmp_path / "file", WeightsUnusable),
        (tmp_path / "no", WeightsNotFound),  # neither a folder nor an id that could be fetched
    ):
        with pytest.raises(error, match=re.escape(str(path))):
            estimate("dpt", path, room)
