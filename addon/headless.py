"""Blockout without an interface: ``blender -b --python addon/headless.py -- photo.jpg -o out.usd --blend out.blend``.

Takes the words of ``blockout build``, and --blend FILE|FOLDER and --render FILE|FOLDER. With an installed extension
``blender --command blockout photo.jpg ...`` is the same.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(words: list[str]) -> int:
    """Build blockouts of photos in Blender; return the exit code of the command line.

    Args:
        words: as after ``blockout build``, with --blend and --render.
    """
    from blockout.addon.command import run_command

    return run_command(words)


def _load_package() -> None:
    """Make the folder above importable as blockout, whatever it is called."""
    spec = importlib.util.spec_from_file_location(
        "blockout", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["blockout"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    _load_package()
    sys.exit(main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]))
