import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from blockout import pipeline
from blockout.cli import main
from blockout.errors import LibraryMissing
from commands import assert_refused, build
from PIL import Image


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return an empty folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_several_photos_go_on_after_a_bad_one(room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(room / "room.png", room / "again.png")
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    photos = [str(room / "room.png"), str(bad), str(room / "again.png")]
    assert main(["build", *photos, "-o", str(tmp_path / "new"), "--no-preview"]) == 1
    stages = sorted(file.name for file in (tmp_path / "new").glob("*.usd"))
    assert stages == ["again.usd", "room.usd"]
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "bad.png" in captured.err
    assert "room.png" in captured.out
    assert "failed" in captured.out


def test_a_folder_made_for_nothing_is_taken_back(tmp_path: Path) -> None:
    assert main(["build", "missing1.png", "missing2.png", "-o", str(tmp_path / "new")]) == 1
    assert not (tmp_path / "new").exists()


def test_json_is_one_object_on_stdout(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(room, "-o", out, "--json", "--fov", "60") == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert captured.err == ""
    assert summary["camera"]["fov_deg"] == 60
    assert "--fov" in summary["camera"]["source"]
    assert summary["prisms"] >= 3
    assert summary["faces"] > summary["prisms"] * 5
    assert [Path(file).exists() for file in summary["files"]] == [True, True]
    assert set(summary["limits"])


def test_json_tells_failures_of_several(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(room / "room.png"), str(room / "none.png"), "-o", str(out), "--json", "--quiet"]) == 1
    made, failed = json.loads(capsys.readouterr().out)
    assert made["prisms"] > 0
    assert failed["exit_code"] == 1
    assert "none.png" in failed["error"]


def test_progress_json_is_one_event_a_line_on_stderr(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(room / "room.png"), "-o", str(out), "--progress", "json"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    events = [json.loads(line) for line in captured.err.splitlines()]
    assert events[0]["event"] == "begin"
    assert {event["event"] for event in events[1:-1]} == {"stage"}
    assert all(0 <= event["fraction"] <= 1 for event in events[1:-1])
    assert len({event["stage"] for event in events[1:-1]}) >= 5
    assert events[-1]["event"] == "done"
    assert events[-1]["prisms"] > 0


def test_progress_json_tells_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "missing.jpg", "-o", str(tmp_path), "--progress", "json", "--verbose"]) == 1
    last = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (last["event"], last["exit_code"]) == ("error", 1)
    assert "missing.jpg" in last["message"]


def test_quiet_prints_nothing(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(room, "-o", out, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_our_own_mistake_is_a_sentence_and_with_verbose_a_traceback(
    room: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by design")

    monkeypatch.setattr("blockout.pipeline.reconstruct", fail)
    assert build(room, "-o", out) == 1
    assert_refused(capsys, "by design", "report", "--verbose")
    assert build(room, "-o", out, "--verbose") == 1
    assert "Traceback" in capsys.readouterr().err
    assert not list(out.iterdir())


def test_want_of_memory_is_no_mistake_of_ours(
    room: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("blockout.pipeline.reconstruct", fail)
    assert build(room, "-o", out) == 1
    assert_refused(capsys, "room.png", "more memory than is free", "fewer megapixels")
    assert not list(out.iterdir())


def test_painted_maps_are_taken_back(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps = out / "maps"
    assert main(["predict", str(room / "room.png"), "-o", str(maps), "--fov", "67.38"]) == 0
    assert "segments.png" in capsys.readouterr().out
    ids = np.array(Image.open(maps / "segments.png"))
    assert ids.shape == (120, 160)
    ids[20:60, 20:60] = 250
    Image.fromarray(ids).save(maps / "segments.png")
    labels = json.loads((maps / "segments.json").read_text())
    (maps / "segments.json").write_text(json.dumps(labels | {"250": "painted"}))
    words = ["--depth", maps / "depth.npy", "--segments", maps / "segments.png", "--camera", maps / "camera.json"]
    assert main(["build", str(room / "room.png"), "-o", str(out), "--json", *map(str, words)]) == 0
    assert json.loads(capsys.readouterr().out)["camera"]["fov_deg"] == pytest.approx(67.38, abs=0.01)
    record = json.loads((out / "room.scene.json").read_text())
    assert "painted" in {prism["label"] for prism in record["prisms"]}


def test_kept_maps_give_the_same_stage_again(room: Path, out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    photo = str(room / "room.png")
    assert main(["build", photo, "-o", str(out / "x.usda"), "--keep-maps", "--detail", "0"]) == 0
    words = ["--depth", "x.depth.npy", "--segments", "x.segments.png", "--camera", "x.camera.json"]
    maps = [word if word.startswith("--") else str(out / word) for word in words]
    assert main(["build", photo, "-o", str(again / "x.usda"), *maps, "--detail", "0"]) == 0
    first, second = (json.loads((folder / "x.scene.json").read_text())["prisms"] for folder in (out, again))
    assert [prism["name"] for prism in first] == [prism["name"] for prism in second]


def test_a_scale_reference_sets_the_height(room: Path, out: Path) -> None:
    assert build(room, "-o", out, "--scale-reference", "post=2.6", "--detail", "0") == 0
    record = json.loads((out / "room.scene.json").read_text())
    (post,) = (prism for prism in record["prisms"] if prism["label"] == "post")
    assert post["height_m"] == pytest.approx(2.6, rel=0.05)


def test_a_maya_script_lies_beside_the_stage_when_asked_for(room: Path, out: Path) -> None:
    assert build(room, "-o", out) == 0
    assert not list(out.glob("*.maya.py"))
    assert build(room, "-o", out, "--maya-script", "--overwrite") == 0
    (script,) = out.glob("*.maya.py")
    compile(script.read_text("ascii"), str(script), "exec")


def test_cubes_hold_one_entry_a_segment(room: Path, out: Path) -> None:
    assert build(room, "-o", out, "--cubes", out / "cubes.txt") == 0
    assert "Cube" in (out / "cubes.txt").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_behind(number: signal.Signals, tmp_path: Path, out: Path) -> None:
    photo = tmp_path / "large.png"
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(photo)
    words = [sys.executable, "-m", "blockout", "build", str(photo), "-o", str(out), "--progress", "json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line).get("stage") not in (None, "photo"):
            break
    time.sleep(0.1)
    process.send_signal(number)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert json.loads(rest.splitlines()[-1])["exit_code"] == 130
    assert "Traceback" not in rest
    assert not list(out.iterdir())


def test_an_interruption_that_a_library_makes_an_error_of_is_still_one(
    room: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except KeyboardInterrupt:
            raise LibraryMissing("a library does not load (initialization failed): install it") from None

    monkeypatch.setattr(pipeline, "photo_to_usd", load)
    assert main(["build", str(room / "room.png"), "-o", str(out)]) == 130
    assert "room.png: interrupted: nothing was written." in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "a.png", "b.png", "-o", str(tmp_path / "no" / "where")]) == 1
    assert_refused(capsys, "where", "cannot be made")
