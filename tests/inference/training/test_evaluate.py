from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.cli import main
from blockout.errors import DatasetUnusable
from blockout.inference.training.evaluate import absolute_relative_error, evaluate, mean_instance_iou, table_of
from blockout.inference.training.scene_data import pack_arrays, write_shard
from blockout.inference.training.synthesis import Studio


def test_a_factor_costs_nothing_and_a_step_does() -> None:
    true = np.full((10, 10), 2.0)
    assert absolute_relative_error(7 * true, true) == 0
    guess = true.copy()
    guess[:4] = 3
    assert np.isclose(absolute_relative_error(guess, true), 0.4 * 0.5)


def test_unknown_depth_does_not_count() -> None:
    true = np.full((4, 4), 2.0)
    true[0], true[1] = 0, np.inf
    guess = np.where(true == 2, 5.0, 99.0)
    assert absolute_relative_error(guess, true) == 0


def test_instance_iou_takes_the_best_segment_for_each() -> None:
    true = np.zeros((10, 20), int)
    true[:, :8], true[:, 12:] = 1, 2
    assert mean_instance_iou(true + 1, true) == 1
    joined = np.where(true > 0, 1, 2)
    assert np.isclose(mean_instance_iou(joined, true), 0.5)


def test_scenes_are_measured_beside_rival_and_floors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shard(tmp_path / "scenes-00000", [pack_arrays(Studio(seed=8).make([0, 1, 2], (96, 128)))])
    rows = evaluate(tmp_path, count=2)
    assert [row["estimator"] for row in rows] == ["embedded", "geometric", "constant", "image row"]
    assert all(row["AbsRel"] > 0 for row in rows)
    assert 0 < rows[0]["kind accuracy"] <= 1
    assert table_of(rows)[0].startswith("| estimator | AbsRel |")
    assert main(["evaluate", str(tmp_path), "--count", "1", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match="neither scenes"):
        evaluate(tmp_path)
