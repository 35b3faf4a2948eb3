"""Blender as a Python module, in a process of its own, for the tests of the add-on."""

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
Call = tuple[str, Mapping[str, Any]]
OFFLINE = ("unshare", "--net")
Blender = Callable[..., list[Any]]


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
def blender(tmp_path_factory: pytest.TempPathFactory) -> Blender:
    """Return a function that runs calls of inside.py in one Blender and returns their answers."""
    try:
        python = find_python()
    except Absent as reason:
        pytest.skip(str(reason))
    resources = tmp_path_factory.mktemp("blender")

    def run(*calls: Call, offline: bool = False, **environment: str) -> list[Any]:
        folder = tmp_path_factory.mktemp("calls")
        (folder / "calls.json").write_text(json.dumps(calls), "utf-8")
        isolated = {"BLENDER_USER_RESOURCES": str(resources), "BLOCKOUT_PYTHON": sys.executable, "PYTHONPATH": ""}
        command = [python, str(INSIDE), str(folder / "calls.json"), str(folder / "answers.json")]
        if offline and can_go_offline():
            command = [*OFFLINE, *command]
        process = subprocess.run(
            command, env=os.environ | isolated | environment, capture_output=True, text=True, timeout=300
        )
        assert process.returncode == 0, process.stdout[-1000:] + process.stderr[-3000:]
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
        summary = {"photo": str(photo), "worked_size_px": [scene.camera.height, scene.camera.width]}
        return {"folder": str(folder), "picture": str(photo), "summary": summary, **prepare(tmp_path / "a.usd", folder)}

    return make
