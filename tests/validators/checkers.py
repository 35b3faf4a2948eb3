"""Checkers that judge a stage by rules: the project's acceptance checker and Omniverse's asset validator."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from .written import Absent, WrittenStage

CHECK_STAGE = Path(__file__).resolve().parents[3] / "shared" / "tools" / "check_stage.py"
RULES = """
import json, sys
sys.path.insert(0, sys.argv[1])
from check_stage import check_stage
reports = [check_stage(path, photo) for path, photo in json.load(sys.stdin)]
print(json.dumps([[report.issues, report.validators] for report in reports]))
"""
OMNIVERSE = """
import json, logging, sys
logging.disable(logging.INFO)
from omni.asset_validator import ValidationEngine
engine = ValidationEngine()
print(json.dumps([
    [f"{issue.severity.name} {issue.rule.__name__ if issue.rule else ''}: {issue.message}" for issue in found.issues()]
    for found in map(engine.validate, json.load(sys.stdin))
]))
"""


def check_by_rules(stages: Sequence[WrittenStage]) -> None:
    """Assert that neither the acceptance checker nor USD's own validators have an issue with a stage."""
    if not CHECK_STAGE.exists():
        raise Absent(f"check_stage.py did not judge: {CHECK_STAGE} is absent")
    with tempfile.TemporaryDirectory() as folder:
        jobs = [(str(stage.path), write_photo(stage, Path(folder))) for stage in stages]
        reports = run_python(RULES, jobs, str(CHECK_STAGE.parent))
    for stage, (issues, validators) in zip(stages, reports, strict=True):
        assert validators == [], stage.path
        if stage.up == "Z":  # asked for: the rule is about what is written when nobody asks
            issues = [issue for issue in issues if issue["rule"] != "meta.upAxis"]
        assert issues == [], stage.path


def write_photo(stage: WrittenStage, folder: Path) -> str:
    """Write a picture of the photo's size, and return its path."""
    camera = stage.scene.camera
    path = folder / f"{camera.width}x{camera.height}.png"
    Image.new("L", (camera.width, camera.height)).save(path)
    return str(path)


def check_in_omniverse(stages: Sequence[WrittenStage]) -> None:
    """Assert that Omniverse's asset validator has nothing to say about a stage, by all of its rules but one.

    A .usda was asked for, so its text is not held against it (UsdAsciiPerformanceChecker wants crate files).
    """
    if importlib.util.find_spec("omni") is None:
        raise Absent("Omniverse's asset validator did not judge: pip install omniverse-asset-validator")
    found = run_python(OMNIVERSE, [str(stage.path) for stage in stages])
    for stage, issues in zip(stages, found, strict=True):
        if stage.path.suffix == ".usda":
            issues = [issue for issue in issues if "UsdAsciiPerformanceChecker" not in issue]
        assert issues == [], stage.path


def run_python(program: str, given: Any, *arguments: str) -> Any:
    """Run a program apart, so that its imports and logging stay there; JSON goes in and comes out."""
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout.splitlines()[-1])
