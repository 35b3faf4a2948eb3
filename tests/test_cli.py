"""The command line as a user meets it: exit codes, sentences, streams and files."""

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
from blockout import __version__
from blockout.cli import main
from PIL import Image


def build(room: Path, *more: str | Path, photo: str | Path | None = None) -> int:
    """Run a build with the room's own maps; options in ``more`` come last and win."""
    maps = ["--depth", room / "depth.npy", "--segments", room / "segments.png", "--no-preview"]
    return main(["build", *(str(word) for word in (photo or room / "room.png", *maps, *more))])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return an empty folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def assert_refused(capsys: pytest.CaptureFixture[str], *words: str) -> None:
    """Assert that stderr is one sentence with all of the words, and stdout empty."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("blockout: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"blockout {__version__}\n"


def test_a_build_writes_stage_record_and_preview(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(room / "room.png"), "-o", str(out / "a.usd")]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["a.preview.png", "a.scene.json", "a.usd"]
    captured = capsys.readouterr()
    for word in ("prisms", "faces", "camera", "scale", "limits", "seconds", "Blender", "Maya"):
        assert word in captured.out
    assert captured.err == ""


def test_the_current_folder_gets_the_stage_by_default(room: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(out)
    assert build(room, "--quiet") == 0
    assert (out / "room.usd").is_file()


def test_prisms_alone_where_they_are_asked_for(room: Path, out: Path) -> None:
    for shapes in ("auto", "prism"):
        assert build(room, "--quiet", "--shapes", shapes, "-o", out / f"{shapes}.usd") == 0
    auto, prism = (json.loads((out / f"{name}.scene.json").read_text("utf-8")) for name in ("auto", "prism"))
    assert {solid["shape"] for solid in prism["prisms"]} == {"prism"}
    assert {solid["label"]: solid["shape"] for solid in auto["prisms"]}["post"] == "box"


def test_guessed_faces_are_tinted_on_request(room: Path, out: Path) -> None:
    for options in ([], ["--tint-guessed"]):
        assert build(room, "--quiet", *options, "-o", out / f"a{len(options)}.usda") == 0
    plain, tinted = ((out / f"a{count}.usda").read_text("utf-8") for count in (0, 1))
    assert "GeomSubset" not in plain
    assert "GeomSubset" in tinted


@pytest.mark.parametrize("suffix", [".usd", ".usda", ".usdc", ".usdz"])
def test_the_outputs_suffix_picks_the_format(room: Path, out: Path, suffix: str) -> None:
    stage = out / f"scene{suffix}"
    assert build(room, "-o", stage, "--texture", "photo") == 0
    start = {".usd": b"PXR-USDC", ".usda": b"#usda 1.0", ".usdc": b"PXR-USDC", ".usdz": b"PK"}[suffix]
    assert stage.read_bytes().startswith(start)
    assert (out / "textures").is_dir() == (suffix != ".usdz")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ["PHOTO", "--help"]),
        (["photo.jpg", "--fov", "wide"], ["--fov", "wide"]),
        (["photo.jpg", "--fov", "180"], ["--fov", "180"]),
        (["photo.jpg", "--focal-mm", "-3"], ["--focal-mm", "-3"]),
        (["photo.jpg", "--scale", "0"], ["--scale", "0"]),
        (["photo.jpg", "--scale", "nan"], ["--scale", "nan"]),
        (["photo.jpg", "--detail", "-1"], ["--detail", "-1"]),
        (["photo.jpg", "--scale-reference", "door"], ["LABEL=METRES", "door"]),
        (["photo.jpg", "--fov", "60", "--focal-mm", "35"], ["--fov", "--focal-mm"]),
        (["photo.jpg", "--up", "X"], ["--up", "X"]),
        (["photo.jpg", "--no-such-option"], ["--no-such-option"]),
        (["a.jpg", "b.jpg", "-o", "both.usd"], ["both.usd", "folder"]),
        (["a/x.jpg", "b/x.png"], ["a/x.jpg", "b/x.png"]),
        (["a.jpg", "b.jpg", "--cubes", "c.txt"], ["--cubes", "c.txt"]),
    ],
)
def test_wrong_usage_is_refused(options: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", *options]) == 2
    assert_refused(capsys, *words)


def test_an_output_that_is_no_stage_is_refused(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(room, "-o", out / "scene.obj") == 2
    assert_refused(capsys, "scene.obj", ".usd")
    assert not list(out.iterdir())


def test_an_unknown_estimator_is_refused_with_its_name(
    room: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(room, "-o", out, "--depth", "guesswork") == 2
    assert_refused(capsys, "guesswork", "geometric")


def write_bad_photo(path: Path, fault: str) -> None:
    """Write a file that a build cannot read."""
    good = path.with_suffix(".good.jpg")
    Image.effect_noise((64, 48), 60).convert("RGB").save(good)
    contents = {"empty": b"", "truncated": good.read_bytes()[:700], "text": b"this is no picture"}
    good.unlink()
    if fault == "one pixel":
        Image.new("RGB", (1, 1)).save(path)
    elif fault != "missing":
        path.write_bytes(contents[fault])


@pytest.mark.parametrize("fault", ["missing", "empty", "truncated", "text", "one pixel"])
def test_a_bad_photo_is_refused(fault: str, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "bad one.jpg"
    write_bad_photo(photo, fault)
    assert main(["build", str(photo), "-o", str(out / "x.usd")]) == 1
    assert_refused(capsys, "bad one.jpg")
    assert not list(out.iterdir())


def write_bad_map(room: Path, fault: str) -> None:
    """Spoil one of the room's maps."""
    ids = np.asarray(Image.open(room / "segments.png"))
    depth = np.load(room / "depth.npy")
    if fault == "other aspect":
        np.save(room / "depth.npy", depth[:, :80])
    elif fault == "all NaN":
        np.save(room / "depth.npy", np.full_like(depth, np.nan))
    elif fault == "nothing labelled":
        Image.fromarray(np.zeros_like(ids)).save(room / "segments.png")
    elif fault == "broken png":
        (room / "segments.png").write_bytes((room / "segments.png").read_bytes()[:60])
    else:
        (room / "depth.npy").unlink()


@pytest.mark.parametrize(
    ("fault", "file"),
    [
        ("other aspect", "depth.npy"),
        ("all NaN", "depth.npy"),
        ("nothing labelled", "segments.png"),
        ("broken png", "segments.png"),
        ("missing", "depth.npy"),
    ],
)
def test_a_bad_map_is_refused(fault: str, file: str, room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bad_map(room, fault)
    assert build(room, "-o", out) in (1, 2)
    assert_refused(capsys, file)
    assert not list(out.iterdir())


def test_a_constant_depth_gives_prisms(room: Path, out: Path) -> None:
    np.save(room / "depth.npy", np.full((120, 160), 2.0, np.float32))
    assert build(room, "-o", out) == 0


def test_labels_without_pixels_are_left_out(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (room / "segments.json").write_text('{"1": "floor", "3": "crate", "99": "ghost"}')
    assert build(room, "-o", out) == 0
    assert "ghost" not in (out / "room.scene.json").read_text()


@pytest.mark.parametrize("change", [{"fx": 0}, {"fy": -5}, {"width": 10}, {"cx": "left"}])
def test_an_impossible_camera_is_refused(
    change: dict[str, object], room: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = room / "camera.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert build(room, "-o", out, "--camera", file) == 1
    assert_refused(capsys, "camera.json")


def test_a_missing_output_folder_is_named(room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(room, "-o", tmp_path / "nowhere" / "x.usd") == 1
    assert_refused(capsys, "nowhere")


def test_an_output_that_exists_stays_until_overwrite(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = out / "x.usd"
    stage.write_text("precious")
    assert build(room, "-o", stage) == 1
    assert_refused(capsys, "x.usd", "--overwrite")
    assert [file.read_text() for file in out.iterdir()] == ["precious"]
    assert build(room, "-o", stage, "--overwrite") == 0
    assert stage.read_bytes().startswith(b"PXR-USDC")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_a_read_only_folder_is_named(room: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out.chmod(0o500)
    assert build(room, "-o", out) == 1
    assert_refused(capsys, str(out))


@pytest.mark.parametrize("name", ["zwei Räume.png", "3 rooms.png", "-room.png", "会議室.png", "a%b#c[1].png"])
def test_odd_names_are_taken(name: str, room: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(room)
    shutil.copy("room.png", f"./{name}")
    maps = ["--depth", "depth.npy", "--segments", "segments.png", "--texture", "photo"]
    assert main(["build", "-o", str(out), *maps, "--", name]) == 0
    assert (out / name).with_suffix(".usd").is_file()
    pictures = [file.stem.rsplit("_", 1) for file in sorted((out / "textures").iterdir())]
    assert [kind for _, kind in pictures] == ["photo", "plate"]
    assert len({stem for stem, _ in pictures}) == 1


def test_the_same_input_gives_the_same_bytes(room: Path, tmp_path: Path) -> None:
    contents = []
    for run in ("first", "second"):
        folder = tmp_path / run
        folder.mkdir()
        options = ["--texture", "photo", "--keep-maps", "--cubes", str(folder / "cubes.txt"), "--backdrop"]
        assert main(["build", str(room / "room.png"), "-o", str(folder), *options]) == 0
        files = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        record = json.loads(files.pop(Path("room.scene.json")))
        assert sum(record.pop("seconds").values()) > 0
        contents.append((files, record))
    assert len(contents[0][0]) == 11
    assert contents[0] == contents[1]


def test_vanishing_lines_belong_to_one_photo(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(room / "room.png", room / "again.png")
    (room / "lines.json").write_text('{"y": [[[20, 10], [20, 90]], [[140, 10], [140, 90]]]}')
    words = ["--vanishing-lines", str(room / "lines.json"), "--fov", "60", "-o", str(room), "--no-preview"]
    assert main(["build", str(room / "room.png"), str(room / "again.png"), *words]) == 2
    assert "lines.json belongs to one photo, but 2 were given" in capsys.readouterr().err
    assert main(["build", str(room / "room.png"), *words]) == 0
    assert "from: --fov 60, vanishing lines lines.json" in capsys.readouterr().out


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


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "a.png", "b.png", "-o", str(tmp_path / "no" / "where")]) == 1
    assert_refused(capsys, "where", "cannot be made")
