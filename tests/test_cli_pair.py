import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.cli import main
from blockout.inference.training.scene_data import ARRAYS
from PIL import Image

CONFIG = 'task = "pair"\ndata = "set"\noutput = "run"\nsteps = 4\nbatch = 2\nwarm_up = 1\n'


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a folder with scenes, the backgrounds and the data set made of them, and pair.toml."""
    shard = tmp_path / "scenes" / "scenes-00000"
    shard.mkdir(parents=True)
    chance = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = dict.fromkeys(ARRAYS, np.zeros((3, 1), np.float32))
    arrays["rgb"] = chance.integers(0, 256, (3, 48, 64, 3), np.uint8)
    arrays["depth"] = np.log(np.linspace(2, 6, 3 * 48 * 64, dtype=np.float32)).reshape(3, 48, 64).astype(np.float16)
    for name, values in arrays.items():
        np.save(shard / f"{name}.npy", values)
    (tmp_path / "scenes" / "scenes.json").write_text("{}")
    assert main(["dataset", "backgrounds", str(tmp_path / "scenes"), "-o", str(tmp_path / "places")]) == 0
    (tmp_path / "cutouts").mkdir()
    Image.new("RGBA", (20, 30), (200, 30, 30, 255)).save(tmp_path / "cutouts" / "red.png")
    words = ["--foregrounds", str(tmp_path / "cutouts"), "--backgrounds", str(tmp_path / "places" / "pictures")]
    words += ["--background-depths", str(tmp_path / "places" / "depths"), "--size", "32", "--placements", "2"]
    assert main(["dataset", "compose", *words, "-o", str(tmp_path / "set"), "--workers", "1"]) == 0
    (tmp_path / "pair.toml").write_text(CONFIG)
    capsys.readouterr()
    return tmp_path


def test_scenes_become_backgrounds_with_their_depth(folder: Path) -> None:
    for number in range(3):
        scene = np.load(folder / "scenes" / "scenes-00000" / "rgb.npy")[number]
        with Image.open(folder / "places" / "pictures" / f"{number:06d}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), scene)
    depth = np.load(folder / "places" / "depths" / "000000.npy")
    assert depth[0, 0] == pytest.approx(2, rel=1e-3)


def test_a_pair_network_is_trained_and_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(folder / "pair.toml"), "--quiet"]) == 0
    checkpoint = folder / "run" / "checkpoint.pt"
    assert main(["evaluate", str(folder / "set"), "--network", str(checkpoint), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["samples"] == 12
    assert 0 <= figures["mask_iou"] <= 1
    record = json.loads((folder / "run" / "run.json").read_text())
    assert record["data_facts"]["made_by"] == "blockout dataset compose"


def test_a_rate_is_suggested_and_the_plot_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = folder / "rate.png"
    assert main(["train", str(folder / "pair.toml"), "--find-lr", "--plot", str(plot), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 1e-6 < found["suggested"] < 1
    with Image.open(plot) as picture:
        assert picture.size == (720, 440)
    assert not (folder / "run").exists()


def test_an_unknown_option_of_the_task_is_a_wrong_configuration(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pair.toml").write_text(CONFIG + "[options]\nlosss = 'ssim-dice'\n")
    assert main(["train", str(folder / "pair.toml")]) == 2
    assert "options.losss: the task pair knows only changes, crop, losses" in capsys.readouterr().err
