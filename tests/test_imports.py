"""Which modules load when, proved in fresh processes; and which rooms speak to which, read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import blockout
import pytest

HEAVY = {"torch", "bpy", "pxr", "numpy", "cv2", "PIL", "rich", "shapely", "OpenEXR"}


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh Python has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "statement",
    ["import blockout", "import blockout.cli", "from blockout.cli import main; main(['--help'])"],
    ids=["the package", "the command line", "help"],
)
def test_nothing_heavy_loads_with(statement: str) -> None:
    assert not modules_after(statement) & HEAVY


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("blockout.inference.predict", {"torch", "bpy", "pxr"}),
        ("blockout.reconstruct.build", {"torch", "bpy", "pxr"}),
        ("blockout.reconstruct.report", {"torch", "bpy", "pxr"}),
        ("blockout.reconstruct.usd", {"torch", "bpy"}),
        ("blockout.pipeline", {"torch", "bpy"}),
    ],
)
def test_a_room_does_not_load_what_it_must_not(module: str, forbidden: set[str]) -> None:
    loaded = modules_after(f"import {module}")
    assert "numpy" in loaded
    assert not loaded & forbidden


@pytest.mark.parametrize("module", ["blockout.estimators", "blockout.reconstruct.names"])
def test_what_blenders_interface_loads_needs_no_package_but_its_own(module: str) -> None:
    assert not modules_after(f"import {module}") & (HEAVY - {"numpy"})


def test_inference_does_not_load_reconstruction() -> None:
    script = "import blockout.inference.predict, sys; print([m for m in sys.modules if m.startswith('blockout.rec')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def imports_of(room: str) -> Iterator[tuple[str, str]]:
    """Yield each file of a room with each module of the package that it imports, such as "inference.photo"."""
    root = Path(blockout.__file__).parent
    for file in sorted((root / room).rglob("*.py")):
        package = file.relative_to(root).parts[:-1]
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = package[: len(package) - node.level + 1]
                path = ".".join([*above, *filter(None, [node.module])])
                yield from ((file.name, path) if path else (file.name, name.name) for name in node.names)


OF_EVERYONE = {"__version__", "errors"}
WELCOME = {
    "inference": {"inference"},
    "reconstruct": {"reconstruct", "inference.labels", "inference.prediction", "inference.vanishing"},
    "addon": {"addon", "cli", "cli_options", "estimators", "output", "pipeline", "reconstruct", "summary"},
}


@pytest.mark.parametrize("room", WELCOME)
def test_a_room_speaks_only_to_its_neighbours(room: str) -> None:
    found = set(imports_of(room))
    assert len(found) > 10
    welcome = WELCOME[room] | OF_EVERYONE
    strangers = {(file, path) for file, path in found if not {path, path.partition(".")[0]} & welcome}
    assert strangers == set()
