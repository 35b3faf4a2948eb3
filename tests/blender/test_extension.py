"""The extension as a user gets it: installed from the zip into a Blender of its own, and used without a network."""

import shutil
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
