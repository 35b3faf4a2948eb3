import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from blockout.cli import main
from PIL import Image


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for name, mode in (("cutouts", "RGBA"), ("places", "RGB")):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new(mode, (40, 30), (80 * index, 90, 200)).save(tmp_path / name / f"{index}.png")
    return ["--foregrounds", str(tmp_path / "cutouts"), "--backgrounds", str(tmp_path / "places")]


def compose(folders: list[str], output: Path, *more: str) -> int:
    return main(["dataset", "compose", *folders, "-o", str(output), "--size", "32x48", "--workers", "1", *more])


def test_a_data_set_is_made_measured_and_verified(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose(folders, tmp_path / "set", "--placements", "2", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["samples"], record["foregrounds"], record["skipped"]) == (36, 3, [])
    sheet = tmp_path / "sheet.png"
    assert main(["dataset", "stats", str(tmp_path / "set"), "--sheet", str(sheet), "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["kinds"]["overlay"]["sizes"] == [{"height": 32, "width": 48, "count": 36}]
    assert len(stats["kinds"]["overlay"]["mean"]) == 3
    with Image.open(sheet) as picture:
        assert np.asarray(picture).std() > 0
    assert main(["dataset", "verify", str(tmp_path / "set")]) == 0
    assert capsys.readouterr().out == "verified     36 samples: nothing is wrong\n"


def test_licences_keep_files_out(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compose(folders, tmp_path / "set", "--licences", "CC0") == 2
    assert "--licences: neither" in capsys.readouterr().err
    (tmp_path / "index.csv").write_text(
        "name,licence\ncutouts/0.png,CC0-1.0\ncutouts/1.png,CC-BY-4.0\nplaces/2.png,CC0-1.0\n"
    )
    assert compose(folders, tmp_path / "set", "--licences", "CC0", "--placements", "1", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["samples"], record["foregrounds"], record["backgrounds"]) == (2, 1, 1)


def test_problems_are_named_and_the_exit_code_is_1(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose(folders, tmp_path / "set", "--layout", "tree") == 0
    masks = sorted((tmp_path / "set").glob("bg_*/fg_*/mask/*.jpg"))
    for path in masks[:25]:
        path.unlink()
    capsys.readouterr()
    assert main(["dataset", "verify", str(tmp_path / "set")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert "the mask is missing" in lines[0]
    assert lines[-2] == "... and 5 more, which --json lists"
    assert lines[-1] == "verified     360 samples: 25 problems"


def test_skipped_pictures_are_told(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "cutouts" / "1.png"
    broken.write_bytes(broken.read_bytes()[:50])
    assert compose(folders, tmp_path / "set") == 1
    assert "1.png: the foreground is damaged" in capsys.readouterr().err
    assert compose(folders, tmp_path / "set", "--keep-going", "--placements", "1") == 0
    printed = capsys.readouterr()
    assert "skipped" in printed.err and "1.png" in printed.err
    assert "skipped      1 pictures, named above" in printed.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "8"], "'8' is neither N nor HxW"),
        (["--size", "9x9x9"], "is neither N nor HxW"),
        (["--scale", "0.7", "0.2"], "the first must not be above the second"),
        (["--scale", "0.7", "2"], "more than 1, the whole height"),
        (["--quality", "0"], "not a whole number from 1 to 100"),
        (["--placements", "0"], "not a whole number from 1 up"),
        (["--seed", "-1"], "not a whole number from 0"),
        (["--depth", "geometric", "--background-depths", "x"], "not allowed with"),
        (["--depth", "no-estimator"], "no estimator has this name"),
    ],
)
def test_wrong_options_are_told(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert compose(folders, tmp_path / "set", *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_a_parent_that_is_missing_is_told(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compose(folders, tmp_path / "no" / "set") == 1
    assert "cannot be made (no such folder as" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_was_stopped_goes_on_where_it_was(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    words = ["dataset", "compose", *folders, "-o", str(tmp_path / "set"), "--size", "224", "--placements", "300"]
    words += ["--workers", "2", "--shard-size", "500"]
    started = subprocess.Popen([sys.executable, "-m", "blockout", *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "set").glob("shard-*.tar")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(started.pid, number)
    _, errors = started.communicate(timeout=60)
    assert started.returncode in (130, -number)
    assert "Traceback" not in errors
    assert number == signal.SIGKILL or "interrupted: repeat the command, which goes on from there" in errors
    time.sleep(1)  # workers whose parent was killed end by themselves
    short = [word if word != "2" else "1" for word in words]
    assert main([*short, "--json"]) == 0
    assert 0 < json.loads(capsys.readouterr().out)["resumed"] < 5400
    assert main(["dataset", "verify", str(tmp_path / "set"), "--quiet"]) == 0
