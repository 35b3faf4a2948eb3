"""``blender --command blockout`` and ``blender -b --python addon/headless.py``, in Blender's own program."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from blender.conftest import HEADLESS, TESTED
from blender.window import ENTER, SYSTEM
from PIL import Image

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Return a function that runs Debian's Blender, with the extension installed by a command too, with words."""
    if TESTED != "debian":
        pytest.skip("there is only a bpy module, without Blender's program: make test-blender has it")
    if not (SYSTEM / "ready").exists():
        pytest.skip("there is no Debian with Blender: make test-blender says why, or sets it up")
    base, resources = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("resources")
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(resources), "BLOCKOUT_PYTHON": ""}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        enter = [*ENTER, str(base), "env", "PATH=/usr/bin:/bin", "blender"]
        done = subprocess.run([*enter, *words], env=environment, capture_output=True, text=True, timeout=300)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    archive = shutil.copy(request.getfixturevalue("archive"), resources)
    done = call("--command", "extension", "install-file", "-r", "user_default", "--enable", str(archive))
    assert done.returncode == 0, done.stderr
    return call


def test_the_command_gives_stage_blend_and_picture(command: Command, room: Path, tmp_path: Path) -> None:
    made = [tmp_path / name for name in ("out.usd", "out.blend", "out.png")]
    options = [
        word for option, file in zip(("-o", "--blend", "--render"), made, strict=True) for word in (option, file)
    ]
    done = command("--command", "blockout", str(room / "room.png"), *map(str, options))
    assert done.returncode == 0, done.stderr
    assert all(file.stat().st_size > 0 for file in made)
    with Image.open(made[2]) as picture:
        assert picture.size == (160, 120)
    assert f"wrote        {made[1]}" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(["absent.jpg", "--blend", "x.blend"], 1, "absent.jpg"), (["a.jpg"], 2, "nothing would be kept")],
)
def test_the_commands_exit_codes_are_the_command_lines(
    words: list[str], code: int, said: str, command: Command
) -> None:
    done = command("--command", "blockout", *words)
    assert done.returncode == code
    assert said in done.stderr


def test_the_script_runs_in_blenders_program(command: Command, room: Path) -> None:
    package = shutil.copytree(HEADLESS.parents[1], room / "blockout", ignore=ignore_all_but_the_package)
    done = command("-b", "--python", str(package / "addon" / "headless.py"), "--", "absent.jpg", "--blend", str(room))
    assert done.returncode == 1
    assert "lacks PIL, cv2, shapely, pxr, rich" in done.stderr, "its Python has NumPy, and nothing else that is needed"


def ignore_all_but_the_package(folder: str, names: list[str]) -> set[str]:
    if Path(folder) != HEADLESS.parents[1]:
        return {"__pycache__"} & set(names)
    return {name for name in names if name not in ("addon", "inference", "reconstruct") and not name.endswith(".py")}
