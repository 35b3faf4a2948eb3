"""Which files of a material folder are used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from blockout.errors import MaterialUnusable
from blockout.inference.training.compose_material import list_pictures
from blockout.inference.training.material_folder import MaterialFolder, is_held_out, name_licence, read_rgba
from blockout.inference.training.material_pictures import gather_materials
from blockout.inference.training.synthesis_patterns import PATTERNS
from PIL import Image

LICENCES = {"free": "CC0-1.0 (Poly Haven)", "zero": "MIT-0 (LICENSE)", "mit": "MIT (LICENSE.md)", "by": "CC-BY-4.0 (X)"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with textures under four licences and one that no index names."""
    (tmp_path / "textures").mkdir()
    rows = ["name,licence,category"]
    for stem in (*LICENCES, "stray"):
        name = next(f"{stem}{n}.png" for n in range(99) if not is_held_out(f"{stem}{n}.png"))
        Image.new("RGB", (16, 16), (200, 10, 10)).save(tmp_path / "textures" / name)
        if stem in LICENCES:
            rows.append(f"textures/{name},{LICENCES[stem]},Wood")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    return tmp_path


def _stems(folder: MaterialFolder) -> set[str]:
    return {path.stem.rstrip("0123456789") for path in folder.files("textures")}


def test_only_what_may_be_used_freely_is_used_unless_told_otherwise(folder: Path) -> None:
    assert _stems(MaterialFolder(folder)) == {"free", "zero"}
    assert len(gather_materials(MaterialFolder(folder)).sides) == PATTERNS + 2


def test_licences_are_named_without_version(folder: Path) -> None:
    assert _stems(MaterialFolder(folder, ("MIT", "CC-BY"))) == {"mit", "by"}
    assert [name_licence(text) for text in ("CC0-1.0 (a; b)", "MIT-0", "BSD-3-Clause style", "")] == [
        "CC0",
        "MIT-0",
        "BSD-3-Clause",
        "",
    ]


def test_any_takes_what_no_index_names(folder: Path) -> None:
    assert _stems(MaterialFolder(folder, ("any",))) == {*LICENCES, "stray"}


def test_training_and_evaluation_share_no_file(folder: Path) -> None:
    for number in range(40):
        Image.new("RGB", (4, 4)).save(folder / "textures" / f"t{number}.png")
    kept, used = (set(MaterialFolder(folder, ("any",), held).files("textures")) for held in (True, False))
    assert kept and used and not kept & used


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    assert read_rgba(tmp_path / "notes.txt") is None
    Image.fromarray(np.full((2, 3), 7, np.uint8)).save(tmp_path / "grey.png")
    assert read_rgba(tmp_path / "grey.png")[0, 0].tolist() == [7, 7, 7, 255]  # type: ignore[index]


def test_composites_take_the_licences_and_the_part_that_are_asked_for(folder: Path) -> None:
    textures = folder / "textures"
    assert len(list_pictures(textures, "backgrounds")) == len(LICENCES) + 1
    free = list_pictures(textures, "backgrounds", ("CC0", "MIT-0"), "training")
    assert {Path(path).stem.rstrip("0123456789") for path in free} == {"free", "zero"}
    for number in range(40):
        Image.new("RGB", (4, 4)).save(textures / f"t{number}.png")
    parts = {part: set(list_pictures(textures, "", part=part)) for part in ("all", "training", "evaluation")}
    assert parts["training"] and parts["evaluation"] and not parts["training"] & parts["evaluation"]
    assert parts["all"] == parts["training"] | parts["evaluation"]


def test_pictures_that_may_not_be_used_are_told(folder: Path) -> None:
    with pytest.raises(MaterialUnusable, match=r"none of 5 pictures .* listed under GPL in .*index\.csv"):
        list_pictures(folder / "textures", "backgrounds", ("GPL",))
