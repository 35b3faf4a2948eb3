import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from blockout.errors import DatasetUnusable
from blockout.inference.training.compose import compose
from blockout.inference.training.compose_plan import LAYOUTS, Recipe
from blockout.inference.training.dataset_verify import verify_dataset
from blockout.inference.training.shards import ShardWriter, read_shard
from PIL import Image

MASK = "bg_fg_mask/bg001_fg002_03_mask.jpeg"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_composed_is_in_order(recipe: Recipe, tmp_path: Path, layout: str) -> None:
    compose(replace(recipe, layout=layout, size=(96, 96)), tmp_path / "set")
    found = verify_dataset(tmp_path / "set", threads=2)
    assert (found.samples, found.count, found.problems) == (24, 0, ())


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def shrink(path: Path) -> None:
    with Image.open(path) as picture:
        picture.resize((32, 24)).save(path)


def colour(path: Path) -> None:
    with Image.open(path) as picture:
        picture.convert("RGB").save(path)


def move(path: Path) -> None:
    with Image.open(path) as picture:
        picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncate, "bg001_fg002_03: the mask is broken (image file is truncated"),
        (Path.unlink, "bg001_fg002_03: the mask is missing"),
        (shrink, "bg001_fg002_03: sizes differ: background 48 x 64, overlay 48 x 64, mask 24 x 32"),
        (colour, "bg001_fg002_03: the mask has 3 channels"),
        (move, "bg001_fg002_03: the box"),
        (lambda path: path.write_bytes(b"not a picture"), "bg001_fg002_03: the mask is broken (cannot identify"),
        (lambda path: path.write_bytes(b""), "bg001_fg002_03: the mask is broken"),
    ],
)
def test_a_spoilt_member_is_named(recipe: Recipe, tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    compose(replace(recipe, layout="flat"), tmp_path / "set")
    spoil(tmp_path / "set" / MASK)
    found = verify_dataset(tmp_path / "set")
    assert any(problem.startswith(message) for problem in found.problems), found.problems


def test_each_lost_file_of_a_tree_is_named(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, layout="tree"), tmp_path / "set")
    for name in ("bg_1/fg_1/mask/2.jpg", "bg_2/fg_2/overlay/6.jpg"):
        (tmp_path / "set" / name).unlink()
    found = verify_dataset(tmp_path / "set")
    assert found.count == 2
    assert "bg_1/fg_1/2: the mask is missing" in found.problems[0]
    assert "bg_2/fg_2/6: the overlay is missing" in found.problems[1]


def test_lines_and_files_that_do_not_belong_together_are_found(recipe: Recipe, tmp_path: Path) -> None:
    compose(replace(recipe, layout="flat"), tmp_path / "set")
    file_map = tmp_path / "set" / "file_map.txt"
    lines = file_map.read_text().splitlines()
    file_map.write_text("\n".join([*lines[:20], "bg001"]) + "\n")
    problems = " ".join(verify_dataset(tmp_path / "set").problems)
    assert "line 21 of file_map.txt has 1 columns" in problems
    assert "20 samples are there, but dataset.json says 24" in problems
    assert "bg_fg_mask holds 4 files that file_map.txt does not name" in problems


@pytest.mark.parametrize("lost", [3000, 1200])
def test_a_truncated_shard_is_named(recipe: Recipe, tmp_path: Path, lost: int) -> None:
    compose(recipe, tmp_path / "set")
    shard = tmp_path / "set" / "shard-000002.tar"
    os.truncate(shard, shard.stat().st_size - lost)
    problems = " ".join(verify_dataset(tmp_path / "set").problems)
    assert "shard-000002.tar" in problems


def test_a_lost_shard_is_found_by_its_numbers(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    (tmp_path / "set" / "shard-000002.tar").unlink()
    found = verify_dataset(tmp_path / "set")
    assert "samples 10 to 14 are missing" in found.problems[0]
    assert "19 samples are there, but dataset.json says 24" in found.problems[1]


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("mask.png", None, "there is no mask"),
        ("json", b"{", "its JSON is damaged"),
        ("overlay.jpg", b"\xff\xd8\xff", "the overlay is broken"),
    ],
)
def test_a_spoilt_member_of_a_shard_is_named(
    recipe: Recipe, tmp_path: Path, member: str, content: bytes | None, message: str
) -> None:
    compose(recipe, tmp_path / "set")
    path = tmp_path / "set" / "shard-000001.tar"
    samples = list(read_shard(path))
    path.unlink()
    with ShardWriter(path, "json", 5) as shard:
        for index, (key, members) in enumerate(samples):
            if index == 2 and content is None:
                del members[member]
            elif index == 2 and content is not None:
                members[member] = content
            shard.write(key, members)
        shard.finish()
    problems = verify_dataset(tmp_path / "set").problems
    assert any(problem.startswith(f"shard-000001.tar:000000007: {message}") for problem in problems), problems


def test_an_interrupted_data_set_says_how_to_go_on(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    description = tmp_path / "set" / "dataset.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | {"complete": False}))
    assert "repeat the command" in verify_dataset(tmp_path / "set").problems[0]


def test_a_damaged_description_is_an_error(recipe: Recipe, tmp_path: Path) -> None:
    compose(recipe, tmp_path / "set")
    (tmp_path / "set" / "dataset.json").write_text("{")
    with pytest.raises(DatasetUnusable, match=r"dataset\.json: this is not readable JSON"):
        verify_dataset(tmp_path / "set")
