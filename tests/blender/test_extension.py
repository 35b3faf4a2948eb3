"""The extension as a user gets it: installed from the zip into a Blender of its own, and used without a network."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from validators.blender import find_python

Blender = Callable[..., list[Any]]
LARGEST_BYTES = 200_000_000


def test_every_zip_is_small_enough(archive: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in archive.parent.glob("blockout-*.zip")}
    assert max(sizes.values()) < LARGEST_BYTES, sizes


def test_the_first_click_gives_a_scene(blender: Blender, installed: dict[str, str], room: Path) -> None:
    (found,) = blender(("operate", {"photo": str(room / "room.png")}), offline=True, **installed)
    assert found.get("error") is None
    solids = [facts for facts in found["objects"].values() if facts["type"] == "MESH"]
    assert len(solids) > 1
    assert found["camera"]
    assert found["resolution"] == [160, 120, 100]


def test_the_worker_is_blenders_own_python_with_the_bundled_packages(
    blender: Blender, installed: dict[str, str]
) -> None:
    (said,) = blender(("check_python", {"outside": ""}), **installed)
    assert find_python() in said
    assert "usd-core" in said.splitlines()[1].partition("; has no")[0]
    assert "torch" in said.partition("; has no")[2]


def test_blenders_without_usd_need_nothing_more(blender: Blender, installed: dict[str, str], room: Path) -> None:
    (found,) = blender(("build", {"photo": str(room / "room.png"), "by_usd": False}), offline=True, **installed)
    assert sum(facts["type"] == "MESH" for facts in found["objects"].values()) > 1


def test_an_extension_whose_packages_are_gone_says_so(
    blender: Blender, installed: dict[str, str], room: Path, tmp_path: Path
) -> None:
    extensions = Path(installed["BLENDER_USER_RESOURCES"]) / "extensions"
    copied = tmp_path / "resources"
    ours = Path("extensions", "user_default", "blockout")
    shutil.copytree(extensions.parent / ours, copied / ours, ignore=shutil.ignore_patterns("wheels"))
    environment = installed | {"BLENDER_USER_RESOURCES": str(copied)}
    (found,) = blender(("operate", {"photo": str(room / "room.png")}), **environment)
    assert "lacks" in found["error"]
    assert found["objects"] == {}


def test_the_preferred_estimator_stands_for_the_default(blender: Blender, installed: dict[str, str]) -> None:
    chosen, none = blender(("prefer", {"estimator": "geometric"}), ("prefer", {"estimator": "DEFAULT"}), **installed)
    assert chosen[-4:] == ["--depth", "geometric", "--segments", "geometric"]
    assert not {"--depth", "--segments"} & set(none)


def test_the_cache_is_where_the_work_lies(
    blender: Blender, installed: dict[str, str], room: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    photo = str(room / "room.png")
    _, absent = blender(("prefer", {"cache": str(cache)}), ("operate", {"photo": photo}), **installed)
    assert f"no folder can be made in {cache} (no such file or directory)" in absent["error"]
    cache.mkdir()
    _, found = blender(("prefer", {"cache": str(cache)}), ("operate", {"photo": photo}), **installed)
    assert found["answer"] == ["FINISHED"]
    assert list(cache.iterdir()) == []


def test_an_outside_python_does_the_work(blender: Blender, installed: dict[str, str], room: Path) -> None:
    calls = [("prefer", {"python": python}) for python in (sys.executable, "/bin/false")]
    operate = ("operate", {"photo": str(room / "room.png")})
    _, found, _, refused = blender(calls[0], operate, calls[1], operate, **installed)
    assert found["answer"] == ["FINISHED"]
    assert "exit code 1" in refused["error"]
