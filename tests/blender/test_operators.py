"""The operator in a Blender without windows, where it waits for its worker."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.conftest import TESTED

Blender = Callable[..., list[Any]]


def test_operator_and_plain_function_give_the_same_scene(blender: Blender, room: Path) -> None:
    photo = str(room / "room.png")
    operated, built = blender(("operate", {"photo": photo, "detail": 1}), ("build", {"photo": photo, "detail": 1}))
    assert operated.pop("answer") == ["FINISHED"]
    assert operated == built
    assert any(facts["type"] == "MESH" for facts in operated["objects"].values())


def test_a_picture_that_is_none_is_told_in_words(blender: Blender, tmp_path: Path) -> None:
    photo = tmp_path / "notes.jpg"
    photo.write_text("no picture")
    (found,) = blender(("operate", {"photo": str(photo)}))
    assert "notes.jpg" in found["error"]
    assert "Traceback" not in found["error"]
    assert found["objects"] == {}


def test_no_photo_is_told_in_words(blender: Blender) -> None:
    (found,) = blender(("operate", {"photo": ""}))
    assert "choose a picture" in found["error"]


@pytest.mark.parametrize("area", ["VIEW_3D", "OUTLINER", None])
def test_pictures_may_be_dropped_on_a_viewport(area: str | None, blender: Blender) -> None:
    ((may_drop, suffixes),) = blender(("may_drop", {"area": area}))
    assert may_drop == (area == "VIEW_3D")
    assert set(suffixes.split(";")) >= {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic"}


def test_what_is_dropped_is_built(blender: Blender, room: Path) -> None:
    (room / "other.png").write_bytes((room / "room.png").read_bytes())
    one, both, none = blender(
        ("drop", {"folder": str(room), "names": ["room.png"]}),
        ("drop", {"folder": str(room), "names": ["room.png", "other.png"]}),
        ("drop", {"folder": str(room), "names": ["absent.png"]}),
    )
    assert one["answer"] == both["answer"] == ["FINISHED"]
    assert one["collections"].keys() == {"room"}
    assert both["collections"].keys() == {"room", "other"}
    assert "absent.png" in none["error"]
    assert none["objects"] == {}


def test_the_preferences_button_tells_what_a_python_has(blender: Blender) -> None:
    if TESTED == "debian":
        pytest.skip("it has no other Python")
    (said,) = blender(("check_python", {"outside": sys.executable}))
    assert f"Python {sys.version.split()[0]}" in said
    assert "usd-core" in said
    assert "geometric" in said


def test_a_worker_that_the_system_ends_is_a_report_with_its_log(blender: Blender, room: Path, tmp_path: Path) -> None:
    (told,) = blender(("kill_worker", {"photo": str(room / "room.png")}), TMPDIR=str(tmp_path))
    assert "memory ran out" in told["said"]
    log = Path(told["said"].rpartition("its log is ")[2].rstrip("."))
    assert log.exists()
    assert told["exit_code"] == 1
    assert not list(tmp_path.glob("blockout-*/"))


def test_a_blender_that_is_closed_leaves_neither_process_nor_file(blender: Blender, room: Path, tmp_path: Path) -> None:
    if TESTED == "debian":
        pytest.skip("its processes have numbers of their own")
    (told,) = blender(("leave_in_the_middle", {"photo": str(room / "room.png")}), TMPDIR=str(tmp_path))
    worker = Path("/proc") / str(told["worker"]) / "fd"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (list(tmp_path.glob("blockout-*")) or _is_open(worker)):
        time.sleep(0.1)
    assert not list(tmp_path.glob("blockout-*"))
    assert not _is_open(worker)


def _is_open(folder: Path) -> bool:
    """Return whether a process has open files, which one that has ended has not."""
    try:
        return any(folder.iterdir())
    except OSError:
        return False


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "VERTEX_PAINT", "WEIGHT_PAINT", "TEXTURE_PAINT"])
def test_it_works_from_any_mode(mode: str, blender: Blender, room: Path) -> None:
    (found,) = blender(("operate", {"photo": str(room / "room.png"), "mode": mode}))
    assert found["answer"] == ["FINISHED"]
    assert found["mode"] == "OBJECT"
    assert len(found["objects"]) > 2


@pytest.mark.parametrize("texture", ["photo", "colour"])
def test_the_texture_is_as_asked(blender: Blender, room: Path, texture: str) -> None:
    (found,) = blender(("operate", {"photo": str(room / "room.png"), "texture": texture}))
    assert any(facts["picture"] for facts in found["materials"].values()) == (texture == "photo")
    assert all(path.endswith("room.png") for path in found["unpacked"]), "a texture stayed in the run's folder"
