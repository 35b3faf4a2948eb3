"""The command ``blockout dataset synthesize``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra blockout[torch] is not installed")

from blockout.cli import main
from blockout.inference.training import scene_data


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the command asks for, without making it."""
    seen: dict[str, Any] = {}

    def synthesize(folder: Path, count: int, *rest: Any, **options: Any) -> int:
        seen.update(options, folder=folder, count=count, rest=rest)
        return 2

    monkeypatch.setattr(scene_data, "synthesize", synthesize)
    return seen


def test_free_material_in_ray_cast_light_is_what_one_gets(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset", "synthesize", "-o", str(tmp_path), "--count", "256", "--json"]) == 0
    assert asked["licences"] == ("CC0", "MIT-0")
    assert asked["cycles"] == 0
    assert json.loads(capsys.readouterr().out)["made"] == 256


def test_licences_and_cycles_are_handed_over(asked: dict[str, Any], tmp_path: Path) -> None:
    assert main(["dataset", "synthesize", "-o", str(tmp_path), "--licences", "MIT, CC-BY", "--cycles", "0.25"]) == 0
    assert asked["licences"] == ("MIT", "CC-BY")
    assert asked["cycles"] == 0.25


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--cycles", "2", "'2' is not a number from 0 to 1"),
        ("--cycles", "some", "'some' is not a number from 0 to 1"),
        ("--licences", " , ", "names nothing"),
        ("--count", "0", "'0' is not a whole number from 1 up"),
    ],
)
def test_wrong_values_are_told(
    option: str, value: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset", "synthesize", "-o", str(tmp_path), option, value]) == 2
    assert message in capsys.readouterr().err


def test_cycles_without_blender_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BLOCKOUT_BPY_PYTHON", raising=False)
    assert main(["dataset", "synthesize", "-o", str(tmp_path / "set"), "--count", "8", "--cycles", "0.5"]) == 1
    assert "BLOCKOUT_BPY_PYTHON names none" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_material_that_may_not_be_used_is_told_by_workers_too(
    workers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "textures").mkdir()
    command = ["dataset", "synthesize", "-o", str(tmp_path / "set"), "--count", "8", "--material", str(tmp_path)]
    assert main([*command, "--workers", workers]) == 1
    assert "holds no picture under CC0 or MIT-0" in capsys.readouterr().err
