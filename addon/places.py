"""Where things lie in this Blender: packages, logs, and what a user set in the preferences."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..errors import UsageError

PACKAGE = __package__.removesuffix(".addon")  # the extension's own name: bl_ext.<repository>.blockout, or blockout


@dataclass(frozen=True)
class Told:
    """What a user set in the preferences; without an installed extension, the defaults."""

    python: str = ""
    cache: str = ""
    estimator: str = ""


def preferences() -> Told:
    """Return what is set in the preferences."""
    installed = bpy.context.preferences.addons.get(PACKAGE)
    if installed is None or installed.preferences is None:
        return Told()
    told = installed.preferences
    return Told(bpy.path.abspath(told.python), bpy.path.abspath(told.cache), told.estimator)


def absolute(path: str) -> Path:
    """Return where a path leads that Blender gives, which may begin beside the open file, as //.

    Raises:
        UsageError: it does so, but that file was never saved.
    """
    if path.startswith("//") and not bpy.data.filepath:
        raise UsageError(f"{path} means beside the open file, which was never saved: save that, or give the full path.")
    return Path(bpy.path.abspath(path))


def package_folders() -> list[str]:
    """Return the folder that holds the extension's packages for this Blender's Python, if it is there."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not PACKAGE.startswith("bl_ext."):
        return []
    extensions = Path(__file__).resolve().parents[3]  # <extensions>/<repository>/blockout/addon
    folders = [extensions / ".local" / "lib" / version / "site-packages"]
    folders += [Path(bpy.utils.user_resource("EXTENSIONS")) / ".local" / "lib" / version / "site-packages"]
    return list(dict.fromkeys(str(folder) for folder in folders if folder.is_dir()))


def log_folder() -> Path:
    """Return where the logs of failed runs are kept."""
    if PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(PACKAGE, path="logs", create=True))
    return Path(tempfile.gettempdir())
