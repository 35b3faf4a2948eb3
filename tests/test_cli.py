"""The command line as a user meets it: exit codes, sentences, streams and files."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from blockout import __version__
from blockout.cli import main
from commands import assert_refused, build
from PIL import Image


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return an empty folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


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


def test_the_network_that_ships_is_taken_where_none_is_named(room: Path, out: Path) -> None:
    assert main(["build", str(room / "room.png"), "-o", str(out / "a.usd"), "--no-preview"]) == 0
    sources = json.loads((out / "a.scene.json").read_text("utf-8"))["estimators"]
    assert {source["task"]: source["name"] for source in sources} == dict.fromkeys(
        ("depth", "segments", "camera"), "embedded"
    )


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
