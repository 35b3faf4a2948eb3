"""Scripts of benchmarks/ import each other by bare names; tests of them need what only developers install."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Import a script of benchmarks/ by its name."""
    for package in ("trimesh", "scipy", "embreex", "mapbox_earcut"):
        pytest.importorskip(package, reason=f"{package} is a developers' package: pip install -e '.[dev]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").parent == BENCHMARKS:
            del sys.modules[name]


@pytest.fixture(scope="session")
def scene(script: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one small scene: the first, 96 px wide."""
    scenes, sets = script("scenes"), script("scene_sets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "SIZES", ((72, 96),))
        _, view, picture = scenes.make_scene(0, seed=5)
    folder: Path = tmp_path_factory.mktemp("scenes") / "000_small"
    scenes.write_scene(folder, view, picture)
    return folder
