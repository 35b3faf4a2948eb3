"""The operator in a Blender without windows, where it waits for its worker."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def test_the_preferences_button_tells_what_a_python_has(blender: Blender) -> None:
    (said,) = blender(("check_python", {"outside": sys.executable}))
    assert f"Python {sys.version.split()[0]}" in said
    assert "usd-core" in said
    assert "geometric" in said


@pytest.mark.parametrize("texture", ["photo", "colour"])
def test_the_texture_is_as_asked(blender: Blender, room: Path, texture: str) -> None:
    (found,) = blender(("operate", {"photo": str(room / "room.png"), "texture": texture}))
    assert any(facts["picture"] for facts in found["materials"].values()) == (texture == "photo")
    assert all(path.endswith("room.png") for path in found["unpacked"]), "a texture stayed in the run's folder"
