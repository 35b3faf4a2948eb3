"""The published networks from the command line's names to a stage, with weights that mean nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed: pip install 'blockout[torch]'")
pytest.importorskip("h5py", reason="h5py is not installed: pip install 'blockout[torch]'")

from blockout.cli import main
from blockout.inference.predict import Request
from blockout.pipeline import BuildOptions, photo_to_usd
from pxr import Usd

pytestmark = pytest.mark.fixtures


@pytest.fixture
def photo(monodepth, tmp_path: Path) -> Path:
    Image.fromarray(monodepth.picture()).save(tmp_path / "street.png")
    return tmp_path / "street.png"


def test_the_combination_of_2d_3d_becomes_a_stage(photo, tmp_path, deeplab_checkpoint, monodepth_checkpoint) -> None:
    request = Request(depth=f"monodepth:{monodepth_checkpoint}", segments=f"deeplab-cocostuff:{deeplab_checkpoint}")
    result = photo_to_usd(photo, tmp_path, BuildOptions(request=request))
    stage = Usd.Stage.Open(str(result.stage))
    assert stage.GetDefaultPrim()
    assert result.summary["prisms"] > 1
    assert not result.scene.scale.is_metric
    sources = {source["task"]: source for source in result.summary["estimators"]}
    assert (sources["depth"]["name"], sources["segments"]["name"]) == ("monodepth", "deeplab-cocostuff")
    assert sources["depth"]["version"] == monodepth_checkpoint.name
    record = json.loads((tmp_path / "street.scene.json").read_text())
    assert "non-commercial" in json.dumps(record)
    assert "non-commercial" in stage.GetRootLayer().documentation


def test_the_command_line_says_once_what_may_not_be_sold(
    photo, tmp_path, mask_rcnn_checkpoint, monodepth_checkpoint, capsys
) -> None:
    arguments = ["predict", str(photo), "-o", str(tmp_path / "maps")]
    arguments += ["--depth", f"monodepth:{monodepth_checkpoint}", "--segments", "geometric"]
    assert main(arguments) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("licence")]
    assert lines == ["licence      monodepth: for non-commercial use only"]


def test_rooms_become_metric_maps(densedepth, tmp_path, published_densedepth_checkpoint) -> None:
    picture = densedepth.picture((96, 128), densedepth.recipe["image_seeds"][1])
    Image.fromarray(picture).save(tmp_path / "room.png")
    arguments = ["predict", str(tmp_path / "room.png"), "-o", str(tmp_path / "maps")]
    assert main([*arguments, "--depth", f"densedepth:{published_densedepth_checkpoint}"]) == 0
    z = np.load(tmp_path / "maps" / "depth.npy")
    assert z.shape == (96, 128)
    assert json.loads((tmp_path / "maps" / "depth.json").read_text())["is_metric"]
