"""Blender in a process of its own, for the tests of the add-on.

BLOCKOUT_TESTED names what is tested: nothing is the checkout in a bpy module, "zip" the extension as it is installed in
one, "debian" the same in the Debian of .ci/setup-window, whose Blender is built without USD.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blender.window import ENTER, SYSTEM
from blockout.addon.stage_in import prepare
from blockout.reconstruct.names import Texture
from blockout.reconstruct.scene import Scene
from blockout.reconstruct.usd import write_stage
from PIL import Image
from validators import Absent
from validators.blender import find_python

ROOT = Path(__file__).resolve().parents[2]
HEADLESS = ROOT / "addon" / "headless.py"
INSIDE = Path(__file__).with_name("inside.py")
INSTALL = Path(__file__).with_name("install.py")
TESTED = os.environ.get("BLOCKOUT_TESTED", "")
Call = tuple[str, Mapping[str, Any]]
OFFLINE = ("unshare", "--net")
Blender = Callable[..., list[Any]]
Start = Callable[..., None]


def can_go_offline() -> bool:
    """Return whether a process can be started without a network here."""
    return bool(shutil.which(OFFLINE[0])) and subprocess.run([*OFFLINE, "true"], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def archive() -> Path:
    """Return the newest zip for this machine, or skip."""
    found = sorted((ROOT / "dist").glob("blockout-*-linux_x64.zip"), key=lambda path: path.stat().st_mtime)
    if not found:
        pytest.skip("the extension was not built: make extension")
    newest = max(
        path.stat().st_mtime for room in ("addon", "inference", "reconstruct") for path in ROOT.glob(f"{room}/*.py")
    )
    if found[-1].stat().st_mtime < newest:
        pytest.skip(f"{found[-1].name} is older than the checkout: make extension")
    return found[-1]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Return a function that runs a script of this folder in Blender, with words and variables."""
    base = tmp_path_factory.getbasetemp()

    def words_for_debian(script: Path, offline: bool) -> list[str]:
        shutil.copy(script, base)  # which it sees at the same place
        words = [*ENTER, str(base), "env", "PATH=/usr/bin:/bin", "blender", "-b", "--python-exit-code", "1"]
        return [*words, "--python", str(base / script.name), "--"]

    def words_for_module(script: Path, offline: bool) -> list[str]:
        return [*(OFFLINE if offline and can_go_offline() else ()), python, str(script)]

    if TESTED == "debian":
        python, words_for = "", words_for_debian
        if not (SYSTEM / "ready").exists():
            pytest.skip("there is no Debian with Blender: make test-blender says why, or sets it up")
    else:
        words_for = words_for_module
        try:
            python = find_python()
        except Absent as reason:
            pytest.skip(str(reason))

    def run(script: Path, *words: Path, offline: bool = False, **environment: str) -> None:
        command = [*words_for(script, offline), *map(str, words)]
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]

    return run


@pytest.fixture(scope="session")
def installed(archive: Path, start: Start, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment in which the extension is installed."""
    resources = tmp_path_factory.mktemp("resources")
    environment = {"BLENDER_USER_RESOURCES": str(resources), "PYTHONPATH": "", "BLOCKOUT_PYTHON": ""}
    start(INSTALL, Path(shutil.copy(archive, resources)), **environment)
    assert (resources / "extensions" / "user_default" / "blockout" / "blender_manifest.toml").exists()
    return environment | {"BLOCKOUT_EXTENSION": "bl_ext.user_default.blockout"}


@pytest.fixture(scope="session")
def blender(start: Start, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Blender:
    """Return a function that runs calls of inside.py in one Blender and returns their answers."""
    isolated = {
        "BLENDER_USER_RESOURCES": str(tmp_path_factory.mktemp("blender")),
        "BLOCKOUT_PYTHON": sys.executable,
        "PYTHONPATH": "",
    }
    if TESTED:
        isolated = request.getfixturevalue("installed")

    def run(*calls: Call, offline: bool = False, **environment: str) -> list[Any]:
        if TESTED == "debian" and any(arguments.get("by_usd") for _, arguments in calls):
            pytest.skip("this Blender is built without USD")
        folder = tmp_path_factory.mktemp("calls")
        (folder / "calls.json").write_text(json.dumps(calls), "utf-8")
        start(INSIDE, folder / "calls.json", folder / "answers.json", offline=offline, **(isolated | environment))
        return json.loads((folder / "answers.json").read_text("utf-8"))

    return run


@pytest.fixture(scope="session")
def run_headless(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the headless script with words."""
    try:
        python = find_python()
    except Absent as reason:
        pytest.skip(str(reason))
    temporary = tmp_path_factory.mktemp("temporary")

    def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        isolated = {"BLOCKOUT_PYTHON": sys.executable, "PYTHONPATH": "", "TMPDIR": str(temporary)}
        done = subprocess.run(
            [python, str(HEADLESS), "--", *words],
            env=os.environ | isolated | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "Traceback" not in done.stderr + done.stdout
        assert not list(temporary.glob("blockout-*/")), "a run's folder was left behind"
        return done

    return call


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that writes a scene's stage and prepares it: the worker's event "ready"."""

    def make(scene: Scene, texture: Texture = "colour", backdrop: bool = False) -> dict[str, Any]:
        folder = tmp_path / "prepared"
        folder.mkdir(exist_ok=True)
        photo = tmp_path / "a photo.png"
        Image.fromarray(np.asarray(scene.photo.rgb)).save(photo)
        write_stage(scene, tmp_path / "a.usd", texture=texture, backdrop=backdrop)
        summary = {"photo": str(photo), "photo_size_px": [scene.camera.height, scene.camera.width]}
        return {"folder": str(folder), "picture": str(photo), "summary": summary, **prepare(tmp_path / "a.usd", folder)}

    return make
