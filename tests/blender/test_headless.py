"""The headless script and the plain function, in a Blender without windows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from validators.blender import find_python

Blender = Callable[..., list[Any]]


def given(room: Path) -> list[str]:
    """Return the options that give a room its maps."""
    names = {"depth": "depth.npy", "segments": "segments.png", "camera": "camera.json"}
    return [word for option, name in names.items() for word in (f"--{option}", str(room / name))]


def test_one_photo_gives_stage_blend_and_picture(run_headless: Callable[..., Any], room: Path, tmp_path: Path) -> None:
    stage, blend, picture = (tmp_path / f"out{suffix}" for suffix in (".usd", ".blend", ".png"))
    places = ["-o", str(stage), "--blend", str(blend), "--render", str(picture)]
    done = run_headless(str(room / "room.png"), *given(room), *places)
    assert done.returncode == 0, done.stderr
    assert stage.stat().st_size > 0
    assert blend.stat().st_size > 0
    with Image.open(picture) as image:
        assert image.size == (160, 120)
        assert len(image.convert("RGB").getcolors(image.width * image.height)) > 10, "nothing was lit"
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    assert lines["prisms"].startswith("4 of 4 segments")
    assert str(blend) in done.stdout


def test_several_photos_give_one_file_each_and_go_on_after_a_bad_one(
    run_headless: Callable[..., Any], room: Path, tmp_path: Path
) -> None:
    other, bad = room / "other.png", room / "bad.png"
    other.write_bytes((room / "room.png").read_bytes())
    bad.write_bytes(b"no picture")
    done = run_headless(str(room / "room.png"), str(bad), str(other), "--blend", str(tmp_path), "--detail", "0")
    assert done.returncode == 1
    assert "bad.png" in done.stderr
    assert {path.name for path in tmp_path.glob("*.blend")} == {"room.blend", "other.blend"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "PHOTO"),
        (("absent.jpg", "--blend", "x.blend"), 1, "absent.jpg"),
        (("a.jpg", "--blend", "no/such/folder.blend"), 1, "folder that exists"),
        (("a.jpg", "--detail", "-1", "--blend", "x.blend"), 2, "--detail"),
        (("a.jpg",), 2, "nothing would be kept"),
        (("a.jpg", "b.jpg", "--blend", "one.blend"), 2, "name a folder"),
    ],
)
def test_wrong_words_give_a_sentence_and_the_command_lines_exit_code(
    words: tuple[str, ...],
    code: int,
    said: str,
    run_headless: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_headless(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_start_is_told_in_words(
    run_headless: Callable[..., Any], room: Path, tmp_path: Path
) -> None:
    done = run_headless(str(room / "room.png"), "--blend", str(tmp_path), BLOCKOUT_PYTHON=str(tmp_path / "python"))
    assert done.returncode == 1
    assert f"{tmp_path / 'python'} cannot be started" in done.stderr


def test_a_python_without_the_packages_is_told_in_words(
    run_headless: Callable[..., Any], room: Path, tmp_path: Path
) -> None:
    done = run_headless(str(room / "room.png"), "--blend", str(tmp_path), BLOCKOUT_PYTHON=find_python())
    assert done.returncode == 1
    assert "lacks" in done.stderr
    assert "pxr" in done.stderr


def test_the_plain_function_gives_the_stages_prisms(blender: Blender, room: Path) -> None:
    (found,) = blender(("build", {"photo": str(room / "room.png"), "more": given(room)}))
    labels = {facts["properties"].get("label") for facts in found["objects"].values() if facts["type"] == "MESH"}
    assert labels == {"floor", "wall", "crate", "post"}
    assert found["resolution"] == [160, 120, 100]
    assert found["collections"].keys() == {"room"}
    assert json.dumps(found["unpacked"]) == json.dumps([str(room / "room.png")])


def test_both_ways_in_give_the_same_from_a_photo(blender: Blender, room: Path) -> None:
    calls = [("build", {"photo": str(room / "room.png"), "more": given(room), "by_usd": way}) for way in (True, False)]
    one, other = blender(*calls)
    assert one["objects"].keys() == other["objects"].keys()
    for name, facts in one["objects"].items():
        for got, told in zip(other["objects"][name]["matrix_world"], facts["matrix_world"], strict=True):
            assert got == pytest.approx(told, abs=1e-5)


def test_thickness_limits_hold(blender: Blender, room: Path) -> None:
    options = {"thickness_range_m": [0.2, 0.5]}
    (found,) = blender(("build", {"photo": str(room / "room.png"), "more": given(room), **options}))
    thicknesses = [f["properties"]["thickness_m"] for f in found["objects"].values() if f["type"] == "MESH"]
    assert all(0.2 - 1e-6 <= value <= 0.5 + 1e-6 for value in thicknesses)
