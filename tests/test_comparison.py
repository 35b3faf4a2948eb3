"""Estimators side by side, from Python and from the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockout.cli import main
from blockout.comparison import compare_estimators
from blockout.errors import MapNotFound, OutputExists
from blockout.inference import geometric
from blockout.inference.prediction import Estimate
from PIL import Image


@pytest.fixture
def maps(room: Path) -> list[str]:
    """Return two depth maps of the room."""
    z = np.load(room / "depth.npy")
    np.save(room / "far.npy", 2 * z)
    return [str(room / "depth.npy"), str(room / "far.npy")]


def test_each_pair_has_a_row_on_one_sheet(room: Path, maps: list[str], tmp_path: Path) -> None:
    segments = ["geometric", str(room / "segments.png")]
    summary = compare_estimators(room / "room.png", maps, segments, tmp_path / "a.png")
    assert [(row["depth"], row["segments"]) for row in summary["rows"]] == [(d, s) for d in maps for s in segments]
    assert all(row["prisms"] > 0 for row in summary["rows"])
    with Image.open(tmp_path / "a.png") as sheet:
        tall = sheet.height
    compare_estimators(room / "room.png", maps[:1], segments[:1], tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as sheet:
        assert tall == pytest.approx(4 * sheet.height, rel=0.05)


def test_an_estimator_runs_once(room: Path, maps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[geometric.Geometric] = []
    predict = geometric.Geometric.predict

    def count(estimator: geometric.Geometric, *given: Any) -> Estimate:
        runs.append(estimator)
        return predict(estimator, *given)

    monkeypatch.setattr(geometric.Geometric, "predict", count)
    compare_estimators(room / "room.png", [*maps, "geometric"], ["geometric"], tmp_path / "a.png")
    assert len(runs) == 1


def test_what_fails_leaves_the_others(room: Path, maps: list[str], tmp_path: Path, capsys) -> None:
    words = ["compare", room / "room.png", "--depth", "nowhere.npy", maps[0], "-o", tmp_path / "a.png", "--json"]
    assert main([str(word) for word in words]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("blockout: nowhere.npy: there is no such file")
    assert captured.err.count("\n") == 1
    failed, built = json.loads(captured.out)["rows"]
    assert "nowhere.npy" in failed["error"]
    assert built["prisms"] > 0
    assert (tmp_path / "a.png").is_file()


def test_where_all_fail_there_is_no_sheet(room: Path, tmp_path: Path) -> None:
    with pytest.raises(MapNotFound):
        compare_estimators(room / "room.png", ["nowhere.npy", "neither.npy"], ["geometric"], tmp_path / "a.png")
    assert not any(tmp_path.glob("*.png"))


def test_a_sheet_that_exists_is_kept(room: Path, maps: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("mine")
    with pytest.raises(OutputExists):
        compare_estimators(room / "room.png", maps, ["geometric"], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_text() == "mine"


def test_the_command_line_tells_each_pair(
    room: Path, maps: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(room / "room.png"), "--depth", *maps]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[4:].split(" + ")[0].strip() for line in lines if line.startswith("pair")] == maps
    assert (tmp_path / "room.comparison.png").is_file()
