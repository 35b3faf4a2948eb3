import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Script = Callable[[str], ModuleType]


def test_the_mean_leaves_out_what_has_no_value(script: Script) -> None:
    rows = [{"f": 1.0, "empty": np.nan}, {"f": np.nan, "empty": np.nan}, {"f": 2.0, "empty": np.nan}]
    row = script("reconstruction").mean_row(rows, ["f", "empty"])
    assert row["f"] == 1.5 and np.isnan(row["empty"])


def test_without_the_evaluator_it_ends_in_a_sentence(script: Script, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"none\.py is absent, and it does the measuring"):
        script("reconstruction").load_evaluator(tmp_path / "none.py")


def test_a_thing_that_nothing_matches_counts_as_zero(script: Script, scene: Path, shared: Path, tmp_path: Path) -> None:
    reconstruction, rivals = script("reconstruction"), script("scene_rivals")
    evaluator = reconstruction.load_evaluator(shared / "tools" / "evaluate_stage.py")

    def build(prediction: object, path: Path) -> None:
        reconstruction.build_rival(rivals.dense_mesh, prediction, path)

    run = reconstruction.Run("one sheet", build, script("scene_inputs").Faults())
    scores = reconstruction.score_scene(evaluator, run, scene, 0, tmp_path / "sheet.usd")
    classes = json.loads((scene / "segments.json").read_text()).values()
    assert {label for label, *_ in scores["things"].values()} <= set(classes) - evaluator.STUFF
    assert scores["things"] and all(value == 0 for _, value, _ in scores["things"].values())
    assert scores["seconds"] > 0


def test_a_run_prints_means_and_classes(
    script: Script,
    scene: Path,
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    evaluator = shared / "tools" / "evaluate_stage.py"
    arguments = f"--scenes {scene.parent} --detail 0 --rivals --noise --worst 2 --evaluator {evaluator}".split()
    monkeypatch.setattr("sys.argv", ["reconstruction.py", *arguments])
    script("reconstruction").main()
    printed = capsys.readouterr().out
    assert "mean of 1" in printed and "volume IoU of" in printed
    assert "Blockout, detail 0, 5% noise" in printed and "standing boxes, 5% noise" in printed
    assert f"{scene.name}/" in printed.splitlines()[-1]


def test_each_asks_for_every_fault_alone_and_for_all(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    reconstruction = script("reconstruction")
    monkeypatch.setattr("sys.argv", ["reconstruction.py", "--each", "--detail", "0", "2", "--set", "least_gain=0.5"])
    runs = reconstruction.make_runs(reconstruction.parse_arguments())
    assert len(runs) == 8
    assert [str(run.faults) for run in runs[::2]] == ["true depth", "5% noise", "6 px blur", "5% noise + 6 px blur"]
    assert runs[0].build.args[0].least_gain == 0.5 and runs[1].build.args[0].detail == 2
